#include "base/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>

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

constexpr std::size_t kGroups = 8;  // of an IPv6 address
constexpr std::size_t kLongestGroup = 4;

/// "fd15::1%2" in parts; `scope` is empty, or begins with the '%'.
struct ScopedText {
    std::string number;
    std::string scope;
};

// Nothing where the scope is none.
std::optional<ScopedText> split_scope(std::string_view text) {
    const auto percent = text.find('%');
    if (percent == std::string_view::npos) return ScopedText{std::string(text), ""};
    const std::string_view scope = text.substr(percent);
    if (!is_host_name(scope.substr(1))) return std::nullopt;
    return ScopedText{std::string(text.substr(0, percent)), std::string(scope)};
}

// As Java prints it: eight groups, nothing left out, no brackets.
bool is_java_ipv6(std::string_view host) {
    const auto parts = split_scope(host);
    if (!parts) return false;
    std::size_t groups = 0, digits = 0;
    for (const char c : parts->number + ':') {
        if (c != ':') {
            if (!std::isxdigit(static_cast<unsigned char>(c)) || ++digits > kLongestGroup)
                return false;
            continue;
        }
        if (digits == 0) return false;
        digits = 0;
        ++groups;
    }
    return groups == kGroups;
}

// An IPv6 address, however it is shortened, as Java prints it; an IPv4 address inside one, too.
std::optional<std::string> java_form(std::string_view text) {
    const auto parts = split_scope(text);
    in6_addr address{};
    // A NUL inside would end the text early for inet_pton.
    if (!parts || parts->number.find('\0') != std::string::npos ||
        inet_pton(AF_INET6, parts->number.c_str(), &address) != 1)
        return std::nullopt;
    const std::uint8_t* bytes = address.s6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&address))
        return fmt::format("{}.{}.{}.{}", bytes[12], bytes[13], bytes[14], bytes[15]);
    std::string java;
    for (std::size_t i = 0; i < 2 * kGroups; i += 2)
        java += fmt::format("{}{:x}", i == 0 ? "" : ":", bytes[i] << 8 | bytes[i + 1]);
    return java + parts->scope;
}

bool is_bracketed(std::string_view host) {
    return host.size() > 2 && host.front() == '[' && host.back() == ']';
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
    return is_port(text.substr(colon + 1)) && (is_host_name(host) || is_java_ipv6(host));
}

std::string parse_address(std::string_view text) {
    if (is_address(text)) return std::string(text);
    const auto colon = text.rfind(':');
    if (colon != std::string_view::npos && is_port(text.substr(colon + 1))) {
        const std::string_view host = text.substr(0, colon), port = text.substr(colon);
        if (is_bracketed(host)) {
            if (const auto java = java_form(host.substr(1, host.size() - 2)))
                return fmt::format("{}{}", *java, port);
        } else if (java_form(host)) {
            throw UsageError(
                fmt::format("'{}' is not HOST:PORT: an IPv6 address that leaves groups out needs "
                            "brackets: [{}]{}",
                            text, host, port));
        }
    }
    throw UsageError(fmt::format(
        "'{}' is not the address of a server: give HOST:PORT or [IPv6]:PORT, for example "
        "127.0.1.5:5678; the port is a number from 1 to 65535",
        text));
}

}  // namespace dsfailover
