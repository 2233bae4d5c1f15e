#include "base/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace dsfailover {

namespace {

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

constexpr std::size_t kLongestHostName = 253;  // of the domain name system

bool is_host_name(std::string_view host) {
    return host.size() <= kLongestHostName &&
           std::any_of(host.begin(), host.end(), is_letter_or_digit) &&
           std::all_of(host.begin(), host.end(), [](char c) {
               return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.';
           });
}

bool is_bracketed_ipv6(std::string_view host) {
    if (host.size() < 4 || host.front() != '[' || host.back() != ']') return false;
    const std::string inside(host.substr(1, host.size() - 2));
    in6_addr ignored{};
    // A NUL inside would end the text early for inet_pton.
    return inside.find('\0') == std::string::npos &&
           inet_pton(AF_INET6, inside.c_str(), &ignored) == 1;
}

bool is_port(std::string_view port) {
    int number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    return error == std::errc() && end == port.data() + port.size() && port.front() != '0' &&
           number >= 1 && number <= 65535;
}

}  // namespace

bool is_address(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return false;
    const std::string_view host = text.substr(0, colon);
    return is_port(text.substr(colon + 1)) && (is_host_name(host) || is_bracketed_ipv6(host));
}

std::string parse_address(std::string_view text) {
    if (!is_address(text)) {
        throw UsageError(fmt::format(
            "'{}' is no address of a server: give HOST:PORT or [IPv6]:PORT as it stands in the "
            "registry, for example 127.0.1.5:5678; the port is a number from 1 to 65535",
            text));
    }
    return std::string(text);
}

}  // namespace dsfailover
