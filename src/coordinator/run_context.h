#pragma once

#include <string>

#include "base/time_zone.h"
#include "database/database.h"
#include "registry/registry.h"
#include "report/audit_log.h"
#include "report/report.h"
#include "servers/server_asker.h"
#include "store/schema.h"

namespace dsfailover {

/// What every part of a run with a database works with.
struct RunContext {
    Registry& registry;
    Database& database;
    const Schema& schema;
    const TimeZone& zone;
    AuditLog& audit;
    Report& report;
    bool zone_is_own = false;        ///< see OpenCluster
    ServerAsker* servers = nullptr;  ///< see OpenCluster

    StoreContext store() const { return {database, schema, zone}; }
    void warn(std::string text) const { report.warnings.push_back(std::move(text)); }
    /// Whether this run writes nothing. What makes no sense is then told, and ends nothing.
    bool only_looks() const {
        return report.dry_run || report.command == "status" || report.command == "explain";
    }
    /// Adds a problem, with the exit status it stands for.
    void fail(ExitCode code, std::string text) const {
        report.problems.push_back({code, std::move(text)});
    }
};

/// What the coordinator works on. The database is the workflows'; it may be absent for the marks
/// commands only.
struct OpenCluster {
    Registry& registry;
    Database* database;
    TimeZone zone;
    AuditLog& audit;
    bool zone_is_own = false;        ///< an operator chose it for this program, see check_zone()
    ServerAsker* servers = nullptr;  ///< asks those that live; nullptr: nobody is asked
    bool acts = false;               ///< the run needs every right of those that act
};

/// What a run on `cluster`, which must have a database, works with. All must outlive it.
RunContext run_context(const OpenCluster& cluster, const Schema& schema, Report& report);

/// read_schema() of its database, with the version put into the report. If the run acts, after
/// require_rights_to_act().
Schema read_schema(const OpenCluster& cluster, Report& report);

}  // namespace dsfailover
