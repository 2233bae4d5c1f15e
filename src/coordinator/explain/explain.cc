#include "coordinator/explain/explain.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "base/address.h"
#include "coordinator/asking/asked_in_report.h"
#include "coordinator/asking/worker_round.h"
#include "coordinator/clock_check.h"
#include "coordinator/explain/conclusion.h"
#include "coordinator/explain/workflow_look.h"
#include "coordinator/failover/failover_stamps.h"
#include "coordinator/failover/lock_status.h"
#include "coordinator/marks/failover_marks.h"
#include "coordinator/report_names.h"
#include "coordinator/requeue/stuck_workflows.h"
#include "store/relation_store.h"
#include "store/task_instance_store.h"
#include "store/task_state.h"
#include "store/workflow_instance_store.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

std::string state_name(std::string_view name, int state) {
    return name.empty() ? std::to_string(state) : std::string(name);
}

std::string workflow_state_text(int state) { return state_name(workflow_state_name(state), state); }

bool has_ended(int state) {
    using namespace workflow_state;
    return state == kPaused || state == kStopped || state == kFailed || state == kSucceeded;
}

std::string_view to_string(MasterAnswer answer) {
    switch (answer) {
        case MasterAnswer::not_asked:
            return "not_asked";
        case MasterAnswer::unanswered:
            return "unanswered";
        case MasterAnswer::not_held:
            return "not_held";
        case MasterAnswer::held:
            return "held";
        case MasterAnswer::held_idle:
            return "held_idle";
        case MasterAnswer::held_by_two:
            return "held_by_two";
    }
    return "";
}

std::string_view life_word(Answer answer) {
    switch (answer) {
        case Answer::yes:
            return "alive";
        case Answer::no:
            return "unknown_task";
        case Answer::unanswered:
            return "unanswered";
    }
    return "";
}

std::optional<EpochMs> epoch_ms(const std::optional<StoredTime>& time) {
    return time ? std::optional(time->epoch_ms()) : std::nullopt;
}

/// One explain under way.
class Explanation {
  public:
    Explanation(const RunContext& context, const ExplainOptions& options)
        : context_(context), options_(options) {
        look_.servers = read_servers(context.registry, true);
        look_.at = now_ms();
    }

    void run() {
        check_times();
        known_ = WorkflowLook(context_, look_, options_).look();
        for (const auto& [id, known] : known_) {
            ids_.push_back(id);
            items_.emplace(id, ExplainedWorkflow(options_.items)).first->second.id = id;
        }
        add_rows();
        add_obstacles();
        add_tasks();
        add_commands();
        add_relations();
        add_hosts();
        conclude_all();
    }

  private:
    void check_times() {
        try {
            look_.clock_difference = check_clocks(context_, look_.servers);
        } catch (const EnvironmentError& error) {
            context_.fail(error.exit_code(), error.what());
        }
        check_zone(context_, look_.servers, read_activity(context_));
    }

    void add_rows() {
        const auto names = WorkflowInstanceStore(context_.store()).names(ids_);
        const auto activity = TaskInstanceStore(context_.store()).activity(ids_);
        for (std::size_t i = 0; i < ids_.size(); ++i) {
            const KnownWorkflow& known = known_.at(ids_[i]);
            const WorkflowInstance& row = known.row;
            ExplainedWorkflow& item = items_.at(ids_[i]);
            item.name = names[i];
            item.state = workflow_state_text(row.state);
            item.host = row.host;
            item.start_time = epoch_ms(row.start_time);
            item.restart_time = epoch_ms(row.restart_time);
            item.command_type = row.command_type;
            if (const auto found = activity.find(row.id); found != activity.end())
                item.last_task_activity = epoch_ms(found->second.latest);
            item.answer = to_string(known.said.answer);
            if (known.is_held()) item.held_by = known.said.held_by;
        }
    }

    // What makes every recovery fail.
    void add_obstacles() {
        for (const std::int64_t id : TaskInstanceStore(context_.store()).with_duplicate_tasks(ids_))
            known_.at(id).duplicate_tasks = true;
        WorkflowInstanceStore workflows(context_.store());
        for (const std::int64_t id : workflows.without_command_type(ids_))
            known_.at(id).unreadable_command_param = true;
        failed_ = CommandStore(context_.store()).failed_for_workflows(ids_);
        for (auto& [id, cause] : failed_twice(failed_))
            known_.at(id).fails_again = std::move(cause);
    }

    void add_tasks() {
        TaskInstanceStore store(context_.store());
        const std::vector<UnfinishedTask> tasks = store.unfinished(ids_, false);
        WorkerRound round;
        if (context_.servers) {
            round = ask_living_workers(context_, tasks, options_.ask.timeout);
            add_to_report(context_.report, round.workers);
        }
        for (std::size_t i = 0; i < tasks.size(); ++i) {
            const UnfinishedTask& each = tasks[i];
            ExplainedTask task;
            task.id = each.task.id;
            task.name = each.task.name;
            task.type = each.type;
            task.state = state_name(task_state_name(each.task.state), each.task.state);
            task.host = each.task.host;
            task.pid = each.pid;
            task.app_link = each.app_link;
            if (context_.servers) add_life(round.tasks[i], each, task);
            items_.at(each.task.workflow_instance_id).tasks.add(std::move(task));
        }
    }

    void add_life(const TaskLife& life, const UnfinishedTask& task, ExplainedTask& item) {
        item.life = life_word(life.answer);
        if (!life.reason.empty()) item.problem = life.reason;
        if (life.answer == Answer::yes) ++known_.at(task.task.workflow_instance_id).living_tasks;
    }

    void add_commands() {
        for (auto& [id, known] : known_) {
            for (const WaitingCommand& command : known.commands)
                items_.at(id).commands.push_back(
                    {command.id, command.command_type, command.update_time, std::nullopt});
        }
        std::sort(failed_.begin(), failed_.end(),
                  [](const ErrorCommand& a, const ErrorCommand& b) { return a.id > b.id; });
        for (ErrorCommand& command : failed_)
            items_.at(command.workflow_instance_id)
                .failed_commands.add(
                    {command.id, command.command_type, std::nullopt, std::move(command.message)});
    }

    void add_relations() {
        const auto parents = parents_of(context_.store(), ids_);
        const auto children = children_of(context_.store(), ids_);
        std::set<std::int64_t> others;
        for (const WorkflowRelation& each : parents) others.insert(each.parent_id);
        for (const WorkflowRelation& each : children) others.insert(each.child_id);
        const std::vector<std::int64_t> ids(others.begin(), others.end());
        WorkflowInstanceStore store(context_.store());
        const auto names = store.names(ids);
        std::unordered_map<std::int64_t, std::optional<std::string>> name_of;
        for (std::size_t i = 0; i < ids.size(); ++i) name_of[ids[i]] = names[i];
        std::unordered_map<std::int64_t, WorkflowInstance> rows;
        for (WorkflowInstance& row : store.by_ids(ids, false)) rows.emplace(row.id, std::move(row));
        const auto related = [&](const WorkflowInstance& row) {
            return RelatedWorkflow{row.id, name_of[row.id], workflow_state_text(row.state),
                                   row.host};
        };
        for (const WorkflowRelation& each : parents) {
            const auto row = rows.find(each.parent_id);
            if (row == rows.end()) continue;
            items_.at(each.child_id).parents.push_back(related(row->second));
            if (!has_ended(row->second.state)) known_.at(each.child_id).unfinished_parent = true;
        }
        for (const WorkflowRelation& each : children) {
            const auto row = rows.find(each.child_id);
            if (row == rows.end()) continue;
            items_.at(each.parent_id).children.add(related(row->second));
            if (!has_ended(row->second.state))
                known_.at(each.parent_id).unfinished_children.push_back(each.child_id);
        }
    }

    void add_hosts() {
        std::map<std::string, std::vector<ExplainedWorkflow*>> of_host;
        std::vector<std::string> addresses;
        for (auto& [id, item] : items_)
            if (known_.at(id).has_host()) of_host[*item.host].push_back(&item);
        for (const auto& [host, items] : of_host)
            if (is_address(host)) addresses.push_back(host);
        FailoverMarks marks(context_.registry);
        marks.read_all(addresses);
        const auto stamps = read_all_stamps(context_.registry, addresses);
        for (const std::string& address : addresses) {
            const auto lock = read_failover_lock(context_, look_.servers, address);
            const Server* const living = look_.servers.master(address);
            for (ExplainedWorkflow* item : of_host.at(address)) {
                item->host_alive = living != nullptr;
                if (living) item->host_startup_time = living->startup_time;
                for (const Node& mark : marks.of(address).nodes)
                    item->marks.push_back({mark.name, mark.value});
                for (const Stamp& stamp : stamps.at(address).stamps)
                    item->stamps.push_back({stamp.value, stamp.knows_origin()
                                                             ? std::optional(stamp.zone)
                                                             : std::nullopt});
                item->lock = lock;
            }
        }
    }

    void conclude_all() {
        ExplainedCluster cluster;
        cluster.clock = context_.database.clock_ms();
        cluster.any_master_lives = !look_.servers.masters.empty();
        for (const Server& master : look_.servers.masters)
            if (master.server_status == "NORMAL") cluster.normal_masters.push_back(master.address);
        if (context_.servers) cluster.unanswered = why_unanswered(context_.report);
        auto& explained = context_.report.explained.emplace(options_.items);
        for (auto& [id, item] : items_) {
            conclude(known_.at(id), cluster, item);
            explained.add(std::move(item));
        }
        for (const std::int64_t id : std::set(options_.ids.begin(), options_.ids.end())) {
            if (!known_.contains(id)) fail_unknown(context_, id);
        }
    }

    const RunContext& context_;
    const ExplainOptions& options_;
    FirstLook look_;
    std::map<std::int64_t, KnownWorkflow> known_;
    std::map<std::int64_t, ExplainedWorkflow> items_;
    std::vector<std::int64_t> ids_;     // of those that exist
    std::vector<ErrorCommand> failed_;  // commands of these
};

}  // namespace

void explain_workflows(const RunContext& context, const ExplainOptions& options) {
    Explanation(context, options).run();
}

}  // namespace dsfailover
