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
#include "simulation/cluster.h"
#include "simulation/observer.h"
#include "store/schema.h"

namespace dsfailover {

namespace {

constexpr EpochMs kBegan = 1'795'000'000'000;
const std::string kMasterAddresses[] = {"127.0.1.1:5678", "127.0.1.2:5678", "127.0.1.3:5678",
                                        "127.0.1.4:5678"};
const std::string kWorkerAddresses[] = {"127.0.2.1:1234", "127.0.2.2:1234"};

const std::string kStarted = R"({"commandType":"START_PROCESS"})";

std::string ago(EpochMs ms) { return fmt::format("-{}ms", ms); }

/// One seed.
class Seed : private CallWatcher {
  public:
    Seed(std::uint64_t number, ConnectionPool& pool, Release release, Tally& tally)
        : tally_(tally),
          scheduler_(number, kBegan),
          random_(scheduler_.random()),
          faults_(scheduler_, tally.reached),
          release_(release),
          world_(release, pool.lend(),
                 [this] { return server_.connect(scheduler_.current()->name); }),
          observer_(scheduler_, faults_, world_),
          server_(scheduler_, faults_, pool, observer_),
          schema_(read_schema(world_.database())),
          cluster_(scheduler_, faults_, world_, server_, schema_) {
        world_.registry.watch(*this);
        observer_.look_at(cluster_);
        faults_.on_meddling([this] { meddle(); });
    }

    SeedResult run() {
        world_.put(std::string(paths::kMasters), "");
        world_.put(std::string(paths::kWorkers), "");
        populate();
        if (random_.chance(1, 4)) cluster_.kill(*any_living());
        if (random_.chance(1, 3)) cluster_.kill(cluster_.workers().front());
        plan_events();
        plan_runs();
        const EpochMs until = kBegan + 600'000;
        while (runs_left_ > 0 && scheduler_.time() < until) {
            scheduler_.run(std::min<EpochMs>(until, scheduler_.time() + 1000),
                           [&] { observer_.turn_over(); });
        }
        if (runs_left_ > 0) stuck_ = true;
        // What was done shows its consequences later.
        if (random_.chance(1, 3))
            goes_on_until_ = scheduler_.time() + random_.between(10'000, 60'000);
        scheduler_.run(goes_on_until_, [&] { observer_.turn_over(); });
        // Whoever is left comes to an end.
        for (MasterProcess& master : cluster_.masters()) scheduler_.kill(*master.actor);
        for (Actor* actor : actors_) scheduler_.kill(*actor);
        scheduler_.run(until + 1'000'000, [] {});
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

    // -- what is there

    void populate() {
        Transaction transaction(world_.database());
        const auto living = random_.between(1, 3);
        for (std::int64_t i = 0; i < living; ++i) {
            living_.push_back(kMasterAddresses[1 + static_cast<std::size_t>(i)]);
            started_[living_.back()] =
                kBegan - (random_.chance(1, 2) ? 800'000 : random_.between(3'600'000, 7'200'000));
        }
        for (std::int64_t i = random_.between(1, 2); i > 0; --i)
            cluster_.start_worker(kWorkerAddresses[i - 1], kBegan - 7'000'000);
        gone_ = random_.chance(5, 6);
        leaks_ = static_cast<int>(random_.between(0, 2));
        constexpr Evidence kEvidence[] = {Evidence::none, Evidence::mark, Evidence::stamp};
        evidence_ = random_.one_of(kEvidence);
        count_ = random_.between(3, 12);
        for (std::int64_t id = 1; id <= count_; ++id) add_workflow(id);
        transaction.commit();
        observer_.after_commit("");
        for (const std::string& address : living_) {
            MasterProcess& master =
                cluster_.start_master(address, started_[address], kBegan, locks(), false);
            if (evidence_ == Evidence::mark && gone_ && leaks_ > 0 && random_.chance(1, 2))
                master.nodes->take_lock(failover_lock_path(kMasterAddresses[0]));
            if (random_.chance(1, 2)) master.busy_until = kBegan + random_.between(0, 50'000);
            for (const auto& [id, holder] : held_)
                if (holder == address) master.model->hold(id, world_.workflow(id).state(), kBegan);
        }
        if (evidence_ != Evidence::none && gone_) {
            if (evidence_ == Evidence::mark)
                world_.mark(kMasterAddresses[0], "-10m");
            else
                world_.stamp(kMasterAddresses[0], "-10m");
        }
        for (auto left = random_.between(0, 3); left > 0; --left)
            world_.put(fmt::format("{}/127.0.9.{}:5678-1-2", paths::kMarks, left),
                       std::to_string(kBegan - 86'400'000 * random_.between(1, 20)));
        scheduler_.tell(fmt::format("masters {}, {} gone; {} workflows; evidence {}",
                                    fmt::join(living_, " "), gone_ ? 1 : 0, count_,
                                    static_cast<int>(evidence_)));
    }

    // What the cluster, or an earlier run of ours, did ten minutes ago has left its evidence; what
    // it did not do then was started at the same address since.
    void add_workflow(std::int64_t id) {
        WorkflowRow row = world_.workflow(id);
        row.started(ago(random_.between(1'200'000, 3'000'000))).command_param(kStarted);
        const bool at_gone = gone_ && random_.chance(3, 5);
        const std::string& living =
            living_[static_cast<std::size_t>(random_.between(0, std::ssize(living_) - 1))];
        row.host(at_gone ? kMasterAddresses[0] : living);
        const int state = random_.chance(5, 6) ? 1 : random_.chance(1, 2) ? 2 : 4;
        row.state(state);
        const auto of_ten = random_.between(0, 9);
        std::string what = "held";
        EpochMs tasks_since = 1'000'000;
        if (!at_gone && of_ten == 0) {
            what = "18 without a command, at " + living;
            row.state(18);
            world_.failed_command(id, state, "Duplicate key");
        } else if (!at_gone) {
            row.started(ago(random_.between(600'000, 790'000)));
            tasks_since = 500'000;
            held_[id] = living;
        } else if (evidence_ != Evidence::none && of_ten < 4) {
            what = "recovered by " + living;
            held_[id] = living;
            tasks_since = 590'000;
            if (release_ == Release::later) row.host(living).restarted_at(kBegan - 595'000);
        } else if (evidence_ != Evidence::none && of_ten < 6) {
            what = "18 with a command";
            row.state(18);
            world_.command(id, state);
        } else if (evidence_ == Evidence::none && of_ten < 3) {
            // The master that failed it over died before it wrote the mark.
            what = "18 with a command, and no mark";
            row.state(18);
            row.started("-5m");
            observer_.left_no_mark(id);
            world_.command(id, state);
        } else if (of_ten == 6) {
            what = "18 without a command";
            row.state(18);
            world_.failed_command(id, state, "Duplicate key");
        } else {
            row.started("-5m");
            what = "left";
            tasks_since = 200'000;
            if (of_ten > 8 || of_ten < 6) observer_.is_plain(id);
            if (of_ten == 7) {
                what = "resumed, and left";
                row.command_type(random_.chance(1, 2) ? 3 : 4).restarted("-4m");
            } else if (of_ten == 8) {
                what = "with a command of type 7";
                world_.command(id, state, 7);
                observer_.left_no_mark(id);
            }
        }
        if (at_gone && of_ten < 6 && evidence_ == Evidence::stamp &&
            (release_ == Release::v3_3_0 || !held_.contains(id)))
            row.restarted_at(kBegan - 600'000);
        const auto tasks = random_.between(held_.contains(id) ? 1 : 0, 3);
        for (std::int64_t i = 0; i < tasks; ++i)
            add_task(id * 10 + i, id, i + 1 == tasks, tasks_since);
        scheduler_.tell(fmt::format("workflow {}: {}", id, what));
    }

    void add_task(std::int64_t id, std::int64_t workflow, bool last, EpochMs since) {
        TaskRow task = world_.task(id, workflow);
        WorkerProcess& worker = cluster_.workers().front();
        task.submitted(ago(since)).started(ago(since - 1000)).host(worker.address);
        if (!last) {
            task.state(7);
            return;
        }
        if (random_.chance(2, 3))
            worker.executor.start(id, kBegan + random_.between(1'000, 120'000));
    }

    // -- what happens to it

    void at(EpochMs time, const std::string& name, std::function<void()> what) {
        actors_.push_back(&scheduler_.start(name, time, std::move(what)));
    }

    MasterProcess* any_living() {
        std::vector<MasterProcess*> living;
        for (MasterProcess& master : cluster_.masters())
            if (master.lives()) living.push_back(&master);
        if (living.empty()) return nullptr;
        return living[static_cast<std::size_t>(random_.between(0, std::ssize(living) - 1))];
    }

    void plan_events() {
        const auto count = random_.between(0, 4);
        for (std::int64_t i = 0; i < count; ++i) {
            const EpochMs time = kBegan + random_.between(0, 90'000);
            switch (random_.between(0, 7)) {
                case 0:
                    at(time, "chaos", [this] {
                        if (auto* master = any_living()) cluster_.kill(*master);
                    });
                    break;
                case 1:
                    at(time, "chaos", [this] {
                        if (auto* master = any_living())
                            cluster_.cut_off(*master, Millis(random_.between(5'000, 60'000)));
                    });
                    break;
                case 2:
                    at(time, "chaos", [this] {
                        auto* master = any_living();
                        if (!master) return;
                        scheduler_.tell("silences " + master->name);
                        master->mute_until = scheduler_.time() + random_.between(2'000, 60'000);
                    });
                    break;
                case 3:
                    at(time, "operator", [this] { start_a_master(); });
                    break;
                case 4:
                    at(time, "operator", [this] { start_a_master(); });
                    break;
                case 5:
                    at(time, "operator", [this] { insert_a_command(); });
                    break;
                case 6:
                    at(time, "chaos", [this] {
                        if (auto* master = any_living())
                            master->actor->wakes_at =
                                std::max(master->actor->wakes_at,
                                         scheduler_.time() + random_.between(2'000, 8'000));
                    });
                    break;
                default:
                    at(time, "operator", [this] { trigger(); });
            }
        }
    }

    FailoverLocks locks() {
        return random_.between(1, 2) <= leaks_ ? FailoverLocks::leaked : FailoverLocks::given_back;
    }

    void start_a_master() {
        for (const std::string& address : kMasterAddresses) {
            const auto& all = cluster_.masters();
            if (std::any_of(all.begin(), all.end(), [&](const MasterProcess& master) {
                    return master.address == address && master.lives();
                }))
                continue;
            scheduler_.tell("starts a master at " + address);
            cluster_.start_master(address, scheduler_.time(), scheduler_.time() + 3000, locks(),
                                  true);
            return;
        }
    }

    void trigger() {
        if (!scheduler_.await([this] { return server_.is_free(); }, Millis(60'000))) return;
        const std::int64_t id = next_id_++;
        world_.workflow(id).state(0).host(std::nullopt).started("+0s").command_param(kStarted);
        world_.command(id, 1, 0);
        observer_.after_commit("operator");
        scheduler_.tell(fmt::format("triggers workflow {}", id));
    }

    // In the middle of a run.
    void meddle() {
        switch (random_.between(0, 3)) {
            case 0:
                if (auto* master = any_living()) cluster_.kill(*master);
                break;
            case 1:
                for (MasterProcess& master : cluster_.masters())
                    if (has_lock(master)) {
                        scheduler_.tell("ends the session of " + master.name);
                        cluster_.cut_off(master, Millis(random_.between(5'000, 60'000)));
                        world_.registry.end_sessions_of(master.name);
                        break;
                    }
                break;
            default:
                for (int tries = 0; tries < 3; ++tries) insert_a_command();
        }
    }

    bool has_lock(const MasterProcess& master) const {
        const MemoryState state = world_.registry.state();
        return std::any_of(state.locks.begin(), state.locks.end(), [&](const auto& lock) {
            return !lock.second.empty() && lock.second.front().description == master.name;
        });
    }

    // Somebody, or some other tool, gives one that nobody runs a command.
    void insert_a_command() {
        if (!server_.is_free()) return;
        const std::int64_t id = random_.between(1, count_);
        const int state = world_.workflow(id).state();
        if ((state != 1 && state != 2 && state != 4) || !cluster_.holders(id).empty()) return;
        world_.command(id, state, 7);
        observer_.left_no_mark(id);
        observer_.after_commit("operator");
        scheduler_.tell(fmt::format("inserts a command for workflow {}", id));
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
                    std::string name;
                    ~Over() { seed.run_over(name); }
                } over{*this, observed.name};
                perform(observed);
            });
            if (random_.chance(1, 3)) actor.clock_ahead = Millis(random_.between(-3'000, 3'000));
            actors_.push_back(&actor);
        }
    }

    static std::string audit_file(const std::string& name) {
        return fmt::format("{}/dsfailover-audit-{}-{}",
                           std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp", getpid(),
                           name);
    }

    void run_over(const std::string& name) {
        --runs_left_;
        std::filesystem::remove(audit_file(name));
        if (!scheduler_.current()->killed) return;
        ++tally_.runs["killed"][""];
        scheduler_.start("session of " + name, scheduler_.time() + 10'000,
                         [this, name] { world_.registry.end_sessions_of(name); });
    }

    void perform(ObservedRun& observed) {
        TestRun run(world_, observed.name);
        run.servers = &cluster_;
        const std::string file = audit_file(observed.name);
        run.audit_file = file;
        choose_options(run, observed);
        choose_and_run(run, observed);
        ++tally_.runs[run.report.command][run.outcome()];
        if ((run.report.rehost || run.report.requeue) && random_.chance(1, 2)) {
            at(scheduler_.time() + 1'000, "operator", [this] { start_a_master(); });
            goes_on_until_ = scheduler_.time() + 40'000;
        }
        observer_.run_ended(observed, run, file);
    }

    Millis some_time(std::int64_t most) { return Millis(random_.between(0, most)); }

    void choose_options(TestRun& run, ObservedRun& observed) {
        FailoverOptions& its = run.options;
        its.grace = random_.chance(1, 3) ? Millis(30'000) : some_time(15'000);
        its.lock_timeout = random_.chance(1, 2) ? Millis(30'000) : some_time(20'000);
        its.no_lock = random_.chance(1, 5);
        its.ask.apart = Millis(10'000);
        constexpr AskAbout kAsk[] = {AskAbout::nobody, AskAbout::doubtful, AskAbout::all};
        its.ask.about = random_.one_of(kAsk);
        if (random_.chance(1, 6)) its.in_doubt.all = true;
        if (random_.chance(1, 4)) its.limit = random_.between(1, 4);
        if (random_.chance(1, 4)) its.wait = some_time(20'000);
        its.announce = random_.chance(1, 2);
        its.redispatch = random_.chance(1, 4);
        run.requeue_options.unclaimed_after = some_time(20'000);
        run.requeue_options.lock_timeout = run.finish_options.lock_timeout =
            run.rehost_options.lock_timeout = its.lock_timeout;
        run.finish_options.ask = run.rehost_options.ask = run.requeue_options.ask = its.ask;
        run.finish_options.tasks = random_.chance(1, 2);
        if (its.ask.about == AskAbout::nobody && random_.chance(1, 2)) run.servers = nullptr;
        observed.asks_about_all = its.ask.about == AskAbout::all;
        observed.asks = its.ask.about != AskAbout::nobody;
        observed.may_doubt = its.in_doubt.all;
    }

    void choose_requeue(RequeueOptions& its) {
        its.watch = random_.chance(1, 2) ? Millis(15'000) : some_time(5'000);
        its.commands = random_.chance(1, 2);
        if (random_.chance(1, 4)) its.wait = some_time(20'000);
    }

    std::vector<std::int64_t> some_ids() {
        std::vector<std::int64_t> ids;
        for (std::int64_t i = random_.between(1, 3); i > 0; --i)
            ids.push_back(random_.between(1, 12));
        return ids;
    }

    // Of the last process that lived there, and does not any more.
    void name_process(TestRun& run, const std::string& address) {
        if (random_.chance(1, 2)) return;
        for (const MasterProcess& master : cluster_.masters())
            if (master.address == address && !cluster_.is_registered(master))
                run.process = {master.started, master.pid};
    }

    void choose_and_run(TestRun& run, ObservedRun& observed) {
        const std::string address =
            gone_ && random_.chance(2, 3) ? kMasterAddresses[0] : random_.one_of(kMasterAddresses);
        const auto say = [&](const std::string& command) {
            observed.command = command;
            observed.began = scheduler_.time();
            scheduler_.tell(fmt::format(
                "{} --ask {} grace {} lock-timeout {}{}{}", command,
                static_cast<int>(run.options.ask.about), format_duration(run.options.grace),
                format_duration(run.options.lock_timeout), run.options.no_lock ? " --no-lock" : "",
                run.options.in_doubt.all ? " --in-doubt all" : ""));
        };
        switch (random_.between(0, 20)) {
            case 0:
                if (MasterProcess* master = any_living()) {
                    if (random_.chance(1, 2)) run.process = {master->started, master->pid};
                    run.options.fence = true;
                    say("failover-master --fence " + master->address);
                    run.failover_master(master->address);
                    break;
                }
                [[fallthrough]];
            case 1:
            case 2:
            case 3:
            case 4:
                name_process(run, address);
                say("failover-master " + address);
                run.failover_master(address);
                break;
            case 5:
            case 6:
                say("global");
                run.global();
                break;
            case 7:
            case 8:
                choose_requeue(run.requeue_options);
                say(run.requeue_options.commands ? "requeue --commands" : "requeue");
                if (run.options.limit) run.requeue_options.limit = run.options.limit;
                run.requeue(random_.chance(1, 4) ? some_ids() : std::vector<std::int64_t>());
                break;
            case 9:
            case 10: {
                const auto ids = some_ids();
                say(fmt::format("failover-workflow {}", fmt::join(ids, " ")));
                run.failover_workflow(ids);
                break;
            }
            case 11:
            case 12:
                say("rehost");
                run.rehost();
                break;
            case 13: {
                const auto ids = some_ids();
                say(fmt::format("finish {}", fmt::join(ids, " ")));
                observed.goes_by_idle_time = true;
                run.finish(ids);
                break;
            }
            case 14:
            case 15:
            case 16: {
                WorkerProcess& worker = cluster_.workers().front();
                cluster_.kill(worker);
                scheduler_.wait(Millis(11'000));
                say("failover-worker " + worker.address);
                run.failover_worker(worker.address);
                break;
            }
            case 17:
            case 18:
                say("status");
                run.status();
                break;
            default: {
                say("clean-marks");
                run.clean_marks({});
            }
        }
    }

    enum class Evidence { none, mark, stamp };

    std::map<std::string, bool> cut_after_;
    Tally& tally_;
    Scheduler scheduler_;
    Random& random_;
    Faults faults_;
    const Release release_;
    World world_;
    Observer observer_;
    DatabaseServer server_;
    const Schema schema_;
    SimulatedCluster cluster_;
    std::vector<std::string> living_;
    bool gone_ = false;
    int leaks_ = 0;  // of two masters, before the first is upgraded, or the second
    std::map<std::string, EpochMs> started_;
    Evidence evidence_ = Evidence::none;
    std::map<std::int64_t, std::string> held_;
    std::vector<Actor*> actors_;
    std::int64_t count_ = 0;  // of workflows that were there from the beginning
    std::int64_t next_id_ = 100;
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
