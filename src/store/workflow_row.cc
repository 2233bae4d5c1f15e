#include "store/workflow_row.h"

#include <fmt/format.h>

#include "database/sql_dialect.h"
#include "store/stored_row.h"

namespace dsfailover {

namespace {

constexpr std::string_view kTable = "t_ds_workflow_instance";

enum : std::size_t {
    kState = kHostCell + 1,
    kStartTime,
    kRestartTime,
    kCommandType,
    kIsChild,
    kVersion
};
static_assert(kVersion + 1 == kBehindInstance);

}  // namespace

std::string select_instances(const StoreContext& context, std::string_view more) {
    // Where the server has no version of its own, the time that masters write with a row.
    const std::string version = context.database.dialect().row_version(kTable);
    return fmt::format(
        "SELECT id, host, state, start_time, restart_time, command_type, "
        "is_sub_workflow, {}{} FROM {}",
        version.empty() ? "update_time" : version, more, kTable);
}

void read_instance(const Row& row, const StoreContext& context, WorkflowInstance& instance) {
    const StoredRow stored(row, kTable, context);
    instance.id = stored.id();
    instance.host = row.optional_text(kHostCell);
    instance.state = stored.small(kState, "state");
    instance.start_time = stored.time(kStartTime, "start_time");
    instance.restart_time = stored.time(kRestartTime, "restart_time");
    instance.command_type = stored.optional_small(kCommandType, "command_type");
    instance.is_child = stored.optional_small(kIsChild, "is_sub_workflow") == 1;
    instance.version = row.text(kVersion);
}

bool is_as_read(const Row& row, const WorkflowInstance& read) {
    return row.optional_integer(kState) == read.state && is_as_read(row, kHostCell, read.host) &&
           is_as_read(row, kStartTime, read.start_time) &&
           is_as_read(row, kRestartTime, read.restart_time) &&
           row.optional_integer(kCommandType) == read.command_type &&
           row.text(kVersion) == read.version;
}

}  // namespace dsfailover
