#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "base/time_zone.h"
#include "coordinator/commit_cut.h"
#include "database/database.h"
#include "support/memory_world.h"

namespace dsfailover {

inline const std::string kGone = "127.0.1.1:5678";
inline const std::string kLiving = "127.0.1.2:5678";
inline const std::string kOther = "127.0.1.3:5678";
inline const std::string kGoneWorker = "127.0.2.1:1234";
inline const std::string kLivingWorker = "127.0.2.2:1234";

/// 3.3.0, whose recovery leaves host and restart_time of a workflow alone, or 3.3.1 and later.
enum class Release { v3_3_0, later };

/// Makes the tables of a release in an empty database.
void make_tables(Database& database, Release release);

/// A row of a test's database. What is set is committed at once.
class TableRow {
  public:
    TableRow(Database& database, EpochMs began, std::string table, std::int64_t id)
        : database_(database), began_(began), table_(std::move(table)), id_(id) {}

    std::int64_t id() const { return id_; }
    std::optional<std::string> get(const std::string& column) const;

  protected:
    void set(const std::string& column, const Value& value);
    /// `since`: "-1h", "+30s" from when the world began; none: null.
    void set_time(const std::string& column, std::optional<std::string_view> since);

    Database& database_;
    const EpochMs began_;
    const std::string table_;
    const std::int64_t id_;
};

/// A row of t_ds_workflow_instance; as it is made, RUNNING_EXECUTION on kGone since an hour.
class WorkflowRow : public TableRow {
  public:
    using TableRow::TableRow;
    WorkflowRow& host(const std::optional<std::string>& address);
    WorkflowRow& state(int state);
    WorkflowRow& command_type(int type);
    WorkflowRow& command_param(const std::string& json);
    WorkflowRow& started(std::optional<std::string_view> since);
    WorkflowRow& restarted(std::optional<std::string_view> since);
    /// restart_time is the wall clock of `time` in `zone`, as that of a stamp.
    WorkflowRow& restarted_at(EpochMs time, const std::string& zone = "UTC");
    WorkflowRow& definition(std::int64_t code);
    WorkflowRow& ended(std::string_view since);

    int state() const;
    /// restart_time, read as UTC.
    std::optional<EpochMs> restart_time() const;
};

/// A row of t_ds_task_instance; as it is made, running on kGoneWorker, submitted half an hour ago.
class TaskRow : public TableRow {
  public:
    using TableRow::TableRow;
    TaskRow& host(const std::optional<std::string>& address);
    TaskRow& state(int state);
    TaskRow& flag(int flag);
    TaskRow& name(const std::string& name);
    TaskRow& type(const std::string& task_type);
    TaskRow& group(int task_group);
    TaskRow& worker_group(const std::string& name);
    TaskRow& app_link(const std::string& link);
    TaskRow& submitted(std::optional<std::string_view> since);
    TaskRow& started(std::optional<std::string_view> since);

    int state() const;
    int flag() const;
};

/// A command that waits for a workflow.
struct WaitingRow {
    std::int64_t id = 0;
    int type = 0;
    std::string state;  ///< the workflowExecutionStatus of its command_param; empty: none
};

/// A DolphinScheduler cluster of which nothing is real but the tables: a registry in memory, and
/// SQLite in a folder that lives in memory. A master, kLiving, lives and coordinates, with workflow
/// 1 and a task of it, so that registry and database are seen to be of one cluster and of now.
class World {
  public:
    explicit World(Release release = Release::v3_3_0);
    /// On a database of that release which is there already, without a server and without rows but
    /// its version; what a run opens comes from `open`.
    World(Release release, std::shared_ptr<Database> database,
          std::function<std::unique_ptr<Database>()> open);
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    MemoryWorld registry;

    const EpochMs began = now_ms();
    /// "-1h", "+30s": epoch ms, counted from when the world began.
    EpochMs time(std::string_view since) const;

    Database& database() { return *database_; }
    /// What a run opens.
    std::unique_ptr<Database> open();
    /// The first commit of what a run opens from now on gets no answer.
    void cut_commit(CutCommit cut) { cut_ = std::move(cut); }
    /// `then` happens before the next reading that has `part` in its statement.
    void before_reading(const std::string& part, std::function<void()> then) {
        meanwhile_ = {part, std::move(then)};
    }

    /// The row, which is made where it is not there.
    WorkflowRow workflow(std::int64_t id);
    TaskRow task(std::int64_t id, std::int64_t workflow);
    /// A command for a workflow, of type RECOVER_TOLERANCE_FAULT as a failover's. Returns its id.
    std::int64_t command(std::int64_t workflow, int state = 1, int type = 2);
    /// Such a command that waits since then.
    std::int64_t command_since(std::int64_t workflow, std::string_view since, int type = 2);
    std::vector<WaitingRow> commands_of(std::int64_t workflow);
    /// A master takes the commands of a workflow, as masters of this release do.
    void take_commands(std::int64_t workflow, const std::string& master = kLiving);
    /// Takes them, and dispatches a task, submitted at `since`.
    void run_again(std::int64_t workflow, std::string_view since);
    /// A command of it failed: it stands in t_ds_error_command.
    void failed_command(std::int64_t workflow, int state, const std::string& message);

    /// One is the other's parent: t_ds_relation_workflow_instance, and is_sub_workflow.
    void relate(std::int64_t parent, std::int64_t child);

    /// A server registers; `started`: its startup time, counted from when the world began.
    void master(const std::string& address, std::string_view started = "-2h",
                const std::string& status = "NORMAL");
    void worker(const std::string& address, std::string_view started = "-2h",
                const std::string& group = "default");
    /// A living server writes another node of its session: that of a leader, for instance.
    void add_node(const std::string& server, std::string_view path, const std::string& value);
    /// The startup time of a server that lives, or lived.
    EpochMs startup(const std::string& address) const { return startups_.at(address); }
    /// A server's session ends, and what it held goes.
    void leave(const std::string& address);

    /// A mark of an address, of the unknown process, with the time as its value.
    void mark(const std::string& address, std::string_view since);
    void mark_reading(const std::string& address, const std::string& value);
    std::optional<std::string> mark_of(const std::string& address);
    /// A stamp of an address, in the format of docs/behaviour.md; `masters` lived then. Returns it.
    EpochMs stamp(const std::string& address, std::string_view since,
                  const std::string& zone = "UTC", const std::vector<std::string>& masters = {});
    /// A living server takes the failover lock of an address, and keeps it until it gives it back
    /// or leaves.
    void hold_lock(const std::string& server, const std::string& address);
    void give_lock_back(const std::string& server);
    /// Takes the failover lock of an address away from whoever holds it, whose session lasts.
    void lose_lock(const std::string& address);
    /// Writes a persistent node, whatever stands there.
    void put(const std::string& path, const std::string& value);
    std::optional<std::string> get(const std::string& path);

    /// Every row of the tables and every node.
    std::string snapshot();

  private:
    struct ServerSession {
        std::unique_ptr<Registry> client;
        std::vector<std::unique_ptr<Announcement>> nodes;
        std::unique_ptr<Lock> lock;
    };
    DatabaseSettings settings() const;
    using Columns = std::map<std::string, Value>;
    void insert(const std::string& table, Columns columns);
    void join(std::string_view folder, const std::string& address, std::string_view started,
              const std::string& status, const std::string& group);
    bool exists(const std::string& table, std::int64_t id);

    const Release release_;
    const std::string folder_;  // empty: the database is somebody else's
    const std::function<std::unique_ptr<Database>()> open_;
    CutCommit cut_;
    Meanwhile meanwhile_;
    std::shared_ptr<Database> database_;
    std::unique_ptr<Registry> client_;
    std::map<std::string, ServerSession> servers_;
    std::map<std::string, EpochMs> startups_;
    std::int64_t next_definition_ = 14'000'000'000'000;
};

}  // namespace dsfailover
