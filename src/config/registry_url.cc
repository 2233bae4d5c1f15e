#include "config/registry_url.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "config/database_url.h"
#include "config/url.h"

namespace dsfailover {
namespace {

constexpr std::string_view kForms =
    "zookeeper://H1:2181,H2:2181/dolphinscheduler, etcd://H1:2379/dolphinscheduler, "
    "etcds://... (TLS), jdbc (in the database), or a database URL";

/// Reads the times both registries know; false for any other parameter.
bool apply_time(const std::string& name, const std::string& value, std::string_view option,
                RegistrySettings& settings) {
    const bool session = name == "session-timeout";
    if (!session && name != "connect-timeout") return false;
    const Millis time = parse_duration(value, fmt::format("{}: URL parameter {}", option, name));
    if (time < Millis(1000) || time > Millis(10 * 60 * 1000))
        throw UsageError(
            fmt::format("{}: URL parameter {}: {} is not between 1s and 10m", option, name, value));
    (session ? settings.session_timeout : settings.connect_timeout) = time;
    return true;
}

void apply_parameters(const Url& url, std::string_view option, RegistryUrl& result) {
    for (const auto& [name, value] : url.parameters) {
        if (apply_time(name, value, option, result.settings)) continue;
        if (name == "tls" && result.settings.type == RegistrySettings::Type::etcd) {
            if (value != "true" && value != "false")
                throw UsageError(fmt::format(
                    "{}: URL parameter tls: '{}' is neither true nor false", option, value));
            result.settings.tls = value == "true";
            continue;
        }
        throw UsageError(
            fmt::format("{}: URL parameter {} is not known; session-timeout and connect-timeout "
                        "are, and for etcd tls=true",
                        option, name));
    }
}

bool is_control(unsigned char c) { return c < 0x20 || c == 0x7f; }

RegistryUrl with_hosts(const Url& url, RegistrySettings::Type type, int default_port,
                       std::string_view option) {
    RegistryUrl result;
    result.settings.type = type;
    for (const auto& [host, port] : url.hosts)
        result.settings.hosts.push_back(host_and_port(host, port.value_or(default_port)));
    if (result.settings.hosts.empty())
        throw UsageError(fmt::format("{} {}://: it names no host", option, url.scheme));
    result.settings.name_space = registry_name_space(type, url.path, option);
    result.settings.user = url.user.value_or("");
    if (url.password) {
        result.settings.password = Secret(*url.password);
        result.has_password = true;
    }
    apply_parameters(url, option, result);
    return result;
}

}  // namespace

std::string registry_name_space(RegistrySettings::Type type, std::string_view text,
                                std::string_view option) {
    if (type == RegistrySettings::Type::jdbc) return "";
    if (type == RegistrySettings::Type::etcd) {
        // The masters put it before each key just as it is written.
        if (std::ranges::any_of(text, is_control))
            throw UsageError(fmt::format("{}: '{}' is not a registry namespace", option, text));
        return text.empty() ? "dolphinscheduler" : std::string(text);
    }
    while (text.starts_with('/')) text.remove_prefix(1);
    while (text.ends_with('/')) text.remove_suffix(1);
    if (text.empty()) text = "dolphinscheduler";
    for (std::size_t start = 0; start <= text.size();) {
        const auto end = std::min(text.find('/', start), text.size());
        const std::string_view part = text.substr(start, end - start);
        if (part.empty() || part == "." || part == ".." || std::ranges::any_of(part, is_control))
            throw UsageError(fmt::format("{}: '{}' is not a registry namespace", option, text));
        start = end + 1;
    }
    return "/" + std::string(text);
}

RegistryUrl read_registry_url(std::string_view text, std::string_view option) {
    RegistryUrl result;
    if (text == "jdbc") {
        result.settings.type = RegistrySettings::Type::jdbc;
        result.in_database = true;
        return result;
    }
    if (is_database_url(text)) {
        DatabaseUrl database = read_database_url(text, option);
        result.settings.type = RegistrySettings::Type::jdbc;
        result.settings.database = std::move(database.settings);
        result.has_password = database.has_password;
        result.time_zone = std::move(database.time_zone);
        result.warnings = std::move(database.warnings);
        return result;
    }
    const auto colon = text.find("://");
    const std::string_view scheme = text.substr(0, std::min(colon, text.size()));
    if (colon != std::string_view::npos) {
        if (scheme == "zookeeper")
            return with_hosts(parse_url(text, option), RegistrySettings::Type::zookeeper, 2181,
                              option);
        if (scheme == "etcd" || scheme == "etcds") {
            result =
                with_hosts(parse_url(text, option), RegistrySettings::Type::etcd, 2379, option);
            result.settings.tls = result.settings.tls || scheme == "etcds";
            return result;
        }
    }
    if (scheme == "zookeepers")
        throw UsageError(fmt::format(
            "{} {}: the ZooKeeper client of this machine has no TLS. Let stunnel, or another "
            "TLS client, listen on a loopback port and forward to the server, and name "
            "that: zookeeper://127.0.0.1:PORT/NAMESPACE",
            option, shown_url(text)));
    throw UsageError(fmt::format("{} {}: supported are {}", option, shown_url(text), kForms));
}

}  // namespace dsfailover
