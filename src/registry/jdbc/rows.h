#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "registry/jdbc/connection.h"
#include "registry/jdbc/row.h"
#include "registry/registry.h"

namespace dsfailover {

/// The key in `column` of `table` that the database takes for `key`, because its collation tells no
/// case apart; nullopt if there is none, or `key` itself is there.
std::optional<std::string> twin_in(Database& database, std::string_view table,
                                   std::string_view column, const std::string& key);
/// That two keys are one, and the way out.
std::string twins_are_one(std::string_view endpoint, const std::string& key,
                          const std::string& twin);

/// The rows of t_ds_jdbc_registry_data. Every write inserts its row into
/// t_ds_jdbc_registry_data_change_event in the same transaction, because the masters learn of
/// changes from those rows alone (docs/dolphinscheduler.md).
class JdbcRows {
  public:
    JdbcRows(std::shared_ptr<JdbcConnection> connection, JdbcTimes times)
        : connection_(std::move(connection)), times_(std::move(times)) {}

    JdbcConnection& connection() { return *connection_; }

    std::optional<JdbcRow> find(const std::string& key);
    /// The same, inside a transaction.
    std::optional<JdbcRow> find(Database& database, const std::string& key);
    /// Every row below `path`, also further down, in pages. `row` may use the registry.
    void scan_below(const std::string& path, const std::function<void(JdbcRow&)>& row);
    /// Registry::twin_of.
    std::optional<std::string> twin_of(const std::string& key);
    /// The node that a row is. Throws RegistryError if its times cannot be read.
    Node node(const JdbcRow& row) const { return to_node(row, times_); }

    /// Inserts a row, and those of its parents that are missing; returns its id, or 0 if the key is
    /// there already. Inside a transaction of JdbcConnection::write. Throws LockError if it is a
    /// key that differs only in case that is there.
    std::int64_t insert(Database& database, const std::string& key, const std::string& value,
                        bool ephemeral, std::int64_t client_id);
    /// Replaces the value of the row that still has `version`; false if it has changed or vanished.
    /// Inside a transaction.
    bool update(Database& database, const std::string& key, const std::string& value,
                const std::string& version);
    /// Deletes a row read in the same transaction with lock().
    void erase(Database& database, std::span<const JdbcRow> rows);
    /// Reads rows by id and locks them until the transaction ends.
    std::vector<JdbcRow> lock(Database& database, std::span<const std::int64_t> ids);

    /// Registry::remove.
    void remove(std::span<Removal> removals);

  private:
    using Keys = std::unordered_set<std::string>;

    /// What a folder holds further down than its own children.
    struct Looked {
        std::int64_t up_to = 0;  ///< the highest id of a row then
        Keys parents;            ///< its children with rows below them
    };

    Keys with_children(std::span<const Removal> removals);
    void look_below(const std::string& folder, Looked& looked);
    void remove_batch(std::span<Removal> batch, const Keys& parents);
    bool remove_all_as_read(Database& database, std::span<Removal> batch);
    void remove_in_transaction(Database& database, std::span<Removal> batch, const Keys& parents);
    bool insert_row(Database& database, const std::string& key, const std::string& value,
                    bool ephemeral, std::int64_t client_id, EpochMs now);
    void add_events(Database& database, const char* type, std::span<const JdbcRow> rows);

    std::shared_ptr<JdbcConnection> connection_;
    JdbcTimes times_;
    std::map<std::string, Looked> looked_;  // by folder
};

}  // namespace dsfailover
