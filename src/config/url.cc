#include "config/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace dsfailover {
namespace {

/// The text being taken apart, for errors.
struct Source {
    std::string_view text;
    std::string_view option;

    [[noreturn]] void fail(std::string_view why) const {
        throw UsageError(fmt::format("{} {}: {}", option, shown_url(text), why));
    }
};

std::optional<int> hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return std::nullopt;
}

std::string percent_decoded(std::string_view text, const Source& source) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded += text[i];
            continue;
        }
        const auto high = i + 2 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
        const auto low = i + 2 < text.size() ? hex_digit(text[i + 2]) : std::nullopt;
        if (!high || !low)
            source.fail("a '%' must be followed by two hexadecimal digits (write %25 for itself)");
        decoded += static_cast<char>(*high * 16 + *low);
        i += 2;
    }
    if (decoded.find('\0') != std::string::npos) source.fail("it contains a zero byte");
    return decoded;
}

std::pair<std::string, std::optional<int>> parse_host(std::string_view text, const Source& source) {
    std::string_view host = text;
    std::optional<std::string_view> port;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos) source.fail("an IPv6 host lacks its ']'");
        host = text.substr(1, end - 1);
        if (end + 1 < text.size()) {
            if (text[end + 1] != ':')
                source.fail("after ']' only a port may follow, as in [::1]:5432");
            port = text.substr(end + 2);
        }
    } else if (const auto colon = text.find(':'); colon != std::string_view::npos) {
        if (text.find(':', colon + 1) != std::string_view::npos)
            source.fail("a host has two colons; an IPv6 host is written [::1]:5432");
        host = text.substr(0, colon);
        port = text.substr(colon + 1);
    }
    if (host.empty()) source.fail("a host is empty");
    const std::string decoded = percent_decoded(host, source);
    if (decoded.find_first_of("()= ") != std::string::npos)
        source.fail("hosts are written HOST:PORT,HOST:PORT; other forms are not supported");
    if (!port) return {decoded, std::nullopt};
    int number = 0;
    const auto* end = port->data() + port->size();
    const auto [rest, error] = std::from_chars(port->data(), end, number);
    if (error != std::errc() || rest != end || number < 1 || number > 65535)
        source.fail(
            "a port is not a number from 1 to 65535 (a '/', '@' or ':' in a password is written "
            "%2F, %40, %3A)");
    return {decoded, number};
}

std::vector<std::pair<std::string, std::string>> parse_parameters(std::string_view text,
                                                                  const Source& source) {
    std::vector<std::pair<std::string, std::string>> parameters;
    while (!text.empty()) {
        const auto end = std::min(text.find('&'), text.size());
        const std::string_view part = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (part.empty()) continue;
        const auto equals = std::min(part.find('='), part.size());
        parameters.emplace_back(
            percent_decoded(part.substr(0, equals), source),
            percent_decoded(part.substr(std::min(equals + 1, part.size())), source));
    }
    return parameters;
}

void parse_authority(std::string_view text, const Source& source, Url& url) {
    if (const auto at = text.rfind('@'); at != std::string_view::npos) {
        const std::string_view credentials = text.substr(0, at);
        const auto colon = std::min(credentials.find(':'), credentials.size());
        url.user = percent_decoded(credentials.substr(0, colon), source);
        if (colon < credentials.size())
            url.password = percent_decoded(credentials.substr(colon + 1), source);
        text.remove_prefix(at + 1);
    }
    while (!text.empty()) {
        const auto end = std::min(text.find(','), text.size());
        url.hosts.push_back(parse_host(text.substr(0, end), source));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

}  // namespace

Url parse_url(std::string_view text, std::string_view option) {
    const Source source{text, option};
    const auto colon = text.find("://");
    if (colon == std::string_view::npos) source.fail("it has no '://'");
    Url url;
    url.scheme = std::string(text.substr(0, colon));
    std::ranges::transform(url.scheme, url.scheme.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    std::string_view rest = text.substr(colon + 3);
    const auto authority_end = std::min(rest.find_first_of("/?"), rest.size());
    parse_authority(rest.substr(0, authority_end), source, url);
    rest.remove_prefix(authority_end);
    const auto query = std::min(rest.find('?'), rest.size());
    if (query < rest.size()) url.parameters = parse_parameters(rest.substr(query + 1), source);
    if (query > 0) url.path = percent_decoded(rest.substr(1, query - 1), source);
    return url;
}

std::string shown_url(std::string_view text) {
    // Whatever a driver may take for the beginning of parameters.
    constexpr std::string_view kParameters = "?;&(=";
    std::string_view scheme = text.substr(0, text.find("://"));
    if (scheme.size() == text.size()) {
        if (text.find('@') != std::string_view::npos) return "URL (hidden)";
        return std::string(text.substr(0, text.find_first_of(kParameters)));
    }
    // A word of a command line may begin with the option's name: --database=postgresql://...
    const auto equals = scheme.starts_with("--") ? scheme.find('=') : std::string_view::npos;
    if (scheme.substr(equals == std::string_view::npos ? 0 : equals + 1)
            .find_first_of(kParameters) != std::string_view::npos)
        return "URL (hidden)";
    if (text.find('@') != std::string_view::npos) return std::string(scheme) + "://...";
    return std::string(text.substr(0, text.find_first_of(kParameters, scheme.size())));
}

std::string host_and_port(const std::string& host, int port) {
    return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port)
                                               : fmt::format("[{}]:{}", host, port);
}

}  // namespace dsfailover
