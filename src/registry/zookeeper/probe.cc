#include "registry/zookeeper/probe.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string_view>

namespace dsfailover {
namespace {

using Clock = std::chrono::steady_clock;

class Socket {
  public:
    explicit Socket(int descriptor) : descriptor_(descriptor) {}
    ~Socket() {
        if (descriptor_ >= 0) close(descriptor_);
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    int get() const { return descriptor_; }

    /// Whether it becomes ready before `until`.
    bool wait_for(short events, Clock::time_point until) const {
        const auto left = std::chrono::duration_cast<Millis>(until - Clock::now()).count();
        pollfd polled{descriptor_, events, 0};
        return poll(&polled, 1, static_cast<int>(std::max<std::int64_t>(left, 0))) > 0;
    }

  private:
    int descriptor_;
};

struct FreeAddresses {
    void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Addresses look_up(const std::string& address) {
    const auto colon = address.rfind(':');
    std::string host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const std::string port = address.substr(colon + 1);
    if (getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) return {};
    return Addresses(found);
}

bool is_connected(const Socket& socket, const addrinfo& to, Clock::time_point until) {
    if (socket.get() < 0) return false;
    if (connect(socket.get(), to.ai_addr, to.ai_addrlen) == 0) return true;
    int error = 0;
    socklen_t size = sizeof error;
    return errno == EINPROGRESS && socket.wait_for(POLLOUT, until) &&
           getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

bool is_text(std::string_view bytes) {
    return !bytes.empty() && std::ranges::all_of(bytes, [](char c) {
        return (c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t';
    });
}

ZookeeperProbe ask(const Socket& socket, Clock::time_point until) {
    // A server that speaks TLS takes five bytes for the beginning of a record.
    constexpr std::string_view kFourLetterCommand = "srvr\n";
    char bytes[256];
    ssize_t count =
        send(socket.get(), kFourLetterCommand.data(), kFourLetterCommand.size(), MSG_NOSIGNAL);
    if (count > 0) {
        if (!socket.wait_for(POLLIN, until)) return {ZookeeperProbe::Answer::silent, ""};
        count = recv(socket.get(), bytes, sizeof bytes, 0);
    }
    const std::string_view answer(bytes, count > 0 ? static_cast<std::size_t>(count) : 0);
    if (!is_text(answer)) return {ZookeeperProbe::Answer::otherwise, ""};
    return {ZookeeperProbe::Answer::text,
            std::string(answer.substr(0, answer.find_first_of("\r\n\t")))};
}

}  // namespace

ZookeeperProbe probe_zookeeper(const std::string& address, Millis limit) {
    const auto until = Clock::now() + limit;
    const Addresses addresses = look_up(address);
    for (const addrinfo* found = addresses.get(); found != nullptr; found = found->ai_next) {
        const Socket socket(
            ::socket(found->ai_family, found->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (is_connected(socket, *found, until)) return ask(socket, until);
    }
    return {};
}

}  // namespace dsfailover
