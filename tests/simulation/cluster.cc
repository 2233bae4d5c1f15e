#include "simulation/cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "registry/paths.h"
#include "registry/registry.h"

namespace dsfailover {

namespace {

constexpr Millis kSession{10000};
constexpr Millis kHeartbeat{5000};

std::string heartbeat(EpochMs started, std::int64_t pid, EpochMs now) {
    return nlohmann::json{{"startupTime", started},
                          {"processId", pid},
                          {"reportTime", now},
                          {"serverStatus", "NORMAL"}}
        .dump();
}

}  // namespace

SimulatedCluster::SimulatedCluster(Scheduler& scheduler, Faults& faults, World& world,
                                   DatabaseServer& server, const Schema& schema)
    : scheduler_(scheduler), faults_(faults), world_(world), server_(server), schema_(schema) {}

MasterProcess& SimulatedCluster::start_master(const std::string& address, EpochMs started,
                                              EpochMs at) {
    MasterProcess& master = masters_.emplace_back();
    master.pid = 100 + std::ssize(masters_);
    master.name = fmt::format("{}/{}", address, master.pid);
    master.address = address;
    master.started = started;
    master.database = server_.connect(master.name);
    master.model =
        std::make_unique<StandInMaster>(*master.database, schema_, address,
                                        [this](const std::string& what) { scheduler_.tell(what); });
    master.actor = &scheduler_.start(master.name, at, [this, &master] { live(master); });
    return master;
}

void SimulatedCluster::live(MasterProcess& master) {
    Random& random = scheduler_.random();
    const auto registry = world_.registry.open(master.name);
    std::unique_ptr<Announcement> node;
    std::vector<LivingWorker> workers;
    EpochMs next_heartbeat = 0;
    std::pair<std::int64_t, std::int64_t> place{0, 0};
    while (!master.stopped) {
        const EpochMs now = scheduler_.time();
        try {
            if (now >= master.deaf_until && now >= next_heartbeat) {
                if (obeys_mark(master, *registry)) break;
                if (!is_registered(master)) {
                    node.reset();
                    node = registry->announce(server_path(paths::kMasters, master.address),
                                              heartbeat(master.started, master.pid, now));
                }
                place = place_of(master, *registry);
                next_heartbeat = now + kHeartbeat.count();
            }
            if (!node) {  // the one of its predecessor stands still
                next_heartbeat = now + 1000;
                scheduler_.wait(Millis(1000));
                continue;
            }
            workers.clear();
            for (WorkerProcess& worker : workers_)
                if (worker.lives) workers.push_back({worker.address, &worker.executor});
            const bool busy = scheduler_.time() < master.busy_until;
            master.model->step({scheduler_.time(), place.first, busy ? 0 : place.second, workers});
        } catch (const RegistryError&) {
        } catch (const DatabaseError& error) {
            if (error.kind() == DatabaseError::Kind::unreachable ||
                error.kind() == DatabaseError::Kind::commit_unknown)
                try {
                    master.database->reconnect();
                } catch (const DatabaseError&) {
                }
        }
        scheduler_.wait(Millis(random.between(500, 2000)));
    }
    master.stopped = true;
    scheduler_.tell("found its mark and stopped");
}

bool SimulatedCluster::is_registered(const MasterProcess& master, std::int64_t up_to) const {
    const MemoryState state = world_.registry.state();
    const auto node =
        state.nodes.find("/dolphinscheduler" + server_path(paths::kMasters, master.address));
    if (node == state.nodes.end() || node->second.modified_order > up_to) return false;
    const auto session = state.sessions.find(node->second.owner);
    return session != state.sessions.end() && session->second == master.name;
}

bool SimulatedCluster::obeys_mark(MasterProcess& master, Registry& registry) {
    return registry.get(mark_path(master.address, ProcessIdentity{master.started, master.pid}))
        .has_value();
}

std::pair<std::int64_t, std::int64_t> SimulatedCluster::place_of(const MasterProcess& master,
                                                                 Registry& registry) {
    auto names = registry.children(std::string(paths::kMasters));
    if (!names) return {0, 0};
    std::sort(names->begin(), names->end());
    const auto own = std::find(names->begin(), names->end(), master.address);
    if (own == names->end()) return {0, 0};
    return {own - names->begin(), std::ssize(*names)};
}

WorkerProcess& SimulatedCluster::start_worker(const std::string& address, EpochMs started) {
    WorkerProcess& worker = workers_.emplace_back();
    worker.address = address;
    worker.registry = world_.registry.open(address);
    worker.node = worker.registry->announce(server_path(paths::kWorkers, address),
                                            heartbeat(started, 7000, scheduler_.time()));
    return worker;
}

void SimulatedCluster::kill(MasterProcess& master) {
    if (!master.lives()) return;
    scheduler_.tell(fmt::format("kills {}", master.name));
    scheduler_.kill(*master.actor);
    scheduler_.start("session of " + master.name, scheduler_.time() + kSession.count(),
                     [this, name = master.name] { world_.registry.end_sessions_of(name); });
}

void SimulatedCluster::kill(WorkerProcess& worker) {
    if (!std::exchange(worker.lives, false)) return;
    scheduler_.tell(fmt::format("kills {}", worker.address));
    scheduler_.start("session of " + worker.address, scheduler_.time() + kSession.count(),
                     [this, name = worker.address] { world_.registry.end_sessions_of(name); });
}

void SimulatedCluster::cut_off(MasterProcess& master, Millis time) {
    if (!master.lives()) return;
    scheduler_.tell(fmt::format("cuts {} off from the registry", master.name));
    master.deaf_until = scheduler_.time() + time.count();
    scheduler_.start("session of " + master.name, scheduler_.time() + kSession.count(),
                     [this, &master] {
                         if (master.deaf_until > scheduler_.time())
                             world_.registry.end_sessions_of(master.name);
                     });
}

std::vector<const MasterProcess*> SimulatedCluster::holders(std::int64_t workflow) const {
    std::vector<const MasterProcess*> found;
    for (const MasterProcess& master : masters_) {
        if (!master.lives()) continue;
        const auto taken = server_.taken_command().find(master.name);
        const bool just_took = taken != server_.taken_command().end() &&
                               workflow_of_command.contains(taken->second) &&
                               workflow_of_command.at(taken->second) == workflow;
        if (just_took || master.model->held().contains(workflow)) found.push_back(&master);
    }
    return found;
}

std::vector<ServerAnswers> SimulatedCluster::ask(Question question,
                                                 std::span<const Inquiry> inquiries,
                                                 Millis timeout) {
    std::vector<ServerAnswers> all;
    for (const Inquiry& inquiry : inquiries) {
        const Fault fault = faults_.meet(Call::ask);
        all.push_back(answer(question, inquiry));
        if (fault == Fault::none) continue;
        all.back().answers.assign(inquiry.ids.size(), Answer::unanswered);
        all.back().problem = inquiry.address + ": no answer in " + std::to_string(timeout.count());
    }
    return all;
}

ServerAnswers SimulatedCluster::answer(Question question, const Inquiry& inquiry) {
    ServerAnswers said{inquiry.address, {}, ""};
    said.answers.assign(inquiry.ids.size(), Answer::unanswered);
    const auto say = [&](const auto& has) {
        for (std::size_t i = 0; i < inquiry.ids.size(); ++i)
            said.answers[i] = has(inquiry.ids[i]) ? Answer::yes : Answer::no;
        return said;
    };
    if (question == Question::task_lives) {
        for (const WorkerProcess& worker : workers_)
            if (worker.lives && worker.address == inquiry.address)
                return say([&](std::int64_t id) { return worker.executor.has(id); });
    } else {
        for (const MasterProcess& master : masters_) {
            if (!master.lives() || master.address != inquiry.address) continue;
            if (scheduler_.time() < master.mute_until) {
                said.problem = inquiry.address + ": it is silent";
                return said;
            }
            return say([&](std::int64_t id) { return master.model->held().contains(id); });
        }
    }
    said.peer.clear();
    said.problem = inquiry.address + ": connection refused";
    return said;
}

}  // namespace dsfailover
