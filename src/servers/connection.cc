#include "servers/connection.h"

#include <asio/connect.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/ip/address.hpp>
#include <asio/post.hpp>
#include <charconv>
#include <thread>
#include <vector>

namespace dsfailover {
namespace {

using asio::ip::tcp;
using Endpoints = std::vector<tcp::endpoint>;
using Done = std::function<void(std::string)>;

bool is_loopback(const asio::ip::address& address) {
    if (address.is_v6() && address.to_v6().is_v4_mapped())
        return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).is_loopback();
    return address.is_loopback();
}

struct Place {
    std::string host;
    std::uint16_t port = 0;
};

Place place_of(const std::string& address) {
    const std::size_t colon = address.rfind(':');
    if (colon == std::string::npos) return {};
    Place place{address.substr(0, colon), 0};
    if (place.host.size() > 2 && place.host.front() == '[' && place.host.back() == ']')
        place.host = place.host.substr(1, place.host.size() - 2);
    const char* end = address.data() + address.size();
    const auto [last, error] = std::from_chars(address.data() + colon + 1, end, place.port);
    if (error != std::errc() || last != end) place.port = 0;
    return place;
}

void connect(tcp::socket& socket, const Endpoints& found, bool loopback_only, const Done& done) {
    Endpoints allowed;
    for (const tcp::endpoint& endpoint : found)
        if (!loopback_only || is_loopback(endpoint.address())) allowed.push_back(endpoint);
    if (allowed.empty()) return done("it is not a loopback address, and only those are asked here");
    asio::async_connect(socket, allowed, [done](const asio::error_code& error, const auto&) {
        done(error ? error.message() : "");
    });
}

struct Found {
    Endpoints endpoints;
    asio::error_code error;
};

Found look_up(const Place& place) {
    Found found;
    asio::io_context own;
    const auto results = tcp::resolver(own).resolve(place.host, std::to_string(place.port),
                                                    tcp::resolver::numeric_service, found.error);
    for (const auto& result : results) found.endpoints.push_back(result.endpoint());
    return found;
}

}  // namespace

void open_connection(const std::shared_ptr<asio::io_context>& io, tcp::socket& socket,
                     const std::string& address, bool loopback_only, const Done& done) {
    const Place place = place_of(address);
    if (place.host.empty() || place.port == 0)
        return asio::post(*io, [done] { done("it is not HOST:PORT"); });
    asio::error_code is_name;
    const auto literal = asio::ip::make_address(place.host, is_name);
    if (!is_name)
        return asio::post(*io, [&socket, literal, place, loopback_only, done] {
            connect(socket, {tcp::endpoint(literal, place.port)}, loopback_only, done);
        });
    // Nothing can end a look-up, which may take longer than anybody waits: the thread is left to
    // itself, and what it posts to a context that does not run any more is never called.
    auto guard = std::make_shared<asio::executor_work_guard<asio::io_context::executor_type>>(
        asio::make_work_guard(*io));
    std::thread([io, guard, &socket, place, loopback_only, done] {
        asio::post(*io, [guard, &socket, found = look_up(place), loopback_only, done] {
            guard->reset();
            if (found.error) return done("its name was not found: " + found.error.message());
            connect(socket, found.endpoints, loopback_only, done);
        });
    }).detach();
}

}  // namespace dsfailover
