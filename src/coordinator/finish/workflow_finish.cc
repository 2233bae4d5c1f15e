#include "coordinator/finish/workflow_finish.h"

#include <algorithm>

#include "coordinator/retried_transaction.h"
#include "store/command_store.h"
#include "store/workflow_instance_store.h"

namespace dsfailover {

namespace {

using Kind = FinishResult::Kind;

bool is_same(const UnfinishedTask& a, const UnfinishedTask& b) {
    return a.task.id == b.task.id && a.task.state == b.task.state && a.task.host == b.task.host;
}

/// One end, tried once or several times.
class Attempts {
  public:
    Attempts(const RunContext& context, const FinishTarget& target, const FinalStates& states,
             const std::function<std::optional<SkipReason>()>& judge)
        : context_(context),
          workflows_(context.store()),
          commands_(context.store()),
          tasks_(context.store()),
          target_(target),
          states_(states),
          judge_(judge) {}

    FinishResult attempt(bool maybe_committed) {
        Transaction transaction(context_.database);
        for (const std::int64_t command : target_.commands) {
            if (!commands_.remove(command, target_.row.id))
                return maybe_committed ? settle() : FinishResult{Kind::taken, {}, ""};
        }
        const auto locked = workflows_.by_ids(ids(), true);
        if (maybe_committed && is_finished(locked)) return {Kind::finished, {}, ""};
        if (locked.empty() || !is_as_read(locked.front(), target_.row) ||
            !commands_.for_workflows(ids()).empty() || !tasks_are_as_read())
            return {Kind::changed, {}, ""};
        if (const auto refusal = judge_()) return {Kind::refused, refusal, ""};
        write();
        transaction.commit();
        return {Kind::finished, {}, ""};
    }

  private:
    std::span<const std::int64_t> ids() const { return {&target_.row.id, 1}; }

    // Nobody but us ends what no master holds.
    bool is_finished(const std::vector<WorkflowInstance>& locked) const {
        return !locked.empty() && locked.front().state == states_.workflow;
    }

    // The commands are gone after a commit of which we heard nothing: was it ours?
    FinishResult settle() {
        return {is_finished(workflows_.by_ids(ids(), true)) ? Kind::finished : Kind::taken, {}, ""};
    }

    bool tasks_are_as_read() {
        const auto locked = tasks_.unfinished(ids(), true);
        return std::equal(locked.begin(), locked.end(), target_.tasks.begin(), target_.tasks.end(),
                          is_same);
    }

    void write() {
        workflows_.end(target_.row.id, states_.workflow, target_.end_time);
        std::vector<std::int64_t> tasks;
        for (const UnfinishedTask& unfinished : target_.tasks) tasks.push_back(unfinished.task.id);
        tasks_.end(tasks, states_.task, target_.end_time);
    }

    const RunContext& context_;
    WorkflowInstanceStore workflows_;
    CommandStore commands_;
    TaskInstanceStore tasks_;
    const FinishTarget& target_;
    const FinalStates& states_;
    const std::function<std::optional<SkipReason>()>& judge_;
};

}  // namespace

FinishResult finish_workflow(const RunContext& context, const FinishTarget& target,
                             const FinalStates& states,
                             const std::function<std::optional<SkipReason>()>& judge) {
    Attempts attempts(context, target, states, judge);
    FinishResult result;
    bool maybe_committed = false;
    try {
        run_retried_transaction(
            context.database, [&] { result = attempts.attempt(maybe_committed); },
            [&] { maybe_committed = true; });
    } catch (const DatabaseError& error) {
        if (ends_run(error)) throw;
        return {Kind::failed, {}, error.what()};
    }
    return result;
}

}  // namespace dsfailover
