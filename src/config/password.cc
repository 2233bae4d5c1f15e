#include "config/password.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/error.h"
#include "config/yaml_file.h"

namespace dsfailover {
namespace {

Secret read_password_file(const OptionValue& file, std::string_view option) {
    std::string text = read_text_file(file.value, fmt::format("--{}", option));
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    if (text.empty())
        throw UsageError(fmt::format("--{} {}: the file is empty", option, file.value));
    if (text.find('\n') != std::string::npos)
        throw UsageError(fmt::format("--{} {}: expected the password alone, found several lines",
                                     option, file.value));
    return Secret(std::move(text));
}

std::string warning_of_mode(const OptionValue& file, std::string_view option) {
    std::error_code ignored;
    const auto status = std::filesystem::status(file.value, ignored);
    const bool by_all = (status.permissions() & std::filesystem::perms::others_read) !=
                        std::filesystem::perms::none;
    if (!std::filesystem::is_regular_file(status) || !by_all) return "";
    return fmt::format("--{} {}: everybody on this machine can read it; chmod 600 {}", option,
                       file.value, file.value);
}

}  // namespace

std::optional<Password> given_password(std::string_view what, const OptionValues& options,
                                       const Environment& environment) {
    const std::string option = fmt::format("{}-password-file", what);
    const std::string variable = environment_name(fmt::format("{}-password", what));
    const OptionValue* file = find(options, option);
    const std::optional<std::string> value = environment(variable);
    if (value && (file == nullptr || file->source >= Source::environment))
        return Password{Secret(*value), Source::environment, variable, ""};
    if (file == nullptr) return std::nullopt;
    return Password{read_password_file(*file, option), file->source,
                    fmt::format("{} ({})", file->value, file->origin),
                    warning_of_mode(*file, option)};
}

std::optional<Password> best_password(const std::vector<std::optional<Password>>& candidates,
                                      const SourceOrder& order) {
    const std::optional<Password>* best = nullptr;
    for (const auto& candidate : candidates)
        if (candidate && (best == nullptr || order.before(candidate->source, (*best)->source)))
            best = &candidate;
    return best == nullptr ? std::nullopt : *best;
}

}  // namespace dsfailover
