#include "config/option_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/option_defaults.h"

namespace dsfailover {
namespace {

namespace defaults = option_defaults;
using enum OptionType;

constexpr std::string_view kCluster = "Where the cluster is";
constexpr std::string_view kEvent = "The event";
constexpr std::string_view kSafety = "Safety";
constexpr std::string_view kRecovery = "Recovery";
constexpr std::string_view kSelection = "Selection";
constexpr std::string_view kAsking = "Asking the masters";
constexpr std::string_view kSandbox = "The sandbox";
constexpr std::string_view kOutput = "Output";

std::vector<OptionSpec> cluster_options() {
    return {
        {.name = "registry",
         .type = text,
         .group = kCluster,
         .help = "Where the servers register: zookeeper://H1:2181,H2:2181/dolphinscheduler, "
                 "etcd://H1:2379/dolphinscheduler (etcds:// with TLS), jdbc (in the database), or "
                 "the URL of a database that holds a JDBC registry. The path is the namespace. "
                 "ZooKeeper and etcd URLs take ?session-timeout=10s and connect-timeout=10s.",
         .choices = {"zookeeper://", "etcd://", "etcds://", "jdbc"},
         .what = "URL"},
        {.name = "database",
         .type = text,
         .group = kCluster,
         .help = "Database of the workflows: sqlite:FILE, postgresql://USER@HOST:PORT/DB, "
                 "mysql://USER@HOST:PORT/DB, or jdbc:postgresql:... and jdbc:mysql:... as in "
                 "application.yaml. Several hosts are separated by commas and tried in order.",
         .choices = {"sqlite:", "postgresql://", "mysql://", "jdbc:"},
         .what = "URL"},
        {.name = "database-password-file",
         .type = file,
         .group = kCluster,
         .help = "File that holds the database password and nothing else."},
        {.name = "ds-home",
         .type = file,
         .group = kCluster,
         .help = "The folder DolphinScheduler is installed in: registry, database and zone as its "
                 "master-server has them, from dolphinscheduler_env.sh and application.yaml.",
         .what = "DIR"},
        {.name = "ds-env",
         .type = file,
         .group = kCluster,
         .help = "An env file alone: dolphinscheduler_env.sh, docker's .env, systemd's "
                 "EnvironmentFile. Its assignments are evaluated; nothing in it is run."},
        {.name = "ds-config",
         .type = file,
         .group = kCluster,
         .help = "DolphinScheduler's application.yaml. A dolphinscheduler_env.sh beside it is read "
                 "as well."},
        {.name = "no-ds-env",
         .group = kCluster,
         .help = "Read no env file that --ds-home or --ds-config find."},
        {.name = "profile",
         .type = text,
         .group = kCluster,
         .help = "Active Spring profiles of application.yaml, such as mysql. Without it: "
                 "SPRING_PROFILES_ACTIVE, DATABASE of an env file, or spring.profiles.active in "
                 "application.yaml.",
         .choices = {"postgresql", "mysql"},
         .what = "NAME"},
        {.name = "config",
         .type = file,
         .group = kCluster,
         .help = "YAML file of this program's options, named without the dashes, with lines such "
                 "as grace: 1m. Below it ~/.config/dsfailover/config.yaml and "
                 "/etc/dsfailover/config.yaml are read."},
        {.name = "registry-user",
         .type = text,
         .group = kCluster,
         .help = "User of ZooKeeper's digest authentication, or of etcd.",
         .what = "USER"},
        {.name = "registry-password-file",
         .type = file,
         .group = kCluster,
         .help = "File that holds the registry password and nothing else."},
        {.name = "registry-ca",
         .type = file,
         .group = kCluster,
         .help = "Certificate authority that etcd's certificate is checked by. Turns TLS on."},
        {.name = "registry-cert",
         .type = file,
         .group = kCluster,
         .help = "Client certificate for etcd. Turns TLS on; needs --registry-key."},
        {.name = "registry-key",
         .type = file,
         .group = kCluster,
         .help = "Key of the client certificate for etcd."},
        {.name = "time-zone",
         .type = text,
         .group = kCluster,
         .help = "Zone of the database's timestamps: Asia/Shanghai, GMT+8, +08:00. Without it: "
                 "serverTimezone of a MySQL URL, else spring.jackson.time-zone, else UTC. Where "
                 "the newest rows contradict that, exit status 6 asks for this option.",
         .default_value = "UTC",
         .what = "ZONE"},
    };
}

std::vector<OptionSpec> event_options() {
    return {
        {.name = "startup-time",
         .type = time,
         .group = kEvent,
         .help = "Startup time of the process that is gone, with its milliseconds. Goes with "
                 "--process-id."},
        {.name = "process-id",
         .type = integer,
         .group = kEvent,
         .help = "Process id of the process that is gone. Goes with --startup-time.",
         .least = 1},
        {.name = "event-time",
         .type = time,
         .group = kEvent,
         .help = "When the server went: only what started before is failed over. Without it: now, "
                 "when the locks are held."},
    };
}

std::vector<OptionSpec> safety_options() {
    return {
        {.name = "grace",
         .type = duration,
         .group = kSafety,
         .help = "A server counts as gone once it has stayed away this long, the time the cluster "
                 "itself waits. 0s takes one look, and warns.",
         .default_value = defaults::kGrace},
        {.name = "fence",
         .group = kSafety,
         .help = "For a server that hangs but still counts as alive: make it stop itself first, by "
                 "writing the mark that it looks at with every heartbeat.",
         .command_line_only = true},
        {.name = "fence-timeout",
         .type = duration,
         .group = kSafety,
         .help = "How long --fence waits for the server to go. After that nothing is failed over "
                 "and the mark is taken back.",
         .default_value = defaults::kFenceTimeout},
        {.name = "in-doubt",
         .type = ids,
         .group = kSafety,
         .help = "Fail over these workflows too, although another master may be running them. One "
                 "that is running elsewhere must be named by its id.",
         .command_line_only = true},
        {.name = "lock-timeout",
         .type = duration,
         .group = kSafety,
         .help = "How long to wait for the failover locks, all of a run together, and for another "
                 "run of dsfailover on the same workflows.",
         .default_value = defaults::kLockTimeout},
        {.name = "no-lock",
         .group = kSafety,
         .help = "Go on past a leaked lock, after watching for --lock-timeout that its holder does "
                 "nothing.",
         .command_line_only = true},
        {.name = "primary",
         .group = kSafety,
         .help = "The database is the primary, although it applies what is written to another "
                 "server. Without it such a MySQL or MariaDB server is refused as a replica."},
        {.name = "idle",
         .type = duration,
         .group = kSafety,
         .help = "Where not every master answers, end only workflows that stood still this long. "
                 "Without it: 15m, and 1h where the host lives.",
         .command = "finish",
         .command_line_only = true},
        {.name = "tasks",
         .group = kSafety,
         .help = "Also end workflows whose tasks are alive on workers, and leave those tasks to "
                 "themselves.",
         .command_line_only = true},
        {.name = "evidence",
         .group = kSafety,
         .help = "Delete named marks although workflows are judged by them.",
         .command_line_only = true},
        {.name = "limit",
         .type = integer,
         .group = kSafety,
         .help = "At most N workflows in this run. The rest is reported and left for another run; "
                 "no mark is written.",
         .least = 1},
        {.name = "dry-run",
         .group = kSafety,
         .help = "Read everything, write nothing, wait for nothing, take no lock, and report what "
                 "would be done."},
        {.name = "confirm",
         .group = kSafety,
         .help = "Show what would be done, and ask before it is done. Without a terminal it is an "
                 "error, or without effect if the environment or a file asks for it."},
        {.name = "yes",
         .group = kSafety,
         .help = "Answer the question of --confirm beforehand.",
         .command_line_only = true},
    };
}

std::vector<OptionSpec> recovery_options() {
    return {
        {.name = "wait",
         .type = duration,
         .group = kRecovery,
         .help = "Follow the recovery this long, and report what did not recover in time."},
        {.name = "no-rehost",
         .group = kRecovery,
         .help = "With --wait: leave the host of recovered workflows that another master holds."},
        {.name = "redispatch",
         .group = kRecovery,
         .help = "Also clone the tasks of the worker, for the master that takes their workflow "
                 "over."},
        {.name = "no-announce",
         .group = kRecovery,
         .help = "Do not announce the departure of the worker to the masters."},
        {.name = "commands",
         .group = kRecovery,
         .help =
             "Commands of every type that no master takes, whatever the state of their workflows; "
             "at most 1000 without --limit.",
         .command_line_only = true},
        {.name = "unclaimed-after",
         .type = duration,
         .group = kRecovery,
         .help = "A command that waits longer is taken by no master. failover-workflow: a workflow "
                 "without a host that stood still this long belongs to nobody, where not every "
                 "master answers.",
         .default_value = defaults::kUnclaimedAfter},
        {.name = "as",
         .type = choice,
         .group = kRecovery,
         .help = "The state to go back to where no lost command tells it. Without it: what the "
                 "tasks tell.",
         .choices = {"running", "pause", "stop"},
         .command = "requeue"},
        {.name = "as",
         .type = choice,
         .group = kRecovery,
         .help = "What the workflows become: failure, so that they can be recovered from where "
                 "they failed, or stop.",
         .choices = {"failure", "stop"},
         .command = "finish"},
    };
}

/// The names of status's checks; a test holds them against report/words.h.
std::vector<std::string_view> checks() {
    return {"no_master",    "no_normal_master",
            "no_worker",    "needs_failover",
            "in_doubt",     "dead_workers",
            "stuck",        "unclaimed_commands",
            "old_commands", "ownerless",
            "odd_hosts",    "lost_kills",
            "idle",         "serial_wait",
            "coordinator",  "alert_leader",
            "clocks",       "marks",
            "leaked_locks", "abandoned",
            "held_idle"};
}

std::vector<OptionSpec> selection_options() {
    return {
        {.name = "older-than",
         .type = duration,
         .group = kSelection,
         .help = "Only marks older than this. Below 7d clean-marks needs the database.",
         .default_value = defaults::kOlderThan,
         .command = "clean-marks"},
        {.name = "older-than",
         .type = duration,
         .group = kSelection,
         .help = "Only marks older than this.",
         .command = "list-marks"},
        {.name = "address",
         .type = address,
         .group = kSelection,
         .help = "Only marks of this server."},
        {.name = "idle",
         .type = duration,
         .group = kSelection,
         .help = "Unfinished workflows of living masters without task activity for this long are "
                 "listed as idle.",
         .default_value = defaults::kIdle,
         .command = "status"},
        {.name = "check",
         .type = text,
         .group = kSelection,
         .help = "Exit 7 if one of these checks fails; --check alone: if any fails but "
                 "leaked_locks.",
         .choices = checks(),
         .what = "NAME,...",
         .bare_value = "all"},
        {.name = "skip-check",
         .type = text,
         .group = kSelection,
         .help = "Leave these checks out of --check.",
         .choices = checks(),
         .what = "NAME,..."},
        {.name = "backlog-after",
         .type = duration,
         .group = kSelection,
         .help = "A command that waits longer is old.",
         .default_value = defaults::kBacklogAfter},
    };
}

std::vector<OptionSpec> asking_options() {
    return {
        {.name = "ask",
         .type = choice,
         .group = kAsking,
         .help = "Which workflows the living masters are asked about: those in doubt, all that "
                 "would be failed over (--ask alone), or none. explain, finish and "
                 "requeue ask about all they look at, up to --ask-limit, or none. With none no "
                 "worker is asked either. DSFAILOVER_ASK=none forbids asking; "
                 "DSFAILOVER_ASK_ONLY=loopback asks only servers at loopback addresses.",
         .default_value = "doubtful",
         .choices = {"doubtful", "all", "none"},
         .bare_value = "all"},
        {.name = "ask",
         .type = choice,
         .group = kAsking,
         .help = "Ask the living masters about every unfinished workflow, twice, 10 s apart. Only "
                 "on the command line; DSFAILOVER_ASK=none forbids it.",
         .choices = {"doubtful", "all", "none"},
         .command = "status",
         .bare_value = "all"},
        {.name = "ask-timeout",
         .type = duration,
         .group = kAsking,
         .help = "How long a round of questions waits for answers, connecting included.",
         .default_value = defaults::kAskTimeout},
        {.name = "ask-limit",
         .type = integer,
         .group = kAsking,
         .help = "Ask about at most N workflows, those with the lowest ids.",
         .default_value = defaults::kAskLimit,
         .least = 1},
    };
}

std::vector<OptionSpec> other_options() {
    return {
        {.name = "hear-departures",
         .group = kSandbox,
         .help = "Masters notice when a server goes, as on ZooKeeper, and fail it over themselves "
                 "30 s later.",
         .command_line_only = true},
        {.name = "format",
         .type = choice,
         .group = kOutput,
         .help = "How the report is printed; auto: as a table on a terminal, as JSON elsewhere.",
         .default_value = "auto",
         .choices = {"auto", "json", "table"}},
        {.name = "format",
         .type = choice,
         .group = kOutput,
         .help = "How the report is printed; auto: as a table on a terminal, as JSON elsewhere; "
                 "prometheus: metrics, which --items does not shorten.",
         .default_value = "auto",
         .choices = {"auto", "json", "table", "prometheus"},
         .command = "status"},
        {.name = "output",
         .type = file,
         .group = kOutput,
         .help = "Write the report to this file, in one piece at the end, and nothing to stdout. A "
                 "new file can be read by its owner alone; one that exists keeps its mode.",
         .command_line_only = true},
        {.name = "watch",
         .type = duration,
         .group = kOutput,
         .help = "Look again and again, with this pause (10s), until Ctrl-C or SIGTERM: in place "
                 "on a terminal, elsewhere a JSON report a line, with --output the file anew.",
         .command_line_only = true,
         .bare_value = "10s"},
        {.name = "items",
         .type = integer,
         .group = kOutput,
         .help = "List at most N items per section of the report. Totals still count everything.",
         .default_value = defaults::kItems,
         .most = 10'000'000},
        {.name = "audit-log",
         .type = file,
         .group = kOutput,
         .help = "Append a JSON line for each change when it is committed. Once a line cannot be "
                 "written nothing more is begun. A dry run does not open the file."},
        {.name = "utc",
         .group = kOutput,
         .help = "Times in tables are UTC, and not of this machine's zone."},
        {.name = "color",
         .type = choice,
         .group = kOutput,
         .help = "Colours in tables and messages; auto: on a terminal, unless NO_COLOR is set.",
         .default_value = "auto",
         .choices = {"auto", "always", "never"}},
        {.name = "log-level",
         .type = choice,
         .group = kOutput,
         .help = "What is logged on stderr.",
         .default_value = "info",
         .choices = {"trace", "debug", "info", "warn", "error", "off"}},
        {.name = "quiet", .group = kOutput, .help = "Only errors on stderr."},
        {.name = "no-progress", .group = kOutput, .help = "No progress on stderr."},
    };
}

}  // namespace

bool OptionSpec::offers(std::string_view value) const {
    return std::ranges::find(choices, value) != choices.end();
}

bool OptionSpec::takes(std::string_view value) const {
    return type == choice ? offers(value) : !value.starts_with('-');
}

std::string OptionSpec::placeholder() const {
    if (!what.empty()) return std::string(what);
    switch (type) {
        case flag:
            return "";
        case text:
            return "TEXT";
        case integer:
            return "N";
        case duration:
            return "DURATION";
        case time:
            return "TIME";
        case address:
            return "ADDRESS";
        case ids:
            return "ID,...|all";
        case file:
            return "FILE";
        case choice:
            return fmt::format("{}", fmt::join(choices, "|"));
    }
    return "";
}

std::string OptionSpec::default_text() const {
    if (const auto* period = std::get_if<Millis>(&default_value)) return format_duration(*period);
    if (const auto* number = std::get_if<std::int64_t>(&default_value))
        return std::to_string(*number);
    if (const auto* told = std::get_if<std::string_view>(&default_value)) return std::string(*told);
    return "";
}

std::span<const OptionSpec> all_options() {
    static const std::vector<OptionSpec> options = [] {
        std::vector<OptionSpec> all;
        for (const auto& group :
             {event_options(), safety_options(), recovery_options(), selection_options(),
              asking_options(), other_options(), cluster_options()})
            all.insert(all.end(), group.begin(), group.end());
        return all;
    }();
    return options;
}

const OptionSpec* find_option(std::string_view name, std::string_view command) {
    const OptionSpec* found = nullptr;
    for (const OptionSpec& option : all_options()) {
        if (option.name != name) continue;
        if (!command.empty() && option.command == command) return &option;
        if (found == nullptr || (option.command.empty() && !found->command.empty()))
            found = &option;
    }
    return found;
}

bool is_for_environment(std::string_view name) {
    return std::ranges::any_of(all_options(), [&](const OptionSpec& option) {
        return option.name == name && !option.command_line_only;
    });
}

}  // namespace dsfailover
