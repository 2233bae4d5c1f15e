#include "coordinator/rehost/rehost.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "coordinator/asking/holders.h"
#include "coordinator/asking/lowest_ids.h"
#include "coordinator/clock_check.h"
#include "coordinator/rehost/rehost_record.h"
#include "coordinator/rehost/rehosting.h"
#include "coordinator/report_names.h"
#include "coordinator/run_claim.h"
#include "registry/living_servers.h"
#include "store/workflow_instance_store.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

/// One run.
class Rehost {
  public:
    Rehost(const RunContext& context, const RehostOptions& options)
        : context_(context),
          options_(options),
          workflows_(context.store()),
          record_(context, options) {}

    void run() {
        try {
            work();
        } catch (...) {
            record_.list();
            throw;
        }
        record_.list();
    }

  private:
    void work() {
        servers_ = read_servers(context_.registry, true);
        check_clocks(context_, servers_);
        check_zone(context_, servers_, read_activity(context_));
        if (!context_.schema.recovery_leaves_host()) return nothing_to_rehost();
        if (options_.dry_run)
            select();
        else
            claims_ = claim_selected(context_, options_.lock_timeout, [&] { return select(); });
        put_waiting_first(context_, misplaced_);
        const auto limit = static_cast<std::size_t>(options_.limit.value_or(INT64_MAX));
        if (misplaced_.size() > limit) {
            record_.leave(std::span(misplaced_).subspan(limit));
            misplaced_.resize(limit);
        }
        if (options_.dry_run) {
            for (const MisplacedInstance& misplaced : misplaced_) record_.plan(misplaced);
            return;
        }
        Rehosting rehosting(context_, [&] { claims_.require_held(); });
        const auto results = rehosting.write(misplaced_, servers_);
        for (std::size_t i = 0; i < results.size(); ++i) record_.note(misplaced_[i], results[i]);
    }

    void nothing_to_rehost() {
        const std::string why =
            "There is nothing to rehost: on this release of DolphinScheduler a master that "
            "recovers a workflow makes itself its host.";
        if (options_.ids.empty()) return context_.warn(why);
        context_.fail(ExitCode::needs_person, fmt::format("Nothing was done about {}. {}",
                                                          workflow_instances(options_.ids), why));
    }

    /// Returns the hosts of what is selected.
    std::set<std::string> select() {
        record_.forget();
        misplaced_.clear();
        servers_ = read_servers(context_.registry, true);
        std::vector<WorkflowInstance> rows = options_.ids.empty() ? all_rows() : named_rows();
        if (rows.empty()) return {};
        Holders holders(context_, options_.ask, servers_);
        holders.ask(ids_of(rows));
        for (WorkflowInstance& row : rows) {
            const HeldBy held = holders.of(row.id);
            if (held.masters == 1 && held.complete && row.host != held.holder)
                misplaced_.push_back({std::move(row), held.holder});
            else
                record_.skip(row, held);
        }
        record_.unanswered_because(holders.problems());
        std::set<std::string> hosts;
        for (const MisplacedInstance& misplaced : misplaced_) {
            record_.select(misplaced);
            hosts.insert({misplaced.row.host.value_or(""), misplaced.holder});
        }
        return hosts;
    }

    std::vector<WorkflowInstance> all_rows() {
        LowestIds lowest(options_.ask.limit);
        workflows_.scan_states(kUnfinishedStates,
                               [&](const WorkflowInstance& row) { lowest.add(row); });
        record_.not_asked_about(lowest.left_out());
        return lowest.take();
    }

    std::vector<WorkflowInstance> named_rows() {
        std::set<std::int64_t> unknown(options_.ids.begin(), options_.ids.end());
        const std::vector<std::int64_t> named(unknown.begin(), unknown.end());
        std::vector<WorkflowInstance> rows;
        for (WorkflowInstance& row : workflows_.by_ids(named, false)) {
            unknown.erase(row.id);
            if (is_unfinished(row.state))
                rows.push_back(std::move(row));
            else
                record_.skip(row.id, SkipReason::not_unfinished);
        }
        for (const std::int64_t id : unknown) record_.skip(id, SkipReason::unknown);
        return rows;
    }

    const RunContext& context_;
    const RehostOptions& options_;
    WorkflowInstanceStore workflows_;
    RehostRecord record_;
    Servers servers_;
    std::vector<MisplacedInstance> misplaced_;
    RunClaims claims_;
};

}  // namespace

void rehost_workflows(const RunContext& context, const RehostOptions& options) {
    Rehost(context, options).run();
}

}  // namespace dsfailover
