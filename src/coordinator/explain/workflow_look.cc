#include "coordinator/explain/workflow_look.h"

#include <optional>
#include <utility>

#include "coordinator/asking/idle_workflows.h"
#include "coordinator/asking/workflow_inquiry.h"
#include "coordinator/clock_check.h"
#include "coordinator/failover/selection.h"
#include "store/workflow_instance_store.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

using namespace workflow_state;

constexpr int kTries = 3;  // while rows change under our eyes

// Only these can be nobody's, and only if they have no command.
bool may_be_lost(const KnownWorkflow& known) {
    return known.commands.empty() &&
           (is_unfinished(known.row.state) || known.row.state == kSubmitted);
}

AskOptions about_all(const ExplainOptions& options) {
    AskOptions ask = options.ask;
    ask.limit = std::ssize(options.ids);
    return ask;
}

}  // namespace

WorkflowLook::WorkflowLook(const RunContext& context, const FirstLook& first,
                           const ExplainOptions& options)
    : context_(context), first_(first), options_(options) {}

std::map<std::int64_t, KnownWorkflow> WorkflowLook::look() {
    read();
    std::optional<WorkflowInquiry> inquiry;
    if (context_.servers) {
        inquiry.emplace(context_, about_all(options_));
        for (int tries = 1; !ask(*inquiry) && tries < kTries;) ++tries;
        find_idle();
    }
    judge_unfinished();
    look_at_families(inquiry ? &*inquiry : nullptr);
    return std::move(known_);
}

// Commands first, as every reading does (selection.cc).
void WorkflowLook::read() {
    CommandStore commands(context_.store());
    first_.watch->look(commands);
    std::map<std::int64_t, KnownWorkflow> before = std::exchange(known_, {});
    for (WorkflowInstance& row :
         WorkflowInstanceStore(context_.store()).by_ids(options_.ids, false)) {
        if (row.state == kFailover) first_.watch->note(row.id);
        KnownWorkflow& known = known_[row.id];
        known.row = std::move(row);
        if (const auto found = before.find(known.row.id); found != before.end())
            known.said = found->second.said;
    }
    for (WaitingCommand& command : commands.for_workflows(ids()))
        known_.at(command.workflow_instance_id).commands.push_back(command);
}

std::vector<std::int64_t> WorkflowLook::ids() const {
    std::vector<std::int64_t> ids;
    for (const auto& [id, known] : known_) ids.push_back(id);
    return ids;
}

// False where a row that no master holds changed meanwhile: it must be asked about again.
bool WorkflowLook::ask(WorkflowInquiry& inquiry) {
    const EpochMs at = now_ms();
    std::vector<std::int64_t> doubtful, others;
    for (const auto& [id, known] : known_) {
        if (may_be_lost(known)) inquiry.saw_without_command(known.row, at);
        (may_be_lost(known) ? doubtful : others).push_back(id);
    }
    const auto note = [&](const std::vector<std::int64_t>& asked,
                          const std::vector<MastersSaid>& said) {
        for (std::size_t i = 0; i < asked.size(); ++i) known_.at(asked[i]).said = said[i];
    };
    if (!others.empty()) note(others, inquiry.ask_once(others));
    if (!doubtful.empty()) note(doubtful, inquiry.ask(doubtful));
    const auto asked_about = known_;
    read();
    bool same = true;
    for (auto& [id, known] : known_) {
        const auto before = asked_about.find(id);
        if (known.said.answer != MasterAnswer::not_held || before == asked_about.end()) continue;
        if (is_as_read(known.row, before->second.row) &&
            known.commands.empty() == before->second.commands.empty())
            continue;
        known.said = {MasterAnswer::unanswered, ""};
        same = false;
    }
    return same;
}

void WorkflowLook::find_idle() {
    std::vector<WorkflowInstance> held;
    for (const auto& [id, known] : known_)
        if (known.said.answer == MasterAnswer::held && is_unfinished(known.row.state))
            held.push_back(known.row);
    if (held.empty()) return;
    const EpochMs clock = latest_clock(context_.database);
    for (const std::int64_t id : idle_among(context_, held, clock, options_.ask.timeout))
        known_.at(id).said.answer = MasterAnswer::held_idle;
}

void WorkflowLook::judge_unfinished() {
    std::vector<std::int64_t> unfinished;
    for (const auto& [id, known] : known_)
        if (is_unfinished(known.row.state)) unfinished.push_back(id);
    if (unfinished.empty()) return;
    SelectionRequest request = first_.request(latest_clock(context_.database), false);
    request.ids = unfinished;
    request.judged = [&](const WorkflowInstance& row, const AddressFacts& facts,
                         const Evidence& evidence) {
        KnownWorkflow& known = known_.at(row.id);
        // Read once more: an answer about another row is none about this one.
        if (!is_as_read(row, known.row) && known.said.answer == MasterAnswer::not_held)
            known.said = {MasterAnswer::unanswered, ""};
        known.row = row;
        known.facts = facts;
        known.evidence = evidence;
        known.evidence.answer = known.said.answer;
        known.judgement = judge(row, facts, known.evidence);
    };
    read_selection(context_, first_.servers, request, {});
}

void WorkflowLook::look_at_families(WorkflowInquiry* inquiry) {
    std::vector<FamilyMember> members;
    for (const auto& [id, known] : known_)
        if (known.judgement && known.judgement->verdict == Verdict::selected)
            members.push_back(family_member(known.row));
    AskAboutChildren ask;
    if (inquiry)
        ask = [&](std::span<const WorkflowInstance> children) {
            return inquiry->ask_once(ids_of(children));
        };
    for (auto& [id, why] : left_for_family(context_, members, ask, latest_clock(context_.database),
                                           *first_.left_to_parents))
        known_.at(id).family = std::move(why);
}

}  // namespace dsfailover
