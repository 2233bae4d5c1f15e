#include "store/host_use.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "database/sql_dialect.h"
#include "store/task_instance_store.h"
#include "store/task_state.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

constexpr std::string_view kWorkflows = "t_ds_workflow_instance";
constexpr std::string_view kTasks = "t_ds_task_instance";

// Rows in which an address is looked for, and those out of which one is suggested.
constexpr int kRecent = 100'000;
constexpr int kForSuggestions = 10'000;

std::string newest_hosts(std::string_view table, int count) {
    return fmt::format("(SELECT host FROM {} ORDER BY id DESC LIMIT {}) h", table, count);
}

class HostQuery {
  public:
    HostQuery(const StoreContext& context, const std::string& address)
        : context_(context), address_(address) {}

    // The very newest first: MySQL would copy all of them before it compared one.
    bool is_recent(std::string_view table) const {
        return is_host_in(newest_hosts(table, kRecent / 100), "1 = 1") ||
               is_host_in(newest_hosts(table, kRecent), "1 = 1");
    }
    bool is_host_in(std::string_view rows, std::string_view condition) const {
        const Value parameters[] = {address_};
        return !context_.database
                    .query(
                        fmt::format("SELECT 1 FROM {} WHERE {} AND {} = ? LIMIT 1", rows, condition,
                                    context_.database.dialect().byte_for_byte("host")),
                        parameters)
                    .empty();
    }

  private:
    const StoreContext& context_;
    const std::string& address_;
};

}  // namespace

HostUse host_use(const StoreContext& context, const std::string& address) {
    const HostQuery query(context, address);
    HostUse use;
    use.recent_workflow = query.is_recent(kWorkflows);
    use.unfinished_workflow =
        !use.recent_workflow &&
        query.is_host_in(
            kWorkflows, fmt::format("state IN ({})", fmt::join(kUnfinishedOrFailoverStates, ", ")));
    if (use.of_workflow()) return use;
    use.recent_task = query.is_recent(kTasks);
    use.unfinished_task =
        !use.recent_task &&
        query.is_host_in(kTasks, fmt::format("flag = 1 AND state IN ({}, {}, {}, {}, {})",
                                             task_state::kSubmitted, task_state::kRunning,
                                             task_state::kNeedFaultTolerance, task_state::kDelayed,
                                             task_state::kDispatched));
    return use;
}

std::vector<std::string> recent_hosts(const StoreContext& context) {
    const std::string host = context.database.dialect().byte_for_byte("host");
    const auto select = [&](std::string_view table) {
        return fmt::format("SELECT {} FROM {} WHERE host IS NOT NULL AND host <> ''", host,
                           newest_hosts(table, kForSuggestions));
    };
    const Rows rows =
        context.database.query(fmt::format("{} UNION {}", select(kWorkflows), select(kTasks)));
    std::vector<std::string> hosts;
    for (std::size_t i = 0; i < rows.size(); ++i) hosts.emplace_back(rows[i].text(0));
    std::sort(hosts.begin(), hosts.end());
    return hosts;
}

}  // namespace dsfailover
