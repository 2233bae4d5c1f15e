#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "config/value_sources.h"

namespace dsfailover {

/// A password with where it was found.
struct Password {
    Secret secret;
    Source source = Source::command_line;
    std::string origin;
    std::string warning;  ///< empty: none
};

/// The password of --WHAT-password-file and DSFAILOVER_WHAT_PASSWORD (`what`: "database" or
/// "registry"), the one of higher precedence; of two in the environment the variable that holds it.
/// A trailing line end is not part of the password. A file that everybody can read is used, with a
/// warning. Throws UsageError naming a file that cannot be
/// read or is empty.
std::optional<Password> given_password(std::string_view what, const OptionValues& options,
                                       const Environment& environment);

/// The one of highest precedence; of equals the first. Empty candidates are skipped.
std::optional<Password> best_password(const std::vector<std::optional<Password>>& candidates,
                                      const SourceOrder& order);

}  // namespace dsfailover
