#pragma once

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>

namespace dsfailover {

/// Connects `socket`, which is of `io`, to HOST:PORT (a name, IPv4, or IPv6 with brackets or
/// without; the port behind the last colon). No other function of the program connects to a server
/// of DolphinScheduler. With `loopback_only` no other address is tried, whatever a name stands for.
///
/// Returns at once. When it came to an end, `done` is called once, from io->run(): with what went
/// wrong ("connection refused"), or with an empty text. Whoever does not wait for that destroys the
/// socket; io->run() must not be called again then. A name that is still looked up keeps only `io`.
void open_connection(const std::shared_ptr<asio::io_context>& io, asio::ip::tcp::socket& socket,
                     const std::string& address, bool loopback_only,
                     const std::function<void(std::string problem)>& done);

}  // namespace dsfailover
