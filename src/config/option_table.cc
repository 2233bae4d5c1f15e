#include "config/option_table.h"

#include <algorithm>

namespace dsfailover {
namespace {

constexpr std::string_view kCluster = "The cluster";
constexpr std::string_view kEvent = "The event";
constexpr std::string_view kSafety = "Safety";
constexpr std::string_view kRecovery = "Recovery";
constexpr std::string_view kSelection = "Selection";
constexpr std::string_view kAsking = "Asking the masters";
constexpr std::string_view kSandbox = "The sandbox";
constexpr std::string_view kOutput = "Output";

constexpr OptionSpec kOptions[] = {
    {"registry", "URL", kCluster,
     "zookeeper://H1:2181,H2:2181/dolphinscheduler, etcd://H1:2379/dolphinscheduler (etcds:// with "
     "TLS), jdbc (in the database), or a database URL",
     ""},
    {"database", "URL", kCluster,
     "sqlite:FILE, postgresql://USER@HOST:PORT/DB, mysql://USER@HOST:PORT/DB, "
     "jdbc:postgresql:... or jdbc:mysql:...",
     ""},
    {"database-password-file", "FILE", kCluster, "File that holds the database password", ""},
    {"ds-config", "FILE", kCluster, "DolphinScheduler's application.yaml", ""},
    {"profile", "NAME", kCluster, "Spring profile of --ds-config, e.g. mysql", ""},
    {"config", "FILE", kCluster, "YAML file of options of this program, without the dashes", ""},
    {"registry-user", "USER", kCluster, "ZooKeeper digest user, etcd user", ""},
    {"registry-password-file", "FILE", kCluster, "File that holds the registry password", ""},
    {"registry-ca", "FILE", kCluster, "Certificate authority of etcd's TLS", ""},
    {"registry-cert", "FILE", kCluster, "Client certificate for etcd", ""},
    {"registry-key", "FILE", kCluster, "Key of the client certificate", ""},
    {"time-zone", "ZONE", kCluster, "Zone of the database's timestamps", "UTC"},

    {"startup-time", "TIME", kEvent,
     "Startup time of the process that is gone, with milliseconds; with --process-id", ""},
    {"process-id", "N", kEvent, "Process id of the process that is gone; with --startup-time", ""},
    {"event-time", "TIME", kEvent,
     "When it went: only what started before is failed over (default: now)", ""},

    {"grace", "DURATION", kSafety, "A server counts as gone when it stayed away that long", "30s"},
    {"fence", "", kSafety, "First make a living but hung server stop itself", "", true},
    {"fence-timeout", "DURATION", kSafety, "How long --fence waits for it to go", "90s"},
    {"in-doubt", "ID,...|all", kSafety,
     "Fail over these workflows too, although another master may be running them", "", true},
    {"lock-timeout", "DURATION", kSafety,
     "How long to wait for the failover locks, and for another run", "30s"},
    {"no-lock", "", kSafety, "Go on past a leaked lock", "", true},
    {"primary", "", kSafety, "The database is the primary, although it applies changes of another",
     ""},
    {"idle", "DURATION", kSafety,
     "finish: where not every master answers only what stood still so long is finished (default: "
     "15m, 1h where its host lives). status: what stood still so long is idle (default: 1d)",
     ""},
    {"tasks", "", kSafety, "Finish workflows whose tasks are alive, and leave those to themselves",
     "", true},
    {"limit", "N", kSafety, "At most N workflows in this run", ""},
    {"dry-run", "", kSafety, "Read everything, write nothing, say what would be done", ""},

    {"wait", "DURATION", kRecovery, "See recovery happen before reporting", ""},
    {"no-rehost", "", kRecovery,
     "With --wait: leave the host of recovered workflows that another master holds", ""},
    {"redispatch", "", kRecovery, "Clone the tasks of the worker for their new master", ""},
    {"no-announce", "", kRecovery, "Do not announce the departure of the worker to the masters",
     ""},
    {"unclaimed-after", "DURATION", kRecovery, "A command waiting longer is taken by nobody", "2m"},
    {"as", "running|pause|stop|failure", kRecovery,
     "requeue: running, pause or stop, the state to go back to where no lost command tells it "
     "(default: what its tasks tell). finish: failure or stop, what the workflows become",
     ""},

    {"older-than", "DURATION", kSelection, "Only marks older than this", ""},
    {"address", "ADDRESS", kSelection, "Only marks of this server", ""},
    {"check", "NAME,...", kSelection,
     "Exit 7 if one of these checks fails; --check alone: any but leaked_locks", "", false, "all"},
    {"skip-check", "NAME,...", kSelection, "Leave these checks out of --check", ""},
    {"backlog-after", "DURATION", kSelection, "A command waiting longer is old", "15m"},

    {"ask", "doubtful|all|none", kAsking,
     "Which workflows the living masters are asked about: those in doubt, or all (--ask alone). "
     "status asks only with --ask here, and about every unfinished one",
     "doubtful", false, "all"},
    {"ask-timeout", "DURATION", kAsking, "How long a round of questions waits for answers", "3s"},
    {"ask-limit", "N", kAsking, "Ask about at most N workflows, those with the lowest ids",
     "10000"},

    {"hear-departures", "", kSandbox,
     "Masters notice when a server goes, as on ZooKeeper, and fail it over themselves 30 s later",
     "", true},

    {"format", "json|table", kOutput, "How the report is printed", "json"},
    {"items", "N", kOutput, "At most N items listed per section; totals are complete", "1000"},
    {"audit-log", "FILE", kOutput,
     "Append one JSON line per workflow, task or mark as it is committed", ""},
    {"log-level", "LEVEL", kOutput, "trace, debug, info, warn, error or off, on stderr", "info"},
    {"quiet", "", kOutput, "Only errors on stderr", ""},
    {"no-progress", "", kOutput, "No progress on stderr", ""},
};

}  // namespace

bool OptionSpec::lists(std::string_view text) const {
    if (placeholder == "NAME,...") return !text.starts_with('-');
    for (std::string_view rest = placeholder; !rest.empty();) {
        const auto end = std::min(rest.find('|'), rest.size());
        if (rest.substr(0, end) == text) return true;
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return false;
}

std::span<const OptionSpec> all_options() { return kOptions; }

const OptionSpec* find_option(std::string_view name) {
    const auto* found = std::ranges::find(kOptions, name, &OptionSpec::name);
    return found == std::end(kOptions) ? nullptr : found;
}

}  // namespace dsfailover
