#include "coordinator/failover/parents.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>

#include "coordinator/failover/resumed_parents.h"
#include "store/relation_store.h"
#include "store/workflow_instance_store.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

constexpr std::size_t kShown = 10;

std::string with_name(std::int64_t id, const std::optional<std::string>& name) {
    return name ? fmt::format("{} ({})", id, *name) : std::to_string(id);
}

// "9 (parent) of 10 (child, RUNNING_EXECUTION at 127.0.1.2:5678)", for each of the first few.
std::vector<std::string> describe(const RunContext& context, std::span<const ParentNote> parents) {
    std::vector<std::int64_t> ids;
    for (const ParentNote& note : parents) ids.insert(ids.end(), {note.id, note.child_id});
    const auto names = WorkflowInstanceStore(context.store()).names(ids);
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < parents.size(); ++i) {
        const ParentNote& note = parents[i];
        texts.push_back(fmt::format("{} with the child {}, {} at {}",
                                    with_name(note.id, names[2 * i]),
                                    with_name(note.child_id, names[2 * i + 1]), note.child_state,
                                    note.child_host.value_or("no host")));
    }
    return texts;
}

// A parent that a person resumed goes on with the child that its task points to.
void leave_out_resumed(const RunContext& context, std::vector<ParentNote>& parents) {
    std::vector<std::int64_t> resumed;
    for (const ParentNote& note : parents) resumed.push_back(note.id);
    std::vector<WorkflowInstance> rows =
        WorkflowInstanceStore(context.store()).by_ids(resumed, false);
    std::erase_if(rows, [](const WorkflowInstance& row) { return !resumed_by_hand(row); });
    if (rows.empty()) return;
    const auto links = child_links(context, ids_of(rows));
    std::erase_if(parents, [&](const ParentNote& parent) {
        return std::any_of(links.begin(), links.end(), [&](const WorkflowRelation& link) {
            return link.parent_id == parent.id && link.child_id == parent.child_id;
        });
    });
}

}  // namespace

std::vector<ParentNote> parents_of_unfinished(const RunContext& context,
                                              std::span<const std::int64_t> ids) {
    const auto relations = children_of(context.store(), ids);
    std::vector<std::int64_t> related;
    for (const WorkflowRelation& relation : relations)
        related.insert(related.end(), {relation.parent_id, relation.child_id});
    std::sort(related.begin(), related.end());
    related.erase(std::unique(related.begin(), related.end()), related.end());
    std::unordered_map<std::int64_t, WorkflowInstance> instances;
    for (WorkflowInstance& instance :
         WorkflowInstanceStore(context.store()).by_ids(related, false)) {
        if (is_unfinished(instance.state) || instance.state == workflow_state::kFailover)
            instances.emplace(instance.id, std::move(instance));
    }
    std::vector<ParentNote> parents;
    for (const WorkflowRelation& relation : relations) {
        const auto parent = instances.find(relation.parent_id);
        const auto child = instances.find(relation.child_id);
        if (parent == instances.end() || child == instances.end()) continue;
        parents.push_back({relation.parent_id, std::nullopt, parent->second.host, relation.child_id,
                           child->second.host,
                           std::string(workflow_state_name(child->second.state))});
    }
    return parents;
}

void warn_of_parents(const RunContext& context, std::span<const std::int64_t> ids) {
    std::vector<ParentNote> parents = parents_of_unfinished(context, ids);
    leave_out_resumed(context, parents);
    if (parents.empty()) return;
    const std::size_t shown = std::min(parents.size(), kShown);
    context.warn(fmt::format(
        "Parents whose child workflow is unfinished too: {}{}. A parent that is recovered starts "
        "its child anew, beside the one that is there: stop one of the two.",
        fmt::join(describe(context, std::span(parents).first(shown)), "; "),
        parents.size() > shown ? fmt::format("; and {} more", parents.size() - shown) : ""));
}

}  // namespace dsfailover
