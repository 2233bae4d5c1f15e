#pragma once

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "servers/frame.h"

namespace dsfailover {

/// Listens at a loopback address, and answers every frame that comes, on any number of connections,
/// in io.run().
class RpcServer {
  public:
    /// Makes the bytes that answer a frame; FrameError closes the connection.
    using Answer = std::function<std::string(const Frame& asked)>;

    /// `address`: IP:PORT, the port behind the last colon. Throws RefusedError if it is not of this
    /// machine alone, Error(failed) if it is in use. Must not outlive `io`.
    RpcServer(asio::io_context& io, const std::string& address, Answer answer);
    /// Closes the port and all connections; `answer` is not called any more.
    ~RpcServer();
    RpcServer(const RpcServer&) = delete;
    RpcServer& operator=(const RpcServer&) = delete;

  private:
    class Connection;

    void accept();

    const std::shared_ptr<const Answer> answer_;
    asio::ip::tcp::acceptor acceptor_;
    std::vector<std::weak_ptr<Connection>> connections_;
};

}  // namespace dsfailover
