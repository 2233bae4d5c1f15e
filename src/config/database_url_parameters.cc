#include "config/database_url_parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <stdexcept>

#include "base/error.h"

namespace dsfailover {
namespace {

std::string lower(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

/// One parameter on its way into the result.
struct Parameter {
    const std::string& name;
    const std::string& value;
    std::string_view option;
    bool jdbc;
    DatabaseUrl& result;

    DatabaseSettings& settings() const { return result.settings; }

    [[noreturn]] void refuse(std::string_view why) const {
        throw UsageError(fmt::format("{}: URL parameter {}: {}", option, name, why));
    }

    bool truth() const {
        const std::string text = lower(value);
        if (text == "true" || text == "yes" || text == "1" || text.empty()) return true;
        if (text == "false" || text == "no" || text == "0") return false;
        refuse(fmt::format("'{}' is neither true nor false", value));
    }

    /// A whole number of `unit`.
    Millis time(Millis unit) const {
        std::int64_t number = 0;
        const auto* end = value.data() + value.size();
        const auto [rest, error] = std::from_chars(value.data(), end, number);
        if (error != std::errc() || rest != end || number < 0 || number > 1'000'000'000)
            refuse(fmt::format("'{}' is not a time: it must be an integer", value));
        return unit * number;
    }
};

using Apply = void (*)(const Parameter&);

void set_user(const Parameter& p) {
    if (p.settings().user.empty()) p.settings().user = p.value;
}

void set_password(const Parameter& p) {
    p.settings().password = Secret(p.value);
    p.result.has_password = true;
}

void set_connect_timeout(const Parameter& p) {
    const bool millis = p.jdbc && p.settings().type == DatabaseType::mysql;
    const Millis time = p.time(millis ? Millis(1) : Millis(1000));
    if (time > Millis(0)) p.settings().connect_timeout = time;  // 0 is "for ever": ours stays
}

void raise_statement_timeout(const Parameter& p) {
    const bool millis = p.jdbc && p.settings().type == DatabaseType::mysql;
    const Millis time = p.time(millis ? Millis(1) : Millis(1000));
    p.settings().statement_timeout = std::max(p.settings().statement_timeout, time);
}

void set_tls_ca(const Parameter& p) { p.settings().tls_ca = p.value; }
void set_tls_cert(const Parameter& p) { p.settings().tls_cert = p.value; }
void set_tls_key(const Parameter& p) { p.settings().tls_key = p.value; }

/// Both drivers' names for the TLS modes.
void set_tls_mode(const Parameter& p) {
    static const std::map<std::string, std::string, std::less<>> modes = {
        {"disable", "disable"},
        {"disabled", "disable"},
        {"allow", "prefer"},
        {"prefer", "prefer"},
        {"preferred", "prefer"},
        {"require", "require"},
        {"required", "require"},
        {"trust", "require"},
        {"verify-ca", "verify-ca"},
        {"verify_ca", "verify-ca"},
        {"verify-full", "verify-full"},
        {"verify_identity", "verify-full"},
    };
    const auto found = modes.find(lower(p.value));
    if (found == modes.end())
        p.refuse(fmt::format(
            "'{}' is not a TLS mode; disable, prefer, require, verify-ca and verify-full are",
            p.value));
    p.settings().tls_mode = found->second;
}

void set_host(const Parameter& p) {
    if (p.settings().hosts.empty()) p.settings().hosts.emplace_back(p.value, 5432);
}

void set_postgresql_ssl(const Parameter& p) {
    // ssl=true alone verifies certificate and host name; sslmode, wherever it stands, says more.
    if (p.settings().tls_mode.empty())
        p.settings().tls_mode = p.truth() ? "verify-full" : "disable";
}

void set_ssl_factory(const Parameter& p) {
    if (p.value.ends_with("NonValidatingFactory"))
        p.settings().tls_mode = "require";
    else if (!p.value.ends_with("LibPQFactory") && !p.value.ends_with("DefaultJavaSSLFactory"))
        p.refuse("a TLS factory class means nothing here; use sslmode and sslrootcert");
}

void check_target_server(const Parameter& p) {
    const std::string type = lower(p.value);
    for (const std::string_view fine :
         {"any", "primary", "master", "preferprimary", "read-write", "prefer-primary"})
        if (type == fine) return;
    p.refuse(fmt::format("'{}' asks for a server that cannot be written to", p.value));
}

void set_mysql_use_ssl(const Parameter& p) {
    if (p.settings().tls_mode.empty()) p.settings().tls_mode = p.truth() ? "prefer" : "disable";
}

void set_mysql_require_ssl(const Parameter& p) {
    auto& mode = p.settings().tls_mode;
    if (p.truth() && (mode.empty() || mode == "prefer")) mode = "require";
}

void set_mysql_verify(const Parameter& p) {
    auto& mode = p.settings().tls_mode;
    if (p.truth() && mode != "disable" && mode != "verify-full") mode = "verify-ca";
}

void set_server_time_zone(const Parameter& p) {
    if (!p.value.empty() && p.value != "LOCAL") p.result.time_zone = p.value;
}

void set_channel_binding(const Parameter& p) {
    const std::string mode = lower(p.value);
    if (mode != "disable" && mode != "prefer" && mode != "require")
        p.refuse(fmt::format("'{}' is neither disable, prefer nor require", p.value));
    p.settings().channel_binding = mode;
}

void refuse_key_password(const Parameter& p) {
    p.refuse("a client key with a password is not supported; give the file of one without");
}

void set_fail_over_read_only(const Parameter& p) { p.settings().fail_over_read_only = p.truth(); }

/// Of SESSION_VARIABLES only the time zone changes what we read.
void set_session_variables(const Parameter& p) {
    constexpr std::string_view kBlank = " \t'\"";
    std::string_view rest = p.value;
    while (!rest.empty()) {
        const auto end = std::min(rest.find_first_of(",;"), rest.size());
        const std::string_view part = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        const auto equals = part.find('=');
        if (lower(part).find("time_zone") == std::string::npos) continue;
        std::string_view zone = part.substr(std::min(equals, part.size() - 1) + 1);
        zone.remove_prefix(std::min(zone.find_first_not_of(kBlank), zone.size()));
        zone = zone.substr(0, zone.find_last_not_of(kBlank) + 1);
        if (equals == std::string_view::npos || zone.empty())
            p.refuse(
                "its time_zone cannot be understood; write sessionVariables=time_zone='+08:00'");
        p.settings().session_time_zone = std::string(zone);
    }
}

void refuse_key_store(const Parameter& p) {
    p.refuse(
        "a Java key store cannot be read; give PEM files with sslrootcert, sslcert and sslkey");
}

void refuse_class(const Parameter& p) { p.refuse("a Java class means nothing here; leave it out"); }

void refuse_read_only(const Parameter& p) {
    if (p.truth()) p.refuse("a read-only connection cannot fail anything over");
}

void refuse_startup_options(const Parameter& p) {
    p.refuse("not supported; a search path is given with currentSchema");
}

void set_schema(const Parameter& p) { p.settings().schema = p.value; }

using Table = std::map<std::string, Apply, std::less<>>;

/// Names are compared in lower case.
const Table& postgresql_parameters() {
    static const Table table = {
        {"user", set_user},
        {"password", set_password},
        {"host", set_host},
        {"currentschema", set_schema},
        {"connecttimeout", set_connect_timeout},
        {"connect_timeout", set_connect_timeout},
        {"sockettimeout", raise_statement_timeout},
        {"ssl", set_postgresql_ssl},
        {"sslmode", set_tls_mode},
        {"sslrootcert", set_tls_ca},
        {"sslcert", set_tls_cert},
        {"sslkey", set_tls_key},
        {"sslfactory", set_ssl_factory},
        {"targetservertype", check_target_server},
        {"target_session_attrs", check_target_server},
        {"options", refuse_startup_options},
        {"socketfactory", refuse_class},
        {"authenticationpluginclassname", refuse_class},
        {"sslpassword", refuse_key_password},
        {"channelbinding", set_channel_binding},
        {"channel_binding", set_channel_binding},
        {"readonly", refuse_read_only},
    };
    return table;
}

const Table& mysql_parameters() {
    static const Table table = {
        {"user", set_user},
        {"password", set_password},
        {"connecttimeout", set_connect_timeout},
        {"sockettimeout", raise_statement_timeout},
        {"usessl", set_mysql_use_ssl},
        {"requiressl", set_mysql_require_ssl},
        {"verifyservercertificate", set_mysql_verify},
        {"sslmode", set_tls_mode},
        {"ssl-mode", set_tls_mode},
        {"sslrootcert", set_tls_ca},
        {"ssl-ca", set_tls_ca},
        {"serversslcert", set_tls_ca},
        {"sslcert", set_tls_cert},
        {"ssl-cert", set_tls_cert},
        {"sslkey", set_tls_key},
        {"ssl-key", set_tls_key},
        {"servertimezone", set_server_time_zone},
        {"connectiontimezone", set_server_time_zone},
        {"sessionvariables", set_session_variables},
        {"failoverreadonly", set_fail_over_read_only},
        {"trustcertificatekeystoreurl", refuse_key_store},
        {"clientcertificatekeystoreurl", refuse_key_store},
        {"socketfactory", refuse_class},
    };
    return table;
}

const Table& parameters_of(DatabaseType type) {
    switch (type) {
        case DatabaseType::postgresql:
            return postgresql_parameters();
        case DatabaseType::mysql:
            return mysql_parameters();
        case DatabaseType::sqlite:
            break;
    }
    throw std::logic_error("parameters_of(): a file's URL has no parameters");
}

/// Parameters of the JDBC drivers that change nothing for this program.
const std::set<std::string, std::less<>>& harmless() {
    static const std::set<std::string, std::less<>> names = {
        // PostgreSQL
        "applicationname",
        "application_name",
        "stringtype",
        "rewritebatchedinserts",
        "preparethreshold",
        "preparedstatementcachequeries",
        "preparedstatementcachesizemib",
        "binarytransfer",
        "tcpkeepalive",
        "logintimeout",
        "defaultrowfetchsize",
        "loggerlevel",
        "loggerfile",
        "unknownlength",
        "autosave",
        "loadbalancehosts",
        "hostrecheckseconds",
        "assumeminserverversion",
        "gssencmode",
        "prefer_query_mode",
        "preferquerymode",
        "escapesyntaxcallmode",
        "adaptivefetch",
        "cancelsignaltimeout",
        "tcpnodelay",
        // MySQL
        "useunicode",
        "characterencoding",
        "autoreconnect",
        "autoreconnectforpools",
        "maxreconnects",
        "zerodatetimebehavior",
        "allowmultiqueries",
        "rewritebatchedstatements",
        "allowpublickeyretrieval",
        "nullcatalogmeanscurrent",
        "tinyint1isbit",
        "useaffectedrows",
        "cacheprepstmts",
        "prepstmtcachesize",
        "prepstmtcachesqllimit",
        "useserverprepstmts",
        "uselocalsessionstate",
        "useoldaliasmetadatabehavior",
        "useinformationschema",
        "connectioncollation",
        "tcpkeepalive",
        "usecursorfetch",
        "allowloadlocalinfile",
        "noaccesstoprocedurebodies",
        "usejdbccomplianttimezoneshift",
        "uselegacydatetimecode",
        "forceconnectiontimezonetosession",
        "preserveinstants",
        "yearisdatetype",
        "initialtimeout",
        "cacheserverconfiguration",
        "elidesetautocommits",
        "maintaintimestats",
        "cacheresultsetmetadata",
        "useconfigs",
        "charset",
        "permitmysqlscheme",
        "cachecallablestmts",
        "trustcertificatekeystoretype",
        "trustcertificatekeystorepassword",
        "clientcertificatekeystoretype",
        "clientcertificatekeystorepassword",
        "fallbacktosystemtruststore",
    };
    return names;
}

bool has_value(const std::vector<std::pair<std::string, std::string>>& parameters,
               std::string_view name, std::string_view value) {
    return std::ranges::any_of(parameters, [&](const auto& parameter) {
        return lower(parameter.first) == name && lower(parameter.second) == value;
    });
}

/// The zone as MySQL takes it, which has no names for offsets.
std::string session_zone(const std::string& zone) {
    std::string_view offset = zone;
    for (const std::string_view prefix : {"GMT", "UTC", "UT"})
        if (offset.starts_with(prefix)) {
            offset.remove_prefix(prefix.size());
            break;
        }
    if (offset.empty() || offset == "Z") return "+00:00";
    if (offset.front() != '+' && offset.front() != '-') return zone;
    // +8, +08, +0800 or +08:00
    std::string digits;
    const auto colon = std::min(offset.find(':'), offset.size());
    const std::string_view hours = offset.substr(1, colon - 1);
    digits = hours.size() > 2 ? std::string(hours) : fmt::format("{:0>2}", hours);
    digits += colon < offset.size() ? std::string(offset.substr(colon + 1)) : "";
    digits.resize(4, '0');
    return fmt::format("{}{}:{}", offset.front(), digits.substr(0, 2), digits.substr(2));
}

/// forceConnectionTimeZoneToSession makes the driver's zone that of the session.
void force_session_zone(std::string_view option, DatabaseUrl& result) {
    if (!result.time_zone)
        throw UsageError(fmt::format(
            "{}: URL parameter forceConnectionTimeZoneToSession: it needs the zone, which the "
            "masters' JVM has: add connectionTimeZone=... with it",
            option));
    if (*result.time_zone != "SERVER")
        result.settings.session_time_zone = session_zone(*result.time_zone);
}

}  // namespace

void apply_url_parameters(const std::vector<std::pair<std::string, std::string>>& parameters,
                          bool jdbc, std::string_view option, DatabaseUrl& result) {
    const Table& table = parameters_of(result.settings.type);
    // sslmode says more than useSSL, and that more than the rest; their places in the URL say
    // nothing. The password comes first, so that it is known for the others' messages.
    std::vector<std::pair<std::string, std::string>> ordered = parameters;
    std::ranges::stable_sort(ordered, {}, [](const auto& parameter) {
        const std::string name = lower(parameter.first);
        return name == "password"                        ? 0
               : name == "sslmode" || name == "ssl-mode" ? 1
               : name == "usessl"                        ? 2
                                                         : 3;
    });
    for (const auto& [name, value] : ordered) {
        const auto found = table.find(lower(name));
        if (found != table.end())
            found->second({name, value, option, jdbc, result});
        else if (!harmless().contains(lower(name)))
            result.warnings.push_back(
                result.has_password
                    ? fmt::format("{}: a URL parameter is not known here and was ignored; its name "
                                  "is not shown, since it may be a part of the password (a '&' in "
                                  "a password is written %26)",
                                  option)
                    : fmt::format("{}: the URL parameter {} is not known here and was ignored",
                                  option, name));
    }
    if (result.settings.type == DatabaseType::mysql &&
        has_value(parameters, "forceconnectiontimezonetosession", "true"))
        force_session_zone(option, result);
    // Without preserveInstants the driver writes the JVM's wall clock, whatever the server's zone.
    if (has_value(parameters, "preserveinstants", "false")) result.time_zone.reset();
}

}  // namespace dsfailover
