#include "base/error.h"
#include "config/ds_registry.h"
#include "config/spring_config.h"
#include "fuzz.h"

namespace dsfailover {
namespace {

std::optional<std::string> environment(std::string_view name) {
    if (name == "SPRING_DATASOURCE_USERNAME") return "ds";
    return std::nullopt;
}

void try_profile(const std::string& file, std::string_view profile) {
    const auto spring = unless_refused<UsageError>(
        [&] { return SpringConfig(file, profile, DsVariables(environment)); });
    if (!spring) return;
    for (const char* property : {"spring.datasource.url", "spring.datasource.password",
                                 "spring.jackson.time-zone", "registry.type"}) {
        const auto value = unless_refused<UsageError>([&] {
                               return spring->get(property);
                           }).value_or(std::nullopt);
        require(!value || !value->value.empty(), "an empty value counts as none");
    }
    unless_refused<UsageError>([&] { return ds_registry(*spring); });
    using Type = RegistrySettings::Type;
    for (const Type type : {Type::zookeeper, Type::etcd, Type::jdbc})
        for (const bool own_database : {false, true}) {
            auto login = unless_refused<UsageError>(
                [&] { return ds_registry_credentials(*spring, type, own_database); });
            if (login) drop_half_a_login(*login);
        }
}

}  // namespace

void try_input(std::string_view text) {
    const InputFile file(text);
    for (const char* profile : {"", "mysql"}) try_profile(file.path(), profile);
    const auto holds =
        unless_refused<UsageError>([&] { return profile_expression_holds(text, {"mysql"}); });
    if (holds && text.find(',') == std::string_view::npos)
        require(profile_expression_holds("!(" + std::string(text) + ")", {"mysql"}) != *holds,
                "an expression or its contrary holds");
}

}  // namespace dsfailover
