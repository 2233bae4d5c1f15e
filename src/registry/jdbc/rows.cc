#include "registry/jdbc/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <unordered_map>

#include "database/batches.h"
#include "database/sql_dialect.h"

namespace dsfailover {
namespace {

constexpr std::size_t kPageRows = 5000;
/// Rows deleted by one transaction, which waits for the disk; kIdsPerLock where they are locked
/// first.
constexpr std::size_t kBatchRows = 2000;
constexpr std::size_t kKeyLength = 256;
/// So far behind a higher id, seen already, a lower one may still appear.
constexpr std::int64_t kIdSlack = 1000;

std::vector<JdbcRow> to_rows(const Rows& result) {
    std::vector<JdbcRow> rows;
    rows.reserve(result.size());
    for (std::size_t i = 0; i < result.size(); ++i) rows.push_back(to_row(result[i]));
    return rows;
}

/// Some databases compare keys without case, the registry does not.
std::optional<JdbcRow> exactly(const std::string& key, const Rows& result) {
    for (std::size_t i = 0; i < result.size(); ++i)
        if (result[i].text(1) == key) return to_row(result[i]);
    return std::nullopt;
}

std::optional<JdbcRow> lock_key(Database& database, const std::string& key) {
    return exactly(
        key, database.query(fmt::format("SELECT {} FROM t_ds_jdbc_registry_data WHERE data_key = ?"
                                        " ORDER BY id{}",
                                        kRowColumns, database.dialect().for_update()),
                            {Value(key)}));
}

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::vector<std::int64_t> ids_of(std::span<const Removal> removals) {
    std::vector<std::int64_t> ids;
    for (const Removal& removal : removals) ids.push_back(id_of_version(removal.version));
    return ids;
}

bool is_as_read(const JdbcRow& row, const Removal& removal) {
    return row.key == removal.path && row.version() == removal.version;
}

}  // namespace

std::optional<JdbcRow> JdbcRows::find(const std::string& key) {
    std::optional<JdbcRow> row;
    connection_->read("reading " + key, [&](Database& database) { row = find(database, key); });
    return row;
}

std::optional<JdbcRow> JdbcRows::find(Database& database, const std::string& key) {
    return exactly(key, database.query(fmt::format("SELECT {} FROM t_ds_jdbc_registry_data"
                                                   " WHERE data_key = ? ORDER BY id",
                                                   kRowColumns),
                                       {Value(key)}));
}

std::optional<std::string> twin_in(Database& database, std::string_view table,
                                   std::string_view column, const std::string& key) {
    if (!database.dialect().folds_case()) return std::nullopt;
    const Rows rows = database.query(
        fmt::format("SELECT {0} FROM {1} WHERE {0} = ? ORDER BY id", column, table), {Value(key)});
    if (rows.empty()) return std::nullopt;
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (rows[i].text(0) == key) return std::nullopt;
    return std::string(rows[0].text(0));
}

std::string twins_are_one(std::string_view endpoint, const std::string& key,
                          const std::string& twin) {
    return fmt::format(
        "JDBC registry at {}: {} cannot be told from {}, which differs only in case and is there "
        "already: to this MySQL both are one key. Give lock_key of t_ds_jdbc_registry_lock and "
        "data_key of t_ds_jdbc_registry_data a collation that tells case apart (utf8mb4_bin)",
        endpoint, key, twin);
}

std::optional<std::string> JdbcRows::twin_of(const std::string& key) {
    if (!connection_->dialect().folds_case()) return std::nullopt;
    std::optional<std::string> twin;
    connection_->read("reading " + key, [&](Database& database) {
        twin = twin_in(database, "t_ds_jdbc_registry_data", "data_key", key);
    });
    return twin;
}

void JdbcRows::scan_below(const std::string& path, const std::function<void(JdbcRow&)>& row) {
    // A prefix, not LIKE, in which '_' and '%' of host names would be wildcards; and by id, because
    // a range of keys depends on the column's collation.
    const std::string prefix = path + "/";
    const std::string sql = fmt::format(
        "SELECT {} FROM t_ds_jdbc_registry_data WHERE id > ? AND substr(data_key, 1, {}) = ?"
        " ORDER BY id LIMIT {}",
        kRowColumns, characters(prefix), kPageRows);
    std::int64_t last_id = INT64_MIN;
    for (std::size_t read = kPageRows; read == kPageRows;) {
        std::vector<JdbcRow> page;
        connection_->read("reading below " + path, [&](Database& database) {
            page = to_rows(database.query(sql, {Value(last_id), Value(prefix)}));
        });
        read = page.size();
        if (read > 0) last_id = page.back().id;
        for (JdbcRow& child : page)
            if (child.key.starts_with(prefix)) row(child);
    }
}

bool JdbcRows::insert_row(Database& database, const std::string& key, const std::string& value,
                          bool ephemeral, std::int64_t client_id, EpochMs now) {
    if (characters(key) > kKeyLength)
        throw RegistryError(
            RegistryError::Kind::other,
            fmt::format("JDBC registry at {}: the path {} is longer than the {} characters of"
                        " data_key",
                        database.endpoint(), key, kKeyLength));
    const std::string time = times_.format(now);
    return database.execute(
               database.dialect().insert_if_absent(
                   "t_ds_jdbc_registry_data (data_key, data_value, data_type, client_id,"
                   " create_time, last_update_time) VALUES (?, ?, ?, ?, ?, ?)"),
               {Value(key), Value(value), Value(ephemeral ? "EPHEMERAL" : "PERSISTENT"),
                Value(client_id), Value(time), Value(time)}) == 1;
}

std::int64_t JdbcRows::insert(Database& database, const std::string& key, const std::string& value,
                              bool ephemeral, std::int64_t client_id) {
    const EpochMs now = database.clock_ms();
    const auto insert_with_event = [&](const std::string& path, const std::string& text,
                                       bool goes_with_us) -> std::int64_t {
        if (!insert_row(database, path, text, goes_with_us, client_id, now)) {
            const auto twin = twin_in(database, "t_ds_jdbc_registry_data", "data_key", path);
            if (!twin) return 0;
            throw LockError(twins_are_one(database.endpoint(), path, *twin) + ".");
        }
        const std::optional<JdbcRow> row = lock_key(database, path);
        if (!row) return 0;
        add_events(database, "ADD", std::span(&*row, 1));
        return row->id;
    };
    const std::string parent = key.substr(0, key.rfind('/'));
    if (!parent.empty() &&
        database.query("SELECT id FROM t_ds_jdbc_registry_data WHERE data_key = ?", {Value(parent)})
            .empty())
        insert_with_event(parent, "", false);
    return insert_with_event(key, value, ephemeral);
}

bool JdbcRows::update(Database& database, const std::string& key, const std::string& value,
                      const std::string& version) {
    std::optional<JdbcRow> row = lock_key(database, key);
    if (!row || row->version() != version) return false;
    // The new time differs from the old one, so that the version always changes.
    const EpochMs now = std::max(database.clock_ms(),
                                 times_.parse(row->last_update_time).epoch_ms() + times_.step_ms());
    row->value = value;
    row->last_update_time = times_.format(now);
    database.execute(
        "UPDATE t_ds_jdbc_registry_data SET data_value = ?, last_update_time = ? WHERE id = ?",
        {Value(row->value), Value(row->last_update_time), Value(row->id)});
    add_events(database, "UPDATE", std::span(&*row, 1));
    return true;
}

void JdbcRows::erase(Database& database, std::span<const JdbcRow> rows) {
    if (rows.empty()) return;
    std::vector<std::int64_t> ids;
    ids.reserve(rows.size());
    for (const JdbcRow& row : rows) ids.push_back(row.id);
    std::vector<Value> parameters;
    const std::string condition = database.dialect().in_list("id", ids, parameters);
    database.execute("DELETE FROM t_ds_jdbc_registry_data WHERE " + condition,
                     std::span<const Value>(parameters));
    add_events(database, "DELETE", rows);
}

std::vector<JdbcRow> JdbcRows::lock(Database& database, std::span<const std::int64_t> ids) {
    std::vector<Value> parameters;
    const std::string condition = database.dialect().in_list("id", ids, parameters);
    return to_rows(
        database.query(fmt::format("SELECT {} FROM t_ds_jdbc_registry_data WHERE {} ORDER BY id{}",
                                   kRowColumns, condition, database.dialect().for_update()),
                       std::span<const Value>(parameters)));
}

void JdbcRows::add_events(Database& database, const char* type, std::span<const JdbcRow> rows) {
    const SqlDialect& dialect = database.dialect();
    std::string sql =
        "INSERT INTO t_ds_jdbc_registry_data_change_event"
        " (create_time, event_type, jdbc_registry_data) ";
    const std::string time = times_.format(database.clock_ms());
    std::vector<std::string> events;
    events.reserve(rows.size());
    for (const JdbcRow& row : rows) events.push_back(row.event_json());
    std::vector<Value> parameters = {Value(time)};
    if (const std::string table = dialect.table_of(events, parameters); !table.empty()) {
        sql += fmt::format("SELECT {}, '{}', value FROM {}", dialect.typed_placeholder("timestamp"),
                           type, table);
        database.execute(sql, std::span<const Value>(parameters));
        return;
    }
    parameters.clear();
    sql += "VALUES ";
    for (std::string& event : events) {
        if (!parameters.empty()) sql += ", ";
        sql += fmt::format("(?, '{}', ?)", type);
        parameters.insert(parameters.end(), {Value(time), Value(std::move(event))});
    }
    database.execute(sql, std::span<const Value>(parameters));
}

/// Those of the removals' keys that have rows below them; one look at each folder.
JdbcRows::Keys JdbcRows::with_children(std::span<const Removal> removals) {
    std::map<std::string, Keys> wanted;  // by folder
    for (const Removal& removal : removals)
        wanted[removal.path.substr(0, removal.path.rfind('/') + 1)].insert(removal.path);
    Keys found;
    for (const auto& [folder, keys] : wanted) {
        const auto is_parent = [&keys = keys](const std::string& key) {
            return keys.contains(key);
        };
        Looked& looked = looked_[folder];
        look_below(folder, looked);
        if (std::ranges::any_of(looked.parents, is_parent)) {
            // What stood below it may be gone.
            looked = {};
            look_below(folder, looked);
        }
        std::ranges::copy_if(looked.parents, std::inserter(found, found.end()), is_parent);
    }
    return found;
}

// Of what was looked at before only what came since: ids ascend, but for some that appear late.
void JdbcRows::look_below(const std::string& folder, Looked& looked) {
    const std::size_t length = characters(folder);
    connection_->read("reading below " + folder, [&](Database& database) {
        const std::int64_t highest =
            database.query("SELECT MAX(id) FROM t_ds_jdbc_registry_data")[0]
                .optional_integer(0)
                .value_or(0);
        // A MySQL that was restarted may give ids out again.
        if (highest < looked.up_to) looked = {};
        const Rows rows = database.query(fmt::format("SELECT data_key FROM t_ds_jdbc_registry_data"
                                                     " WHERE id > ? AND substr(data_key, 1, {}) = ?"
                                                     " AND substr(data_key, {}) LIKE '%/%'",
                                                     length, length + 1),
                                         {Value(looked.up_to - kIdSlack), Value(folder)});
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const std::string_view key = rows[i].text(0);
            looked.parents.emplace(key.substr(0, key.find('/', folder.size())));
        }
        looked.up_to = highest;
    });
}

void JdbcRows::remove(std::span<Removal> removals) {
    const Keys parents = with_children(removals);
    const std::size_t most = connection_->dialect().has_returning() ? kBatchRows : kIdsPerLock;
    for (std::size_t start = 0; start < removals.size(); start += most)
        remove_batch(removals.subspan(start, std::min(most, removals.size() - start)), parents);
}

void JdbcRows::remove_batch(std::span<Removal> batch, const Keys& parents) {
    try {
        const std::string doing = batch.size() == 1 ? "removing " + batch[0].path
                                                    : fmt::format("removing {} nodes, the first {}",
                                                                  batch.size(), batch[0].path);
        const bool alone = std::none_of(batch.begin(), batch.end(), [&](const Removal& removal) {
            return parents.contains(removal.path);
        });
        const bool at_once = alone && connection_->dialect().has_returning() &&
                             connection_->write(doing, [&](Database& database) {
                                 return remove_all_as_read(database, batch);
                             });
        if (at_once) return;
        connection_->write(doing, [&](Database& database) {
            remove_in_transaction(database, batch, parents);
            return true;
        });
    } catch (const RegistryError& error) {
        if (error.kind() == RegistryError::Kind::outcome_unknown) {
            // All or nothing of the batch was removed: what is left is removed now, and what
            // this run had locked and is gone now was removed by it.
            const std::vector<Removal> before(batch.begin(), batch.end());
            remove_batch(batch, parents);
            for (std::size_t i = 0; i < batch.size(); ++i)
                if (before[i].outcome == RemoveOutcome::removed &&
                    batch[i].outcome == RemoveOutcome::vanished)
                    batch[i].outcome = RemoveOutcome::removed;
            return;
        }
        const bool unreachable = error.kind() == RegistryError::Kind::unreachable;
        if (batch.size() > 1 && !unreachable) {
            // Each stands for itself: the one that fails is looked for by halves.
            remove_batch(batch.first(batch.size() / 2), parents);
            remove_batch(batch.subspan(batch.size() / 2), parents);
            return;
        }
        for (Removal& removal : batch) {
            removal.outcome = RemoveOutcome::failed;
            removal.problem = error.what();
        }
        if (unreachable) throw;
    }
}

// All or none: nearly always none has changed, and a server deletes rows in half the time it takes
// to lock them first. False: one is not as it was read, and nothing may be committed.
bool JdbcRows::remove_all_as_read(Database& database, std::span<Removal> batch) {
    const std::vector<std::int64_t> ids = ids_of(batch);
    std::vector<Value> parameters;
    const std::string condition = database.dialect().in_list("id", ids, parameters);
    std::vector<JdbcRow> rows =
        to_rows(database.query(fmt::format("DELETE FROM t_ds_jdbc_registry_data WHERE {}"
                                           " RETURNING {}",
                                           condition, kRowColumns),
                               std::span<const Value>(parameters)));
    if (rows.size() != batch.size()) return false;
    std::unordered_map<std::int64_t, const JdbcRow*> deleted;
    for (const JdbcRow& row : rows) deleted.emplace(row.id, &row);
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const auto row = deleted.find(ids[i]);
        if (row == deleted.end() || !is_as_read(*row->second, batch[i])) return false;
    }
    for (Removal& removal : batch) {
        removal.outcome = RemoveOutcome::removed;
        removal.problem.clear();
    }
    std::sort(rows.begin(), rows.end(),
              [](const JdbcRow& a, const JdbcRow& b) { return a.id < b.id; });
    add_events(database, "DELETE", rows);
    return true;
}

void JdbcRows::remove_in_transaction(Database& database, std::span<Removal> batch,
                                     const Keys& parents) {
    const std::vector<std::int64_t> ids = ids_of(batch);
    std::unordered_map<std::int64_t, JdbcRow> rows;
    for (JdbcRow& row : lock(database, ids)) rows.emplace(row.id, std::move(row));

    std::vector<JdbcRow> unchanged;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        Removal& removal = batch[i];
        removal.problem.clear();
        const auto row = rows.find(ids[i]);
        if (row == rows.end() || !is_as_read(row->second, removal)) {
            removal.outcome =
                lock_key(database, removal.path) ? RemoveOutcome::changed : RemoveOutcome::vanished;
        } else if (parents.contains(removal.path)) {
            removal.outcome = RemoveOutcome::has_children;
        } else {
            removal.outcome = RemoveOutcome::removed;
            unchanged.push_back(std::move(row->second));
            rows.erase(row);
        }
    }
    erase(database, unchanged);
}

}  // namespace dsfailover
