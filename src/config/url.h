#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dsfailover {

/// A URL with several hosts: SCHEME://[USER[:PASSWORD]@]HOST[:PORT],.../PATH?NAME=VALUE&...
/// Everything but the scheme is percent-decoded.
struct Url {
    std::string scheme;  ///< lower case, without "://"
    std::optional<std::string> user;
    std::optional<std::string> password;
    std::vector<std::pair<std::string, std::optional<int>>> hosts;  ///< IPv6 without brackets
    std::string path;                                               ///< without the first '/'
    std::vector<std::pair<std::string, std::string>> parameters;
};

/// Takes a URL apart. `option` is named in errors, which never show a password. Throws UsageError
/// for a missing scheme, a bad port, bad brackets or percent signs.
Url parse_url(std::string_view text, std::string_view option);

/// The URL, or the word of a command line with a URL in it, as far as it can be shown when it may
/// hold a password anywhere: without user and parameters, in whatever form they are written.
std::string shown_url(std::string_view text);

/// "host:port", with brackets around an IPv6 address.
std::string host_and_port(const std::string& host, int port);

}  // namespace dsfailover
