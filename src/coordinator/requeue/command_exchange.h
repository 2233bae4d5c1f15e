#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "coordinator/run_context.h"
#include "store/workflow_instance.h"

namespace dsfailover {

/// A command that no master takes.
struct UnclaimedCommand {
    std::int64_t id = 0;
    WorkflowInstance workflow;  ///< as it was read
    /// What its restart_time is to become, see round_up; of one in state FAILOVER alone.
    std::optional<EpochMs> restart_time;
    /// It is known that no other command for the instance has an id up to this one.
    std::int64_t alone_up_to = 0;
};

/// What became of a command that was to be exchanged.
struct ExchangeResult {
    enum class Kind {
        exchanged,      ///< an equal one stands under `command_id`
        taken,          ///< it was gone: a master, or another run, took it
        unknown,        ///< likewise, or its equal: a commit had no answer, and both are gone
        state_changed,  ///< its workflow instance is not as it was read; nothing was changed
        several,        ///< its workflow instance has another command, too; nothing was changed
        failed,         ///< the database refused; nothing was changed
    };
    Kind kind = Kind::failed;
    std::int64_t command_id = 0;  ///< exchanged; 0 if a master took the new one before it was seen
    std::string problem;          ///< failed
};

/// Replaces a command by an equal one with a new id and the update_time of now, and sets the
/// instance's restart_time where it is to become another, in one transaction in a master's own
/// order: the command is deleted by id, and only if that hit its row the instance is locked and
/// compared with what was read (its restart_time may be what we set before) and its other commands
/// are looked for. So a master and we never wait for each other crosswise, and one of us gets the
/// command. `confirm` is called right before the commit; what it throws rolls back. A commit whose
/// outcome is unknown is settled under the row's lock: what carries the restart_time was committed;
/// where none was set a newer command says so, and where that is gone, too, nothing does. Throws
/// DatabaseError if the database is gone for good, read-only or full, and Interrupted between two
/// tries.
ExchangeResult exchange_command(const RunContext& context, const UnclaimedCommand& command,
                                const std::function<void()>& confirm);

}  // namespace dsfailover
