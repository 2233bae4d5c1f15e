#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/world.h"
#include "registry/living_servers.h"
#include "servers/server_asker.h"
#include "simulation/database_server.h"
#include "stand_ins/master.h"

namespace dsfailover {

/// The registry as a master of a simulation sees it. It queues for locks as a client of ZooKeeper.
class MasterNodes : public StandInRegistry {
  public:
    MasterNodes(MemoryWorld& world, std::string process);

    std::vector<ServerProcess> living(std::string_view folder) override;
    bool take_lock(const std::string& path) override;
    void release_lock(const std::string& path) override;
    std::optional<std::string> mark(const std::string& path) override;
    void write_mark(const std::string& path, const std::string& value) override;

    /// Registers, where nothing stands in its way, or renews what stands there.
    void write_node(const std::string& path, const std::string& heartbeat);
    /// It stops.
    void remove_node(const std::string& path);
    /// Whether it is registered with this node.
    bool owns(const MemoryState& state, const std::string& full_path) const;

    bool deaf = false;  ///< there is no connection

  private:
    using Effect = std::function<void(MemoryState&, const std::string& full_path)>;
    void perform(RegistryCall::Kind kind, const std::string& path, const Effect& effect);
    std::string session(const MemoryState& state) const;

    MemoryWorld& world_;
    const std::string process_;
    const std::unique_ptr<Registry> client_;
    std::unique_ptr<Announcement> node_;
    std::map<std::string, ServerProcess> read_;  // heartbeats, by the node's version
    const std::string session_;  // JDBC: of its client row, which it never makes anew
};

/// The servers that a master knows of, each by address.
struct SeenServers {
    std::vector<ServerProcess> masters, workers;
};

/// A process of a master, as it is in truth.
struct MasterProcess {
    std::string name;  ///< of process and registry session
    std::string address;
    EpochMs started = 0;
    std::int64_t pid = 0;
    Actor* actor = nullptr;
    std::unique_ptr<Database> database;
    std::unique_ptr<MasterNodes> nodes;
    std::unique_ptr<StandInMaster> model;
    std::optional<SeenServers> seen;           ///< who lived when it looked last; JDBC: ever
    bool stopped = false;                      ///< by its mark
    EpochMs deaf_until = 0;                    ///< it has no connection to the registry until then
    bool stands_still = false;                 ///< JDBC: it does nothing
    EpochMs still_since = 0, still_until = 0;  ///< the last time that it stood still
    EpochMs busy_until = 0;   ///< it takes no commands until then, though the others count it
    EpochMs mute_until = 0;   ///< it answers nobody until then
    EpochMs selected_at = 0;  ///< when its own failover last read what is left of a host

    bool lives() const { return !stopped && !actor->killed; }
};

struct WorkerProcess {
    std::string address;
    std::unique_ptr<Registry> registry;
    std::unique_ptr<Announcement> node;
    TaskExecutor executor;
    bool lives = true;
};

/// Masters and workers of a simulation: what each holds in truth, and how they answer.
class SimulatedCluster : public ServerAsker {
  public:
    SimulatedCluster(Scheduler& scheduler, Faults& faults, World& world, DatabaseServer& server,
                     const Schema& schema);

    /// A master that begins at `at` (epoch ms) and registers then. `anew`: it has not been there
    /// all the time, and fails over what is left of all hosts.
    MasterProcess& start_master(const std::string& address, EpochMs started, EpochMs at,
                                FailoverLocks locks, bool anew);
    WorkerProcess& start_worker(const std::string& address, EpochMs started);
    void kill(MasterProcess& master);
    void kill(WorkerProcess& worker);
    /// Its session ends, and it goes on; it comes back after `time`. JDBC: it stands still for
    /// twice as long, while others may purge it, and then goes on.
    void cut_off(MasterProcess& master, Millis time);

    /// The process of this client is gone: its session goes ten seconds later. JDBC: when somebody
    /// purges it.
    void leave_session(const std::string& client);

    std::list<MasterProcess>& masters() { return masters_; }
    std::list<WorkerProcess>& workers() { return workers_; }

    /// Those that run a workflow: they have it in memory, or have just taken its command.
    std::vector<const MasterProcess*> holders(std::int64_t workflow) const;
    /// `by`: for whoever looked right before this time (epoch ms).
    bool is_registered(const MasterProcess& master, EpochMs by = INT64_MAX) const;

    std::vector<ServerAnswers> ask(Question question, std::span<const Inquiry> inquiries,
                                   Millis timeout) override;

    /// Commands that were taken, by whom, with their workflow; told by the observer, who knows it.
    std::map<std::int64_t, std::int64_t> workflow_of_command;

  private:
    void live(MasterProcess& master, bool anew);
    bool register_or_obey(MasterProcess& master);
    void stand_still(MasterProcess& master);
    void purge();
    void notice_servers(MasterProcess& master);
    void work(MasterProcess& master);
    std::vector<LivingWorker> living_workers();
    ServerAnswers answer(Question question, const Inquiry& inquiry);

    Scheduler& scheduler_;
    Faults& faults_;
    World& world_;
    DatabaseServer& server_;
    const Schema& schema_;
    std::list<MasterProcess> masters_;
    std::list<WorkerProcess> workers_;
};

}  // namespace dsfailover
