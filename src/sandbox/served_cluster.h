#pragma once

#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "registry/living_servers.h"
#include "sandbox/registry_rows.h"
#include "sandbox/server_rows.h"
#include "servers/frame.h"
#include "stand_ins/master.h"

namespace dsfailover {

/// The servers that live in a sandbox as stand-ins: they report to the registry, obey their marks,
/// answer questions, the masters do their work, and one that stopped is started again. It knows
/// only the time it is told.
class ServedCluster {
  public:
    /// Told in one line what happened, the server's address first.
    using Say = std::function<void(const std::string& line)>;
    /// Whether the masters notice that a server goes: on ZooKeeper they do, on JDBC they do not.
    enum class Departures { unheard, heard };
    /// Tasks that were running when it began go on for so long.
    static constexpr Millis kTasksRunOn{120'000};
    static constexpr Millis kHeartbeat{3000};
    /// After it stopped, a server's next process registers, as if a service manager started it.
    static constexpr Millis kStartedAgain{60'000};

    /// `servers`: those that live; `now`: epoch ms. Database and schema (of 3.3.0) must outlive it.
    ServedCluster(Database& database, const Schema& schema, const Servers& servers,
                  Departures departures, EpochMs now, Say say);

    /// Does what is due at `now` (epoch ms); nothing further while another process is writing to
    /// the file. Throws DatabaseError.
    void step(EpochMs now);

    /// Whether a process runs at `address`: none does between its stop and the next start.
    bool lives(const std::string& address) const;
    /// What the living server at `address` answers to a frame. Throws FrameError.
    std::string answer(const std::string& address, const Frame& asked) const;

  private:
    struct Master {
        Master(Database& database, const Server& server);
        std::string address;
        ServerRows rows;
        RegistryRows registry;
        const bool is_normal;                // takes commands; not BUSY
        std::optional<StandInMaster> model;  // none: it stopped
        EpochMs stopped_at = 0;
        std::map<std::int64_t, int> remembered;  // what the sandbox says that it holds
        std::vector<std::string> counted;        // masters, itself included, by place
    };
    struct Worker {
        std::string address;
        ServerRows rows;
        std::optional<TaskExecutor> executor;  // none: it stopped
        EpochMs stopped_at = 0;
    };

    void add_master(const Server& server);
    void add_worker(const Server& server, EpochMs now);
    void begin(Master& master);
    void count_from_the_start(Master& master);
    void stop_counting(const std::string& address);
    std::vector<std::string> normal_masters() const;
    void obey_marks(EpochMs now);
    void start_again(EpochMs now);
    void notice_departures(EpochMs now);
    void report(EpochMs now);
    void work(EpochMs now);

    Database& database_;
    const Schema& schema_;
    const Departures departures_;
    const Say say_;
    std::list<Master> masters_;
    std::list<Worker> workers_;
    std::vector<ServerProcess> seen_masters_, seen_workers_;  // in the registry, where it is heard
    EpochMs reported_at_ = 0;
};

}  // namespace dsfailover
