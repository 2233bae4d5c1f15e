#include "config/ask_scope.h"

#include <fmt/format.h>

#include "base/error.h"

namespace dsfailover {

AskScope ask_scope(const Environment& environment,
                   const std::optional<DatabaseSettings>& database) {
    const auto only = environment(kAskOnlyVariable);
    if (only && *only != "loopback")
        throw UsageError(
            fmt::format("{}: '{}' is not loopback, the one value it has", kAskOnlyVariable, *only));
    if (environment("DSFAILOVER_ASK") == "none") return AskScope::nobody;
    const bool in_sqlite_file = database && database->type == DatabaseType::sqlite;
    return only || in_sqlite_file ? AskScope::loopback : AskScope::any;
}

}  // namespace dsfailover
