#include "sandbox/rpc_server.h"

#include <fmt/format.h>

#include <array>
#include <asio/buffer.hpp>
#include <asio/ip/address.hpp>
#include <asio/write.hpp>
#include <utility>

#include "base/address.h"
#include "base/error.h"

namespace dsfailover {
namespace {

using asio::ip::tcp;

tcp::endpoint loopback_endpoint(const std::string& address) {
    const std::size_t colon = address.rfind(':');
    std::string host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    asio::error_code no_literal;
    const auto ip = asio::ip::make_address(host, no_literal);
    if (!is_address(address) || no_literal || !ip.is_loopback())
        throw RefusedError(fmt::format(
            "The sandbox has a living server at {}, which is not a loopback address: only "
            "servers of this machine alone are stood in for",
            address));
    return {ip, static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1)))};
}

}  // namespace

/// Keeps itself as long as it reads or writes.
class RpcServer::Connection : public std::enable_shared_from_this<Connection> {
  public:
    Connection(tcp::socket socket, std::shared_ptr<const Answer> answer)
        : socket_(std::move(socket)), answer_(std::move(answer)) {}

    void receive() {
        socket_.async_read_some(
            asio::buffer(received_),
            [self = shared_from_this()](const asio::error_code& error, std::size_t count) {
                if (!error && self->socket_.is_open())
                    self->answer({self->received_.data(), count});
            });
    }

    void close() {
        asio::error_code ignored;
        socket_.close(ignored);
    }

  private:
    void answer(std::string_view bytes) {
        answers_.clear();
        try {
            reader_.add(bytes);
            while (const auto frame = reader_.next()) answers_ += (*answer_)(*frame);
        } catch (const FrameError&) {
            return close();
        }
        asio::async_write(socket_, asio::buffer(answers_),
                          [self = shared_from_this()](const asio::error_code& error, std::size_t) {
                              if (!error && self->socket_.is_open()) self->receive();
                          });
    }

    tcp::socket socket_;
    const std::shared_ptr<const Answer> answer_;
    FrameReader reader_;
    std::array<char, 16384> received_{};
    std::string answers_;
};

RpcServer::RpcServer(asio::io_context& io, const std::string& address, Answer answer)
    : answer_(std::make_shared<const Answer>(std::move(answer))), acceptor_(io) {
    const tcp::endpoint endpoint = loopback_endpoint(address);
    try {
        acceptor_.open(endpoint.protocol());
        acceptor_.set_option(tcp::acceptor::reuse_address(true));
        acceptor_.bind(endpoint);
        acceptor_.listen();
    } catch (const asio::system_error& error) {
        throw Error(ExitCode::failed,
                    fmt::format("Cannot listen at {}: {}; another sandbox may be served there",
                                address, error.code().message()));
    }
    accept();
}

RpcServer::~RpcServer() {
    for (const auto& each : connections_)
        if (const auto connection = each.lock()) connection->close();
}

void RpcServer::accept() {
    acceptor_.async_accept([this](const asio::error_code& error, tcp::socket socket) {
        if (error == asio::error::operation_aborted) return;
        if (!error) {
            std::erase_if(connections_, [](const auto& each) { return each.expired(); });
            const auto connection = std::make_shared<Connection>(std::move(socket), answer_);
            connections_.push_back(connection);
            connection->receive();
        }
        accept();
    });
}

}  // namespace dsfailover
