#include "coordinator/failover/hostless_failover.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/interruption.h"
#include "coordinator/clock_check.h"
#include "coordinator/failover/consequences.h"
#include "coordinator/failover/host_stamps.h"
#include "coordinator/failover/recovery_watch.h"
#include "coordinator/failover/resumed_parents.h"
#include "database/batches.h"
#include "registry/paths.h"
#include "store/command_store.h"
#include "store/task_instance_store.h"
#include "store/workflow_instance_store.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

// In one transaction, and asked about while their rows are locked.
constexpr std::size_t kTogether = 500;

}  // namespace

Verdict judge_hostless(const HostlessFacts& facts) {
    const Evidence& evidence = facts.evidence;
    const bool not_held = evidence.answer == MasterAnswer::not_held;
    if (!not_held && evidence.answer != MasterAnswer::not_asked &&
        evidence.answer != MasterAnswer::unanswered)
        return Verdict::running_elsewhere;
    if (evidence.command_waits) return Verdict::command_pending;
    if (evidence.seen_busy || evidence.moved_in_run)
        return not_held ? Verdict::in_doubt : Verdict::running_elsewhere;
    if (not_held) return Verdict::selected;
    if (!facts.started) return Verdict::no_start_time;
    const auto stood_still = [&](const std::optional<StoredTime>& last) {
        return !last || last->certainly_before(facts.still_since);
    };
    return stood_still(facts.started) && stood_still(evidence.activity.latest) ? Verdict::selected
                                                                               : Verdict::settling;
}

HostlessFailover::HostlessFailover(const RunContext& context, const FailoverOptions& options,
                                   const FirstLook& look)
    : context_(context),
      options_(options),
      look_(look),
      section_(*context.report.others),
      record_("no host", options.items, SkipReason::unanswered) {}

void HostlessFailover::run(std::vector<WorkflowInstance> instances) {
    try {
        work(std::move(instances));
    } catch (const LockError& error) {
        context_.fail(error.exit_code(), error.what());
    } catch (const RefusedError& error) {
        context_.fail(error.exit_code(), error.what());
    } catch (...) {
        finish(false);
        throw;
    }
    finish(true);
}

void HostlessFailover::work(std::vector<WorkflowInstance> instances) {
    if (!choose_host()) {
        for (const WorkflowInstance& instance : instances) skip(instance, SkipReason::no_master);
        return;
    }
    if (!options_.dry_run) {
        claims_ = take_run_claims(context_, {""}, options_.lock_timeout, [] {});
        // What another run did until we had the claim must be seen.
        instances = read_again(instances);
    }
    std::vector<WorkflowInstance> selected = select(instances);
    record_.section().workflows.selected = std::ssize(selected);
    if (selected.empty()) return;
    section_.host = host_;
    if (options_.dry_run) {
        for (const WorkflowInstance& instance : selected)
            record_.plan(instance, by_answer(instance.id));
        return;
    }
    commit(selected);
}

std::vector<WorkflowInstance> HostlessFailover::read_again(
    std::span<const WorkflowInstance> instances) {
    std::vector<WorkflowInstance> rows =
        WorkflowInstanceStore(context_.store()).by_ids(ids_of(instances), false);
    std::erase_if(rows, [&](const WorkflowInstance& row) {
        if (is_unfinished(row.state) && row.host.value_or("").empty()) return false;
        skip(row, SkipReason::state_changed);
        return true;
    });
    return rows;
}

// One that takes commands, if there is one. Which of them takes ours is not known before.
bool HostlessFailover::choose_host() {
    servers_ = read_servers(context_.registry, true);
    if (servers_.masters.empty()) return false;
    const auto normal =
        std::find_if(servers_.masters.begin(), servers_.masters.end(),
                     [](const Server& master) { return master.server_status == "NORMAL"; });
    host_ = (normal == servers_.masters.end() ? servers_.masters.front() : *normal).address;
    return true;
}

std::vector<WorkflowInstance> HostlessFailover::select(
    std::span<const WorkflowInstance> instances) {
    const std::vector<std::int64_t> ids = ids_of(instances);
    CommandStore commands(context_.store());
    look_.watch->look(commands);
    std::unordered_set<std::int64_t> waiting;
    for (const WaitingCommand& command : commands.for_workflows(ids))
        waiting.insert(command.workflow_instance_id);
    TaskInstanceStore tasks(context_.store());
    const auto activity = tasks.activity(ids);
    std::vector<MastersSaid> said(ids.size());
    if (look_.inquiry) {
        for (const WorkflowInstance& instance : instances)
            if (!waiting.contains(instance.id))
                look_.inquiry->saw_without_command(instance, now_ms());
        said = options_.dry_run ? look_.inquiry->ask_once(ids) : look_.inquiry->ask(ids);
    }
    const EpochMs still_since = latest_clock(context_.database) - options_.unclaimed_after.count();
    std::vector<WorkflowInstance> selected;
    for (std::size_t i = 0; i < instances.size(); ++i) {
        const WorkflowInstance& instance = instances[i];
        HostlessFacts facts{{}, instance.last_start(), still_since};
        Evidence& evidence = facts.evidence;
        evidence.command_waits = waiting.contains(instance.id);
        evidence.seen_busy = look_.watch->seen(instance.id);
        if (const auto found = activity.find(instance.id); found != activity.end())
            evidence.activity = found->second;
        const auto& latest = evidence.activity.latest;
        evidence.moved_in_run =
            latest && latest->instants.earliest_us > look_.moves_count_after() * 1000;
        evidence.answer = said[i].answer;
        const Verdict verdict = judge_hostless(facts);
        if (verdict != Verdict::selected) {
            skip(instance, skip_reason(verdict), said[i], latest);
            continue;
        }
        if (said[i].answer == MasterAnswer::not_held) look_.inquiry->rely_on_answer(instance.id);
        selected.push_back(instance);
    }
    leave_for_family(selected);
    return selected;
}

void HostlessFailover::leave_for_family(std::vector<WorkflowInstance>& selected) {
    std::vector<FamilyMember> members;
    for (const WorkflowInstance& instance : selected) members.push_back(family_member(instance));
    AskAboutChildren ask;
    if (look_.inquiry)
        ask = [&](std::span<const WorkflowInstance> children) {
            const std::vector<std::int64_t> ids = ids_of(children);
            for (const WorkflowInstance& child : children)
                look_.inquiry->saw_without_command(child, now_ms());
            return options_.dry_run ? look_.inquiry->ask_once(ids) : look_.inquiry->ask(ids);
        };
    const auto left = left_for_family(context_, members, ask, latest_clock(context_.database),
                                      *look_.left_to_parents);
    std::erase_if(selected, [&](const WorkflowInstance& instance) {
        const auto why = left.find(instance.id);
        if (why == left.end()) return false;
        skip(instance, skip_reason(why->second.verdict));
        return true;
    });
}

void HostlessFailover::commit(std::span<const WorkflowInstance> selected) {
    std::string unreadable;
    HostStamps stamps(context_);
    claims_.require_held();
    stamps.add({host_}, servers_,
               [&](const std::string&, const std::string& problem) { unreadable = problem; });
    if (!unreadable.empty()) return context_.fail(ExitCode::failed, unreadable);
    section_.stamp = stamp_ = stamps.restart_time(host_);
    if (options_.wait) newest_command_ = CommandStore(context_.store()).highest_id();
    WorkflowFailover::Hooks hooks;
    hooks.confirm = [&] { confirm(); };
    if (look_.inquiry)
        hooks.ask = [&](const RunContext& context, std::span<const std::int64_t> ids) {
            return look_.inquiry->ask_locked(context, ids);
        };
    hooks.done = [&](const WorkflowFailoverResult& result) { note(result); };
    WorkflowFailover failover(context_, *look_.watch, std::move(hooks));
    for_batches(selected, kTogether, [&](std::span<const WorkflowInstance> batch) {
        check_interruption();
        context_.audit.check();
        failover.run(batch, {stamp_, host_, {}});
    });
}

void HostlessFailover::confirm() {
    claims_.require_held();
    if (read_server(context_.registry, paths::kMasters, host_, false)) return;
    throw RefusedError(fmt::format(
        "{}: the master {}, which was to become the host of workflows without one, went away: the "
        "transaction was rolled back. Run the command again.",
        context_.registry.endpoint(), host_));
}

void HostlessFailover::note(const WorkflowFailoverResult& result) {
    record_.add(result, by_answer(result.id));
    if (result.kind != WorkflowFailoverResult::Kind::failed_over) return;
    if (options_.wait) inserted_.add(result.id, result.command_id);
    const auto command_id =
        result.command_id == 0 ? std::nullopt : std::optional(result.command_id);
    context_.audit.write({"workflow", "failed_over", host_, result.id, command_id, "",
                          workflow_state_name(result.state)});
    context_.audit.write({"workflow", "rehosted", host_, result.id, std::nullopt, "", ""});
}

bool HostlessFailover::by_answer(std::int64_t id) const {
    return look_.inquiry && look_.inquiry->relies_on_answer(id);
}

void HostlessFailover::skip(const WorkflowInstance& instance, SkipReason reason,
                            const MastersSaid& said,
                            const std::optional<StoredTime>& last_activity) {
    WorkflowItem item = workflow_item(instance.id, instance.state, WorkflowOutcome::skipped);
    item.reason = to_string(reason);
    if (!said.held_by.empty()) item.held_by = said.held_by;
    if (last_activity) item.last_task_activity = last_activity->epoch_ms();
    ++section_.workflows.skipped[reason];
    section_.workflows.items.add(std::move(item));
}

void HostlessFailover::finish(bool asks_workers) {
    claims_.release();
    record_.close(options_.dry_run);
    record_.tell(context_);
    WorkflowsSection& workflows = record_.section().workflows;
    std::vector<const WorkflowItem*> done;
    for (const WorkflowItem& item : workflows.items.kept()) done.push_back(&item);
    warn_of_consequences(context_, asks_workers ? &options_.ask : nullptr, done);
    section_.workflows.selected += workflows.selected;
    section_.workflows.done += workflows.done;
    section_.workflows.left += workflows.left;
    section_.workflows.unknown += workflows.unknown;
    for (const auto& [reason, count] : workflows.skipped)
        section_.workflows.skipped[reason] += count;
    for (WorkflowItem& item : workflows.items.kept()) section_.workflows.items.add(std::move(item));
}

void HostlessFailover::wait_for_recovery(EpochMs until) {
    if (!options_.wait || options_.dry_run || record_.done() == 0) return;
    RecoveryInfo& recovery = section_.recovery.emplace(RecoveryInfo{0, inserted_.count(), 0});
    const auto problems =
        inserted_.follow(context_, newest_command_, until, look_.inquiry.get(), false, recovery);
    report_recovery(context_, recovery, problems, options_.wait);
}

}  // namespace dsfailover
