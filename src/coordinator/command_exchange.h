#pragma once

#include <cstdint>
#include <string>

#include "coordinator/run_context.h"

namespace dsfailover {

/// What became of a command that was to be exchanged.
struct ExchangeResult {
    enum class Kind {
        exchanged,      ///< an equal one stands under `command_id`
        taken,          ///< it was gone: a master, or another run, took it
        state_changed,  ///< its workflow instance is not in state FAILOVER; nothing was changed
        failed,         ///< the database refused; nothing was changed
    };
    Kind kind = Kind::failed;
    std::int64_t command_id = 0;  ///< exchanged; 0 if a master took the new one before it was seen
    std::string problem;          ///< failed
};

/// Replaces the recovery command `command_id` of a workflow instance in state FAILOVER by an equal
/// one with a new id and the update_time of now, in one transaction in a master's own order: the
/// command is deleted by id, and only if that hit its row the instance is locked and its state
/// checked. So a master and we never wait for each other crosswise, and one of us gets the command.
/// A commit whose outcome is unknown is settled. Throws DatabaseError if the database is gone for
/// good, read-only or full, and Interrupted between two tries.
ExchangeResult exchange_command(const RunContext& context, std::int64_t workflow_id,
                                std::int64_t command_id);

}  // namespace dsfailover
