#include "coordinator/asking/workflow_inquiry.h"

#include <algorithm>
#include <utility>

#include "base/interruption.h"
#include "base/log.h"
#include "base/plural.h"
#include "coordinator/asking/asked_in_report.h"
#include "registry/living_servers.h"

namespace dsfailover {

namespace {

// Of a round, while masters come.
constexpr int kTries = 3;
MastersSaid said_of(const HeldBy& workflow) {
    return {workflow.answer(), workflow.holders, workflow.complete};
}

}  // namespace

WorkflowInquiry::WorkflowInquiry(const RunContext& context, const AskOptions& options)
    : context_(context), options_(options) {}

void WorkflowInquiry::saw_without_command(const WorkflowInstance& instance, EpochMs at) {
    const auto known = seen_.find(instance.id);
    if (known != seen_.end()) {
        if (!is_as_read(instance, known->second.as_read)) known->second = {instance, at};
    } else if (std::cmp_less(seen_.size(), options_.limit)) {
        seen_.emplace(instance.id, Seen{instance, at});
    }
}

// When the answer that no master holds it can be trusted.
EpochMs WorkflowInquiry::sure_at(std::int64_t id) const {
    const auto known = seen_.find(id);
    return (known == seen_.end() ? now_ms() : known->second.since) + options_.apart.count();
}

// Once a run: what ends meanwhile is noticed.
const Controls& WorkflowInquiry::controls() {
    if (!controls_) controls_ = choose_controls(context_, read_servers(context_.registry, true));
    return *controls_;
}

MasterRound WorkflowInquiry::round(std::span<const std::int64_t> ids) {
    MasterRound round = ask_living_masters(context_, ids, controls(), options_.timeout, left_out_);
    masters_ = addresses_of(round.masters);
    add_to_report(context_.report, round.masters);
    return round;
}

std::vector<MastersSaid> WorkflowInquiry::ask_once(std::span<const std::int64_t> ids) {
    MasterRound answers = round(ids);
    for (int tries = 1; answers.any_new && tries < kTries; ++tries) answers = round(ids);
    std::vector<MastersSaid> said;
    for (const HeldBy& each : answers.workflows) said.push_back(said_of(each));
    return said;
}

std::vector<MastersSaid> WorkflowInquiry::ask(std::span<const std::int64_t> ids) {
    const EpochMs asked_at = now_ms();
    std::vector<MastersSaid> said = ask_once(ids);
    std::vector<std::int64_t> unsure;
    std::vector<std::size_t> places;
    EpochMs again_at = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (said[i].answer != MasterAnswer::not_held) continue;
        if (const EpochMs at = sure_at(ids[i]); at > asked_at) {
            unsure.push_back(ids[i]);
            places.push_back(i);
            again_at = std::max(again_at, at);
        }
    }
    if (unsure.empty()) return said;
    const Millis left(std::max<EpochMs>(0, again_at - now_ms()));
    log_info(
        "no master holds {}; asking again in {}, since a master holds what it takes only some "
        "milliseconds later",
        counted(std::ssize(unsure), "workflow"), format_duration(left));
    wait_for(left);
    const std::vector<MastersSaid> later = ask_once(unsure);
    for (std::size_t i = 0; i < unsure.size(); ++i) said[places[i]] = later[i];
    return said;
}

// Whatever the id, an answer is an answer.
bool WorkflowInquiry::every_master_answers(const std::string& leave_out) {
    constexpr std::int64_t kAny[] = {1};
    const MasterRound answers = ask_living_masters(context_, kAny, controls(), options_.timeout,
                                                   leave_out.empty() ? left_out_ : leave_out);
    add_to_report(context_.report, answers.masters);
    return answers.workflows.front().complete;
}

std::vector<WorkflowInquiry::Objection> WorkflowInquiry::ask_locked(
    const RunContext& context, std::span<const std::int64_t> ids) {
    std::vector<std::int64_t> asked;
    std::copy_if(ids.begin(), ids.end(), std::back_inserter(asked),
                 [&](std::int64_t id) { return relies_on_answer(id); });
    std::vector<Objection> objections;
    if (asked.empty()) return objections;
    const MasterRound answers =
        ask_with_rows_locked(context, asked, controls(), options_.timeout, masters_, left_out_);
    add_to_report(context.report, answers.masters);
    for (std::size_t i = 0; i < asked.size(); ++i) {
        MastersSaid said = said_of(answers.workflows[i]);
        if (said.answer != MasterAnswer::not_held)
            objections.push_back({asked[i], std::move(said)});
    }
    return objections;
}

}  // namespace dsfailover
