#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/time_zone.h"
#include "config/settings.h"
#include "coordinator/failover_coordinator.h"
#include "report/audit_log.h"
#include "report/report.h"
#include "servers/server_asker.h"

namespace dsfailover {

/// What a command works with. Nothing is opened before a command asks for it.
class Invocation {
  public:
    Invocation(OptionValues options, std::vector<std::string> arguments, Environment environment,
               Report& report);
    /// Closes registry and database.
    ~Invocation();
    Invocation(const Invocation&) = delete;
    Invocation& operator=(const Invocation&) = delete;

    const OptionValues& options() const { return options_; }
    const std::vector<std::string>& arguments() const { return arguments_; }
    const Environment& environment() const { return environment_; }
    Report& report() { return report_; }

    /// Where registry and database are; resolved when first asked for, its warnings put into the
    /// report. Throws UsageError.
    const Settings& settings();

    /// The zone of the database's timestamps. Throws UsageError naming where it comes from.
    TimeZone zone();

    /// Checks the whole configuration, then opens the audit log, the database and the registry, and
    /// names both in the report, also when they cannot be reached. Throws UsageError before
    /// anything is contacted; DatabaseError or RegistryError naming the endpoint.
    /// `registry`: a database too where one is configured; `registry_alone`: none.
    /// `writing`: it may write, unless in a dry run; a database that must not be written to is
    /// refused then, before anything is decided by it.
    enum class Needs { registry_alone, registry, registry_and_database };
    enum class Access { reading, writing };
    OpenCluster open_cluster(Needs needs, Access access);

    /// Opens registry and database, reads the schema, and calls `work` with what a run works with.
    /// `about`: what the living servers are asked about. Throws as open_cluster(), open_asker(),
    /// read_schema() and `work`.
    void work_on_cluster(Access access, AskAbout about,
                         const std::function<void(const RunContext&)>& work);

    /// Who asks the living servers, as --ask and the environment have it; nullptr: nobody is asked.
    /// Lives as long as this. Throws UsageError.
    ServerAsker* open_asker(AskAbout about);

    /// Writes the last line of the audit log, with the outcome that the report has by now, and
    /// brings it to the disk. Throws Error(failed).
    void end_audit_log();
    /// Whether the run wrote anything, or may have.
    bool wrote() const { return audit_.wrote(); }

  private:
    void name_cluster(bool with_database);
    void begin_audit_log();
    void open_workflow_database(DatabaseSettings settings, bool for_writing);

    OptionValues options_;
    std::vector<std::string> arguments_;
    Environment environment_;
    Report& report_;
    std::optional<Settings> settings_;
    AuditLog audit_;
    std::unique_ptr<Database> database_;
    std::unique_ptr<Registry> registry_;
    std::unique_ptr<ServerAsker> asker_;
};

}  // namespace dsfailover
