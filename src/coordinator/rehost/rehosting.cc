#include "coordinator/rehost/rehosting.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/interruption.h"
#include "coordinator/retried_transaction.h"
#include "database/batches.h"
#include "store/task_instance_store.h"

namespace dsfailover {

namespace {

using Kind = RehostResult::Kind;

constexpr std::size_t kTogether = 100;

}  // namespace

void put_waiting_first(const RunContext& context, std::vector<MisplacedInstance>& instances) {
    std::vector<std::int64_t> ids;
    for (const MisplacedInstance& misplaced : instances) ids.push_back(misplaced.row.id);
    const auto found = TaskInstanceStore(context.store()).waiting_for_slot(ids);
    const std::unordered_set<std::int64_t> waiting(found.begin(), found.end());
    std::stable_partition(
        instances.begin(), instances.end(),
        [&](const MisplacedInstance& misplaced) { return waiting.contains(misplaced.row.id); });
}

Rehosting::Rehosting(const RunContext& context, std::function<void()> confirm)
    : context_(context),
      confirm_(std::move(confirm)),
      workflows_(context.store()),
      stamps_(context) {}

std::vector<RehostResult> Rehosting::write(std::span<const MisplacedInstance> instances,
                                           const Servers& servers) {
    instances_ = instances;
    results_.assign(instances.size(), {});
    std::set<std::string> holders;
    for (const MisplacedInstance& misplaced : instances) holders.insert(misplaced.holder);
    std::map<std::string, std::string> unreadable;
    stamps_.add(holders, servers, [&](const std::string& holder, const std::string& problem) {
        unreadable[holder] = problem;
    });
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < instances.size(); ++i) {
        const auto problem = unreadable.find(instances[i].holder);
        if (problem == unreadable.end())
            places.push_back(i);
        else
            results_[i].problem = problem->second;
    }
    for_batches<std::size_t>(places, kTogether, [&](std::span<const std::size_t> batch) {
        check_interruption();
        context_.audit.check();
        in_halves(
            batch, [&](std::span<const std::size_t> some) { return write_together(some); },
            [&](std::size_t place) {
                results_[place] = {Kind::failed, problem_};
            });
    });
    return std::move(results_);
}

// False, and why, where one of them may be at fault.
bool Rehosting::write_together(std::span<const std::size_t> places) {
    bool maybe_committed = false;
    try {
        run_retried_transaction(
            context_.database, [&] { attempt(places, maybe_committed); },
            [&] { maybe_committed = true; });
    } catch (const DatabaseError& error) {
        if (ends_run(error)) throw;
        problem_ = error.what();
        return false;
    }
    for (const std::size_t place : places) {
        if (results_[place].kind != Kind::rehosted) continue;
        const MisplacedInstance& misplaced = instances_[place];
        context_.audit.write({"workflow", "rehosted", misplaced.holder, misplaced.row.id,
                              std::nullopt, "", misplaced.row.host.value_or("")});
    }
    return true;
}

void Rehosting::attempt(std::span<const std::size_t> places, bool maybe_committed) {
    std::vector<std::int64_t> ids;
    for (const std::size_t place : places) ids.push_back(instances_[place].row.id);
    Transaction transaction(context_.database);
    std::unordered_map<std::int64_t, WorkflowInstance> rows;
    for (WorkflowInstance& row : workflows_.by_ids(ids, true)) rows.emplace(row.id, row);
    std::map<std::string, std::vector<std::int64_t>> by_holder;
    for (const std::size_t place : places) {
        const MisplacedInstance& misplaced = instances_[place];
        const auto row = rows.find(misplaced.row.id);
        // The holder may have written the host back since, at the workflow's end or stop.
        const auto is_ours = [&] {
            const auto& time = row->second.restart_time;
            return maybe_committed && time &&
                   time->was_written_as(stamps_.restart_time(misplaced.holder), context_.zone);
        };
        results_[place] = {Kind::changed, ""};
        if (row == rows.end()) continue;
        const bool as_read = is_as_read(row->second, misplaced.row);
        if (as_read) by_holder[misplaced.holder].push_back(misplaced.row.id);
        if (as_read || is_ours()) results_[place].kind = Kind::rehosted;
    }
    if (by_holder.empty()) return;  // what was committed stays so, whoever has the claim by now
    for (const auto& [holder, those] : by_holder)
        workflows_.rehost(those, holder, stamps_.restart_time(holder));
    confirm_();
    transaction.commit();
}

}  // namespace dsfailover
