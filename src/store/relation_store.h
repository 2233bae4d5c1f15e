#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "store/schema.h"

namespace dsfailover {

/// A parent workflow instance and one of its children.
struct WorkflowRelation {
    std::int64_t parent_id = 0;
    std::int64_t child_id = 0;
};

/// The children of these workflow instances, from t_ds_relation_workflow_instance, in no particular
/// order; none where the table does not exist. Reads without locks.
std::vector<WorkflowRelation> children_of(const StoreContext& context,
                                          std::span<const std::int64_t> parent_ids);

/// The parents of these workflow instances, in the same way.
std::vector<WorkflowRelation> parents_of(const StoreContext& context,
                                         std::span<const std::int64_t> child_ids);

}  // namespace dsfailover
