#include "coordinator/failover/workflow_failover.h"

#include <fmt/format.h>

#include <optional>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "base/interruption.h"
#include "base/log.h"
#include "coordinator/failover/resumed_parents.h"
#include "coordinator/retried_transaction.h"
#include "database/sql_dialect.h"

namespace dsfailover {

namespace {

constexpr int kAttempts = 4;
constexpr int kWaits = 2;
constexpr Millis kRetryPause{200};

}  // namespace

WorkflowFailover::WorkflowFailover(const RunContext& context, CommandWatch& watch, Hooks hooks)
    : context_(context),
      workflows_(context.store()),
      commands_(context.store()),
      watch_(watch),
      hooks_(std::move(hooks)) {}

void WorkflowFailover::report(const WorkflowInstance& instance, WorkflowFailoverResult::Kind kind,
                              std::int64_t command_id, std::string problem) {
    hooks_.done({instance.id, instance.state, kind, command_id, std::move(problem), ""});
}

void WorkflowFailover::run(std::span<const WorkflowInstance> chunk, const FailoverValues& values) {
    in_halves(
        chunk,
        [&](std::span<const WorkflowInstance> instances) {
            return run_together(instances, values);
        },
        [&](const WorkflowInstance& instance) {
            report(instance, WorkflowFailoverResult::Kind::failed, 0, last_problem_);
        });
}

// False where one of several may be at fault, or the one cannot be failed over.
bool WorkflowFailover::run_together(std::span<const WorkflowInstance> chunk,
                                    const FailoverValues& values) {
    using Kind = DatabaseError::Kind;
    const bool whole_file = context_.database.dialect().locks_whole_file();
    const bool alone = chunk.size() == 1;
    for (int losses = 0, refusals = 0;;) {
        if (attempt(chunk, values)) return true;
        const bool lost = last_kind_ == Kind::unreachable;
        const bool refused = last_kind_ == Kind::retryable;
        // Waiting for a row that somebody holds costs a whole time limit: only what cannot be split
        // is worth a second wait.
        const bool again = (lost && ++losses < kAttempts) ||
                           (refused && (alone || whole_file) && ++refusals < kWaits);
        if (!again) break;
        wait_for(kRetryPause);
    }
    // A SQLite file is locked for all of them.
    if (whole_file && last_kind_ == Kind::retryable) throw DatabaseError(last_kind_, last_problem_);
    if (!alone) {
        log(std::exchange(split_, true) ? LogLevel::debug : LogLevel::warn,
            "a transaction over {} workflows failed, trying halves: {}",
            fmt::make_format_args(chunk.size(), last_problem_));
    }
    return false;
}

void WorkflowFailover::leave_out(std::span<const WorkflowInstance> chunk,
                                 const FailoverValues& values, const Objections& objections) {
    if (objections.empty()) return;
    std::vector<WorkflowInstance> others;
    for (const WorkflowInstance& instance : chunk) {
        const auto objection = objections.find(instance.id);
        if (objection == objections.end()) {
            others.push_back(instance);
            continue;
        }
        WorkflowFailoverResult result = objection->second;
        result.id = instance.id;
        result.state = instance.state;
        hooks_.done(result);
    }
    if (!others.empty()) run(others, values);
}

// True when every instance of the chunk has its outcome; otherwise last_kind_ says why not. The
// connection is open again then.
bool WorkflowFailover::attempt(std::span<const WorkflowInstance> chunk,
                               const FailoverValues& values) {
    using Kind = DatabaseError::Kind;
    std::optional<Objections> objections;
    try {
        objections = commit_chunk(chunk, values);
    } catch (const DatabaseError& error) {
        if (error.kind() == Kind::disk_full || error.kind() == Kind::read_only) throw;
        last_problem_ = error.what();
        last_kind_ = error.kind();
        if (last_kind_ == Kind::unreachable) reconnect_patiently(context_.database, error, false);
        if (last_kind_ != Kind::commit_unknown) return false;
    }
    if (objections) {
        leave_out(chunk, values, *objections);
        return true;
    }
    std::vector<Settled> outcomes;
    try {
        outcomes = settle(chunk, values, DatabaseError(last_kind_, last_problem_));
    } catch (const Error&) {
        for (const WorkflowInstance& instance : chunk)
            report(instance, WorkflowFailoverResult::Kind::unknown, 0, last_problem_);
        throw;
    }
    finish_settled(chunk, values, outcomes);
    return true;
}

// Inside the transaction: fails the rows over, and returns those that somebody else's command waits
// for, or that a master holds. Then nothing may be committed.
WorkflowFailover::Objections WorkflowFailover::change_rows(std::span<const WorkflowInstance> chunk,
                                                           const FailoverValues& values,
                                                           std::vector<FailedOver>& changed) {
    changed = workflows_.fail_over(chunk, values, hooks_.read_from);
    if (changed.empty()) return {};
    Objections objections;
    for (const std::int64_t id : watch_.look_locked(commands_, changed))
        objections[id].kind = WorkflowFailoverResult::Kind::command_pending;
    // A requeue gives its workflows commands wherever their children stand.
    if (!values.back_to) object_for_children(chunk, objections);
    return objections.empty() ? ask(changed) : objections;
}

// Since the reading somebody may have given the child of a resumed parent a command.
void WorkflowFailover::object_for_children(std::span<const WorkflowInstance> chunk,
                                           Objections& objections) const {
    std::vector<std::int64_t> parents;
    for (const WorkflowInstance& instance : chunk)
        if (resumed_by_hand(instance)) parents.push_back(instance.id);
    if (parents.empty()) return;
    for (const WorkflowRelation& link : child_links(context_, parents)) {
        if (!watch_.came_since_look(link.child_id)) continue;
        WorkflowFailoverResult& result = objections[link.parent_id];
        result.kind = WorkflowFailoverResult::Kind::child_running;
        result.child = child_with_command(link.child_id);
    }
}

WorkflowFailover::Objections WorkflowFailover::ask(std::span<const FailedOver> changed) const {
    if (!hooks_.ask) return {};
    std::vector<std::int64_t> ids;
    for (const FailedOver& failed_over : changed) ids.push_back(failed_over.id);
    Objections objections;
    for (WorkflowInquiry::Objection& objection : hooks_.ask(context_, ids)) {
        WorkflowFailoverResult& result = objections[objection.id];
        const bool held = !objection.said.held_by.empty();
        result.kind =
            held ? WorkflowFailoverResult::Kind::held : WorkflowFailoverResult::Kind::unanswered;
        result.held_by = std::move(objection.said.held_by);
    }
    return objections;
}

// Returns what speaks against instances of it; nothing was committed then.
WorkflowFailover::Objections WorkflowFailover::commit_chunk(std::span<const WorkflowInstance> chunk,
                                                            const FailoverValues& values) {
    const EpochMs began = now_ms();
    std::vector<FailedOver> changed;
    Transaction transaction(context_.database);
    Objections objections = change_rows(chunk, values, changed);
    if (!objections.empty()) return objections;
    if (hooks_.also && !changed.empty()) hooks_.also(changed);
    hooks_.confirm();
    transaction.commit();
    watch_.committed(changed);
    if (hooks_.held) hooks_.held(chunk.size(), Millis(now_ms() - began));

    std::unordered_map<std::int64_t, std::int64_t> commands;
    commands.reserve(changed.size());
    for (const FailedOver& failed_over : changed)
        commands.emplace(failed_over.id, failed_over.command_id);
    for (const WorkflowInstance& instance : chunk) {
        const auto found = commands.find(instance.id);
        if (found == commands.end()) {
            report(instance, WorkflowFailoverResult::Kind::state_changed, 0);
        } else {
            report(instance, WorkflowFailoverResult::Kind::failed_over, found->second);
        }
    }
    return {};
}

// After a commit that `cause` left without an answer: how the rows stand.
std::vector<Settled> WorkflowFailover::settle(std::span<const WorkflowInstance> chunk,
                                              const FailoverValues& values,
                                              const DatabaseError& cause) {
    reconnect_patiently(context_.database, cause, true);
    for (int attempts = 1;; ++attempts) {
        try {
            Transaction transaction(context_.database);
            std::vector<Settled> outcomes = workflows_.settle(chunk, values.stamp);
            transaction.rollback();
            return outcomes;
        } catch (const DatabaseError& error) {
            if (attempts == kAttempts) throw;
            // The server may still hold the rows of the broken connection for a while.
            if (error.kind() == DatabaseError::Kind::unreachable)
                reconnect_patiently(context_.database, error, true);
            else if (error.kind() != DatabaseError::Kind::retryable)
                throw;
            // Not to be interrupted: what was committed must get into the report.
            wait_uninterrupted(kRetryPause * attempts);
        }
    }
}

void WorkflowFailover::finish_settled(std::span<const WorkflowInstance> chunk,
                                      const FailoverValues& values,
                                      const std::vector<Settled>& outcomes) {
    for (std::size_t i = 0; i < chunk.size(); ++i) {
        if (outcomes[i] == Settled::not_committed) continue;
        const bool ours = outcomes[i] == Settled::committed;
        report(chunk[i],
               ours ? WorkflowFailoverResult::Kind::failed_over
                    : WorkflowFailoverResult::Kind::state_changed,
               0);
    }
    std::vector<WorkflowInstance> open;
    for (std::size_t i = 0; i < chunk.size(); ++i) {
        if (outcomes[i] == Settled::not_committed) open.push_back(chunk[i]);
    }
    if (!open.empty()) run(open, values);
}

}  // namespace dsfailover
