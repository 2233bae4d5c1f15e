#include "sandbox/memory_rows.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "store/workflow_state.h"

namespace dsfailover {
namespace {

bool has_table(Database& database, const std::string& name) {
    return !database.query("SELECT 1 FROM sqlite_master WHERE name = ?", {name}).empty();
}

void create_held(Database& database) {
    database.execute("CREATE TABLE sandbox_held (master VARCHAR(135), workflow_id INTEGER)");
}

void create_counted(Database& database) {
    database.execute("CREATE TABLE sandbox_counted (master VARCHAR(135), counted VARCHAR(135))");
}

void hold_own(Database& database) {
    Transaction transaction(database);
    create_held(database);
    database.execute(
        fmt::format("INSERT INTO sandbox_held SELECT host, id "
                    "FROM t_ds_workflow_instance WHERE state IN ({})",
                    fmt::join(kUnfinishedStates, ", ")));
    transaction.commit();
}

}  // namespace

void create_memory_rows(Database& database) {
    create_held(database);
    create_counted(database);
}

std::map<std::int64_t, int> read_held_rows(Database& database, const std::string& master) {
    if (!has_table(database, "sandbox_held")) hold_own(database);
    const Rows rows = database.query(
        fmt::format("SELECT w.id, w.state FROM sandbox_held h JOIN t_ds_workflow_instance w "
                    "ON w.id = h.workflow_id WHERE h.master = ? AND w.state IN ({})",
                    fmt::join(kUnfinishedStates, ", ")),
        {master});
    std::map<std::int64_t, int> held;
    for (std::size_t i = 0; i < rows.size(); ++i)
        held[rows[i].integer(0)] = static_cast<int>(rows[i].integer(1));
    return held;
}

void write_held_rows(Database& database, const std::string& master,
                     const std::map<std::int64_t, int>& held) {
    Transaction transaction(database);
    database.execute("DELETE FROM sandbox_held WHERE master = ?", {master});
    for (const auto& [id, state] : held)
        database.execute("INSERT INTO sandbox_held VALUES (?, ?)", {master, id});
    transaction.commit();
}

std::vector<std::string> read_counted_rows(Database& database, const std::string& master) {
    if (!has_table(database, "sandbox_counted")) return {};
    const Rows rows = database.query(
        "SELECT counted FROM sandbox_counted WHERE master = ? ORDER BY rowid", {master});
    std::vector<std::string> counted;
    for (std::size_t i = 0; i < rows.size(); ++i) counted.emplace_back(rows[i].text(0));
    return counted;
}

void write_counted_rows(Database& database, const std::string& master,
                        const std::vector<std::string>& counted) {
    Transaction transaction(database);
    if (!has_table(database, "sandbox_counted")) create_counted(database);
    database.execute("DELETE FROM sandbox_counted WHERE master = ?", {master});
    for (const std::string& each : counted)
        database.execute("INSERT INTO sandbox_counted VALUES (?, ?)", {master, each});
    transaction.commit();
}

}  // namespace dsfailover
