#include "store/relation_store.h"

#include <fmt/format.h>

#include "store/read_by_ids.h"

namespace dsfailover {

namespace {

// Those whose `column` is one of `ids`.
std::vector<WorkflowRelation> relations_by(const StoreContext& context, std::string_view column,
                                           std::span<const std::int64_t> ids) {
    std::vector<WorkflowRelation> relations;
    if (!context.schema.has_relations) return relations;
    const std::string select = fmt::format(
        "SELECT {}, parent_workflow_instance_id, workflow_instance_id "
        "FROM t_ds_relation_workflow_instance",
        column);
    read_by_ids(context, ids, column, 0, select,
                "AND parent_workflow_instance_id IS NOT NULL AND workflow_instance_id IS NOT NULL",
                [&](const Row& row) {
                    relations.push_back({row.integer(1), row.integer(2)});
                });
    return relations;
}

}  // namespace

std::vector<WorkflowRelation> children_of(const StoreContext& context,
                                          std::span<const std::int64_t> parent_ids) {
    return relations_by(context, "parent_workflow_instance_id", parent_ids);
}

std::vector<WorkflowRelation> parents_of(const StoreContext& context,
                                         std::span<const std::int64_t> child_ids) {
    return relations_by(context, "workflow_instance_id", child_ids);
}

}  // namespace dsfailover
