#pragma once

#include <functional>
#include <list>
#include <map>
#include <string>

#include "registry/cluster.h"
#include "sandbox/server_rows.h"
#include "servers/frame.h"
#include "stand_ins/master.h"

namespace dsfailover {

/// The living servers of a sandbox as stand-ins: they report to the registry, obey their marks,
/// answer questions, and the masters do their work. It knows only the time it is told.
class ServedCluster {
  public:
    /// Told in one line what happened, the server's address first.
    using Say = std::function<void(const std::string& line)>;
    /// Tasks that were running when it began go on for so long.
    static constexpr Millis kTasksRunOn{120'000};
    static constexpr Millis kHeartbeat{3000};

    /// `servers`: those that live; `now`: epoch ms. Database and schema (of 3.3.0) must outlive it.
    ServedCluster(Database& database, const Schema& schema, const Servers& servers, EpochMs now,
                  Say say);

    /// Does what is due at `now` (epoch ms); nothing further while another process is writing to
    /// the file. Throws DatabaseError.
    void step(EpochMs now);

    /// Whether the server at `address` has not stopped.
    bool lives(const std::string& address) const;
    /// What the living server at `address` answers to a frame. Throws FrameError.
    std::string answer(const std::string& address, const Frame& asked) const;

  private:
    struct Master {
        Master(Database& database, const Schema& schema, const Server& server,
               std::int64_t its_place, const Say& say);
        std::string address;
        ServerRows rows;
        const bool takes_commands;  // NORMAL, not BUSY
        const std::int64_t place;
        StandInMaster model;
        std::map<std::int64_t, int> remembered;  // what the sandbox says that it holds
    };
    struct Worker {
        std::string address;
        ServerRows rows;
        TaskExecutor executor;
    };

    void add_master(const Schema& schema, const Server& server, EpochMs now);
    void add_worker(const Server& server, EpochMs now);
    void obey_marks();
    void report(EpochMs now);
    void work(EpochMs now);

    Database& database_;
    const Say say_;
    std::list<Master> masters_;
    std::list<Worker> workers_;
    std::int64_t places_ = 0;
    EpochMs reported_at_ = 0;
};

}  // namespace dsfailover
