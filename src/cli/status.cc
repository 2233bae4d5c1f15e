#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <vector>

#include "base/error.h"
#include "base/nearest.h"
#include "cli/command.h"
#include "cli/invocation.h"
#include "cli/options.h"
#include "coordinator/status/cluster_status.h"

namespace dsfailover {

extern const Command kStatus;

namespace {

/// --ask. Environments and files cannot make status ask, which leaves lines in the logs of every
/// master.
AskOptions status_ask_options(Invocation& invocation) {
    AskOptions options = ask_options(invocation.options());
    const OptionValue* ask = find(invocation.options(), "ask");
    if (!ask || ask->source != Source::command_line) options.about = AskAbout::nobody;
    if (options.about != AskAbout::nobody && invocation.environment()("DSFAILOVER_ASK") == "none")
        invocation.report().warnings.emplace_back(
            "--ask: DSFAILOVER_ASK=none, so nobody is asked.");
    return options;
}

CheckName parse_check(std::string_view text, std::string_view what) {
    const std::vector<std::string_view>& names = words_of<CheckName>();
    const auto found = std::ranges::find(names, text);
    if (found != names.end()) return CheckName(found - names.begin());
    throw UsageError(fmt::format("{}: there is no check '{}'{}; the checks are {}", what, text,
                                 did_you_mean(text, names), fmt::join(names, ", ")));
}

/// Names of checks, separated by commas or blanks.
std::set<CheckName> check_names(const OptionValues& options, std::string_view option) {
    std::set<CheckName> names;
    const OptionValue* given = find(options, option);
    if (given == nullptr) return names;
    std::string text = given->value;
    std::ranges::replace(text, ',', ' ');
    std::istringstream words(text);
    for (std::string word; words >> word;) names.insert(parse_check(word, named(option, *given)));
    if (names.empty())
        throw UsageError(fmt::format("{}: must name a check", named(option, *given)));
    return names;
}

/// --check and --skip-check. The first was a flag in 0.1: true and false are what they were.
void take_checks(const OptionValues& options, StatusOptions& result) {
    result.checks.skipped = check_names(options, "skip-check");
    const OptionValue* check = find(options, "check");
    if (check == nullptr) return;
    result.check = true;
    if (check->value != "all") {
        try {
            result.check = is_set(options, "check");
        } catch (const UsageError&) {
            result.checks.named = check_names(options, "check");
        }
    }
    const OptionValue* skip = find(options, "skip-check");
    for (std::size_t i = 0; i < words_of<CheckName>().size(); ++i)
        if (result.checks.has(CheckName(i))) skip = nullptr;
    if (skip != nullptr)
        throw UsageError(fmt::format("{} leaves out every check that {} names",
                                     named("skip-check", *skip), named("check", *check)));
}

void run(Invocation& invocation) {
    StatusOptions options;
    take_checks(invocation.options(), options);
    options.idle = duration_option(invocation.options(), "idle").value_or(options.idle);
    options.unclaimed_after =
        duration_option(invocation.options(), "unclaimed-after").value_or(options.unclaimed_after);
    options.backlog_after =
        duration_option(invocation.options(), "backlog-after").value_or(options.backlog_after);
    // What --items lists is in no metric.
    options.items = choice_option(invocation.options(), "format", kStatus.name) == "prometheus"
                        ? 0
                        : items_option(invocation.options());
    options.ask = status_ask_options(invocation);
    invocation.work_on_cluster(
        Invocation::Access::reading, options.ask.about,
        [&](const RunContext& context) { read_cluster_status(context, options); });
}

}  // namespace

const Command kStatus{
    .name = "status",
    .summary = "Show who lives, what needs failover or requeue, what is in doubt, locks and marks",
    .description =
        "Shows who lives, what global would take, which workflows are stuck, in doubt or running "
        "elsewhere, the commands that wait, who holds the failover locks and who queues for "
        "them, the marks, and fences that were left behind. With --ask also which workflows no "
        "master holds, and which another than their host. Changes nothing.",
    .options = {"check", "skip-check", "idle", "unclaimed-after", "backlog-after", "ask",
                "ask-timeout", "ask-limit", "items", "watch"},
    .examples =
        "  dsfailover status --format table\n"
        "  dsfailover status --ask --format table\n"
        "  dsfailover status --check > /dev/null || echo 'look at the failover'\n"
        "  dsfailover status --check needs_failover,stuck --items 0\n"
        "  dsfailover status --watch --format table\n"
        "  dsfailover status --format prometheus \\\n"
        "      --output /var/lib/prometheus/node-exporter/dsfailover.prom\n",
    .run = run,
};

}  // namespace dsfailover
