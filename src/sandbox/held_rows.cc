#include "sandbox/held_rows.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "store/workflow_state.h"

namespace dsfailover {
namespace {

bool is_there(Database& database) {
    return !database.query("SELECT 1 FROM sqlite_master WHERE name = 'sandbox_held'").empty();
}

void hold_own(Database& database) {
    Transaction transaction(database);
    create_held_rows(database);
    database.execute(
        fmt::format("INSERT INTO sandbox_held SELECT host, id "
                    "FROM t_ds_workflow_instance WHERE state IN ({})",
                    fmt::join(kUnfinishedStates, ", ")));
    transaction.commit();
}

}  // namespace

void create_held_rows(Database& database) {
    database.execute("CREATE TABLE sandbox_held (master VARCHAR(135), workflow_id INTEGER)");
}

std::map<std::int64_t, int> read_held_rows(Database& database, const std::string& master) {
    if (!is_there(database)) hold_own(database);
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

}  // namespace dsfailover
