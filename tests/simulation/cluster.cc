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
constexpr Millis kPurge{60'000};

/// Those of `before` that are not among `now`, or not the same process any more.
std::vector<ServerProcess> gone(const std::vector<ServerProcess>& before,
                                const std::vector<ServerProcess>& now) {
    std::vector<ServerProcess> all;
    for (const ServerProcess& process : before)
        if (std::none_of(now.begin(), now.end(), [&](const ServerProcess& each) {
                return each.address == process.address &&
                       each.identity.startup_time == process.identity.startup_time;
            }))
            all.push_back(process);
    return all;
}

/// Adds to `seen` what of `now` is new there, in the order of addresses.
void add_new(const std::vector<ServerProcess>& now, std::vector<ServerProcess>& seen) {
    for (const ServerProcess& process : now) {
        const auto place =
            std::lower_bound(seen.begin(), seen.end(), process,
                             [](const auto& a, const auto& b) { return a.address < b.address; });
        if (place == seen.end() || place->address != process.address)
            seen.insert(place, process);
        else
            *place = process;
    }
}

std::string heartbeat(EpochMs started, std::int64_t pid, EpochMs now) {
    return nlohmann::json{{"startupTime", started},
                          {"processId", pid},
                          {"reportTime", now},
                          {"serverStatus", "NORMAL"}}
        .dump();
}

}  // namespace

MasterNodes::MasterNodes(MemoryWorld& world, std::string process)
    : world_(world),
      process_(std::move(process)),
      client_(world.open(process_)),
      session_(world.is_jdbc() ? world.begin_session(process_) : "") {}

void MasterNodes::perform(RegistryCall::Kind kind, const std::string& path, const Effect& effect) {
    if (deaf) throw RegistryError(RegistryError::Kind::unreachable, "deaf");
    world_.perform({kind, path, process_},
                   [&](MemoryState& state) { effect(state, "/dolphinscheduler" + path); });
}

// By the rows alone, on JDBC: a master looks at nobody's heartbeat.
std::vector<ServerProcess> MasterNodes::living(std::string_view folder) {
    if (deaf) throw RegistryError(RegistryError::Kind::unreachable, "deaf");
    std::vector<Node> nodes;
    if (world_.is_jdbc()) {
        perform(RegistryCall::Kind::living, std::string(folder),
                [&](MemoryState& state, const std::string& full) {
                    const std::string prefix = full + '/';
                    for (auto node = state.nodes.lower_bound(prefix);
                         node != state.nodes.end() && node->first.starts_with(prefix); ++node) {
                        nodes.push_back(node->second);
                        nodes.back().name = node->first.substr(prefix.size());
                    }
                });
    } else {
        nodes = client_->living(std::string(folder), false);
    }
    std::vector<ServerProcess> all;
    for (Node& node : nodes) {
        auto known = read_.find(node.version);
        if (known == read_.end()) {
            const std::string version = node.version;
            const Server server = parse_heartbeat(std::move(node));
            known = read_
                        .emplace(version, ServerProcess{server.address,
                                                        {server.startup_time.value(),
                                                         server.process_id.value()}})
                        .first;
        }
        all.push_back(known->second);
    }
    return all;
}

// The session that a master has; empty: it has none.
std::string MasterNodes::session(const MemoryState& state) const {
    if (state.jdbc) return session_;
    const auto found = std::find_if(state.sessions.begin(), state.sessions.end(),
                                    [&](const auto& one) { return one.second == process_; });
    return found == state.sessions.end() ? "" : found->first;
}

bool MasterNodes::take_lock(const std::string& path) {
    bool held = false;
    perform(RegistryCall::Kind::lock, path, [&](MemoryState& state, const std::string& full) {
        const std::string session = this->session(state);
        if (session.empty()) return;
        auto& claims = state.locks[full];
        const auto is_own = [&](const LockClaim& claim) { return claim.owner == session; };
        const bool queues = !state.jdbc || claims.empty();
        if (queues && std::none_of(claims.begin(), claims.end(), is_own)) {
            const auto order = ++state.order;
            claims.push_back({std::to_string(order), session, process_, state.now, order});
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

void MasterNodes::write_node(const std::string& path, const std::string& heartbeat) {
    if (world_.is_jdbc()) {
        perform(RegistryCall::Kind::announce, path,
                [&](MemoryState& state, const std::string& full) {
                    if (!owns(state, full)) state.nodes.erase(full);
                    state.write(full, heartbeat, session_);
                });
    } else if (!world_.look([&](const MemoryState& state) {
                   return owns(state, "/dolphinscheduler" + path);
               })) {
        // The node of its predecessor may still stand.
        if (auto made = client_->announce(path, heartbeat)) node_ = std::move(made);
    }
}

void MasterNodes::remove_node(const std::string& path) {
    node_.reset();
    if (world_.is_jdbc())
        perform(RegistryCall::Kind::remove, path, [&](MemoryState& state, const std::string& full) {
            if (owns(state, full)) state.nodes.erase(full);
            ++state.order;
        });
}

bool MasterNodes::owns(const MemoryState& state, const std::string& full_path) const {
    const auto node = state.nodes.find(full_path);
    if (node == state.nodes.end()) return false;
    if (state.jdbc) return node->second.owner == session_;
    const auto session = state.sessions.find(node->second.owner);
    return session != state.sessions.end() && session->second == process_;
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
    const bool jdbc = world_.registry.is_jdbc();
    EpochMs next_heartbeat = 0;
    EpochMs next_purge = jdbc ? scheduler_.time() + random.between(0, kPurge.count()) : INT64_MAX;
    bool registered = false;
    while (true) {
        stand_still(master);
        const EpochMs now = scheduler_.time();
        master.nodes->deaf = !jdbc && now < master.deaf_until;
        try {
            if (!master.nodes->deaf && now >= next_heartbeat) {
                if (!register_or_obey(master)) break;
                next_heartbeat = now + kHeartbeat.count();
                registered = registered || is_registered(master);
                if (registered && std::exchange(anew, false)) {
                    master.model->failover().started(master.started, now);
                }
            }
            if (now >= next_purge) {
                purge();
                next_purge = now + kPurge.count();
            }
            if (!master.nodes->deaf) notice_servers(master);
            if (registered && master.seen) work(master);
        } catch (const RegistryError&) {
        } catch (const DatabaseError&) {
            try {
                if (!master.database->in_transaction()) master.database->reconnect();
            } catch (const DatabaseError&) {
            }
        }
        scheduler_.wait(Millis(random.between(1000, 4000)));
    }
    master.nodes->remove_node(server_path(paths::kMasters, master.address));
    master.stopped = true;
    scheduler_.tell("found its mark and stopped");
}

// While all of its process does.
void SimulatedCluster::stand_still(MasterProcess& master) {
    if (!master.stands_still) return;
    while (scheduler_.time() < master.still_until)
        scheduler_.wait(Millis(master.still_until - scheduler_.time()));
    master.stands_still = false;
    world_.registry.go_on(master.name);
}

// What appears between the two is purged with the dead.
void SimulatedCluster::purge() {
    const auto sessions = world_.registry.purge_sessions();
    scheduler_.tell("purges the registry");
    scheduler_.point();
    world_.registry.purge_all_but(sessions);
}

// A round of what it does. What it took is in its memory with the next step.
void SimulatedCluster::work(MasterProcess& master) {
    const std::vector<LivingWorker> workers = living_workers();
    const auto& counted = master.seen->masters;
    const auto own = std::find_if(counted.begin(), counted.end(), [&](const ServerProcess& server) {
        return server.address == master.address;
    });
    const bool takes = own != counted.end() && scheduler_.time() >= master.busy_until;
    do {
        stand_still(master);
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
bool SimulatedCluster::register_or_obey(MasterProcess& master) {
    if (master.nodes->mark(mark_path(master.address, ProcessIdentity{master.started, master.pid})))
        return false;
    master.nodes->write_node(server_path(paths::kMasters, master.address),
                             heartbeat(master.started, master.pid, scheduler_.time()));
    return true;
}

void SimulatedCluster::notice_servers(MasterProcess& master) {
    SeenServers now{master.nodes->living(paths::kMasters), master.nodes->living(paths::kWorkers)};
    // On JDBC nobody notices that a server goes (H7 of docs/dolphinscheduler.md).
    if (master.seen && world_.registry.is_jdbc()) {
        add_new(now.masters, master.seen->masters);
        add_new(now.workers, master.seen->workers);
        return;
    }
    const auto before = std::exchange(master.seen, std::move(now));
    if (!before) return;
    for (const ServerProcess& process : gone(before->masters, master.seen->masters))
        if (process.address != master.address)
            master.model->failover().master_gone(process, scheduler_.time());
    for (const ServerProcess& process : gone(before->workers, master.seen->workers))
        master.model->failover().worker_gone(process, scheduler_.time());
}

bool SimulatedCluster::is_registered(const MasterProcess& master, EpochMs by) const {
    const bool looks_dead =
        by < master.still_until && by - master.still_since > kJdbcSession.count();
    return !looks_dead && world_.registry.look([&](const MemoryState& state) {
        const std::string path = "/dolphinscheduler" + server_path(paths::kMasters, master.address);
        return master.nodes->owns(state, path) && state.nodes.at(path).created_at < by;
    });
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
    leave_session(master.name);
}

void SimulatedCluster::kill(WorkerProcess& worker) {
    if (!std::exchange(worker.lives, false)) return;
    scheduler_.tell(fmt::format("kills {}", worker.address));
    leave_session(worker.address);
}

void SimulatedCluster::leave_session(const std::string& client) {
    if (world_.registry.is_jdbc()) return world_.registry.stand_still(client);  // till it is purged
    scheduler_.start("session of " + client, scheduler_.time() + kSession.count(),
                     [this, client] { world_.registry.end_sessions_of(client); });
}

void SimulatedCluster::cut_off(MasterProcess& master, Millis time) {
    if (!master.lives()) return;
    master.deaf_until = scheduler_.time() + time.count();
    if (world_.registry.is_jdbc()) {
        // Its process stands still, for long enough to be purged or not.
        scheduler_.tell(fmt::format("{} stands still", master.name));
        if (!std::exchange(master.stands_still, true)) master.still_since = scheduler_.time();
        master.still_until = master.mute_until = master.deaf_until += time.count();
        return world_.registry.stand_still(master.name);
    }
    scheduler_.tell(fmt::format("cuts {} off from the registry", master.name));
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
