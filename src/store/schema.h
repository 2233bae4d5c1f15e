#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time_zone.h"
#include "database/database.h"

namespace dsfailover {

/// What this database's DolphinScheduler tables look like, as far as it matters.
struct Schema {
    std::optional<std::string> version;  ///< t_ds_version, for the report only; the columns decide
    /// t_ds_workflow_instance, t_ds_task_instance and the command tables have a test_flag
    /// column: 3.3.0, whose recovery leaves host and restart_time alone. Without it: 3.3.1 and
    /// later, which set both.
    bool has_test_flag = false;
    /// t_ds_relation_workflow_instance, which tells parents from children, exists.
    bool has_relations = false;
    /// t_ds_task_group_queue, where tasks wait for a slot of their task group, exists.
    bool has_task_group_queue = false;
    /// t_ds_worker_group, the worker groups made in the user interface, exists.
    bool has_worker_groups = false;
    /// Precision of the workflow and task tables' time columns in microseconds, of the coarsest
    /// where they differ: 1 PostgreSQL, 1000 SQLite, 1,000,000 for MySQL's datetime, 1000 for its
    /// datetime(3).
    std::int64_t time_precision_us = 1000;
    /// Every column of these tables, those this program knows nothing of included: a copy of a row
    /// must copy them too.
    std::vector<std::string> task_instance_columns;
    std::vector<std::string> command_columns;

    bool recovery_leaves_host() const { return has_test_flag; }
};

/// Looks at the tables and columns this program uses. Reads only; one query, and a second one for
/// the version where t_ds_version exists. On PostgreSQL the tables are those the search path finds.
/// Throws EnvironmentError naming what is missing, what was found instead (for instance the
/// t_ds_process_instance of 3.2) and what is supported; DatabaseError if it cannot be read.
Schema read_schema(Database& database);

/// Where a store works: the connection, its schema, and the zone of its timestamps. All three must
/// outlive the store.
struct StoreContext {
    Database& database;
    const Schema& schema;
    const TimeZone& zone;
};

}  // namespace dsfailover
