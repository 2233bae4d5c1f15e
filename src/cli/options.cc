#include "cli/options.h"

#include <fmt/format.h>

#include <charconv>

#include "base/address.h"
#include "base/error.h"
#include "base/nearest.h"
#include "base/option_defaults.h"
#include "config/option_table.h"
#include "config/url.h"

namespace dsfailover {
namespace {

constexpr EpochMs kFutureAllowed = 5000;

std::optional<std::int64_t> integer(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

/// Ids separated by commas or blanks; none if one of them is not an id.
std::vector<std::int64_t> listed_ids(std::string_view text) {
    std::vector<std::int64_t> ids;
    for (std::size_t start = 0; start <= text.size();) {
        const auto end = std::min(text.find_first_of(", ", start), text.size());
        const std::string_view word = text.substr(start, end - start);
        start = end + 1;
        // "17, 42": a blank behind a comma separates nothing more.
        if (word.empty() && end < text.size() && text[end] == ' ') continue;
        const auto id = integer(word);
        if (!id || *id < 1) return {};
        ids.push_back(*id);
    }
    return ids;
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

std::optional<std::int64_t> integer_option(const OptionValues& options, std::string_view name) {
    const OptionValue* given = find(options, name);
    if (given == nullptr) return std::nullopt;
    const OptionSpec& option = *find_option(name);
    const auto number = integer(given->value);
    if (!number || *number < option.least || *number > option.most)
        throw UsageError(
            fmt::format("{}: '{}' must be an integer {}", named(name, *given), given->value,
                        number && *number > option.most ? fmt::format("<= {}", option.most)
                                                        : fmt::format(">= {}", option.least)));
    return number;
}

std::optional<std::string> choice_option(const OptionValues& options, std::string_view name,
                                         std::string_view command) {
    const OptionValue* given = find(options, name);
    if (given == nullptr) return std::nullopt;
    const OptionSpec& option = *find_option(name, command);
    if (option.offers(given->value)) return given->value;
    for (const OptionSpec& other : all_options())
        if (other.name == name && !other.command.empty() && other.offers(given->value))
            throw UsageError(fmt::format("{}: '{}' is for {} alone; here it must be {}",
                                         named(name, *given), given->value, other.command,
                                         either_of(option.choices)));
    throw UsageError(fmt::format("{}: '{}' must be {}{}", named(name, *given), given->value,
                                 either_of(option.choices),
                                 did_you_mean(given->value, option.choices)));
}

std::optional<ProcessIdentity> process_option(const OptionValues& options) {
    const auto startup_time = past_time_option(options, "startup-time", true);
    const auto process_id = integer_option(options, "process-id");
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
    return static_cast<std::size_t>(
        integer_option(options, "items").value_or(option_defaults::kItems));
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

std::vector<std::int64_t> workflow_ids(const std::vector<std::string>& arguments) {
    std::vector<std::int64_t> ids;
    for (const std::string& argument : arguments) {
        const auto listed = listed_ids(argument);
        if (listed.empty())
            throw UsageError(fmt::format("ID: '{}' must be a workflow instance id, an integer >= 1",
                                         shown_url(argument)));
        ids.insert(ids.end(), listed.begin(), listed.end());
    }
    return ids;
}

InDoubtSelection parse_in_doubt(std::string_view text) {
    InDoubtSelection selection;
    selection.all = text == "all";
    if (selection.all) return selection;
    const auto ids = listed_ids(text);
    if (ids.empty())
        throw UsageError(fmt::format(
            "--in-doubt: '{}' must be a list of workflow instance ids such as 17,42, or all",
            text));
    selection.ids.insert(ids.begin(), ids.end());
    return selection;
}

AskOptions ask_options(const OptionValues& options) {
    AskOptions result;
    if (const auto ask = choice_option(options, "ask"))
        result.about = *ask == "none"  ? AskAbout::nobody
                       : *ask == "all" ? AskAbout::all
                                       : AskAbout::doubtful;
    result.timeout = duration_option(options, "ask-timeout").value_or(result.timeout);
    result.limit = integer_option(options, "ask-limit").value_or(result.limit);
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
    result.limit = integer_option(options, "limit");
    result.wait = duration_option(options, "wait");
    result.rehost = !is_set(options, "no-rehost");
    result.ask = ask_options(options);
    result.redispatch = is_set(options, "redispatch");
    result.announce = !is_set(options, "no-announce");
    result.items = items_option(options);
    return result;
}

}  // namespace dsfailover
