#include <fmt/format.h>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <map>
#include <memory>

#include "base/interruption.h"
#include "sandbox/rpc_server.h"
#include "sandbox/sandbox.h"
#include "sandbox/served_cluster.h"
#include "store/schema.h"

namespace dsfailover {
namespace {

// Between two steps; also how soon an interruption is seen.
constexpr Millis kTick{250};

DatabaseSettings settings_of(const std::string& file) {
    DatabaseSettings settings;
    settings.type = DatabaseType::sqlite;
    settings.file = file;
    settings.for_writing = true;
    // A server that waits for the file cannot answer whoever is writing to it, and asks.
    settings.lock_timeout = Millis(0);
    return settings;
}

Servers living_servers(const DatabaseSettings& settings) {
    RegistrySettings tables;
    tables.type = RegistrySettings::Type::jdbc;
    tables.database = settings;
    Servers servers = read_servers(*open_registry(tables), false);
    if (servers.masters.empty() && servers.workers.empty())
        throw Error(ExitCode::failed,
                    fmt::format("{}: no server lives in this sandbox, so that there is none to "
                                "stand in for",
                                settings.endpoint()));
    return servers;
}

/// The ports of the servers, and the connections that are open on them.
class Ports {
  public:
    /// Throws as RpcServer.
    explicit Ports(const Servers& servers) {
        for (const auto* each : {&servers.masters, &servers.workers})
            for (const Server& server : *each) open(server.address);
    }

    /// Answers for `duration`, as `cluster` does; only the ports of living servers are open.
    /// Throws as RpcServer.
    void answer(const ServedCluster& cluster, Millis duration) {
        cluster_ = &cluster;
        for (auto& [address, port] : ports_) {
            if (!cluster.lives(address))
                port.reset();
            else if (!port)
                open(address);
        }
        io_.run_for(duration);
        io_.restart();
    }

  private:
    void open(const std::string& address) {
        ports_[address] = std::make_unique<RpcServer>(
            io_, address,
            [this, address](const Frame& asked) { return cluster_->answer(address, asked); });
    }

    asio::io_context io_;
    const asio::executor_work_guard<asio::io_context::executor_type> works_on_ =
        asio::make_work_guard(io_);
    std::map<std::string, std::unique_ptr<RpcServer>> ports_;  // by address; empty: closed
    const ServedCluster* cluster_ = nullptr;
};

}  // namespace

void serve_sandbox(const std::string& file, bool hear_departures,
                   const std::function<void(const std::string&)>& say) {
    const DatabaseSettings settings = settings_of(file);
    const std::unique_ptr<Database> database = open_database(settings);
    const Schema schema = read_schema(*database);
    if (!schema.recovery_leaves_host())
        throw EnvironmentError(
            fmt::format("{}: no sandbox: its tables are those of a later release than 3.3.0",
                        settings.endpoint()));
    const Servers servers = living_servers(settings);
    Ports ports(servers);
    ServedCluster cluster(
        *database, schema, servers,
        hear_departures ? ServedCluster::Departures::heard : ServedCluster::Departures::unheard,
        now_ms(), say);
    while (!interruption_requested()) {
        cluster.step(now_ms());
        ports.answer(cluster, kTick);
    }
}

}  // namespace dsfailover
