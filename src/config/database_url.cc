#include "config/database_url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "config/database_url_parameters.h"
#include "config/url.h"

namespace dsfailover {
namespace {

constexpr std::string_view kForms =
    "sqlite:FILE, postgresql://USER@HOST:PORT/DB, mysql://USER@HOST:PORT/DB, "
    "jdbc:postgresql:... or jdbc:mysql:...";

struct Scheme {
    std::string_view prefix;
    DatabaseType type;
    bool jdbc;
    int default_port;
};
constexpr Scheme kSchemes[] = {
    {"jdbc:postgresql:", DatabaseType::postgresql, true, 5432},
    {"jdbc:mysql:", DatabaseType::mysql, true, 3306},
    {"jdbc:mariadb:", DatabaseType::mysql, true, 3306},
    {"jdbc:oceanbase:", DatabaseType::mysql, true, 2881},
    {"postgresql://", DatabaseType::postgresql, false, 5432},
    {"postgres://", DatabaseType::postgresql, false, 5432},
    {"mysql://", DatabaseType::mysql, false, 3306},
    {"mariadb://", DatabaseType::mysql, false, 3306},
    {"sqlite:", DatabaseType::sqlite, false, 0},
};

const Scheme* scheme_of(std::string_view url) {
    const auto* found = std::ranges::find_if(
        kSchemes, [&](const Scheme& scheme) { return url.starts_with(scheme.prefix); });
    return found == std::end(kSchemes) ? nullptr : found;
}

/// The kinds that DolphinScheduler can use besides, by the name in their JDBC URLs.
struct OtherKind {
    std::string_view prefix, name;
};
constexpr OtherKind kOtherKinds[] = {
    {"jdbc:oracle:", "Oracle"},
    {"jdbc:dm:", "DM"},
    {"jdbc:opengauss:", "openGauss"},
    {"jdbc:kingbase8:", "KingbaseES"},
};

[[noreturn]] void refuse_other(std::string_view url, std::string_view option) {
    if (url.starts_with("jdbc:h2:"))
        throw UsageError(fmt::format(
            "{} {}: H2 lives inside DolphinScheduler's standalone server and cannot be reached "
            "from outside; supported are {}",
            option, shown_url(url), kForms));
    for (const OtherKind& kind : kOtherKinds)
        if (url.starts_with(kind.prefix))
            throw UsageError(
                fmt::format("{} {}: {} is a kind of database that dsfailover cannot "
                            "work on; supported are {}",
                            option, shown_url(url), kind.name, kForms));
    throw UsageError(fmt::format("{} {}: supported are {}", option, shown_url(url), kForms));
}

/// jdbc:postgresql:DB and jdbc:postgresql:/ mean this machine, as they do to the driver.
std::string without_jdbc(std::string_view url, const Scheme& scheme, std::string_view option) {
    if (!scheme.jdbc) return std::string(url);
    const std::string_view rest = url.substr(scheme.prefix.size());
    const std::string_view name =
        scheme.prefix.substr(5, scheme.prefix.size() - 6);  // between "jdbc:" and ":"
    if (rest.starts_with("//")) return fmt::format("{}:{}", name, rest);
    if (scheme.type == DatabaseType::postgresql && rest.find("//") == std::string_view::npos)
        return fmt::format("{}://localhost/{}", name,
                           rest.starts_with('/') ? rest.substr(1) : rest);
    throw UsageError(
        fmt::format("{} {}: only jdbc:{}://HOST:PORT/DB is supported; give the URL of the primary "
                    "server in this form",
                    option, shown_url(url), name));
}

DatabaseUrl read_sqlite_url(std::string_view url, std::string_view option) {
    DatabaseUrl result;
    std::string_view file = url.substr(std::string_view("sqlite:").size());
    if (file.starts_with("//")) file.remove_prefix(2);  // sqlite:///srv/x.db
    if (file.empty())
        throw UsageError(fmt::format("{} {}: it names no file; write sqlite:FILE", option, url));
    if (file == ":memory:")
        throw UsageError(
            fmt::format("{} {}: a database in memory is empty; name a file, for "
                        "instance one made by 'dsfailover sandbox create'",
                        option, url));
    result.settings.type = DatabaseType::sqlite;
    result.settings.file = std::string(file);
    return result;
}

}  // namespace

bool is_database_url(std::string_view url) {
    return scheme_of(url) != nullptr || url.starts_with("jdbc:");
}

DatabaseUrl read_database_url(std::string_view url, std::string_view option) {
    const Scheme* scheme = scheme_of(url);
    if (scheme == nullptr) refuse_other(url, option);
    if (scheme->type == DatabaseType::sqlite) return read_sqlite_url(url, option);

    const Url parts = parse_url(without_jdbc(url, *scheme, option), option);
    DatabaseUrl result;
    DatabaseSettings& settings = result.settings;
    settings.type = scheme->type;
    for (const auto& [host, port] : parts.hosts)
        settings.hosts.emplace_back(host, port.value_or(scheme->default_port));
    if (settings.hosts.empty() && scheme->jdbc)
        settings.hosts.emplace_back("localhost", scheme->default_port);
    settings.database = parts.path;
    settings.user = parts.user.value_or("");
    if (parts.password) {
        settings.password = Secret(*parts.password);
        result.has_password = true;
    }
    apply_url_parameters(parts.parameters, scheme->jdbc, option, result);
    if (scheme->prefix == "jdbc:oceanbase:")
        result.warnings.emplace_back(
            "jdbc:oceanbase is spoken to as MySQL, which nobody has tried with dsfailover: look "
            "with status and a dry run first");
    // MySQL's driver tries TLS unless it is told otherwise; the others' do as our libraries.
    if (scheme->prefix == "jdbc:mysql:" && settings.tls_mode.empty()) settings.tls_mode = "prefer";
    if (settings.hosts.empty())
        throw UsageError(fmt::format("{} {}: it names no host", option, shown_url(url)));
    // Not to be shown: it may hold the password.
    if (settings.database.find_first_of("?;&=") != std::string::npos)
        throw UsageError(
            fmt::format("{} {}: parameters begin with '?' and are separated by '&', as in "
                        ".../dolphinscheduler?sslmode=require&connectTimeout=5",
                        option, shown_url(url)));
    if (settings.database.empty() || settings.database.find('/') != std::string::npos)
        throw UsageError(
            fmt::format("{} {}: it names no database; write HOST:PORT/DB, for "
                        "instance .../dolphinscheduler",
                        option, shown_url(url)));
    return result;
}

}  // namespace dsfailover
