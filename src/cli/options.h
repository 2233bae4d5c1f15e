#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "config/option_values.h"
#include "coordinator/events.h"
#include "coordinator/failover_options.h"

namespace dsfailover {

// Typed options, for the commands. Each function throws UsageError naming the option, or the
// variable or file its value came from.

std::optional<Millis> duration_option(const OptionValues& options, std::string_view name);

/// A whole number of at least `least`.
std::optional<std::int64_t> number_option(const OptionValues& options, std::string_view name,
                                          std::int64_t least);

/// --startup-time and --process-id, which are given together or not at all.
std::optional<ProcessIdentity> process_option(const OptionValues& options);

/// --event-time: at most 5 s ahead of this machine's clock.
std::optional<EpochMs> event_time_option(const OptionValues& options);

/// --items.
std::size_t items_option(const OptionValues& options);

/// HOST:PORT or [IPv6]:PORT; `what` is for the message.
std::string server_address(std::string_view text, std::string_view what);

/// A workflow instance id; `what` is for the message.
std::int64_t parse_workflow_id(std::string_view text, std::string_view what);

/// "all", or workflow instance ids separated by commas.
InDoubtSelection parse_in_doubt(std::string_view text);

/// --ask, --ask-timeout and --ask-limit.
AskOptions ask_options(const OptionValues& options);

/// The options of failover-master, failover-worker and global; those a command does not have stay
/// at their defaults.
FailoverOptions failover_options(const OptionValues& options);

}  // namespace dsfailover
