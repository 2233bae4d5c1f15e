#pragma once

#include <optional>
#include <string_view>

#include "config/option_values.h"
#include "database/database_settings.h"

namespace dsfailover {

/// Which masters and workers a run may ask what they hold.
enum class AskScope {
    nobody,
    loopback,  ///< servers at loopback addresses alone
    any,
};

/// A variable that is not an option: DSFAILOVER_ASK_ONLY=loopback.
inline constexpr std::string_view kAskOnlyVariable = "DSFAILOVER_ASK_ONLY";

/// Nobody with DSFAILOVER_ASK=none; loopback with DSFAILOVER_ASK_ONLY=loopback, and where the
/// workflows are in an SQLite file: DolphinScheduler does not run on one, so that it is a sandbox
/// or a copy, and the servers in it are not there to be asked. Throws UsageError naming
/// DSFAILOVER_ASK_ONLY for another value of it.
AskScope ask_scope(const Environment& environment, const std::optional<DatabaseSettings>& database);

}  // namespace dsfailover
