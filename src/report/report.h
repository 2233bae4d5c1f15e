#pragma once

// The report as data: what the coordinator fills in and json_report / table_report print.
// Field names are those of docs/report.schema.json. Times are epoch milliseconds unless a name
// ends in _at (RFC 3339 UTC when printed).

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
    std::optional<std::string> replica;  ///< "no", "yes", "unknown"; none: nobody looked
};

struct EventInfo {
    std::string
        type;  ///< "MasterFailoverEvent", "WorkerFailoverEvent", "GlobalMasterFailoverEvent"
    std::optional<std::string> address;
    std::optional<EpochMs> startup_time;
    std::optional<std::int64_t> process_id;
    std::optional<EpochMs> event_time;
};

struct WorkflowItem {
    std::int64_t id = 0;
    std::optional<std::string> name;
    std::optional<std::string> previous_state;  ///< "RUNNING_EXECUTION", ...
    WorkflowOutcome outcome = WorkflowOutcome::skipped;
    std::optional<std::string> reason;  ///< a skip reason, or why it failed, was left, is unknown
    std::optional<std::int64_t> command_id;
    std::optional<EpochMs> last_task_activity;  ///< of in_doubt and running_elsewhere
    std::optional<std::string> held_by;         ///< the master, or masters, that say so
};

/// workflows {...} of a master, and of requeue (there `done_name` is "requeued").
struct WorkflowsSection {
    explicit WorkflowsSection(std::size_t limit = 1000) : items(limit) {}
    std::int64_t selected = 0;
    std::int64_t done = 0;  ///< printed as failed_over or requeued
    std::int64_t left = 0;  ///< selected, but not done (--limit, failures, interruption)
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
    std::optional<std::string> applications;  ///< their ids, as stored
};

/// A workflow instance that finish was asked to end.
struct FinishItem {
    std::int64_t id = 0;
    std::optional<std::string> name;
    std::optional<std::string> previous_state;  ///< "SUBMITTED_SUCCESS", ...
    WorkflowOutcome outcome = WorkflowOutcome::left;
    std::optional<std::string> reason;  ///< why it was skipped or refused, or why it failed
    std::optional<std::string> holder;  ///< the master that holds it
    std::optional<EpochMs> last_task_activity;
    std::optional<EpochMs> end_time;             ///< that it and its tasks have, or were to have
    std::vector<std::int64_t> tasks_ended;       ///< or, planned, to be ended
    std::vector<std::int64_t> commands_deleted;  ///< or, planned, to be deleted
    std::vector<LivingTask> tasks_alive;
};

/// workflows {...} of finish.
struct FinishSection {
    explicit FinishSection(std::size_t limit = 1000) : items(limit) {}
    std::int64_t selected = 0;  ///< those named that have not ended
    std::int64_t done = 0;      ///< printed as finished
    std::int64_t left = 0;      ///< failures, interruption
    std::map<SkipReason, std::int64_t> refused;
    std::map<SkipReason, std::int64_t> skipped;
    Items<FinishItem> items;
};

/// A workflow instance of which another master than its host was to be made the host.
struct RehostItem {
    std::int64_t id = 0;
    std::optional<std::string> name;
    std::optional<std::string> host;    ///< as it was read
    std::optional<std::string> holder;  ///< the master that holds it
    WorkflowOutcome outcome = WorkflowOutcome::left;
    std::optional<std::string> reason;  ///< why it was skipped, left, or failed
};

/// workflows {...} of rehost.
struct RehostSection {
    explicit RehostSection(std::size_t limit = 1000) : items(limit) {}
    std::int64_t selected = 0;
    std::int64_t done = 0;  ///< printed as rehosted
    std::int64_t left = 0;  ///< --limit, failures, interruption
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
    std::optional<std::string> previous_value;  ///< as found, even if it is no number
    bool written = false;
};
struct RecoveryInfo {
    std::int64_t recovered = 0;  ///< taken by a master, and finished or held by one
    std::int64_t pending = 0;    ///< nobody took the command, or it was not seen who holds it
    std::int64_t errored = 0;
    std::int64_t unproven = 0;  ///< of `recovered`: taken, and masters did not say who holds it
    std::int64_t lost = 0;      ///< taken, and for half a minute held by nobody
    std::int64_t rehosted = 0;  ///< of `recovered`: their holder was made their host
};

struct MasterSection {
    explicit MasterSection(std::size_t limit = 1000) : workflows(limit) {}
    std::string address;
    bool alive = false;
    std::optional<EpochMs> startup_time;  ///< of the living process
    std::optional<EpochMs> deadline;
    std::optional<EpochMs> stamp;
    std::optional<std::string> new_host;  ///< of what is failed over; none: it keeps its host
    Outcome outcome = Outcome::nothing_to_do;
    OldProcess old_process = OldProcess::not_asked;  ///< what still answers at its address
    std::optional<FenceInfo> fence;
    std::optional<LockInfo> lock;
    std::optional<MarkInfo> mark;
    WorkflowsSection workflows;
    std::optional<RecoveryInfo> recovery;
};

/// The workflows named to failover-workflow that no master's section has: those without a host, and
/// those that are in no state to be failed over.
struct OthersSection {
    std::optional<std::string> host;  ///< the living master that those without one got as host
    std::optional<EpochMs> stamp;     ///< of that master
    WorkflowsSection workflows;
    std::optional<RecoveryInfo> recovery;
};

struct TaskItem {
    std::int64_t id = 0;
    std::string name;
    std::int64_t workflow_instance_id = 0;
    std::string state;                 ///< "DISPATCH" or "RUNNING_EXECUTION"
    std::optional<std::string> owner;  ///< the workflow's host
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
    std::optional<EpochMs> startup_time;  ///< null for "unknown"
    std::optional<std::int64_t> process_id;
    std::optional<std::string> value;  ///< as found
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
    std::optional<std::string> problem;       ///< why its heartbeat cannot be read
    std::optional<std::string> worker_group;  ///< of a worker
};

/// An address that unfinished tasks stand on and where no server lives.
struct GoneWorker {
    std::string address;
    std::int64_t tasks = 0;
    std::optional<EpochMs> oldest_submit_time;  ///< of those tasks
    std::map<TaskRoute, std::int64_t> routes;   ///< failover-worker would take, with its defaults
};

/// One host that `global` would fail over.
struct NeedsFailover {
    std::string address;
    bool alive = false;          ///< a server lives there: it was restarted
    std::int64_t workflows = 0;  ///< `global` would fail over
    std::int64_t in_doubt = 0;
    std::int64_t running_elsewhere = 0;
    std::optional<EpochMs> oldest_start_time;  ///< of those workflows
};

/// A workflow that needs a look before anything is done with it.
struct WorkflowNote {
    std::int64_t id = 0;
    std::optional<std::string> name;
    std::optional<std::string> host;
    std::string reason;  ///< in_doubt, running_elsewhere; or what is the matter with it
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
    /// First line of the error command's message, "duplicate valid tasks", or "none".
    std::string cause;
};

/// Commands of one type that wait.
struct CommandsOfType {
    std::int64_t count = 0;
    std::optional<EpochMs> oldest_update_time;
    std::int64_t unclaimed = 0;  ///< older than --unclaimed-after although masters live
};

/// The commands that wait.
struct CommandsInfo {
    std::map<int, CommandsOfType> by_type;  ///< by command_type
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
    std::optional<EpochMs> since;  ///< its start, or its last task activity
    bool overtaken = false;        ///< another run of its definition ended since
    bool blocked = false;          ///< one of its tasks waits that nothing will start
};

/// Workflows in SERIAL_WAIT.
struct SerialWait {
    std::int64_t count = 0;
    std::optional<EpochMs> oldest_start_time;
    std::vector<std::int64_t> never;  ///< those that no other run's end will start; not printed
};

/// Tasks in SUBMITTED_SUCCESS, of unfinished workflows, that nothing will start.
struct WaitingTasks {
    std::int64_t no_worker_group = 0;             ///< no worker of their group lives
    std::optional<std::int64_t> lost_task_group;  ///< not in their task group's queue any more;
                                                  ///< none: there is no table of queues
};

/// One thing that is right or not, for --check.
struct CheckItem {
    CheckName name = CheckName::clocks;
    bool ok = true;
    std::string detail;               ///< what was found
    std::optional<std::string> hint;  ///< what to do about it
};

/// What a living master said when it was asked whether it holds workflows.
struct MasterAsked {
    std::string address;
    std::optional<std::string> peer;  ///< IP:PORT that was connected to
    std::int64_t questions = 0;       ///< control questions included; of status: of its last round
    std::int64_t held = 0, not_held = 0, unanswered = 0;
    /// "passed" or "failed": whether it holds a workflow that it must hold; none: there was none to
    /// ask about, or no answer.
    std::optional<std::string> control;
    std::optional<std::string> problem;  ///< why it did not answer all
};

/// What a living worker said when it was asked whether tasks live.
struct WorkerAsked {
    std::string address;
    std::optional<std::string> peer;  ///< IP:PORT that was connected to
    std::int64_t questions = 0;       ///< of all rounds
    std::int64_t alive = 0, unknown_task = 0, unanswered = 0;
    std::optional<std::string> problem;  ///< why it did not answer all
};

/// An unfinished workflow that no master holds and no command is for.
struct AbandonedWorkflow {
    std::int64_t id = 0;
    std::optional<std::string> name;
    std::string state;
    std::optional<std::string> host;
    std::optional<EpochMs> since;  ///< its start, or its last task activity
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
    std::optional<EpochMs> since;  ///< its start, or its last task activity
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
    bool leaked = false;  ///< suspected: see docs/behaviour.md, Locks
    std::vector<std::string> waiters;
};

/// A mark with the value 0: it makes the process in its name stop itself (docs/behaviour.md,
/// Fence).
struct FenceNote {
    std::string name;
    std::optional<std::string> address;
    std::optional<std::int64_t> age_ms;  ///< since the startup time in its name
    bool alive = false;                  ///< a server lives at its address
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
    std::optional<bool> coordinator_alive;  ///< none where there is no coordinator
    std::optional<std::string> alert_leader;
    std::optional<bool> alert_leader_alive;
    Items<NeedsFailover> needs_failover;
    Items<OwnerlessWorkflow> ownerless_items;  ///< their total is printed as ownerless
    Items<StuckWorkflow> stuck;
    Items<WorkflowNote> uncertain;  ///< in doubt, or running elsewhere
    Items<ParentNote> parents;
    Items<WorkflowNote> waiting_for_kill;  ///< in state 4, whose kill was lost
    Items<GoneWorker> workers_gone;
    Items<IdleWorkflow> idle;
    SerialWait serial_wait;
    WaitingTasks waiting_tasks;
    CommandsInfo commands;
    Items<LockNote> locks;
    std::int64_t marks = 0;
    std::int64_t expired_marks = 0;             ///< older than 7 days
    std::int64_t unreadable_marks = 0;          ///< whose value is no number
    Items<FenceNote> fences;                    ///< printed in `marks`
    std::optional<std::int64_t> clock_skew_ms;  ///< the database's clock minus ours
    std::optional<AskedSection> asked;          ///< none: nobody was asked
    std::vector<CheckItem> checks;
    StatusTotals totals;
};

/// A task of an explained workflow that has not ended.
struct ExplainedTask {
    std::int64_t id = 0;
    std::string name, type, state;
    std::optional<std::string> host;
    /// "alive", "unknown_task" or "unanswered", of its worker; none: nobody was asked.
    std::optional<std::string> life;
    std::optional<std::string> problem;  ///< why it is unanswered
    std::optional<std::int64_t> pid;     ///< of its process on the worker
    std::optional<std::string> app_link;
};

/// A command for an explained workflow.
struct ExplainedCommand {
    std::int64_t id = 0;
    int command_type = 0;
    std::optional<EpochMs> update_time;  ///< of one that waits
    std::optional<std::string> message;  ///< of one that failed
};

/// A parent or a child of an explained workflow.
struct RelatedWorkflow {
    std::int64_t id = 0;
    std::optional<std::string> name;
    std::string state;
    std::optional<std::string> host;
};

struct ExplainedMark {
    std::string name, value;  ///< as found
};
struct ExplainedStamp {
    EpochMs value = 0;
    std::optional<std::string> zone;  ///< none: of 0.1
};

/// Everything known of one workflow, and what comes of it.
struct ExplainedWorkflow {
    explicit ExplainedWorkflow(std::size_t limit = 1000)
        : tasks(limit), failed_commands(limit), children(limit) {}
    std::int64_t id = 0;
    std::optional<std::string> name;
    std::string verdict;                ///< docs/behaviour.md, "explain"
    std::optional<std::int64_t> row;    ///< of the table there; none: of no row
    std::string conclusion;             ///< in one sentence
    std::string why;                    ///< what it follows from, in one sentence
    std::optional<std::string> next;    ///< the command line to run next
    std::optional<std::string> advice;  ///< what `next` is for, or why there is none

    std::string state;
    std::optional<std::string> host;
    bool host_alive = false;                   ///< a master lives there
    std::optional<EpochMs> host_startup_time;  ///< of that master
    std::optional<EpochMs> start_time, restart_time;
    std::optional<std::int64_t> command_type;
    std::optional<EpochMs> last_task_activity;
    std::string answer;  ///< of all living masters together: "held", "not_held", ...
    std::optional<std::string> held_by;  ///< the master, or masters, that say so
    Items<ExplainedTask> tasks;
    std::vector<ExplainedCommand> commands;
    Items<ExplainedCommand> failed_commands;
    std::vector<ExplainedMark> marks;  ///< of its host, as the next two
    std::vector<ExplainedStamp> stamps;
    std::optional<LockNote> lock;  ///< none: it is free
    std::vector<RelatedWorkflow> parents;
    Items<RelatedWorkflow> children;
};

/// One effective setting, for `config`.
struct SettingItem {
    std::string name;
    std::string value;   ///< "(hidden)" for a secret
    std::string origin;  ///< where it came from
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
