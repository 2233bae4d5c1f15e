#include "coordinator/status/leaders.h"

#include <fmt/format.h>

#include <algorithm>

#include "registry/paths.h"

namespace dsfailover {

namespace {

/// One kind of leader: `servers` are those that live of which it is one.
class Leader {
  public:
    Leader(const RunContext& context, std::string_view what, std::vector<Node> servers)
        : context_(context), what_(what), servers_(std::move(servers)) {}

    void read(std::string_view path, std::optional<std::string>& address,
              std::optional<bool>& alive) const {
        const auto node = context_.registry.get(std::string(path));
        if (!node) {
            // Its node goes with it, so that this is how one that is gone looks for good.
            if (!servers_.empty()) warn(fmt::format("No {} is registered", what_));
            return;
        }
        address = node->value;
        const auto found = std::find_if(servers_.begin(), servers_.end(), [&](const Node& server) {
            return server.name == node->value;
        });
        alive = found != servers_.end() && context_.registry.of_one_process(*node, *found);
        if (*alive) return;
        warn(fmt::format("The {}, {}, is gone{}", what_, node->value,
                         found == servers_.end() ? "" : ": another process lives at its address"));
    }

  private:
    void warn(const std::string& text) const {
        context_.warn(fmt::format("{}{}.", text,
                                  context_.registry.masters_notice_departures()
                                      ? ""
                                      : ", and here no other one is elected"));
    }

    const RunContext& context_;
    const std::string_view what_;
    const std::vector<Node> servers_;
};

}  // namespace

void read_leaders(const RunContext& context, const Servers& servers, StatusSection& status,
                  StatusFindings& found) {
    found.masters_elect = context.registry.masters_notice_departures();
    std::vector<Node> masters;
    for (const Server& master : servers.masters) masters.push_back(master.node);
    Leader(context, "coordinator of the masters", std::move(masters))
        .read(paths::kCoordinator, status.coordinator, status.coordinator_alive);
    std::vector<Node> alert = context.registry.living(std::string(paths::kAlertServers), true);
    found.alert_servers = std::ssize(alert);
    Leader(context, "leader of the alert servers", std::move(alert))
        .read(paths::kAlertLeader, status.alert_leader, status.alert_leader_alive);
}

}  // namespace dsfailover
