#pragma once

#include <zookeeper/zookeeper.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>

#include "conformance/registry_server.h"

namespace dsfailover {

class ZookeeperServer : public RegistryServer {
  public:
    explicit ZookeeperServer(std::string address) : address_(std::move(address)) {}

    RegistrySettings settings() const override {
        RegistrySettings settings;
        settings.type = RegistrySettings::Type::zookeeper;
        settings.hosts = {address_};
        settings.name_space = "/" + name_space_;
        settings.session_timeout = Millis(4000);
        return settings;
    }

    std::optional<RegistrySettings> unreachable_settings() const override {
        RegistrySettings unreachable = settings();
        unreachable.hosts = {"127.0.0.1:1"};
        unreachable.connect_timeout = Millis(500);
        return unreachable;
    }

    /// Takes the session over and closes it. Its password is not a secret: the server derives it
    /// from the id, with java.util.Random.
    void end_session(const std::string& owner) override {
        clientid_t session{};
        session.client_id = static_cast<std::int64_t>(std::stoull(owner, nullptr, 16));
        fill_password(session);
        zhandle_t* handle = zookeeper_init2(
            address_.c_str(), [](zhandle_t*, int, int, const char*, void*) {}, 10000, &session,
            nullptr, ZOO_NO_LOG_CLIENTENV, [](const char*) {});
        for (int i = 0; i < 500 && zoo_state(handle) != ZOO_CONNECTED_STATE; ++i)
            std::this_thread::sleep_for(Millis(10));
        const bool taken_over = zoo_state(handle) == ZOO_CONNECTED_STATE;
        zookeeper_close(handle);
        if (!taken_over) throw std::runtime_error("cannot take over the session " + owner);
    }

    std::string type() const override { return "zookeeper"; }
    bool shows_waiters() const override { return true; }
    bool servers_write_into_our_node() const override { return true; }
    bool masters_notice_departures() const override { return true; }
    Millis order_step() const override { return Millis(0); }

  private:
    static void fill_password(clientid_t& session) {
        constexpr std::uint64_t kServersConstant = 0xB3415C00, kMultiplier = 0x5DEECE66D,
                                kMask = (std::uint64_t{1} << 48) - 1;
        std::uint64_t seed =
            ((static_cast<std::uint64_t>(session.client_id) ^ kServersConstant) ^ kMultiplier) &
            kMask;
        for (std::size_t i = 0; i < sizeof session.passwd; i += 4) {
            seed = (seed * kMultiplier + 0xB) & kMask;
            for (std::size_t byte = 0; byte < 4; ++byte)
                session.passwd[i + byte] = static_cast<char>(seed >> (16 + 8 * byte));
        }
    }

    std::string address_;
    std::string name_space_ = random_name();
};

}  // namespace dsfailover
