#include "coordinator/run_context.h"

#include "store/rights.h"

namespace dsfailover {

RunContext run_context(const OpenCluster& cluster, const Schema& schema, Report& report) {
    return {cluster.registry, *cluster.database,   schema,         cluster.zone, cluster.audit,
            report,           cluster.zone_is_own, cluster.servers};
}

Schema read_schema(const OpenCluster& cluster, Report& report) {
    if (cluster.acts) require_rights_to_act(*cluster.database);
    Schema schema = read_schema(*cluster.database);
    if (report.database) report.database->schema_version = schema.version;
    return schema;
}

}  // namespace dsfailover
