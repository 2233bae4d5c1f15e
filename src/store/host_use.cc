#include "store/host_use.h"

#include <fmt/format.h>

#include "store/task_instance_store.h"
#include "store/workflow_instance_store.h"

namespace dsfailover {

namespace {

constexpr int kRecent = 100'000;

std::string newest(std::string_view table) {
    return fmt::format("(SELECT host FROM {} ORDER BY id DESC LIMIT {}) r", table, kRecent);
}

// MySQL's collations take 'A' for 'a'; a host is compared as written.
bool any_row(const StoreContext& context, const std::string& from, const std::string& address) {
    const Rows rows = context.database.query("SELECT DISTINCT host FROM " + from, {address});
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (rows[i].text(0) == address) return true;
    return false;
}

}  // namespace

HostUse host_use(const StoreContext& context, const std::string& address) {
    HostUse use;
    use.recent_workflow =
        any_row(context, newest("t_ds_workflow_instance") + " WHERE host = ?", address);
    if (use.recent_workflow) return use;
    use.unfinished_workflow =
        any_row(context,
                fmt::format("t_ds_workflow_instance WHERE state IN ({}, {}, {}, {}) AND host = ?",
                            workflow_state::kRunning, workflow_state::kReadyPause,
                            workflow_state::kReadyStop, workflow_state::kFailover),
                address);
    if (use.unfinished_workflow) return use;
    use.recent_task = any_row(context, newest("t_ds_task_instance") + " WHERE host = ?", address);
    if (use.recent_task) return use;
    use.unfinished_task =
        any_row(context,
                fmt::format("t_ds_task_instance WHERE state IN ({}, {}) AND host = ?",
                            task_state::kDispatched, task_state::kRunning),
                address);
    return use;
}

std::vector<std::string> recent_hosts(const StoreContext& context) {
    const Rows rows = context.database.query(
        fmt::format("SELECT host FROM {} WHERE host IS NOT NULL UNION SELECT host FROM {} "
                    "WHERE host IS NOT NULL",
                    newest("t_ds_workflow_instance"), newest("t_ds_task_instance")));
    std::vector<std::string> hosts;
    for (std::size_t i = 0; i < rows.size(); ++i) hosts.emplace_back(rows[i].text(0));
    return hosts;
}

}  // namespace dsfailover
