#include "coordinator/workflow_failover.h"

#include <fmt/format.h>

#include <thread>
#include <unordered_map>
#include <utility>

#include "base/interruption.h"
#include "base/log.h"
#include "coordinator/retried_transaction.h"

namespace dsfailover {

namespace {

constexpr int kAttempts = 4;
constexpr int kWaits = 2;
constexpr Millis kRetryPause{200};

}  // namespace

WorkflowFailover::WorkflowFailover(const RunContext& context, Confirm confirm,
                                   AlsoInTransaction also, Done done)
    : context_(context),
      workflows_(context.store()),
      confirm_(std::move(confirm)),
      also_(std::move(also)),
      done_(std::move(done)) {}

void WorkflowFailover::report(const WorkflowInstance& instance, WorkflowFailoverResult::Kind kind,
                              std::int64_t command_id, std::string problem) {
    done_({&instance, kind, command_id, std::move(problem)});
}

void WorkflowFailover::run(std::span<const WorkflowInstance> chunk, EpochMs stamp) {
    using Kind = DatabaseError::Kind;
    const bool whole_file = context_.database.dialect() == Dialect::sqlite;
    const bool alone = chunk.size() == 1;
    for (int losses = 0, refusals = 0;;) {
        if (attempt(chunk, stamp)) return;
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
    if (alone) {
        report(chunk.front(), WorkflowFailoverResult::Kind::failed, 0, last_problem_);
        return;
    }
    spdlog::log(std::exchange(split_, true) ? spdlog::level::debug : spdlog::level::warn,
                "a transaction over {} workflows failed, trying halves: {}", chunk.size(),
                last_problem_);
    check_interruption();
    run(chunk.first(chunk.size() / 2), stamp);
    check_interruption();
    run(chunk.subspan(chunk.size() / 2), stamp);
}

// True when every instance of the chunk has its outcome; otherwise last_kind_ says why not. The
// connection is open again then.
bool WorkflowFailover::attempt(std::span<const WorkflowInstance> chunk, EpochMs stamp) {
    using Kind = DatabaseError::Kind;
    try {
        commit_chunk(chunk, stamp);
        return true;
    } catch (const DatabaseError& error) {
        if (error.kind() == Kind::disk_full || error.kind() == Kind::read_only) throw;
        last_problem_ = error.what();
        last_kind_ = error.kind();
        if (last_kind_ == Kind::unreachable) reconnect_patiently(context_.database, error, false);
        if (last_kind_ != Kind::commit_unknown) return false;
    }
    std::vector<Settled> outcomes;
    try {
        outcomes = settle(chunk, stamp, DatabaseError(last_kind_, last_problem_));
    } catch (const Error&) {
        for (const WorkflowInstance& instance : chunk)
            report(instance, WorkflowFailoverResult::Kind::unknown, 0, last_problem_);
        throw;
    }
    finish_settled(chunk, stamp, outcomes);
    return true;
}

void WorkflowFailover::commit_chunk(std::span<const WorkflowInstance> chunk, EpochMs stamp) {
    Transaction transaction(context_.database);
    const std::vector<FailedOver> changed = workflows_.fail_over(chunk, stamp);
    if (also_ && !changed.empty()) also_(changed);
    confirm_();
    transaction.commit();

    std::unordered_map<std::int64_t, std::int64_t> commands;
    commands.reserve(changed.size());
    for (const FailedOver& one : changed) commands.emplace(one.id, one.command_id);
    for (const WorkflowInstance& instance : chunk) {
        const auto found = commands.find(instance.id);
        if (found == commands.end()) {
            report(instance, WorkflowFailoverResult::Kind::state_changed, 0);
        } else {
            report(instance, WorkflowFailoverResult::Kind::failed_over, found->second);
        }
    }
}

// After a commit that `cause` left without an answer: how the rows stand.
std::vector<Settled> WorkflowFailover::settle(std::span<const WorkflowInstance> chunk,
                                              EpochMs stamp, const DatabaseError& cause) {
    reconnect_patiently(context_.database, cause, true);
    for (int attempts = 1;; ++attempts) {
        try {
            Transaction transaction(context_.database);
            std::vector<Settled> outcomes = workflows_.settle(chunk, stamp);
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
            std::this_thread::sleep_for(kRetryPause * attempts);
        }
    }
}

void WorkflowFailover::finish_settled(std::span<const WorkflowInstance> chunk, EpochMs stamp,
                                      const std::vector<Settled>& outcomes) {
    for (std::size_t i = 0; i < chunk.size(); ++i) {
        if (outcomes[i] == Settled::not_committed) continue;
        const bool ours = outcomes[i] == Settled::committed;
        report(chunk[i],
               ours ? WorkflowFailoverResult::Kind::failed_over
                    : WorkflowFailoverResult::Kind::state_changed,
               0);
    }
    // Parts of the chunk itself, no copies: whoever collects the results looks at them later.
    for (std::size_t begin = 0, end = 0; begin < chunk.size(); begin = end) {
        const bool left = outcomes[begin] == Settled::not_committed;
        while (end < chunk.size() && (outcomes[end] == Settled::not_committed) == left) ++end;
        if (left) run(chunk.subspan(begin, end - begin), stamp);
    }
}

}  // namespace dsfailover
