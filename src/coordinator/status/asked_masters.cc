#include "coordinator/status/asked_masters.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/interruption.h"
#include "base/log.h"
#include "base/plural.h"
#include "coordinator/asking/asked_in_report.h"
#include "coordinator/asking/control_workflows.h"
#include "coordinator/asking/idle_workflows.h"
#include "coordinator/asking/lowest_ids.h"
#include "coordinator/asking/master_round.h"
#include "coordinator/clock_check.h"
#include "coordinator/report_names.h"
#include "registry/living_servers.h"
#include "store/command_store.h"
#include "store/command_watch.h"
#include "store/task_instance_store.h"
#include "store/workflow_instance_store.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

using namespace workflow_state;

// SUBMITTED_SUCCESS is that of a workflow whose command is there still, or was lost.
constexpr int kStates[] = {kSubmitted, kRunning, kReadyPause, kReadyStop};

/// The instances of one status --ask, and what became of them.
class MasterInquiry {
  public:
    MasterInquiry(const RunContext& context, const StatusOptions& options)
        : context_(context), options_(options.ask), result_(options.items) {}

    AskedSection run() {
        read();
        const MasterRound first = ask();
        if (!any_not_held(first)) return conclude(first, first);
        log_info("asking the masters again in {}", format_duration(options_.apart));
        wait_for(options_.apart);
        const auto before = look();
        const MasterRound second = ask();
        keep_unchanged(before);
        return conclude(first, second);
    }

  private:
    void read() {
        const Servers servers = read_servers(context_.registry, true);
        CommandWatch watch;
        CommandStore commands(context_.store());
        watch.look(commands);
        ControlWorkflows controls(servers);
        LowestIds lowest(options_.limit);
        WorkflowInstanceStore(context_.store())
            .scan_states(kStates, [&](const WorkflowInstance& instance) {
                if (watch.seen(instance.id)) return;
                controls.note(instance);
                lowest.add(instance);
            });
        instances_ = lowest.take();
        const auto meanwhile = commands_of(ids());
        std::erase_if(instances_,
                      [&](const WorkflowInstance& each) { return meanwhile.contains(each.id); });
        controls_ = controls.choose(context_, latest_clock(context_.database));
        if (lowest.left_out() > 0)
            context_.warn(fmt::format(
                "{} not asked about: --ask-limit {} asks about those with the lowest ids.",
                counted(lowest.left_out(), "unfinished workflow was", "unfinished workflows were"),
                options_.limit));
    }

    std::unordered_set<std::int64_t> commands_of(const std::vector<std::int64_t>& ids) const {
        std::unordered_set<std::int64_t> workflows;
        for (const auto& command : CommandStore(context_.store()).for_workflows(ids))
            workflows.insert(command.workflow_instance_id);
        return workflows;
    }

    std::vector<std::int64_t> ids() const {
        std::vector<std::int64_t> all;
        all.reserve(instances_.size());
        for (const WorkflowInstance& each : instances_) all.push_back(each.id);
        return all;
    }

    MasterRound ask() const {
        return ask_living_masters(context_, ids(), controls_, options_.timeout);
    }

    static bool any_not_held(const MasterRound& round) {
        return std::any_of(round.workflows.begin(), round.workflows.end(), [](const auto& each) {
            return each.answer() == MasterAnswer::not_held;
        });
    }

    /// Those that are as they were read, and have no command.
    std::unordered_set<std::int64_t> look() {
        rows_.clear();
        for (WorkflowInstance& row : WorkflowInstanceStore(context_.store()).by_ids(ids(), false))
            rows_.emplace(row.id, std::move(row));
        const auto with_command = commands_of(ids());
        std::unordered_set<std::int64_t> same;
        for (const WorkflowInstance& read : instances_) {
            const auto row = rows_.find(read.id);
            if (row != rows_.end() && is_as_read(row->second, read) &&
                !with_command.contains(read.id))
                same.insert(read.id);
        }
        return same;
    }

    void keep_unchanged(const std::unordered_set<std::int64_t>& before) {
        const auto after = look();
        std::copy_if(after.begin(), after.end(), std::inserter(unchanged_, unchanged_.end()),
                     [&](std::int64_t id) { return before.contains(id); });
    }

    AskedSection conclude(const MasterRound& first, const MasterRound& last) {
        std::vector<std::int64_t> by_two, unknown;
        std::vector<const WorkflowInstance*> abandoned;
        std::vector<WorkflowInstance> held_ones;
        if (rows_.empty()) look();
        for (std::size_t i = 0; i < instances_.size(); ++i) {
            const WorkflowInstance& instance = instances_[i];
            const HeldBy& held = last.workflows[i];
            const MasterAnswer answers[] = {first.workflows[i].answer(), held.answer()};
            const auto either = [&](MasterAnswer answer) {
                return answers[0] == answer || answers[1] == answer;
            };
            if (answers[1] == MasterAnswer::held_by_two) by_two.push_back(instance.id);
            if (answers[1] == MasterAnswer::held) {
                held_ones.push_back(instance);
                holders_[instance.id] = held.holder;
                if (held.complete) note_holder(instance, held);
            }
            if (either(MasterAnswer::held) || either(MasterAnswer::held_by_two)) continue;
            if (either(MasterAnswer::unanswered))
                unknown.push_back(instance.id);
            else if (unchanged_.contains(instance.id))
                abandoned.push_back(&instance);
        }
        add_abandoned(abandoned);
        add_idle(held_ones);
        result_.masters = last.masters;
        std::sort(result_.masters.begin(), result_.masters.end(),
                  [](const MasterAsked& a, const MasterAsked& b) { return a.address < b.address; });
        warn(first, last, by_two, unknown);
        return std::move(result_);
    }

    // Where recovery sets the host, and writes it, another master than the host holds nothing.
    void note_holder(const WorkflowInstance& instance, const HeldBy& held) {
        const auto row = rows_.find(instance.id);
        if (!context_.schema.recovery_leaves_host() || row == rows_.end()) return;
        const WorkflowInstance& now = row->second;
        const bool unfinished =
            std::find(std::begin(kStates), std::end(kStates), now.state) != std::end(kStates);
        if (!unfinished || now.host == held.holder) return;
        result_.misplaced.add({instance.id, std::nullopt, now.host, held.holder});
    }

    using Activity = std::unordered_map<std::int64_t, TaskActivity>;

    // Its start, or its last task activity.
    static std::optional<EpochMs> quiet_since(const WorkflowInstance& instance,
                                              const Activity& activity) {
        std::optional<EpochMs> since;
        if (instance.last_start()) since = instance.last_start()->epoch_ms();
        const auto found = activity.find(instance.id);
        if (found != activity.end() && found->second.latest)
            since = std::max(since.value_or(INT64_MIN), found->second.latest->epoch_ms());
        return since;
    }

    void add_abandoned(const std::vector<const WorkflowInstance*>& abandoned) {
        std::vector<std::int64_t> ids;
        for (const WorkflowInstance* each : abandoned) ids.push_back(each->id);
        const auto activity = TaskInstanceStore(context_.store()).activity(ids);
        for (const WorkflowInstance* each : abandoned)
            result_.abandoned.add({each->id, std::nullopt,
                                   std::string(workflow_state_name(each->state)), each->host,
                                   quiet_since(*each, activity)});
    }

    void add_idle(const std::vector<WorkflowInstance>& held) {
        const auto idle =
            idle_among(context_, held, latest_clock(context_.database), options_.timeout);
        const std::vector<std::int64_t> ids(idle.begin(), idle.end());
        const auto activity = TaskInstanceStore(context_.store()).activity(ids);
        for (const WorkflowInstance& each : held) {
            if (idle.contains(each.id))
                result_.held_idle.add({each.id, std::nullopt, each.host, holders_.at(each.id),
                                       quiet_since(each, activity)});
        }
    }

    void warn(const MasterRound& first, const MasterRound& last,
              const std::vector<std::int64_t>& by_two, const std::vector<std::int64_t>& unknown) {
        if (!by_two.empty())
            context_.warn(fmt::format("{} ({}): one of the two stands still.",
                                      counted(std::ssize(by_two), "workflow is held by two masters",
                                              "workflows are held by two masters each"),
                                      some_ids(by_two)));
        std::vector<std::string> problems = problems_of(first.masters);
        for (std::string& problem : problems_of(last.masters))
            if (std::find(problems.begin(), problems.end(), problem) == problems.end())
                problems.push_back(std::move(problem));
        if (result_.masters.empty()) problems.emplace_back("no master lives");
        result_.unknown = std::ssize(unknown);
        if (!unknown.empty())
            context_.warn(fmt::format(
                "Whether {} ({}) {} abandoned is not known, since not every living master "
                "answered: {}.",
                counted(std::ssize(unknown), "unfinished workflow"), some_ids(unknown),
                unknown.size() == 1 ? "is" : "are", fmt::join(problems, "; ")));
        else if (!problems.empty() && !result_.masters.empty())
            context_.warn(fmt::format("{}.", fmt::join(problems, "; ")));
    }

    const RunContext& context_;
    const AskOptions options_;
    AskedSection result_;
    std::vector<WorkflowInstance> instances_;  // in ascending order of id
    Controls controls_;
    std::unordered_map<std::int64_t, WorkflowInstance> rows_;  // at the last look
    std::unordered_map<std::int64_t, std::string> holders_;    // in the last round
    std::unordered_set<std::int64_t> unchanged_;               // before and after the second round
};

}  // namespace

AskedSection ask_masters(const RunContext& context, const StatusOptions& options) {
    return MasterInquiry(context, options).run();
}

}  // namespace dsfailover
