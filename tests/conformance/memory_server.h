#pragma once

#include <memory>
#include <optional>
#include <string>

#include "conformance/registry_server.h"
#include "support/memory_world.h"

namespace dsfailover {

/// The registry that the tests of the coordinator run on: no server is needed for it. It behaves as
/// ZooKeeper or as the JDBC registry.
class MemoryServer : public RegistryServer {
  public:
    explicit MemoryServer(bool jdbc) : jdbc_(jdbc) {
        if (jdbc) world_.go_by_jdbc_rules();
    }

    RegistrySettings settings() const override {
        RegistrySettings settings;
        settings.name_space = "/dolphinscheduler";
        settings.hosts = {kMemoryEndpoint};
        return settings;
    }
    std::optional<RegistrySettings> unreachable_settings() const override {
        RegistrySettings unreachable = settings();
        unreachable.hosts = {kCutOff};
        return unreachable;
    }
    /// `hosts` is the client's name.
    std::unique_ptr<Registry> open(const RegistrySettings& settings) override {
        const std::string& client = settings.hosts.front();
        if (client == kCutOff) world_.cut_off(client);
        return world_.open(client, settings.name_space);
    }
    void end_session(const std::string& owner) override { world_.end_session(owner); }

    std::string type() const override { return "memory"; }
    bool shows_waiters() const override { return !jdbc_; }
    bool servers_write_into_our_node() const override { return true; }
    bool masters_notice_departures() const override { return !jdbc_; }
    Millis order_step() const override { return Millis(0); }

  private:
    static constexpr const char* kCutOff = "cut off";

    const bool jdbc_;
    MemoryWorld world_;
};

}  // namespace dsfailover
