#include "coordinator/run_context.h"

namespace dsfailover {

RunContext run_context(const OpenCluster& cluster, const Schema& schema, Report& report) {
    return {cluster.registry, *cluster.database,   schema,         cluster.zone, cluster.audit,
            report,           cluster.zone_is_own, cluster.servers};
}

Schema read_schema(Database& database, Report& report) {
    Schema schema = read_schema(database);
    if (report.database) report.database->schema_version = schema.version;
    return schema;
}

}  // namespace dsfailover
