#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/stored_time.h"

namespace dsfailover {

/// The columns of t_ds_workflow_instance that decide about a failover.
struct WorkflowInstance {
    std::int64_t id = 0;
    std::optional<std::string> host;
    int state = 0;
    std::optional<StoredTime> start_time;
    std::optional<StoredTime> restart_time;
    std::optional<int> command_type;
    /// A parent's task started it (is_sub_workflow). Decides nothing of the row itself, and is not
    /// compared.
    bool is_child = false;
    /// Which version of the row this is: PostgreSQL's xmin; elsewhere its update_time, so that of
    /// two writes in one second of MySQL's one may stay unseen.
    std::string version;

    /// restart_time, or start_time where that is null.
    const std::optional<StoredTime>& last_start() const {
        return restart_time ? restart_time : start_time;
    }
};

/// Whether every column of `row` that is read, and the row's version, is still what it is in
/// `read`.
bool is_as_read(const WorkflowInstance& row, const WorkflowInstance& read);

/// Their ids, in their order.
std::vector<std::int64_t> ids_of(std::span<const WorkflowInstance> instances);

/// What failing instances over writes into their rows, and into their commands.
struct FailoverValues {
    EpochMs stamp = 0;   ///< becomes restart_time (epoch ms, rounded by round_up already)
    std::string host{};  ///< becomes the host; empty: it stays
    /// The state (1, 2 or 4) to go back to of instances in state 18; none: the one before.
    std::optional<int> back_to{};
};

/// An instance that was failed over, and its recovery command.
struct FailedOver {
    std::int64_t id = 0;
    std::int64_t command_id = 0;
};

}  // namespace dsfailover
