#include "sandbox/served_cluster.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ranges>
#include <utility>

#include "registry/paths.h"
#include "sandbox/held_rows.h"
#include "stand_ins/rpc_answer.h"
#include "store/task_state.h"

namespace dsfailover {
namespace {

std::string listed(const std::map<std::int64_t, int>& held) {
    if (held.empty()) return "no workflow";
    return fmt::format("workflow {}", fmt::join(std::views::keys(held), ", "));
}

}  // namespace

ServedCluster::ServedCluster(Database& database, const Schema& schema, const Servers& servers,
                             EpochMs now, Say say)
    : database_(database), say_(std::move(say)) {
    for (const Server& server : servers.workers) add_worker(server, now);
    for (const Server& server : servers.masters) add_master(schema, server, now);
}

ServedCluster::Master::Master(Database& database, const Schema& schema, const Server& server,
                              std::int64_t its_place, const Say& say)
    : address(server.address),
      rows(database, paths::kMasters, server),
      takes_commands(server.server_status == "NORMAL"),
      place(its_place),
      model(
          database, schema, address,
          [say, its = address](const std::string& what) { say(fmt::format("{} {}", its, what)); }),
      remembered(read_held_rows(database, address)) {}

void ServedCluster::add_master(const Schema& schema, const Server& server, EpochMs now) {
    Master& master = masters_.emplace_back(database_, schema, server, places_, say_);
    if (master.takes_commands) ++places_;
    for (const auto& [id, state] : master.remembered) master.model.hold(id, state, now);
    say_(fmt::format("{} is up: a master, holds {}", master.address, listed(master.remembered)));
}

void ServedCluster::add_worker(const Server& server, EpochMs now) {
    Worker& worker = workers_.emplace_back(
        server.address, ServerRows(database_, paths::kWorkers, server), TaskExecutor());
    const Rows tasks =
        database_.query(fmt::format("SELECT id FROM t_ds_task_instance WHERE host = ? AND flag = 1 "
                                    "AND state IN ({}, {})",
                                    task_state::kDispatched, task_state::kRunning),
                        {server.address});
    for (std::size_t i = 0; i < tasks.size(); ++i)
        worker.executor.start(tasks[i].integer(0), now + kTasksRunOn.count());
    say_(fmt::format("{} is up: a worker, runs {} {}", server.address, tasks.size(),
                     tasks.size() == 1 ? "task" : "tasks"));
}

void ServedCluster::step(EpochMs now) {
    try {
        obey_marks();
        if (now - reported_at_ >= kHeartbeat.count()) report(now);
        work(now);
    } catch (const DatabaseError& error) {
        // Whoever waited for the file here would not answer meanwhile.
        if (error.kind() != DatabaseError::Kind::retryable) throw;
    }
}

/// Real masters hear nothing of a removal on the JDBC registry: the others go on counting one that
/// is gone, and fail nobody over.
void ServedCluster::obey_marks() {
    std::erase_if(masters_, [&](Master& master) {
        if (!master.rows.is_marked()) return false;
        master.rows.remove();
        write_held_rows(database_, master.address, {});
        say_(fmt::format("{} found its mark and stopped; it held {}", master.address,
                         listed(master.model.held())));
        return true;
    });
    std::erase_if(workers_, [&](Worker& worker) {
        if (!worker.rows.is_marked()) return false;
        worker.rows.remove();
        say_(fmt::format("{} found its mark and stopped, with its tasks", worker.address));
        return true;
    });
}

void ServedCluster::report(EpochMs now) {
    for (Master& master : masters_) master.rows.report(now);
    for (Worker& worker : workers_) worker.rows.report(now);
    reported_at_ = now;
}

void ServedCluster::work(EpochMs now) {
    std::vector<LivingWorker> workers;
    for (Worker& worker : workers_) workers.push_back({worker.address, &worker.executor});
    for (Master& master : masters_) {
        master.model.step({now, master.place, master.takes_commands ? places_ : 0, workers});
        if (master.model.held() == master.remembered) continue;
        write_held_rows(database_, master.address, master.model.held());
        master.remembered = master.model.held();
    }
}

bool ServedCluster::lives(const std::string& address) const {
    const auto is_it = [&](const auto& server) { return server.address == address; };
    return std::ranges::any_of(masters_, is_it) || std::ranges::any_of(workers_, is_it);
}

std::string ServedCluster::answer(const std::string& address, const Frame& asked) const {
    for (const Master& master : masters_)
        if (master.address == address)
            return answer_bytes(asked, Question::holds_workflow,
                                [&](std::int64_t id) { return master.model.held().contains(id); });
    for (const Worker& worker : workers_)
        if (worker.address == address)
            return answer_bytes(asked, Question::task_lives,
                                [&](std::int64_t id) { return worker.executor.has(id); });
    throw FrameError("a question for nobody");
}

}  // namespace dsfailover
