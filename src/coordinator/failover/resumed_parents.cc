#include "coordinator/failover/resumed_parents.h"

#include <fmt/format.h>

#include <unordered_map>

#include "store/child_link.h"
#include "store/command_store.h"
#include "store/task_instance_store.h"
#include "store/workflow_instance_store.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

std::vector<std::int64_t> listed(const std::set<std::int64_t>& ids) {
    return {ids.begin(), ids.end()};
}

/// One look at the families of what is selected.
class Families {
  public:
    Families(const RunContext& context, std::span<const FamilyMember> selected,
             std::set<std::int64_t>& left_to_parents)
        : context_(context), left_to_parents_(left_to_parents) {
        for (const FamilyMember& member : selected)
            if (member.matters()) selected_.emplace(member.id, member);
    }

    std::map<std::int64_t, LeftForFamily> look(const AskAboutChildren& ask, EpochMs clock) {
        if (selected_.empty()) return {};
        read_parents();
        if (!resumed_.empty()) links_ = child_links(context_, listed(resumed_));
        leave_parents(ask);
        leave_children(clock);
        return std::move(left_);
    }

  private:
    // Those selected, and others of the children that are.
    void read_parents() {
        std::vector<std::int64_t> children;
        for (const auto& [id, member] : selected_) {
            if (member.resumed) resumed_.insert(id);
            if (member.is_child) children.push_back(id);
        }
        std::set<std::int64_t> others;
        for (const WorkflowRelation& each : parents_of(context_.store(), children))
            if (!selected_.contains(each.parent_id)) others.insert(each.parent_id);
        for (WorkflowInstance& row : store().by_ids(listed(others), false)) {
            if (!resumed_by_hand(row) || !has_not_ended(row.state)) continue;
            resumed_.insert(row.id);
            other_parents_.emplace(row.id, std::move(row));
        }
    }

    void leave_parents(const AskAboutChildren& ask) {
        std::set<std::int64_t> unselected;
        for (const WorkflowRelation& link : links_)
            if (selected_.contains(link.parent_id) && !selected_.contains(link.child_id))
                unselected.insert(link.child_id);
        const auto runs = running(listed(unselected), ask);
        for (const WorkflowRelation& link : links_) {
            const auto child = runs.find(link.child_id);
            if (child != runs.end() && selected_.contains(link.parent_id))
                left_.emplace(link.parent_id, LeftForFamily{Verdict::child_running, child->second});
        }
    }

    // Those of `children` that run, or may, as they are told of.
    std::unordered_map<std::int64_t, std::string> running(const std::vector<std::int64_t>& children,
                                                          const AskAboutChildren& ask) {
        std::unordered_map<std::int64_t, std::string> runs;
        if (children.empty()) return runs;
        for (const WaitingCommand& command : CommandStore(context_.store()).for_workflows(children))
            runs.emplace(command.workflow_instance_id,
                         child_with_command(command.workflow_instance_id));
        std::vector<WorkflowInstance> rows = store().by_ids(children, false);
        std::erase_if(rows, [&](const WorkflowInstance& row) {
            return !has_not_ended(row.state) || runs.contains(row.id);
        });
        if (rows.empty()) return runs;
        const std::vector<MastersSaid> said =
            ask ? ask(rows) : std::vector<MastersSaid>(rows.size());
        for (std::size_t i = 0; i < rows.size(); ++i) {
            if (said[i].answer == MasterAnswer::not_held) continue;
            runs.emplace(rows[i].id,
                         said[i].held_by.empty()
                             ? fmt::format("{} ({}), of which not every living master said whether "
                                           "it holds it",
                                           rows[i].id, workflow_state_name(rows[i].state))
                             : fmt::format("{}, held by {}", rows[i].id, said[i].held_by));
        }
        return runs;
    }

    void leave_children(EpochMs clock) {
        for (const WorkflowRelation& link : links_) {
            const auto child = selected_.find(link.child_id);
            if (child == selected_.end() || !comes_to(link.parent_id, child->second, clock))
                continue;
            left_to_parents_.insert(link.child_id);
            left_.emplace(link.child_id,
                          LeftForFamily{Verdict::by_parent, std::to_string(link.parent_id)});
        }
    }

    // Whether the parent's recovery is still to reach the child.
    bool comes_to(std::int64_t parent, const FamilyMember& child, EpochMs clock) const {
        if (selected_.contains(parent)) return !left_.contains(parent) || is_by_parent(parent);
        if (left_to_parents_.contains(child.id)) return true;
        const WorkflowInstance& row = other_parents_.at(parent);
        if (row.state == workflow_state::kFailover) return true;
        // It was taken up moments ago, later than the child.
        const auto& started = row.last_start();
        return started && started->instants.earliest_us > child.last_start_us &&
               clock - started->epoch_ms() < kSettlingMs;
    }

    bool is_by_parent(std::int64_t id) const {
        const auto found = left_.find(id);
        return found != left_.end() && found->second.verdict == Verdict::by_parent;
    }

    WorkflowInstanceStore store() const { return WorkflowInstanceStore(context_.store()); }

    const RunContext& context_;
    std::set<std::int64_t>& left_to_parents_;
    std::unordered_map<std::int64_t, FamilyMember> selected_;
    std::set<std::int64_t> resumed_;  // parents
    std::unordered_map<std::int64_t, WorkflowInstance> other_parents_;
    std::vector<WorkflowRelation> links_;
    std::map<std::int64_t, LeftForFamily> left_;
};

}  // namespace

// A task that has ended is behind its parent.
std::vector<WorkflowRelation> child_links(const RunContext& context,
                                          std::span<const std::int64_t> parents) {
    std::vector<WorkflowRelation> links;
    for (const UnfinishedTask& task :
         TaskInstanceStore(context.store()).unfinished(parents, false)) {
        if (!is_sub_workflow_type(task.type) || !task.app_link) continue;
        if (const auto child = child_of_app_link(*task.app_link))
            links.push_back({task.task.workflow_instance_id, *child});
    }
    return links;
}

std::string child_with_command(std::int64_t child) {
    return fmt::format("{}, for which a command waits", child);
}

FamilyMember family_member(const WorkflowInstance& instance) {
    const auto& started = instance.last_start();
    return {instance.id, resumed_by_hand(instance), instance.is_child,
            started ? started->instants.latest_us : 0};
}

std::map<std::int64_t, LeftForFamily> left_for_family(const RunContext& context,
                                                      std::span<const FamilyMember> selected,
                                                      const AskAboutChildren& ask, EpochMs clock,
                                                      std::set<std::int64_t>& left_to_parents) {
    return Families(context, selected, left_to_parents).look(ask, clock);
}

}  // namespace dsfailover
