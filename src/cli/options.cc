#include "cli/options.h"

#include <fmt/format.h>

#include <charconv>

#include "base/address.h"
#include "base/error.h"
#include "config/url.h"

namespace dsfailover {
namespace {

constexpr EpochMs kFutureAllowed = 5000;
constexpr std::int64_t kMostItems = 10'000'000;

std::optional<std::int64_t> whole_number(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<EpochMs> past_time_option(const OptionValues& options, std::string_view name,
                                        bool needs_millis) {
    const OptionValue* given = find(options, name);
    if (given == nullptr) return std::nullopt;
    const std::string what = named(name, *given);
    const EpochMs time = parse_time(given->value, what, needs_millis);
    if (time > now_ms() + kFutureAllowed)
        throw UsageError(fmt::format("{}: {} lies in the future; this machine's clock says {}",
                                     what, format_rfc3339(time), format_rfc3339(now_ms())));
    return time;
}

}  // namespace

std::optional<Millis> duration_option(const OptionValues& options, std::string_view name) {
    const OptionValue* given = find(options, name);
    if (given == nullptr) return std::nullopt;
    return parse_duration(given->value, named(name, *given));
}

std::optional<std::int64_t> number_option(const OptionValues& options, std::string_view name,
                                          std::int64_t least) {
    const OptionValue* given = find(options, name);
    if (given == nullptr) return std::nullopt;
    const auto number = whole_number(given->value);
    if (!number || *number < least)
        throw UsageError(fmt::format("{}: '{}' is no whole number of at least {}",
                                     named(name, *given), given->value, least));
    return number;
}

std::optional<ProcessIdentity> process_option(const OptionValues& options) {
    const auto startup_time = past_time_option(options, "startup-time", true);
    const auto process_id = number_option(options, "process-id", 1);
    if (startup_time.has_value() != process_id.has_value())
        throw UsageError(fmt::format(
            "--startup-time and --process-id go together: {} is missing. Both stand in the "
            "heartbeat and in the log of the process; leave both out if they are not known",
            startup_time ? "--process-id" : "--startup-time"));
    if (!startup_time) return std::nullopt;
    return ProcessIdentity{*startup_time, *process_id};
}

std::optional<EpochMs> event_time_option(const OptionValues& options) {
    return past_time_option(options, "event-time", false);
}

std::size_t items_option(const OptionValues& options) {
    const auto items = number_option(options, "items", 0);
    if (items && *items > kMostItems)
        throw UsageError(fmt::format("{}: {} is more than {}",
                                     named("items", *find(options, "items")), *items, kMostItems));
    return static_cast<std::size_t>(items.value_or(1000));
}

std::string server_address(std::string_view text, std::string_view what) {
    if (is_address(text)) return std::string(text);
    // A URL that got into its place may hold a password. What is left of the text may look like an
    // address.
    std::string shown = shown_url(text);
    if (shown.size() < text.size()) shown += "...";
    try {
        return parse_address(shown);
    } catch (const UsageError& error) {
        throw UsageError(fmt::format("{}: {}", what, error.what()));
    }
}

std::int64_t parse_workflow_id(std::string_view text, std::string_view what) {
    const auto id = whole_number(text);
    if (!id || *id < 1)
        throw UsageError(fmt::format("{}: '{}' is no workflow instance id, a whole number", what,
                                     shown_url(text)));
    return *id;
}

InDoubtSelection parse_in_doubt(std::string_view text) {
    InDoubtSelection selection;
    if (text == "all") {
        selection.all = true;
        return selection;
    }
    for (std::size_t start = 0; start <= text.size();) {
        const auto end = std::min(text.find(',', start), text.size());
        const auto id = whole_number(text.substr(start, end - start));
        if (!id || *id < 1)
            throw UsageError(fmt::format(
                "--in-doubt: '{}' is no list of workflow instance ids such as 17,42, nor all",
                text));
        selection.ids.insert(*id);
        start = end + 1;
    }
    return selection;
}

AskOptions ask_options(const OptionValues& options) {
    AskOptions result;
    if (const OptionValue* given = find(options, "ask")) {
        if (given->value == "none")
            result.about = AskAbout::nobody;
        else if (given->value == "all")
            result.about = AskAbout::all;
        else if (given->value != "doubtful")
            throw UsageError(fmt::format("{}: '{}' is none of doubtful, all, none",
                                         named("ask", *given), given->value));
    }
    result.timeout = duration_option(options, "ask-timeout").value_or(result.timeout);
    result.limit = number_option(options, "ask-limit", 1).value_or(result.limit);
    return result;
}

FailoverOptions failover_options(const OptionValues& options) {
    FailoverOptions result;
    result.dry_run = is_set(options, "dry-run");
    result.grace = duration_option(options, "grace").value_or(result.grace);
    result.fence = is_set(options, "fence");
    result.fence_timeout = duration_option(options, "fence-timeout").value_or(result.fence_timeout);
    if (const OptionValue* in_doubt = find(options, "in-doubt"))
        result.in_doubt = parse_in_doubt(in_doubt->value);
    result.lock_timeout = duration_option(options, "lock-timeout").value_or(result.lock_timeout);
    result.no_lock = is_set(options, "no-lock");
    result.limit = number_option(options, "limit", 1);
    result.wait = duration_option(options, "wait");
    result.rehost = !is_set(options, "no-rehost");
    result.ask = ask_options(options);
    result.redispatch = is_set(options, "redispatch");
    result.announce = !is_set(options, "no-announce");
    result.items = items_option(options);
    return result;
}

}  // namespace dsfailover
