#include "registry/living_servers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "registry/paths.h"

namespace dsfailover {

namespace {

// As a time it fits as microseconds, too.
constexpr std::int64_t kLargest = 9'000'000'000'000'000;

// Masters write plain integers, but JSON allows 1.79E12 for the same number.
std::optional<std::int64_t> integer_member(const Json& heartbeat, const char* name) {
    const Json* const found = heartbeat.find(name);
    const auto value = found ? found->number() : std::nullopt;
    if (!value || std::floor(*value) != *value || std::abs(*value) > double{kLargest})
        return std::nullopt;
    return static_cast<std::int64_t>(*value);  // so small that it is exact
}

const Server* find(const std::vector<Server>& servers, std::string_view address) {
    const auto found = std::find_if(servers.begin(), servers.end(),
                                    [&](const Server& s) { return s.address == address; });
    return found == servers.end() ? nullptr : &*found;
}

std::vector<Server> read_folder(Registry& registry, std::string_view folder, bool patient) {
    std::vector<Server> servers;
    for (Node& node : registry.living(std::string(folder), patient)) {
        servers.push_back(parse_heartbeat(std::move(node)));
    }
    std::sort(servers.begin(), servers.end(),
              [](const Server& a, const Server& b) { return a.address < b.address; });
    return servers;
}

}  // namespace

std::string describe_start(const Server& server) {
    return server.startup_time ? fmt::format("startup time {}", *server.startup_time)
                               : server.problem;
}

Server parse_heartbeat(Node node) {
    Server server;
    server.address = node.name;
    const Json heartbeat = Json::parse_object(node.value);
    if (heartbeat.is_null()) {
        server.problem =
            node.value.empty() ? "its heartbeat is empty" : "its heartbeat is not a JSON object";
    } else {
        server.startup_time = integer_member(heartbeat, "startupTime");
        server.process_id = integer_member(heartbeat, "processId");
        server.report_time = integer_member(heartbeat, "reportTime");
        if (const auto* status = heartbeat.text("serverStatus")) server.server_status = *status;
        if (const auto* group = heartbeat.text("workerGroup")) server.worker_group = *group;
        if (!server.startup_time) server.problem = "its heartbeat has no startupTime";
    }
    server.node = std::move(node);
    return server;
}

std::string departing_worker_heartbeat(const std::string& address, EpochMs startup_time,
                                       std::int64_t process_id, EpochMs report_time) {
    const auto colon = address.rfind(':');
    Json heartbeat;
    heartbeat["processId"] = process_id;
    heartbeat["startupTime"] = startup_time;
    heartbeat["reportTime"] = report_time;
    for (const char* usage :
         {"jvmCpuUsage", "cpuUsage", "jvmMemoryUsage", "memoryUsage", "diskUsage"}) {
        heartbeat[usage] = 0.0;
    }
    heartbeat["serverStatus"] = "BUSY";
    heartbeat["host"] = address.substr(0, colon);
    heartbeat["port"] = std::stoi(address.substr(colon + 1));
    heartbeat["workerHostWeight"] = 100;
    heartbeat["threadPoolUsage"] = 0.0;
    heartbeat["workerGroup"] = "default";
    return heartbeat.dump();
}

const Server* Servers::master(std::string_view address) const { return find(masters, address); }
const Server* Servers::worker(std::string_view address) const { return find(workers, address); }

void Servers::remove(std::string_view address) {
    const auto is_it = [&](const Server& server) { return server.address == address; };
    std::erase_if(masters, is_it);
    std::erase_if(workers, is_it);
}

Servers read_servers(Registry& registry, bool patient) {
    Servers servers;
    servers.masters = read_folder(registry, paths::kMasters, patient);
    if (servers.masters.empty() && !registry.children(std::string(paths::kMasters))) {
        const bool tables = registry.type() == "jdbc";
        throw EnvironmentError(fmt::format(
            "{} has no {}{}: this is not the registry of a DolphinScheduler cluster{}. Every "
            "master would look dead here; check --registry{}.",
            registry.endpoint(), paths::kMasters,
            tables ? " in t_ds_jdbc_registry_data"
                   : fmt::format(" under the namespace \"{}\"", registry.name_space()),
            tables ? "" : ", or the namespace is another one",
            tables ? " and --database" : " (the namespace is the part after the hosts)"));
    }
    servers.workers = read_folder(registry, paths::kWorkers, patient);
    return servers;
}

std::vector<std::optional<Server>> read_some_servers(Registry& registry, std::string_view folder,
                                                     const std::vector<std::string>& addresses,
                                                     bool patient) {
    std::vector<std::optional<Server>> servers(addresses.size());
    std::vector<std::string> nodes;
    for (const std::string& address : addresses) nodes.push_back(server_path(folder, address));
    // One read answers the usual case; only where a node is there must its liveness be judged.
    const std::vector<NodeRead> reads = registry.get_all(nodes);
    const bool none = std::all_of(reads.begin(), reads.end(), [](const NodeRead& read) {
        return !read.node && read.problem.empty();
    });
    if (none) return servers;
    for (Node& node : registry.living(std::string(folder), patient)) {
        const auto asked = std::find(addresses.begin(), addresses.end(), node.name);
        if (asked != addresses.end())
            servers[static_cast<std::size_t>(asked - addresses.begin())] =
                parse_heartbeat(std::move(node));
    }
    return servers;
}

std::optional<Server> read_server(Registry& registry, std::string_view folder,
                                  const std::string& address, bool patient) {
    return read_some_servers(registry, folder, {address}, patient).front();
}

}  // namespace dsfailover
