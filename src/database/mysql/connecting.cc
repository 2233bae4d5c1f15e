#include "database/mysql/connecting.h"

#include <errmsg.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string_view>
#include <thread>

#include "database/mysql/statement.h"

namespace dsfailover {

namespace {

using Clock = std::chrono::steady_clock;

constexpr Millis kPause{10};

Millis left_until(Clock::time_point time) {
    return std::max(Millis(0), std::chrono::ceil<Millis>(time - Clock::now()));
}

// Waits for what the library waits for, at most until `end`; returns what came of it.
int wait_for(MYSQL* connection, int wanted, Clock::time_point end) {
    pollfd polled{mysql_get_socket(connection), 0, 0};
    if ((wanted & MYSQL_WAIT_READ) != 0) polled.events |= POLLIN;
    if ((wanted & MYSQL_WAIT_WRITE) != 0) polled.events |= POLLOUT;
    if ((wanted & MYSQL_WAIT_EXCEPT) != 0) polled.events |= POLLPRI;
    Millis limit = left_until(end);
    const bool own_limit = (wanted & MYSQL_WAIT_TIMEOUT) != 0;
    if (own_limit) limit = std::min(limit, Millis(mysql_get_timeout_value_ms(connection)));
    const int ready = poll(&polled, 1, static_cast<int>(limit.count()));
    if (ready == 0) return own_limit ? MYSQL_WAIT_TIMEOUT : 0;
    if (ready < 0) return 0;  // a signal
    int came = 0;
    if ((polled.revents & (POLLIN | POLLHUP | POLLERR)) != 0) came |= MYSQL_WAIT_READ;
    if ((polled.revents & (POLLOUT | POLLHUP | POLLERR)) != 0) came |= MYSQL_WAIT_WRITE;
    if ((polled.revents & POLLPRI) != 0) came |= MYSQL_WAIT_EXCEPT;
    return came & wanted;
}

// Whether the server's greeting, which is not taken from the socket, offers TLS; nullopt: it has
// not come as a whole.
std::optional<bool> offers_tls(int socket) {
    constexpr std::size_t kVersion = 5;          // behind length, number and protocol
    constexpr std::size_t kBeforeFlags = 4 + 9;  // connection id, half of the challenge
    constexpr unsigned kTls = 0x08;              // CLIENT_SSL, in the second byte
    char bytes[512];
    const ssize_t count = recv(socket, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    if (count < 0 && errno != EAGAIN) return true;
    const std::string_view greeting(bytes, count > 0 ? static_cast<std::size_t>(count) : 0);
    if (count == 0 || (greeting.size() >= kVersion && greeting[kVersion - 1] != 10))
        return true;  // an end, or an error, of which the library tells
    const std::size_t end = greeting.find('\0', kVersion);
    if (end == std::string_view::npos || end + kBeforeFlags + 2 >= greeting.size())
        return std::nullopt;
    return (static_cast<unsigned char>(greeting[end + kBeforeFlags + 2]) & kTls) != 0;
}

}  // namespace

const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

bool needs_tls(const DatabaseSettings& settings) {
    const std::string& mode = settings.tls_mode;
    return mode == "require" || mode == "verify-ca" || mode == "verify-full";
}

void connect_in_time(MYSQL* connection, const DatabaseSettings& settings, const std::string& host,
                     unsigned int port) {
    mysql_options(connection, MYSQL_OPT_NONBLOCK, nullptr);
    const Clock::time_point end = Clock::now() + settings.connect_timeout;
    // The library would log in without TLS where the server offers none, and only then say so.
    bool looks_for_tls = needs_tls(settings);
    std::string problem;
    MYSQL* connected = nullptr;
    int wanted =
        mysql_real_connect_start(&connected, connection, or_null(host), or_null(settings.user),
                                 or_null(settings.password.reveal()), or_null(settings.database),
                                 port, nullptr, CLIENT_FOUND_ROWS);
    while (wanted != 0) {
        int came = problem.empty() ? wait_for(connection, wanted, end) : 0;
        if (looks_for_tls && came != 0) {
            const std::optional<bool> offered = offers_tls(mysql_get_socket(connection));
            if (offered == false) problem = "the server offers no TLS";
            looks_for_tls = !offered;
            if (!offered) {
                came = 0;
                std::this_thread::sleep_for(kPause);
            }
        }
        if (Clock::now() >= end)
            problem = "not connected within " + format_duration(settings.connect_timeout);
        if (!problem.empty()) {
            // What the library has begun it must end itself: it meets an end of the connection.
            shutdown(mysql_get_socket(connection), SHUT_RDWR);
            came = wanted & ~MYSQL_WAIT_TIMEOUT;
        }
        if (came != 0) wanted = mysql_real_connect_cont(&connected, connection, came);
    }
    if (!problem.empty()) throw MysqlFailure{CR_SSL_CONNECTION_ERROR, problem};
    if (connected != nullptr) return;
    const MysqlFailure failure{mysql_errno(connection), mysql_error(connection)};
    // The library's text names the plugin by bytes of its own login that took the name's place.
    if (failure.message.find("plugin list") != std::string::npos)
        throw MysqlFailure{failure.code,
                           "the server asks for the password in clear text, which it gets by TLS "
                           "alone: sslmode=verify-full"};
    throw failure;
}

}  // namespace dsfailover
