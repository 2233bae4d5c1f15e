#include "coordinator/failover/right_server.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "base/address.h"
#include "coordinator/failover/failover_stamps.h"
#include "coordinator/marks/failover_marks.h"
#include "registry/paths.h"
#include "store/host_use.h"

namespace dsfailover {

namespace {

constexpr std::size_t kLookalikesShown = 5;

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
        }
    }
    return row.back();
}

std::string_view host_of(std::string_view address) { return address.substr(0, address.rfind(':')); }

bool looks_like(const std::string& known, const std::string& address) {
    return edit_distance(known, address) <= std::max<std::size_t>(2, address.size() / 5) ||
           host_of(known) == host_of(address);
}

// Every address that servers, marks, stamps and the newest rows name, with what lives there.
std::map<std::string, std::string> known_addresses(const RunContext& context,
                                                   const Servers& servers) {
    std::map<std::string, std::string> known;
    for (const Server& master : servers.masters) known.emplace(master.address, " (living master)");
    for (const Server& worker : servers.workers) known.emplace(worker.address, " (living worker)");
    const auto names = [&](std::string_view folder) {
        return context.registry.children(std::string(folder)).value_or(std::vector<std::string>());
    };
    for (const std::string& name : names(paths::kMarks))
        if (const auto mark = parse_mark_name(name)) known.emplace(mark->address, "");
    for (const std::string& name : names(paths::kStamps)) known.emplace(name, "");
    for (const std::string& host : recent_hosts(context.store()))
        if (is_address(host)) known.emplace(host, "");
    return known;
}

std::string did_you_mean(const RunContext& context, const Servers& servers,
                         const std::string& address) {
    std::vector<std::pair<std::size_t, std::string>> similar;
    for (const auto& [known, what] : known_addresses(context, servers)) {
        if (looks_like(known, address))
            similar.emplace_back(edit_distance(known, address), known + what);
    }
    if (similar.empty()) return "";
    std::sort(similar.begin(), similar.end());
    if (similar.size() > kLookalikesShown) similar.resize(kLookalikesShown);
    std::vector<std::string_view> shown;
    for (const auto& [distance, text] : similar) shown.push_back(text);
    return fmt::format(" These look like it: {}.", fmt::join(shown, ", "));
}

bool registry_knows(const RunContext& context, std::string_view folder,
                    const std::string& address) {
    if (context.registry.get(server_path(folder, address))) return true;
    if (context.registry.get(stamps_path(address))) return true;
    FailoverMarks marks(context.registry);
    const AddressMarks& of_address = marks.of(address);
    return !of_address.nodes.empty() || of_address.unparsable;
}

Refusal of_the_other_kind(const std::string& address, bool is_master, std::string_view why) {
    return {
        ExitCode::refused,
        fmt::format("{} {}, so it is a {}'s address and no {}'s: nothing was announced, failed "
                    "over or written. The command for it is: {} {}",
                    address, why, is_master ? "worker" : "master", is_master ? "master" : "worker",
                    is_master ? "failover-worker" : "failover-master", address)};
}

}  // namespace

std::optional<Refusal> refuse_wrong_server(const RunContext& context, std::string_view folder,
                                           const FailoverTarget& target, const Servers& servers) {
    const bool is_master = folder == paths::kMasters;
    const std::string& address = target.address;
    // Tasks that masters run themselves have a master's address as host.
    if (is_master && servers.master(address)) return std::nullopt;
    const HostUse use = host_use(context.store(), address);
    const bool workflows = use.of_workflow();
    const bool tasks = use.of_task();
    if (workflows) {
        if (is_master) return std::nullopt;
        return of_the_other_kind(address, is_master, "is the host of workflow instances");
    }
    const std::string_view other = is_master ? paths::kWorkers : paths::kMasters;
    if (context.registry.get(server_path(other, address))) {
        return of_the_other_kind(
            address, is_master,
            is_master ? "is registered as a worker" : "is registered as a master");
    }
    if (is_master && tasks)
        return of_the_other_kind(address, is_master, "is the host of tasks alone");
    if (tasks || target.process || registry_knows(context, folder, address)) return std::nullopt;
    const std::string registry = context.registry.endpoint();
    const std::string database = context.database.endpoint();
    const std::string where =
        registry == database ? registry : fmt::format("{} and {}", registry, database);
    return Refusal{
        ExitCode::needs_person,
        fmt::format("{}: nothing knows {}: there is no node, mark or stamp of it, and it is "
                    "the host of no unfinished workflow or task and of none of the newest 100,000. "
                    "Nothing was written.{} If the address is right, name the process that ran "
                    "there with --startup-time and --process-id.",
                    where, address, did_you_mean(context, servers, address))};
}

}  // namespace dsfailover
