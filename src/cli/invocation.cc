#include "cli/invocation.h"

#include <fmt/format.h>

#include <future>
#include <utility>

#include "base/clock.h"
#include "config/ask_scope.h"

namespace dsfailover {
namespace {

constexpr const char* kRightToLook = "REPLICATION CLIENT (on MariaDB REPLICA MONITOR)";

std::string type_name(RegistrySettings::Type type) {
    switch (type) {
        case RegistrySettings::Type::zookeeper:
            return "zookeeper";
        case RegistrySettings::Type::etcd:
            return "etcd";
        case RegistrySettings::Type::jdbc:
            return "jdbc";
    }
    return "";
}

std::string name_of(Replica replica) {
    switch (replica) {
        case Replica::no:
            return "no";
        case Replica::yes:
            return "yes";
        case Replica::unknown:
            return "unknown";
    }
    return "";
}

std::string endpoint_of(const RegistrySettings& registry) {
    return registry.type == RegistrySettings::Type::jdbc
               ? registry.database.endpoint()
               : fmt::format("{}", fmt::join(registry.hosts, ","));
}

}  // namespace

Invocation::Invocation(OptionValues options, std::vector<std::string> arguments,
                       Environment environment, Report& report)
    : options_(std::move(options)),
      arguments_(std::move(arguments)),
      environment_(std::move(environment)),
      report_(report) {}

// Both at once: each waits for a server.
Invocation::~Invocation() {
    const auto closing = run_beside([this] { registry_.reset(); });
    database_.reset();
    closing.wait();
}

const Settings& Invocation::settings() {
    if (!settings_) {
        settings_ = resolve_settings(options_, environment_);
        report_.warnings.insert(report_.warnings.end(), settings_->warnings.begin(),
                                settings_->warnings.end());
    }
    return *settings_;
}

TimeZone Invocation::zone() {
    try {
        return TimeZone(settings().time_zone);
    } catch (const UsageError& error) {
        std::string origin = "--time-zone";
        for (const SettingOrigin& setting : settings().origins)
            if (setting.name == "time-zone") origin = setting.origin;
        throw UsageError(fmt::format("{}: {}", origin, error.what()));
    }
}

void Invocation::name_cluster(bool with_database) {
    if (const auto& registry = settings().registry)
        report_.registry =
            RegistryInfo{type_name(registry->type), endpoint_of(*registry), registry->name_space};
    if (const auto& database = settings().database; database && with_database)
        report_.database = DatabaseInfo{name_of(database->type), database->endpoint(), {}, {}};
}

void Invocation::open_workflow_database(DatabaseSettings settings, bool for_writing) {
    settings.for_writing = for_writing;
    database_ = open_database(settings);
    const std::optional<Replica> replica = database_->replica();
    if (!replica) return;
    report_.database->replica = name_of(*replica);
    if (*replica == Replica::unknown && !settings.primary)
        report_.warnings.push_back(fmt::format(
            "{}: whether it is a replica is unknown, since its user may not look at the state of "
            "replication: grant it {}, or say --primary if it is the primary",
            database_->endpoint(), kRightToLook));
}

OpenCluster Invocation::open_cluster(Needs needs, Access access) {
    RegistrySettings registry = require_registry(settings());
    if (needs == Needs::registry_and_database) require_database(settings());
    const bool with_database = settings().database && needs != Needs::registry_alone;
    const bool for_writing = access == Access::writing && !report_.dry_run;
    name_cluster(with_database);
    const TimeZone its_zone = zone();
    if (const OptionValue* file = find(options_, "audit-log"); file != nullptr && !report_.dry_run)
        audit_ = AuditLog(file->value, report_.command);
    begin_audit_log();
    registry.database.for_writing = for_writing;
    // Both at once: each waits for a server.
    auto opening = std::async([&] { return open_registry(registry); });
    if (with_database) open_workflow_database(*settings().database, for_writing);
    registry_ = opening.get();
    report_.registry =
        RegistryInfo{registry_->type(), registry_->endpoint(), registry_->name_space()};
    OpenCluster cluster{*registry_, database_.get(), its_zone, audit_, settings().zone_is_own};
    cluster.acts = for_writing && needs == Needs::registry_and_database;
    return cluster;
}

void Invocation::work_on_cluster(Access access, AskAbout about,
                                 const std::function<void(const RunContext&)>& work) {
    OpenCluster cluster = open_cluster(Needs::registry_and_database, access);
    cluster.servers = open_asker(about);
    const Schema schema = read_schema(cluster, report_);
    work(run_context(cluster, schema, report_));
}

// URLs may have secrets; the endpoints say the same without.
void Invocation::begin_audit_log() {
    AuditLog::Run run;
    run.registry = report_.registry->type + " " + report_.registry->endpoint;
    if (report_.database) run.database = report_.database->endpoint;
    run.arguments = arguments_;
    for (const auto& [name, option] : options_)
        if (option.source == Source::command_line && name != "registry" && name != "database")
            run.options.push_back("--" + name + (option.value == "true" ? "" : " " + option.value));
    audit_.begin(run);
}

void Invocation::end_audit_log() {
    audit_.end(to_string(report_.outcome), static_cast<int>(report_.exit_code));
    audit_.flush();
}

ServerAsker* Invocation::open_asker(AskAbout about) {
    if (about == AskAbout::nobody) return nullptr;
    const AskScope scope = ask_scope(environment_, settings().database);
    if (scope == AskScope::nobody) return nullptr;
    asker_ = open_server_asker(scope == AskScope::loopback);
    return asker_.get();
}

}  // namespace dsfailover
