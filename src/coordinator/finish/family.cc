#include "coordinator/finish/family.h"

#include <map>
#include <set>

#include "store/relation_store.h"
#include "store/workflow_instance_store.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

/// Puts each behind its children.
class ChildrenFirst {
  public:
    ChildrenFirst(const RunContext& context, std::span<const std::int64_t> ids)
        : left_(ids.begin(), ids.end()) {
        for (const WorkflowRelation& relation : children_of(context.store(), ids))
            children_[relation.parent_id].push_back(relation.child_id);
    }

    std::vector<std::int64_t> order() {
        while (!left_.empty()) take(*left_.begin());
        return std::move(order_);
    }

  private:
    void take(std::int64_t id) {
        if (left_.erase(id) == 0) return;
        for (const std::int64_t child : children_[id]) take(child);
        order_.push_back(id);
    }

    std::set<std::int64_t> left_;
    std::map<std::int64_t, std::vector<std::int64_t>> children_;
    std::vector<std::int64_t> order_;
};

std::vector<std::int64_t> not_ended(const RunContext& context, std::span<const std::int64_t> ids) {
    std::vector<std::int64_t> found;
    for (const WorkflowInstance& row : WorkflowInstanceStore(context.store()).by_ids(ids, false))
        if (has_not_ended(row.state)) found.push_back(row.id);
    return found;
}

}  // namespace

std::vector<std::int64_t> unfinished_children(const RunContext& context, std::int64_t id) {
    std::vector<std::int64_t> children;
    for (const WorkflowRelation& relation : children_of(context.store(), std::span(&id, 1)))
        children.push_back(relation.child_id);
    return not_ended(context, children);
}

std::vector<std::int64_t> unfinished_parents(const RunContext& context, std::int64_t id) {
    std::vector<std::int64_t> parents;
    for (const WorkflowRelation& relation : parents_of(context.store(), std::span(&id, 1)))
        parents.push_back(relation.parent_id);
    return not_ended(context, parents);
}

std::vector<std::int64_t> children_first(const RunContext& context,
                                         std::span<const std::int64_t> ids) {
    return ChildrenFirst(context, ids).order();
}

}  // namespace dsfailover
