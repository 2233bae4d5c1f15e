#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "conformance/registry_server.h"
#include "registry/etcd/answer.h"
#include "registry/etcd/client.h"

namespace dsfailover {

class EtcdServer : public RegistryServer {
  public:
    explicit EtcdServer(std::string address) : address_(std::move(address)) {}

    RegistrySettings settings() const override {
        RegistrySettings settings;
        settings.type = RegistrySettings::Type::etcd;
        settings.hosts = {address_};
        settings.name_space = name_space_;
        return settings;
    }

    std::optional<RegistrySettings> unreachable_settings() const override {
        RegistrySettings unreachable = settings();
        unreachable.hosts = {"127.0.0.1:1"};
        unreachable.connect_timeout = Millis(500);
        return unreachable;
    }

    void end_session(const std::string& owner) override {
        EtcdClient(settings(), Millis(5000))
            .call(EtcdClient::Access::write, "lease/revoke",
                  {{"ID", std::to_string(std::stoll(owner, nullptr, 16))}}, "ending a lease");
    }

    std::string type() const override { return "etcd"; }
    bool shows_waiters() const override { return true; }
    bool servers_write_into_our_node() const override { return false; }
    bool masters_notice_departures() const override { return false; }
    Millis order_step() const override { return Millis(0); }

  private:
    std::string address_;
    std::string name_space_ = random_name();
};

}  // namespace dsfailover
