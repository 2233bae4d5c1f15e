#pragma once

#include <optional>
#include <span>
#include <vector>

#include "store/schema.h"
#include "store/workflow_instance.h"

namespace dsfailover {

// The ways to fail a chunk of workflow instances over, one for each CompareAndSet of a dialect: all
// do what WorkflowInstanceStore::fail_over() says, and take what it takes, but at least one
// instance, in ascending order of id.

/// One statement that compares, changes the rows and inserts the commands.
std::vector<FailedOver> fail_over_by_update_returning(const StoreContext& context,
                                                      std::span<const WorkflowInstance> instances,
                                                      const FailoverValues& values);

/// Locks and reads the rows, inserts commands for those that are as they were, changes these.
std::vector<FailedOver> fail_over_by_locked_compare(const StoreContext& context,
                                                    std::span<const WorkflowInstance> instances,
                                                    const FailoverValues& values);

/// Inserts commands for the rows of which our own function says that they are as they were, then
/// changes these. It need not be asked where the file still is what they were read from.
std::vector<FailedOver> fail_over_in_whole_file(const StoreContext& context,
                                                std::span<const WorkflowInstance> instances,
                                                const FailoverValues& values,
                                                const std::optional<FileVersion>& read_from);

}  // namespace dsfailover
