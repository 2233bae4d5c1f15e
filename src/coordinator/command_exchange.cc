#include "coordinator/command_exchange.h"

#include "coordinator/retried_transaction.h"
#include "store/command_store.h"
#include "store/workflow_instance_store.h"

namespace dsfailover {

namespace {

using Kind = ExchangeResult::Kind;

/// One exchange, tried once or several times.
class Exchange {
  public:
    Exchange(const RunContext& context, std::int64_t workflow_id, std::int64_t command_id)
        : database_(context.database),
          workflows_(context.store()),
          commands_(context.store()),
          workflow_id_(workflow_id),
          command_id_(command_id) {}

    ExchangeResult attempt(bool maybe_committed) {
        Transaction transaction(database_);
        const auto row = commands_.remove_recovery_command(command_id_, workflow_id_);
        if (!row) {
            transaction.rollback();
            return maybe_committed ? settle() : ExchangeResult{Kind::taken, 0, ""};
        }
        const auto locked = workflows_.by_ids({&workflow_id_, 1}, true);
        if (locked.empty() || locked.front().state != workflow_state::kFailover) {
            return {Kind::state_changed, 0, ""};
        }
        const std::int64_t new_id = commands_.insert_again(*row, now_ms());
        transaction.commit();
        return {Kind::exchanged, new_id, ""};
    }

  private:
    // The old command is gone after a commit of which we heard nothing: it was ours, unless a
    // master took it in between, which leaves no new one either.
    ExchangeResult settle() {
        for (const WaitingCommand& command : commands_.for_workflows({&workflow_id_, 1})) {
            if (command.command_type == kRecoverToleranceFault) {
                return {Kind::exchanged, command.id, ""};
            }
        }
        return {Kind::exchanged, 0, ""};
    }

    Database& database_;
    WorkflowInstanceStore workflows_;
    CommandStore commands_;
    const std::int64_t workflow_id_;
    const std::int64_t command_id_;
};

}  // namespace

ExchangeResult exchange_command(const RunContext& context, std::int64_t workflow_id,
                                std::int64_t command_id) {
    using ErrorKind = DatabaseError::Kind;
    Exchange exchange(context, workflow_id, command_id);
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
