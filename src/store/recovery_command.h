#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "store/schema.h"
#include "store/workflow_instance.h"

namespace dsfailover {

/// Parameters of a statement in the order of its placeholders.
using Parameters = std::vector<Value>;

/// "INSERT INTO t_ds_command (...) SELECT ...", the row that WorkflowFailover of DolphinScheduler
/// inserts, to be followed by a FROM clause that names `w`, which has id, state (the one before
/// the failover, needed without `back_to`), workflow_definition_code and
/// workflow_definition_version of the instances. Columns not named are left to their defaults;
/// update_time is our clock.
std::string insert_recovery_commands(const StoreContext& context, Parameters& parameters,
                                     std::optional<int> back_to);

/// Inserts those rows for the instances with `ids`, inside the caller's transaction; returns the
/// ids of instances and commands, in no particular order.
std::vector<FailedOver> add_recovery_commands(const StoreContext& context,
                                              std::span<const std::int64_t> ids,
                                              std::optional<int> back_to);

}  // namespace dsfailover
