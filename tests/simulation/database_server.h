#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "coordinator/world.h"
#include "database/database.h"
#include "simulation/faults.h"
#include "store/schema.h"

namespace dsfailover {

/// Connections to one SQLite file in memory, which are used again by one seed after the other: its
/// tables are made, and its statements prepared, once.
class ConnectionPool {
  public:
    explicit ConnectionPool(Release release);
    ~ConnectionPool();
    std::unique_ptr<Database> take();
    /// The one of whoever looks at all from outside.
    const std::shared_ptr<Database>& own() const { return own_; }
    const Schema& schema() const { return schema_; }
    /// What `connection` says of the tables' columns; asked once.
    Rows columns(Database& connection, std::string_view sql, std::span<const Value> parameters);
    /// It is in no transaction.
    void give_back(std::unique_ptr<Database> connection);
    /// Deletes all rows but the version.
    void clear();

  private:
    const std::string folder_;
    const std::shared_ptr<Database> own_;
    const Schema schema_;
    std::map<std::string, Rows> columns_;
    std::vector<std::unique_ptr<Database>> free_;
};

/// Told of what is committed.
class CommitWatcher {
  public:
    virtual ~CommitWatcher() = default;
    virtual void after_commit(const std::string& process) = 0;
    /// The process of the last one will not hear of it.
    virtual void answer_lost(const std::string& process) = 0;
    /// A process looks at the commands that wait.
    virtual void reads_commands(const std::string& process) = 0;
};

/// The database of a simulation. Whoever is connected stops at every call. One transaction writes
/// at a time, as in SQLite: who begins another waits at the scheduler. That of a process whose
/// connection broke keeps its place for a while.
class DatabaseServer {
  public:
    DatabaseServer(Scheduler& scheduler, Faults& faults, ConnectionPool& pool,
                   CommitWatcher& watcher)
        : scheduler_(scheduler), faults_(faults), pool_(pool), watcher_(watcher) {}
    ~DatabaseServer();

    /// For the process whose turn it is, or is named.
    std::unique_ptr<Database> connect(const std::string& process);

    /// Whether nobody is in a transaction that writes.
    bool is_free() { return may_write(nullptr); }
    /// Whether a process is between the commit that took a command and its next call.
    const std::map<std::string, std::int64_t>& taken_command() const { return taken_; }

  private:
    class Connection;
    struct Broken {
        std::unique_ptr<Database> connection;
        EpochMs until;
    };
    bool may_write(const Connection* who);
    void end_broken();

    Scheduler& scheduler_;
    Faults& faults_;
    ConnectionPool& pool_;
    CommitWatcher& watcher_;
    const void* writer_ = nullptr;  // who has the transaction that writes
    std::list<Broken> broken_;      // it is one of these that has it, then
    std::map<std::string, std::int64_t> taken_;
};

}  // namespace dsfailover
