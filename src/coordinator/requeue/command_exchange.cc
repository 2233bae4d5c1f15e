#include "coordinator/requeue/command_exchange.h"

#include "coordinator/retried_transaction.h"
#include "store/command_store.h"
#include "store/workflow_instance_store.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

using Kind = ExchangeResult::Kind;

/// One exchange, tried once or several times.
class Exchange {
  public:
    Exchange(const RunContext& context, const UnclaimedCommand& command,
             const std::function<void()>& confirm)
        : context_(context),
          workflows_(context.store()),
          commands_(context.store()),
          command_(command),
          confirm_(confirm) {}

    ExchangeResult attempt(bool maybe_committed) {
        Transaction transaction(context_.database);
        const auto row = commands_.take_out(command_.id, workflow_id());
        if (!row) return maybe_committed ? settle() : ExchangeResult{Kind::taken, 0, ""};
        const auto locked = workflows_.by_ids(ids(), true);
        if (locked.empty() || !is_free(locked.front())) return {Kind::state_changed, 0, ""};
        if (!commands_.for_workflows(ids(), command_.alone_up_to).empty())
            return {Kind::several, 0, ""};
        const std::int64_t new_id = commands_.insert_again(*row, now_ms());
        if (command_.restart_time) workflows_.set_restart_time(ids(), *command_.restart_time);
        confirm_();
        transaction.commit();
        return {Kind::exchanged, new_id, ""};
    }

  private:
    std::int64_t workflow_id() const { return command_.workflow.id; }
    std::span<const std::int64_t> ids() const { return {&command_.workflow.id, 1}; }

    bool is_ours(const WorkflowInstance& row) const {
        return command_.restart_time && row.restart_time &&
               row.restart_time->was_written_as(*command_.restart_time, context_.zone);
    }
    // As it was read, or as an earlier exchange of ours left it.
    bool is_free(const WorkflowInstance& row) const {
        if (!is_ours(row)) return is_as_read(row, command_.workflow);
        return row.state == workflow_state::kFailover && row.host == command_.workflow.host;
    }

    // The old command is gone after a commit of which we heard nothing: was it ours?
    ExchangeResult settle() {
        const auto locked = workflows_.by_ids(ids(), true);
        for (const WaitingCommand& command : commands_.for_workflows(ids(), command_.id))
            return {Kind::exchanged, command.id, ""};
        const bool ours = !locked.empty() && is_ours(locked.front());
        if (ours) return {Kind::exchanged, 0, ""};
        return {command_.restart_time ? Kind::taken : Kind::unknown, 0, ""};
    }

    const RunContext& context_;
    WorkflowInstanceStore workflows_;
    CommandStore commands_;
    const UnclaimedCommand& command_;
    const std::function<void()>& confirm_;
};

}  // namespace

ExchangeResult exchange_command(const RunContext& context, const UnclaimedCommand& command,
                                const std::function<void()>& confirm) {
    using ErrorKind = DatabaseError::Kind;
    Exchange exchange(context, command, confirm);
    ExchangeResult result;
    bool maybe_committed = false;
    try {
        run_retried_transaction(
            context.database, [&] { result = exchange.attempt(maybe_committed); },
            [&] { maybe_committed = true; });
    } catch (const DatabaseError& error) {
        switch (error.kind()) {
            case ErrorKind::retryable:
            case ErrorKind::constraint:
            case ErrorKind::other:
                return {Kind::failed, 0, error.what()};
            case ErrorKind::unreachable:
            case ErrorKind::commit_unknown:
            case ErrorKind::disk_full:
            case ErrorKind::read_only:
                throw;
        }
    }
    return result;
}

}  // namespace dsfailover
