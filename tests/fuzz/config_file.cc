#include "base/error.h"
#include "config/option_values.h"
#include "fuzz.h"

namespace dsfailover {

void try_input(std::string_view text) {
    const InputFile file(text);
    const auto options = unless_refused<UsageError>([&] {
        return collect_options(
            {{"config", file.path()}}, [](std::string_view) { return std::nullopt; },
            "/nonexistent");
    });
    if (options) unless_refused<UsageError>([&] { return is_set(*options, "dry-run"); });
}

}  // namespace dsfailover
