#include "config/ds_registry.h"

#include <fmt/format.h>

#include <charconv>

#include "base/error.h"
#include "config/url.h"

namespace dsfailover {
namespace {

using Type = RegistrySettings::Type;

/// Spring's durations: a number alone is milliseconds, otherwise ms, s, m or h follow; ISO 8601 is
/// read as far as PT15S. nullopt for what is none of these.
std::optional<Millis> spring_duration(std::string_view text) {
    if (text.starts_with("PT")) text.remove_prefix(2);
    std::int64_t number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
    if (error != std::errc() || number < 0 || number > 1'000'000'000) return std::nullopt;
    if (unit.empty() || unit == "ms") return Millis(number);
    if (unit == "s" || unit == "S") return Millis(number * 1000);
    if (unit == "m" || unit == "M") return Millis(number * 60'000);
    if (unit == "h" || unit == "H") return Millis(number * 3'600'000);
    return std::nullopt;
}

void apply_connection_timeout(const SpringConfig& spring, std::string_view property,
                              RegistryUrl& registry) {
    const auto value = spring.get(property);
    if (!value) return;
    const auto time = spring_duration(value->value);
    if (time && *time >= Millis(1000))
        registry.settings.connect_timeout = *time;
    else
        registry.warnings.push_back(
            fmt::format("{}: '{}' is not a time limit of a second or more and was ignored",
                        value->origin, value->value));
}

OptionValue required(const SpringConfig& spring, std::string_view property,
                     const OptionValue& type) {
    if (auto value = spring.get(property)) return *value;
    throw UsageError(fmt::format("{} is {}, but {} is not set", type.origin, type.value, property));
}

RegistryUrl with_hosts(const SpringConfig& spring, const OptionValue& addresses, bool zookeeper,
                       std::string_view name_space) {
    RegistryUrl result;
    RegistrySettings& settings = result.settings;
    settings.type = zookeeper ? Type::zookeeper : Type::etcd;
    std::string_view rest = addresses.value;
    // A path behind ZooKeeper's hosts is their chroot: all the masters have is below it.
    std::string chroot;
    if (const auto slash = rest.find('/'); zookeeper && slash != std::string_view::npos) {
        chroot = rest.substr(slash);
        while (chroot.ends_with('/') || chroot.ends_with(' ')) chroot.pop_back();
        rest = rest.substr(0, slash);
        if (chroot.find(',') != std::string::npos)
            throw UsageError(
                fmt::format("{}: expected HOST:PORT,HOST:PORT/CHROOT: the chroot stands once, "
                            "behind the last host",
                            addresses.origin));
    }
    while (!rest.empty()) {
        const auto end = std::min(rest.find(','), rest.size());
        std::string_view part = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        part.remove_prefix(std::min(part.find_first_not_of(" \t"), part.size()));
        part = part.substr(0, part.find_last_not_of(" \t/") + 1);
        if (part.empty()) continue;
        if (!zookeeper && part.starts_with("https://")) settings.tls = true;
        if (const auto scheme = part.find("://"); scheme != std::string_view::npos)
            part.remove_prefix(scheme + 3);
        const Url url = parse_url(fmt::format("registry://{}", part), addresses.origin);
        if (url.hosts.size() != 1)
            throw UsageError(fmt::format("{}: '{}' is not HOST:PORT", addresses.origin, part));
        settings.hosts.push_back(host_and_port(
            url.hosts[0].first, url.hosts[0].second.value_or(zookeeper ? 2181 : 2379)));
    }
    if (settings.hosts.empty())
        throw UsageError(fmt::format("{}: it names no host", addresses.origin));
    const auto space = spring.get(name_space);
    settings.name_space =
        (chroot.empty() ? "" : registry_name_space(settings.type, chroot, addresses.origin)) +
        registry_name_space(settings.type, space ? space->value : "",
                            space ? space->origin : name_space);
    return result;
}

}  // namespace

std::optional<DsRegistry> ds_registry(const SpringConfig& spring) {
    std::optional<OptionValue> type = spring.get("registry.type");
    const auto connect_string = spring.get("registry.zookeeper.connect-string");
    if (!type && !connect_string) return std::nullopt;
    if (!type) type = OptionValue{"zookeeper", connect_string->source, connect_string->origin};

    if (type->value == "zookeeper") {
        const OptionValue hosts = required(spring, "registry.zookeeper.connect-string", *type);
        RegistryUrl registry = with_hosts(spring, hosts, true, "registry.zookeeper.namespace");
        apply_connection_timeout(spring, "registry.zookeeper.connection-timeout", registry);
        return DsRegistry{std::move(registry), hosts};
    }
    if (type->value == "etcd") {
        const OptionValue hosts = required(spring, "registry.endpoints", *type);
        RegistryUrl registry = with_hosts(spring, hosts, false, "registry.namespace");
        apply_connection_timeout(spring, "registry.connection-timeout", registry);
        return DsRegistry{std::move(registry), hosts};
    }
    if (type->value == "jdbc") {
        if (const auto url = spring.get("registry.hikari-config.jdbc-url"))
            return DsRegistry{read_registry_url(url->value, url->origin), *url};
        return DsRegistry{read_registry_url("jdbc", type->origin), *type};
    }
    throw UsageError(
        fmt::format("{}: the registry type '{}' is not known; zookeeper, etcd and jdbc are",
                    type->origin, type->value));
}

DsCredentials ds_registry_credentials(const SpringConfig& spring, Type type, bool own_database) {
    if (own_database)
        return {spring.get("registry.hikari-config.username"),
                spring.get("registry.hikari-config.password")};
    if (type == Type::etcd) return {spring.get("registry.user"), spring.get("registry.password")};
    if (type != Type::zookeeper) return {};
    const auto digest = spring.get("registry.zookeeper.digest");
    if (!digest) return {};
    const auto colon = digest->value.find(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == digest->value.size())
        throw UsageError(fmt::format("{}: expected USER:PASSWORD", digest->origin));
    return {OptionValue{digest->value.substr(0, colon), digest->source, digest->origin},
            OptionValue{digest->value.substr(colon + 1), digest->source, digest->origin}};
}

std::optional<std::string> drop_half_a_login(DsCredentials& credentials) {
    if (credentials.user.has_value() == credentials.password.has_value()) return std::nullopt;
    const std::string origin =
        credentials.user ? credentials.user->origin : credentials.password->origin;
    credentials = {};
    return fmt::format(
        "{}: etcd is used without a login, as by the masters, which log in only where both "
        "registry.user and registry.password are set",
        origin);
}

}  // namespace dsfailover
