#pragma once

// The report as data: what the coordinator fills in and json_report / table_report print.
// Times are epoch milliseconds unless a name ends in _at (RFC 3339 UTC when printed). What a
// printed field says stands where it is described (fields/*.cc) and in docs/report.md.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/compact_text.h"
#include "base/error.h"
#include "base/time.h"
#include "report/sandbox_section.h"
#include "report/words.h"

namespace dsfailover {

/// A list of which at most `limit` items are kept and all are counted.
template <typename Item>
class Items {
  public:
    explicit Items(std::size_t limit = 1000) : limit_(limit) {}
    /// Keeps a copy of the item if there is room.
    void add(Item item) {
        if (has_room())
            kept_.push_back(std::move(item));
        else
            omit();
    }
    /// All of them, kept or not.
    std::int64_t total() const { return static_cast<std::int64_t>(kept_.size()) + omitted_; }
    /// Whether add() would keep an item; omit() counts one that need not be made then.
    bool has_room() const { return kept_.size() < limit_; }
    void omit() { ++omitted_; }
    /// Keeps the first `limit` at most, and counts the others.
    void shorten(std::size_t limit) {
        limit_ = limit;
        for (; kept_.size() > limit_; kept_.pop_back()) omit();
    }
    std::size_t limit() const { return limit_; }
    const std::vector<Item>& kept() const { return kept_; }
    std::vector<Item>& kept() { return kept_; }
    std::int64_t omitted() const { return omitted_; }

  private:
    std::size_t limit_;
    std::vector<Item> kept_;
    std::int64_t omitted_ = 0;
};

struct RegistryInfo {
    std::string type, endpoint, name_space;
};
struct DatabaseInfo {
    std::string type, endpoint;
    std::optional<std::string> schema_version;
    std::optional<std::string> replica;
};

struct EventInfo {
    std::string type;
    std::optional<std::string> address;
    std::optional<EpochMs> startup_time;
    std::optional<std::int64_t> process_id;
    std::optional<EpochMs> event_time;
};

/// There may be a thousand for each of a hundred masters.
struct WorkflowItem {
    std::int64_t id = 0;
    CompactText name;
    CompactText previous_state;  ///< "RUNNING_EXECUTION", ...
    WorkflowOutcome outcome = WorkflowOutcome::skipped;
    CompactText reason;
    std::optional<std::int64_t> command_id;
    std::optional<EpochMs> last_task_activity;
    CompactText held_by;
};

/// workflows {...} of a master, and of requeue.
struct WorkflowsSection {
    explicit WorkflowsSection(std::size_t limit = 1000) : items(limit) {}
    std::int64_t selected = 0;
    std::int64_t done = 0;  ///< printed as failed_over or requeued
    std::int64_t left = 0;
    /// Of a master: in a commit without an answer, of a database that did not come back.
    std::int64_t unknown = 0;
    std::map<SkipReason, std::int64_t> skipped;
    Items<WorkflowItem> items;
};

/// A task that is, or may be, alive on its worker while its workflow is ended.
struct LivingTask {
    std::int64_t id = 0;
    std::string name;
    std::string worker;
    bool alive = false;  ///< false: the worker lives, and did not say
    std::optional<std::int64_t> process_id;
    std::optional<std::string> applications;
};

/// A workflow instance that finish was asked to end.
struct FinishItem {
    std::int64_t id = 0;
    std::optional<std::string> name;
    std::optional<std::string> previous_state;
    WorkflowOutcome outcome = WorkflowOutcome::left;
    std::optional<std::string> reason;
    std::optional<std::string> holder;
    std::optional<EpochMs> last_task_activity;
    std::optional<EpochMs> end_time;
    std::vector<std::int64_t> tasks_ended;
    std::vector<std::int64_t> commands_deleted;
    std::vector<LivingTask> tasks_alive;
};

/// workflows {...} of finish.
struct FinishSection {
    explicit FinishSection(std::size_t limit = 1000) : items(limit) {}
    std::int64_t selected = 0;
    std::int64_t done = 0;  ///< printed as finished
    std::int64_t left = 0;
    std::map<SkipReason, std::int64_t> refused;
    std::map<SkipReason, std::int64_t> skipped;
    Items<FinishItem> items;
};

/// A workflow instance of which another master than its host was to be made the host.
struct RehostItem {
    std::int64_t id = 0;
    std::optional<std::string> name;
    std::optional<std::string> host;
    std::optional<std::string> holder;
    WorkflowOutcome outcome = WorkflowOutcome::left;
    std::optional<std::string> reason;
};

/// workflows {...} of rehost.
struct RehostSection {
    explicit RehostSection(std::size_t limit = 1000) : items(limit) {}
    std::int64_t selected = 0;
    std::int64_t done = 0;  ///< printed as rehosted
    std::int64_t left = 0;
    std::map<SkipReason, std::int64_t> skipped;
    Items<RehostItem> items;
};

struct FenceInfo {
    std::string path;
    bool stopped = false;
    std::optional<std::string> standing{};  ///< value of a mark that stood before; not printed
};
struct LockInfo {
    std::string path;
    std::int64_t waited_ms = 0;
    std::optional<std::string> holder;
};
struct MarkInfo {
    std::string path;
    std::optional<EpochMs> value;
    std::optional<std::string> previous_value;
    bool written = false;
};
struct RecoveryInfo {
    std::int64_t recovered = 0;
    std::int64_t pending = 0;
    std::int64_t errored = 0;
    std::int64_t unproven = 0;
    std::int64_t lost = 0;
    std::int64_t rehosted = 0;
    std::int64_t unseen = 0;  ///< of pending: taken, not seen to be held yet; not printed
};

struct MasterSection {
    explicit MasterSection(std::size_t limit = 1000) : workflows(limit) {}
    std::string address;
    bool alive = false;
    std::optional<EpochMs> startup_time;
    std::optional<EpochMs> deadline;
    std::optional<EpochMs> stamp;
    std::optional<std::string> new_host;
    Outcome outcome = Outcome::nothing_to_do;
    OldProcess old_process = OldProcess::not_asked;
    std::optional<FenceInfo> fence;
    std::optional<LockInfo> lock;
    std::optional<MarkInfo> mark;
    WorkflowsSection workflows;
    std::optional<RecoveryInfo> recovery;
};

/// The workflows named to failover-workflow that no master's section has: those without a host, and
/// those that are in no state to be failed over.
struct OthersSection {
    std::optional<std::string> host;
    std::optional<EpochMs> stamp;
    WorkflowsSection workflows;
    std::optional<RecoveryInfo> recovery;
};

struct TaskItem {
    std::int64_t id = 0;
    std::string name;
    std::int64_t workflow_instance_id = 0;
    std::string state;
    std::optional<std::string> owner;
    TaskRoute route = TaskRoute::stuck;
    TaskOutcome outcome = TaskOutcome::left;
    std::optional<std::string> reason;
};

struct WorkerSection {
    explicit WorkerSection(std::size_t limit = 1000) : items(limit) {}
    std::string address;
    bool alive = false;
    std::optional<EpochMs> startup_time;
    std::optional<EpochMs> deadline;
    Outcome outcome = Outcome::nothing_to_do;
    bool announced = false;
    bool acknowledged = false;
    std::optional<FenceInfo> fence;
    std::optional<MarkInfo> mark;
    std::int64_t selected = 0;
    std::map<TaskRoute, std::int64_t> routes;
    Items<TaskItem> items;
};

struct MarkItem {
    std::string name;
    std::optional<std::string> address;
    std::optional<EpochMs> startup_time;
    std::optional<std::int64_t> process_id;
    std::optional<std::string> value;
    std::optional<std::int64_t> age_ms;
    MarkOutcome outcome = MarkOutcome::kept;
    std::optional<std::string> reason;
};

struct MarksSection {
    explicit MarksSection(std::size_t limit = 1000) : items(limit) {}
    std::int64_t examined = 0, removed = 0, kept = 0, failed = 0;
    Items<MarkItem> items;
};

struct ServerItem {
    std::string address;
    bool alive = true;
    std::optional<EpochMs> startup_time;
    std::optional<std::int64_t> process_id;
    std::optional<EpochMs> report_time;
    std::optional<std::string> server_status;
    std::optional<std::string> problem;
    std::optional<std::string> worker_group;
};

/// An address that unfinished tasks stand on and where no server lives.
struct GoneWorker {
    std::string address;
    std::int64_t tasks = 0;
    std::optional<EpochMs> oldest_submit_time;
    std::map<TaskRoute, std::int64_t> routes;
};

/// One host that `global` would fail over.
struct NeedsFailover {
    std::string address;
    bool alive = false;
    std::int64_t workflows = 0;
    std::int64_t in_doubt = 0;
    std::int64_t running_elsewhere = 0;
    std::optional<EpochMs> oldest_start_time;
};

/// A workflow that needs a look before anything is done with it.
struct WorkflowNote {
    std::int64_t id = 0;
    std::optional<std::string> name;
    std::optional<std::string> host;
    std::string reason;
    std::optional<EpochMs> last_task_activity;
};

/// A parent whose child workflow is unfinished too: failing the parent over starts the child anew.
struct ParentNote {
    std::int64_t id = 0;
    std::optional<std::string> name;
    std::optional<std::string> host;
    std::int64_t child_id = 0;
    std::optional<std::string> child_host;
    std::string child_state;
};

struct StuckWorkflow {
    std::int64_t id = 0;
    std::optional<std::string> name;
    std::string cause;
};

/// Commands of one type that wait.
struct CommandsOfType {
    std::int64_t count = 0;
    std::optional<EpochMs> oldest_update_time;
    std::int64_t unclaimed = 0;
};

/// The commands that wait.
struct CommandsInfo {
    std::map<int, CommandsOfType> by_type;
    std::int64_t old = 0;  ///< of any type, older than --backlog-after; not printed by itself

    std::int64_t total() const;
    std::int64_t unclaimed() const;                     ///< of any type
    std::optional<EpochMs> oldest_update_time() const;  ///< of any type
    CommandsOfType failovers() const;                   ///< of RECOVER_TOLERANCE_FAULT
};

/// An unfinished workflow without a host.
struct OwnerlessWorkflow {
    std::int64_t id = 0;
    std::optional<std::string> name;
    std::string state;
};

/// An unfinished workflow of a living master of which no task moved for --idle.
struct IdleWorkflow {
    std::int64_t id = 0;
    std::optional<std::string> name;
    std::string host;
    std::optional<EpochMs> since;
    bool overtaken = false;
    bool blocked = false;
};

/// Workflows in SERIAL_WAIT.
struct SerialWait {
    std::int64_t count = 0;
    std::optional<EpochMs> oldest_start_time;
    std::vector<std::int64_t> never;  ///< those that no other run's end will start; not printed
};

/// Tasks in SUBMITTED_SUCCESS, of unfinished workflows, that nothing will start.
struct WaitingTasks {
    std::int64_t no_worker_group = 0;
    std::optional<std::int64_t> lost_task_group;
};

/// One thing that is right or not, for --check.
struct CheckItem {
    CheckName name = CheckName::clocks;
    bool ok = true;
    std::string detail;
    std::optional<std::string> hint;
    bool counts = true;  ///< where it fails: by --check and --skip-check; not printed
};

/// What a living master said when it was asked whether it holds workflows.
struct MasterAsked {
    std::string address;
    std::optional<std::string> peer;
    std::int64_t questions = 0;
    std::int64_t held = 0, not_held = 0, unanswered = 0;
    std::optional<std::string> control;
    std::optional<std::string> problem;
};

/// What a living worker said when it was asked whether tasks live.
struct WorkerAsked {
    std::string address;
    std::optional<std::string> peer;
    std::int64_t questions = 0;
    std::int64_t alive = 0, unknown_task = 0, unanswered = 0;
    std::optional<std::string> problem;
};

/// An unfinished workflow that no master holds and no command is for.
struct AbandonedWorkflow {
    std::int64_t id = 0;
    std::optional<std::string> name;
    std::string state;
    std::optional<std::string> host;
    std::optional<EpochMs> since;
};

/// A workflow that another master holds than the one that is its host.
struct MisplacedWorkflow {
    std::int64_t id = 0;
    std::optional<std::string> name;
    std::optional<std::string> host;
    std::string holder;
};

/// A workflow that a master holds although nothing of it moves.
struct HeldIdleWorkflow {
    std::int64_t id = 0;
    std::optional<std::string> name;
    std::optional<std::string> host;
    std::string holder;
    std::optional<EpochMs> since;
};

/// What the masters said, of status --ask. Its parts are printed as parts of the status.
struct AskedSection {
    explicit AskedSection(std::size_t limit = 1000)
        : abandoned(limit), held_idle(limit), misplaced(limit) {}
    std::vector<MasterAsked> masters;
    Items<AbandonedWorkflow> abandoned;
    Items<HeldIdleWorkflow> held_idle;
    Items<MisplacedWorkflow> misplaced;
    std::int64_t unknown = 0;  ///< workflows of which it is not known whether they are abandoned
};

struct LockNote {
    std::string path;
    std::string holder;
    std::optional<EpochMs> held_since;
    bool leaked = false;
    std::vector<std::string> waiters;
};

/// A mark with the value 0: it makes the process in its name stop itself (docs/behaviour.md,
/// Fence).
struct FenceNote {
    std::string name;
    std::optional<std::string> address;
    std::optional<std::int64_t> age_ms;
    bool alive = false;
};

/// What of a status --items would shorten, counted whole; printed as metrics alone.
struct StatusTotals {
    /// Living servers by server_status; "" where the heartbeat cannot be read.
    std::map<std::string, std::int64_t> masters, workers;
    std::map<std::string, std::int64_t> workflows;  ///< that have not ended, by state
    std::int64_t hosts_to_fail_over = 0;            ///< of which `global` would do something
    std::int64_t to_fail_over = 0;                  ///< workflows
    std::int64_t in_doubt = 0;  ///< settling, and those with a command, included
    std::int64_t running_elsewhere = 0;
    std::optional<EpochMs> oldest_to_fail_over;  ///< its start
    std::map<TaskRoute, std::int64_t> gone_tasks;
    std::optional<EpochMs> oldest_gone_task;  ///< when it was submitted
    std::int64_t leaked_locks = 0;
    std::int64_t fences_of_living = 0;
};

/// What `status` found.
struct StatusSection {
    explicit StatusSection(std::size_t limit = 1000)
        : masters(limit),
          workers(limit),
          needs_failover(limit),
          ownerless_items(limit),
          stuck(limit),
          uncertain(limit),
          parents(limit),
          waiting_for_kill(limit),
          workers_gone(limit),
          idle(limit),
          locks(limit),
          fences(limit) {}
    Items<ServerItem> masters;
    Items<ServerItem> workers;
    std::optional<std::string> coordinator;
    std::optional<bool> coordinator_alive;
    std::optional<std::string> alert_leader;
    std::optional<bool> alert_leader_alive;
    Items<NeedsFailover> needs_failover;
    Items<OwnerlessWorkflow> ownerless_items;  ///< their total is printed as ownerless
    Items<StuckWorkflow> stuck;
    Items<WorkflowNote> uncertain;
    Items<ParentNote> parents;
    Items<WorkflowNote> waiting_for_kill;
    Items<GoneWorker> workers_gone;
    Items<IdleWorkflow> idle;
    SerialWait serial_wait;
    WaitingTasks waiting_tasks;
    CommandsInfo commands;
    Items<LockNote> locks;
    std::int64_t marks = 0;
    std::int64_t expired_marks = 0;
    std::int64_t unreadable_marks = 0;
    Items<FenceNote> fences;  ///< printed in `marks`
    std::optional<std::int64_t> clock_skew_ms;
    std::optional<AskedSection> asked;  ///< none: nobody was asked
    std::vector<CheckItem> checks;
    StatusTotals totals;  ///< not printed in the report
};

/// A task of an explained workflow that has not ended.
struct ExplainedTask {
    std::int64_t id = 0;
    std::string name, type, state;
    std::optional<std::string> host;
    std::optional<std::string> life;
    std::optional<std::string> problem;
    std::optional<std::int64_t> pid;
    std::optional<std::string> app_link;
};

/// A command for an explained workflow.
struct ExplainedCommand {
    std::int64_t id = 0;
    int command_type = 0;
    std::optional<EpochMs> update_time;
    std::optional<std::string> message;
};

/// A parent or a child of an explained workflow.
struct RelatedWorkflow {
    std::int64_t id = 0;
    std::optional<std::string> name;
    std::string state;
    std::optional<std::string> host;
};

struct ExplainedMark {
    std::string name, value;
};
struct ExplainedStamp {
    EpochMs value = 0;
    std::optional<std::string> zone;
};

/// Everything known of one workflow, and what comes of it.
struct ExplainedWorkflow {
    explicit ExplainedWorkflow(std::size_t limit = 1000)
        : tasks(limit), failed_commands(limit), children(limit) {}
    std::int64_t id = 0;
    std::optional<std::string> name;
    std::string verdict;
    std::optional<std::int64_t> row;
    std::string conclusion;
    std::string why;
    std::optional<std::string> next;
    std::optional<std::string> advice;

    std::string state;
    std::optional<std::string> host;
    bool host_alive = false;
    std::optional<EpochMs> host_startup_time;
    std::optional<EpochMs> start_time, restart_time;
    std::optional<std::int64_t> command_type;
    std::optional<EpochMs> last_task_activity;
    std::string answer;
    std::optional<std::string> held_by;
    Items<ExplainedTask> tasks;
    std::vector<ExplainedCommand> commands;
    Items<ExplainedCommand> failed_commands;
    std::vector<ExplainedMark> marks;
    std::vector<ExplainedStamp> stamps;
    std::optional<LockNote> lock;
    std::vector<RelatedWorkflow> parents;
    Items<RelatedWorkflow> children;
};

/// One effective setting, for `config`.
struct SettingItem {
    std::string name;
    std::string value;
    std::string origin;
};

/// Something that went wrong, or needs somebody: an error of the report, with the exit status that
/// it stands for.
struct Problem {
    ExitCode code = ExitCode::failed;
    std::string text;
    bool ended_run = false;  ///< the rest was not done because of it
};

/// One run's report. Sections that a command does not have are empty optionals.
struct Report {
    std::string command;
    bool dry_run = false;
    Outcome outcome = Outcome::nothing_to_do;  ///< made by conclude(), as the next
    ExitCode exit_code = ExitCode::done;
    EpochMs started_at = 0;
    EpochMs finished_at = 0;
    std::optional<RegistryInfo> registry;
    std::optional<DatabaseInfo> database;
    std::optional<EventInfo> event;
    std::vector<std::string> warnings;
    std::vector<Problem> problems;  ///< printed as errors
    bool check_failed = false;      ///< a check of status --check failed

    std::optional<std::vector<MasterSection>> masters;
    std::optional<OthersSection> others;
    std::optional<WorkerSection> worker;
    std::optional<MarksSection> marks;
    std::optional<WorkflowsSection> requeue;  ///< printed as "workflows"
    std::optional<RecoveryInfo> recovery;     ///< of requeue
    std::optional<FinishSection> finish;      ///< printed as "workflows", too
    std::optional<RehostSection> rehost;      ///< likewise
    std::optional<StatusSection> status;
    std::optional<Items<ExplainedWorkflow>> explained;
    /// What servers said, all rounds together; none: nobody was asked. Of a status the masters'
    /// part is in its own section.
    std::optional<std::vector<MasterAsked>> masters_asked;
    std::optional<std::vector<WorkerAsked>> workers_asked;
    std::optional<SandboxSection> sandbox;             ///< of sandbox show
    std::optional<std::vector<SettingItem>> settings;  ///< of config
};

}  // namespace dsfailover
