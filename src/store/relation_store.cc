#include "store/relation_store.h"

#include <fmt/format.h>

#include "database/batches.h"
#include "database/sql_dialect.h"
#include "store/recovery_command.h"

namespace dsfailover {

namespace {

// Those whose `column` is one of `ids`.
std::vector<WorkflowRelation> relations_by(const StoreContext& context, std::string_view column,
                                           std::span<const std::int64_t> ids) {
    std::vector<WorkflowRelation> relations;
    if (!context.schema.has_relations) return relations;
    for_batches(ids, kIdsPerQuery, [&](std::span<const std::int64_t> batch) {
        Parameters parameters;
        const std::string sql = fmt::format(
            "SELECT parent_workflow_instance_id, workflow_instance_id "
            "FROM t_ds_relation_workflow_instance WHERE parent_workflow_instance_id IS NOT NULL "
            "AND workflow_instance_id IS NOT NULL AND {}",
            context.database.dialect().in_list(column, batch, parameters));
        const Rows rows = context.database.query(sql, parameters);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            relations.push_back({rows[i].integer(0), rows[i].integer(1)});
        }
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
