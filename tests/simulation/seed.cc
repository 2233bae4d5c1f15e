#include "simulation/seed.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <optional>

#include "coordinator/test_run.h"
#include "registry/paths.h"
#include "simulation/seed_world.h"
#include "store/schema.h"

namespace dsfailover {

namespace {

/// One seed.
class Seed : private CallWatcher {
  public:
    Seed(std::uint64_t number, ConnectionPool& pool, Release release, Tally& tally)
        : tally_(tally),
          scheduler_(number, kBegan),
          random_(scheduler_.random()),
          faults_(scheduler_, tally.reached),
          world_(release, pool.own(),
                 [this] { return server_.connect(scheduler_.current()->name); }),
          observer_(scheduler_, faults_, world_),
          server_(scheduler_, faults_, pool, observer_),
          cluster_(scheduler_, faults_, world_, server_, pool.schema()),
          all_{scheduler_, random_, faults_, world_, observer_, server_, cluster_, release} {
        if (random_.chance(1, 4)) world_.registry.go_by_jdbc_rules();
        world_.registry.watch(*this);
        observer_.look_at(cluster_);
        faults_.on_meddling([this] { meddle(all_); });
    }

    SeedResult run() {
        world_.put(std::string(paths::kMasters), "");
        world_.put(std::string(paths::kWorkers), "");
        populate(all_);
        if (random_.chance(1, 4)) cluster_.kill(*all_.any_living());
        if (random_.chance(1, 3)) cluster_.kill(cluster_.workers().front());
        plan_events(all_);
        plan_runs();
        const EpochMs until = kBegan + 600'000;
        while (runs_left_ > 0 && scheduler_.time() < until) {
            scheduler_.run(std::min<EpochMs>(until, scheduler_.time() + 1000));
        }
        if (runs_left_ > 0) stuck_ = true;
        // What was done shows its consequences later.
        if (random_.chance(1, 3))
            goes_on_until_ = scheduler_.time() + random_.between(10'000, 60'000);
        scheduler_.run(goes_on_until_);
        // Whoever is left comes to an end.
        for (MasterProcess& master : cluster_.masters()) scheduler_.kill(*master.actor);
        for (Actor* actor : all_.actors) scheduler_.kill(*actor);
        scheduler_.run(until + 1'000'000);
        tally_.turns += scheduler_.turns();
        SeedResult result{observer_.violations(), scheduler_.history()};
        if (stuck_) result.violations.emplace_back("no end: a run goes on for ever");
        return result;
    }

  private:
    // -- the registry's calls

    void before(const RegistryCall& call) override {
        const Actor* actor = scheduler_.current();
        if (actor == nullptr || actor->name != call.client) return;
        const bool writes =
            call.kind == RegistryCall::Kind::put || call.kind == RegistryCall::Kind::remove;
        if (writes || call.kind == RegistryCall::Kind::lock ||
            call.kind == RegistryCall::Kind::claim || call.kind == RegistryCall::Kind::announce)
            observer_.writes(call.client, call.path);
        // A destructor would let nothing else out.
        if (actor->killed && std::uncaught_exceptions() > 0)
            throw RegistryError(RegistryError::Kind::unreachable, "killed");
        static_assert(
            static_cast<int>(Call::withdraw) == static_cast<int>(RegistryCall::Kind::withdraw),
            "Call begins with the kinds of RegistryCall");
        const Fault fault = faults_.meet(static_cast<Call>(call.kind));
        if (fault == Fault::session_lost) world_.registry.end_sessions_of(call.client);
        if (fault == Fault::cut_before)
            throw RegistryError(
                writes ? RegistryError::Kind::outcome_unknown : RegistryError::Kind::unreachable,
                "memory: " + call.path + ": no connection");
        cut_after_[call.client] = fault == Fault::cut_after;
    }

    void after(const RegistryCall& call) override {
        if (call.kind == RegistryCall::Kind::put && call.path.starts_with(paths::kMarks))
            observer_.mark_written(call.client, call.path);
        if (call.path.starts_with(paths::kMasterFailoverLocks))
            observer_.saw_lock(call.client, call.path);
        if (call.kind == RegistryCall::Kind::living && call.path == paths::kMasters)
            observer_.saw_masters(call.client);
        if (!cut_after_[call.client]) return;
        cut_after_[call.client] = false;
        throw RegistryError(RegistryError::Kind::outcome_unknown,
                            "memory: " + call.path + ": no answer");
    }

    bool outlives(const std::string& client) override {
        const Actor* actor = scheduler_.current();
        if (actor == nullptr || actor->name != client) return false;
        if (!actor->killed) {
            observer_.session_closed(client);
            return false;
        }
        return true;
    }

    void wait(const std::function<bool()>& changed, EpochMs until) override {
        scheduler_.await(changed, Millis(std::max<EpochMs>(1, until - scheduler_.now())));
    }

    // -- our runs

    void plan_runs() {
        const auto count = random_.between(1, 3);
        for (std::int64_t i = 1; i <= count; ++i) {
            const std::string name = fmt::format("run-{}", i);
            faults_.plan(faults_.fate(name));
            ObservedRun& observed = observer_.add_run(name);
            ++runs_left_;
            const EpochMs time = kBegan + random_.between(1'000, i == 1 ? 20'000 : 80'000);
            Actor& actor = scheduler_.start(name, time, [this, &observed] {
                const struct Over {
                    Seed& seed;
                    const ObservedRun& run;
                    ~Over() { seed.run_over(run); }
                } over{*this, observed};
                perform(observed);
            });
            if (random_.chance(1, 3)) actor.clock_ahead = Millis(random_.between(-3'000, 3'000));
            all_.actors.push_back(&actor);
        }
    }

    static std::string audit_file(const std::string& name) {
        return fmt::format("{}/dsfailover-audit-{}-{}",
                           std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp", getpid(),
                           name);
    }

    void run_over(const ObservedRun& run) {
        const std::string& name = run.name;
        const bool killed = scheduler_.current()->killed;
        --runs_left_;
        if (killed) observer_.run_killed(run, audit_file(name));
        std::filesystem::remove(audit_file(name));
        if (!killed) return;
        ++tally_.runs["killed"][""];
        cluster_.leave_session(name);
    }

    void perform(ObservedRun& observed) {
        TestRun run(world_, observed.name);
        run.servers = &cluster_;
        const std::string file = audit_file(observed.name);
        run.audit_file = file;
        choose_options(all_, run, observed);
        choose_and_run(all_, run, observed);
        ++tally_.runs[run.report.command][run.outcome()];
        if ((run.report.rehost || run.report.requeue) && random_.chance(1, 2)) {
            all_.at(scheduler_.time() + 1'000, "operator", [this] { all_.start_a_master(); });
            goes_on_until_ = scheduler_.time() + 40'000;
        }
        observer_.run_ended(observed, run, file);
    }

    std::map<std::string, bool> cut_after_;
    Tally& tally_;
    Scheduler scheduler_;
    Random& random_;
    Faults faults_;
    World world_;
    Observer observer_;
    DatabaseServer server_;
    SimulatedCluster cluster_;
    SeedWorld all_;
    int runs_left_ = 0;
    EpochMs goes_on_until_ = 0;  // without a run
    bool stuck_ = false;
};

}  // namespace

SeedResult simulate(std::uint64_t seed, ConnectionPool& pool, Release release, Tally& tally) {
    pool.clear();
    return Seed(seed, pool, release, tally).run();
}

}  // namespace dsfailover
