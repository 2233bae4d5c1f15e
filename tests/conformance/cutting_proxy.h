#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace dsfailover::testing_support {

/// A TCP proxy on loopback that can swallow a server's answer: what the client sends still reaches
/// the server, then the connection breaks before the client hears of it.
class CuttingProxy {
  public:
    CuttingProxy(const std::string& server_host, int server_port) {
        server_.sin_family = AF_INET;
        server_.sin_port = htons(static_cast<std::uint16_t>(server_port));
        if (inet_pton(AF_INET, server_host.c_str(), &server_.sin_addr) != 1) {
            throw std::runtime_error("the proxy needs an IPv4 address: " + server_host);
        }
        sockaddr_in own{};
        own.sin_family = AF_INET;
        own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        socklen_t size = sizeof own;
        if (bind(listener_, as_address(own), size) != 0 || listen(listener_, 8) != 0 ||
            getsockname(listener_, as_address(own), &size) != 0) {
            throw std::runtime_error("the proxy cannot listen");
        }
        port_ = ntohs(own.sin_port);
        acceptor_ = std::thread([this] { accept_clients(); });
    }
    ~CuttingProxy() {
        stopping_ = true;
        acceptor_.join();
        for (std::thread& thread : threads_) thread.join();
        close(listener_);
    }
    CuttingProxy(const CuttingProxy&) = delete;
    CuttingProxy& operator=(const CuttingProxy&) = delete;

    int port() const { return port_; }
    /// From now on the next answer of the server, of whatever connection, is swallowed.
    void swallow_next_answer() { swallow_ = true; }
    /// From now on connections stay open, and nothing passes.
    void freeze() { frozen_ = true; }

  private:
    static sockaddr* as_address(sockaddr_in& address) {
        return reinterpret_cast<sockaddr*>(&address);
    }
    static bool readable(int socket, int wait_ms) {
        pollfd poll_socket{socket, POLLIN, 0};
        return poll(&poll_socket, 1, wait_ms) > 0;
    }

    void accept_clients() {
        while (!stopping_) {
            if (!readable(listener_, 50)) continue;
            const int client = accept(listener_, nullptr, nullptr);
            if (client >= 0) threads_.emplace_back([this, client] { serve(client); });
        }
    }

    void serve(int client) {
        const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(server, as_address(server_), sizeof server_) == 0) {
            while (!stopping_ && pass_on(client, server)) {
            }
        }
        close(client);
        close(server);
    }

    // Whether both ends are still open and no answer was swallowed.
    bool pass_on(int client, int server) {
        if (frozen_) {
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
            return true;
        }
        std::array<pollfd, 2> sockets = {pollfd{client, POLLIN, 0}, pollfd{server, POLLIN, 0}};
        if (poll(sockets.data(), sockets.size(), 50) <= 0) return true;
        if (sockets[0].revents != 0 && !copy(client, server)) return false;
        if (sockets[1].revents == 0) return true;
        return !swallow_.exchange(false) && copy(server, client);
    }

    static bool copy(int from, int to) {
        std::array<char, 65536> buffer;
        const ssize_t count = read(from, buffer.data(), buffer.size());
        return count > 0 &&
               send(to, buffer.data(), static_cast<std::size_t>(count), MSG_NOSIGNAL) == count;
    }

    sockaddr_in server_{};
    int listener_ = -1;
    int port_ = 0;
    std::atomic<bool> stopping_ = false;
    std::atomic<bool> swallow_ = false;
    std::atomic<bool> frozen_ = false;
    std::thread acceptor_;
    std::vector<std::thread> threads_;
};

}  // namespace dsfailover::testing_support
