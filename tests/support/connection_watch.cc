// Preloaded into the program by the tests: writes down every connection that it opens, one line
// each
// ("127.0.0.1 2181"), to the file that CONNECTION_WATCH names, and refuses what is not on this
// machine ("refused ADDRESS PORT"). Whatever library opens it, it calls connect().

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

namespace {

struct Place {
    std::string text;  // "127.0.0.1 2181"
    bool is_loopback;
};

Place place_of(const sockaddr* address) {
    char text[INET6_ADDRSTRLEN] = "";
    if (address->sa_family == AF_INET) {
        const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
        inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
        return {std::string(text) + ' ' + std::to_string(ntohs(v4->sin_port)),
                ntohl(v4->sin_addr.s_addr) >> 24 == 127};
    }
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
    const std::uint8_t* bytes = v6->sin6_addr.s6_addr;
    return {std::string(text) + ' ' + std::to_string(ntohs(v6->sin6_port)),
            IN6_IS_ADDR_LOOPBACK(bytes) || (IN6_IS_ADDR_V4MAPPED(bytes) && bytes[12] == 127)};
}

void note(const std::string& line) {
    const char* const name = std::getenv("CONNECTION_WATCH");
    const int file = name ? open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    // A connection that nobody counts.
    if (file < 0 || write(file, line.data(), line.size()) != std::ssize(line)) std::abort();
    close(file);
}

}  // namespace

extern "C" int connect(int socket, const sockaddr* address, socklen_t length) {
    using Connect = int (*)(int, const sockaddr*, socklen_t);
    static const auto next = reinterpret_cast<Connect>(dlsym(RTLD_NEXT, "connect"));
    if (address && (address->sa_family == AF_INET || address->sa_family == AF_INET6)) {
        const int before = errno;
        const Place place = place_of(address);
        note((place.is_loopback ? "" : "refused ") + place.text + '\n');
        errno = place.is_loopback ? before : EHOSTUNREACH;
        if (!place.is_loopback) return -1;
    }
    return next(socket, address, length);
}
