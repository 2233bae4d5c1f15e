#include "sandbox/served_cluster.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "registry/paths.h"
#include "sandbox/memory_rows.h"
#include "stand_ins/rpc_answer.h"
#include "store/task_state.h"

namespace dsfailover {
namespace {

std::string listed(const std::map<std::int64_t, int>& held) {
    if (held.empty()) return "no workflow";
    std::vector<std::int64_t> ids;
    for (const auto& [id, state] : held) ids.push_back(id);
    return fmt::format("workflow {}", fmt::join(ids, ", "));
}

bool is_same(const ServerProcess& process, const ServerProcess& other) {
    return process.address == other.address &&
           process.identity.startup_time == other.identity.startup_time;
}

/// What is seen in the registry becomes `now`; returns what is not there any more.
std::vector<ServerProcess> gone(std::vector<ServerProcess>& seen, std::vector<ServerProcess> now) {
    std::erase_if(seen, [&](const ServerProcess& before) {
        return std::ranges::any_of(
            now, [&](const ServerProcess& each) { return is_same(each, before); });
    });
    return std::exchange(seen, std::move(now));
}

}  // namespace

ServedCluster::ServedCluster(Database& database, const Schema& schema, const Servers& servers,
                             Departures departures, EpochMs now, Say say)
    : database_(database), schema_(schema), departures_(departures), say_(std::move(say)) {
    for (const Server& server : servers.workers) add_worker(server, now);
    for (const Server& server : servers.masters) add_master(server);
    seen_masters_ = servers_in(database_, paths::kMasters);
    seen_workers_ = servers_in(database_, paths::kWorkers);
    for (Master& master : masters_) {
        for (const auto& [id, state] : master.remembered) master.model->hold(id, state, now);
        count_from_the_start(master);
        say_(
            fmt::format("{} is up: a master, holds {}", master.address, listed(master.remembered)));
    }
}

ServedCluster::Master::Master(Database& database, const Server& server)
    : address(server.address),
      rows(database, paths::kMasters, server),
      registry(database, rows),
      is_normal(server.server_status == "NORMAL"),
      remembered(read_held_rows(database, address)) {}

void ServedCluster::add_master(const Server& server) {
    begin(masters_.emplace_back(database_, server));
}

void ServedCluster::begin(Master& master) {
    master.model.emplace(database_, schema_, master.registry, master.address, FailoverLocks::leaked,
                         [this, address = master.address](const std::string& what) {
                             say_(fmt::format("{} {}", address, what));
                         });
}

void ServedCluster::add_worker(const Server& server, EpochMs now) {
    Worker& worker = workers_.emplace_back(
        Worker{server.address, ServerRows(database_, paths::kWorkers, server), TaskExecutor()});
    const Rows tasks =
        database_.query(fmt::format("SELECT id FROM t_ds_task_instance WHERE host = ? AND flag = 1 "
                                    "AND state IN ({}, {})",
                                    task_state::kDispatched, task_state::kRunning),
                        {server.address});
    for (std::size_t i = 0; i < tasks.size(); ++i)
        worker.executor->start(tasks[i].integer(0), now + kTasksRunOn.count());
    say_(fmt::format("{} is up: a worker, runs {} {}", server.address, tasks.size(),
                     tasks.size() == 1 ? "task" : "tasks"));
}

/// Who does not hear of departures counts whom the sandbox says, who may be gone.
void ServedCluster::count_from_the_start(Master& master) {
    if (departures_ == Departures::unheard)
        master.counted = read_counted_rows(database_, master.address);
    for (const std::string& normal : normal_masters())
        if (std::ranges::count(master.counted, normal) == 0) master.counted.push_back(normal);
}

std::vector<std::string> ServedCluster::normal_masters() const {
    std::vector<std::string> normal;
    for (const Master& master : masters_)
        if (master.model && master.is_normal) normal.push_back(master.address);
    return normal;
}

void ServedCluster::step(EpochMs now) {
    try {
        obey_marks(now);
        start_again(now);
        if (departures_ == Departures::heard) notice_departures(now);
        if (now - reported_at_ >= kHeartbeat.count()) report(now);
        work(now);
    } catch (const DatabaseError& error) {
        // Whoever waited for the file here would not answer meanwhile.
        if (error.kind() != DatabaseError::Kind::retryable) throw;
    }
}

void ServedCluster::obey_marks(EpochMs now) {
    for (Master& master : masters_) {
        if (!master.model || !master.rows.is_marked()) continue;
        master.rows.remove();
        write_held_rows(database_, master.address, {});
        say_(fmt::format("{} found its mark and stopped; it held {}", master.address,
                         listed(master.model->held())));
        master.model.reset();
        master.remembered.clear();
        master.stopped_at = now;
    }
    for (Worker& worker : workers_) {
        if (!worker.executor || !worker.rows.is_marked()) continue;
        worker.rows.remove();
        say_(fmt::format("{} found its mark and stopped, with its tasks", worker.address));
        worker.executor.reset();
        worker.stopped_at = now;
    }
}

/// A master that starts counts those that live, and fails over what is left of all hosts.
void ServedCluster::start_again(EpochMs now) {
    const auto is_due = [&](EpochMs stopped_at) {
        return now - stopped_at >= kStartedAgain.count();
    };
    for (Worker& worker : workers_) {
        if (worker.executor || !is_due(worker.stopped_at)) continue;
        worker.rows.register_next(now);
        worker.executor.emplace();
        say_(fmt::format("{} was started again: a worker, runs no tasks", worker.address));
    }
    for (Master& master : masters_) {
        if (master.model || !is_due(master.stopped_at)) continue;
        master.rows.register_next(now);
        begin(master);
        master.model->failover().started(master.rows.process().startup_time, now);
        master.counted = normal_masters();
        write_counted_rows(database_, master.address, master.counted);
        for (Master& other : masters_)
            if (master.is_normal && std::ranges::count(other.counted, master.address) == 0)
                other.counted.push_back(master.address);
        say_(fmt::format("{} was started again: a master, holds no workflow", master.address));
    }
}

void ServedCluster::notice_departures(EpochMs now) {
    for (const ServerProcess& master :
         gone(seen_masters_, servers_in(database_, paths::kMasters))) {
        stop_counting(master.address);
        for (Master& other : masters_)
            if (other.model && other.address != master.address)
                other.model->failover().master_gone(master, now);
    }
    for (const ServerProcess& worker : gone(seen_workers_, servers_in(database_, paths::kWorkers)))
        for (Master& master : masters_)
            if (master.model) master.model->failover().worker_gone(worker, now);
}

void ServedCluster::stop_counting(const std::string& address) {
    for (Master& master : masters_)
        if (master.address != address) std::erase(master.counted, address);
}

void ServedCluster::report(EpochMs now) {
    for (Master& master : masters_)
        if (master.model) master.rows.report(now);
    for (Worker& worker : workers_)
        if (worker.executor) worker.rows.report(now);
    reported_at_ = now;
}

void ServedCluster::work(EpochMs now) {
    std::vector<LivingWorker> workers;
    for (Worker& worker : workers_)
        if (worker.executor) workers.push_back({worker.address, &*worker.executor});
    for (Master& master : masters_) {
        if (!master.model) continue;
        const auto place = std::ranges::find(master.counted, master.address);
        const MasterView view{now, place - master.counted.begin(),
                              master.is_normal ? std::ssize(master.counted) : 0, workers};
        while (master.model->step(view)) continue;
        if (master.model->held() == master.remembered) continue;
        write_held_rows(database_, master.address, master.model->held());
        master.remembered = master.model->held();
    }
}

bool ServedCluster::lives(const std::string& address) const {
    return std::ranges::any_of(masters_,
                               [&](const Master& each) {
                                   return each.address == address && each.model.has_value();
                               }) ||
           std::ranges::any_of(workers_, [&](const Worker& each) {
               return each.address == address && each.executor.has_value();
           });
}

std::string ServedCluster::answer(const std::string& address, const Frame& asked) const {
    for (const Master& master : masters_)
        if (master.address == address && master.model)
            return answer_bytes(asked, Question::holds_workflow,
                                [&](std::int64_t id) { return master.model->held().contains(id); });
    for (const Worker& worker : workers_)
        if (worker.address == address && worker.executor)
            return answer_bytes(asked, Question::task_lives,
                                [&](std::int64_t id) { return worker.executor->has(id); });
    throw FrameError("a question for nobody");
}

}  // namespace dsfailover
