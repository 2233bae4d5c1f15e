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

MasterNodes::MasterNodes(MemoryWorld& world, std::string process)
    : world_(world), process_(std::move(process)), client_(world.open(process_)) {}

void MasterNodes::perform(RegistryCall::Kind kind, const std::string& path, const Effect& effect) {
    if (deaf) throw RegistryError(RegistryError::Kind::unreachable, "deaf");
    world_.perform({kind, path, process_},
                   [&](MemoryState& state) { effect(state, "/dolphinscheduler" + path); });
}

std::vector<ServerProcess> MasterNodes::living(std::string_view folder) {
    if (deaf) throw RegistryError(RegistryError::Kind::unreachable, "deaf");
    std::vector<ServerProcess> all;
    for (Node& node : client_->living(std::string(folder), false)) {
        const Server server = parse_heartbeat(std::move(node));
        all.push_back({server.address, {server.startup_time.value(), server.process_id.value()}});
    }
    return all;
}

bool MasterNodes::take_lock(const std::string& path) {
    bool held = false;
    perform(RegistryCall::Kind::lock, path, [&](MemoryState& state, const std::string& full) {
        const auto session = std::find_if(state.sessions.begin(), state.sessions.end(),
                                          [&](const auto& one) { return one.second == process_; });
        if (session == state.sessions.end()) return;
        auto& claims = state.locks[full];
        const auto is_own = [&](const LockClaim& claim) { return claim.owner == session->first; };
        if (std::none_of(claims.begin(), claims.end(), is_own)) {
            const auto order = ++state.order;
            claims.push_back({std::to_string(order), session->first, process_, state.now, order});
        }
        held = is_own(claims.front());
    });
    return held;
}

void MasterNodes::release_lock(const std::string& path) {
    perform(RegistryCall::Kind::release, path, [&](MemoryState& state, const std::string& full) {
        std::erase_if(state.locks[full],
                      [&](const LockClaim& claim) { return claim.description == process_; });
        ++state.order;
    });
}

std::optional<std::string> MasterNodes::mark(const std::string& path) {
    if (deaf) throw RegistryError(RegistryError::Kind::unreachable, "deaf");
    const auto node = client_->get(path);
    return node ? std::optional(node->value) : std::nullopt;
}

void MasterNodes::write_mark(const std::string& path, const std::string& value) {
    perform(RegistryCall::Kind::put, path,
            [&](MemoryState& state, const std::string& full) { state.write(full, value, ""); });
}

SimulatedCluster::SimulatedCluster(Scheduler& scheduler, Faults& faults, World& world,
                                   DatabaseServer& server, const Schema& schema)
    : scheduler_(scheduler), faults_(faults), world_(world), server_(server), schema_(schema) {}

MasterProcess& SimulatedCluster::start_master(const std::string& address, EpochMs started,
                                              EpochMs at, FailoverLocks locks, bool anew) {
    MasterProcess& master = masters_.emplace_back();
    master.pid = 100 + std::ssize(masters_);
    master.name = fmt::format("{}/{}", address, master.pid);
    master.address = address;
    master.started = started;
    master.database = server_.connect(master.name);
    master.nodes = std::make_unique<MasterNodes>(world_.registry, master.name);
    master.model =
        std::make_unique<StandInMaster>(*master.database, schema_, *master.nodes, address, locks,
                                        [this, &master](const std::string& what) {
                                            scheduler_.tell(what);
                                            if (what.starts_with("fails over"))
                                                master.selected_at = scheduler_.time();
                                        });
    master.actor =
        &scheduler_.start(master.name, at, [this, &master, anew] { live(master, anew); });
    return master;
}

void SimulatedCluster::live(MasterProcess& master, bool anew) {
    Random& random = scheduler_.random();
    std::unique_ptr<Announcement> node;
    EpochMs next_heartbeat = 0;
    while (true) {
        const EpochMs now = scheduler_.time();
        master.nodes->deaf = now < master.deaf_until;
        try {
            if (!master.nodes->deaf && now >= next_heartbeat) {
                if (!register_or_obey(master, node)) break;
                next_heartbeat = now + kHeartbeat.count();
                if (node && std::exchange(anew, false)) {
                    master.model->failover().started(master.started, now);
                }
            }
            if (!master.nodes->deaf) notice_departures(master);
            if (node && master.seen) work(master);
        } catch (const RegistryError&) {
        } catch (const DatabaseError&) {
            try {
                if (!master.database->in_transaction()) master.database->reconnect();
            } catch (const DatabaseError&) {
            }
        }
        scheduler_.wait(Millis(random.between(1000, 4000)));
    }
    master.stopped = true;
    scheduler_.tell("found its mark and stopped");
}

// A round of what it does. What it took is in its memory with the next step.
void SimulatedCluster::work(MasterProcess& master) {
    const std::vector<LivingWorker> workers = living_workers();
    const auto& counted = master.seen->masters;
    const auto own = std::find_if(counted.begin(), counted.end(), [&](const Server& server) {
        return server.address == master.address;
    });
    const bool takes = own != counted.end() && scheduler_.time() >= master.busy_until;
    do {
        const MasterView view{scheduler_.time(), own - counted.begin(),
                              takes ? std::ssize(counted) : 0, workers};
        if (!master.model->step(view)) return;
    } while (true);
}

std::vector<LivingWorker> SimulatedCluster::living_workers() {
    std::vector<LivingWorker> workers;
    for (WorkerProcess& worker : workers_)
        if (worker.lives) workers.push_back({worker.address, &worker.executor});
    return workers;
}

// False where it found its mark.
bool SimulatedCluster::register_or_obey(MasterProcess& master,
                                        std::unique_ptr<Announcement>& node) {
    if (master.nodes->mark(mark_path(master.address, ProcessIdentity{master.started, master.pid})))
        return false;
    if (is_registered(master)) return true;
    // The node of its predecessor may still stand.
    auto made =
        master.nodes->client().announce(server_path(paths::kMasters, master.address),
                                        heartbeat(master.started, master.pid, scheduler_.time()));
    if (made) node = std::move(made);
    return true;
}

void SimulatedCluster::notice_departures(MasterProcess& master) {
    Servers now = read_servers(master.nodes->client(), false);
    if (!master.seen) {
        master.seen = std::move(now);
        return;
    }
    const auto gone = [](const Server& before, const Server* after) {
        return !after || after->startup_time != before.startup_time;
    };
    const auto process = [](const Server& server) {
        return ServerProcess{server.address, {*server.startup_time, *server.process_id}};
    };
    for (const Server& before : master.seen->masters) {
        if (before.address == master.address || !gone(before, now.master(before.address))) continue;
        master.model->failover().master_gone(process(before), scheduler_.time());
    }
    for (const Server& before : master.seen->workers)
        if (gone(before, now.worker(before.address)))
            master.model->failover().worker_gone(process(before), scheduler_.time());
    master.seen = std::move(now);
}

bool SimulatedCluster::is_registered(const MasterProcess& master, std::int64_t up_to) const {
    const MemoryState state = world_.registry.state();
    const auto node =
        state.nodes.find("/dolphinscheduler" + server_path(paths::kMasters, master.address));
    if (node == state.nodes.end() || node->second.modified_order > up_to) return false;
    const auto session = state.sessions.find(node->second.owner);
    return session != state.sessions.end() && session->second == master.name;
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
