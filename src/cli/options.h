#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "config/option_values.h"
#include "coordinator/events.h"
#include "coordinator/failover_options.h"

namespace dsfailover {

// Typed options, for the commands. Each function throws UsageError naming the option, or the
// variable or file its value came from.

std::optional<Millis> duration_option(const OptionValues& options, std::string_view name);

/// An integer within the limits that the option table has for it.
std::optional<std::int64_t> integer_option(const OptionValues& options, std::string_view name);

/// One of the choices that the option table has for the option, as `command` takes it.
std::optional<std::string> choice_option(const OptionValues& options, std::string_view name,
                                         std::string_view command = {});

/// --startup-time and --process-id, which are given together or not at all.
std::optional<ProcessIdentity> process_option(const OptionValues& options);

/// --event-time: at most 5 s ahead of this machine's clock.
std::optional<EpochMs> event_time_option(const OptionValues& options);

/// --items.
std::size_t items_option(const OptionValues& options);

/// HOST:PORT or [IPv6]:PORT; `what` is for the message.
std::string server_address(std::string_view text, std::string_view what);

/// Workflow instance ids, each argument one or several separated by commas or blanks.
std::vector<std::int64_t> workflow_ids(const std::vector<std::string>& arguments);

/// "all", or workflow instance ids separated by commas or blanks.
InDoubtSelection parse_in_doubt(std::string_view text);

/// --ask, --ask-timeout and --ask-limit.
AskOptions ask_options(const OptionValues& options);

/// The options of failover-master, failover-worker and global; those a command does not have stay
/// at their defaults.
FailoverOptions failover_options(const OptionValues& options);

}  // namespace dsfailover
