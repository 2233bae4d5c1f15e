#include <fmt/format.h>
#include <fmt/ranges.h>

#include "simulation/seed_world.h"

namespace dsfailover {
namespace {

Millis some_time(SeedWorld& seed, std::int64_t most) {
    return Millis(seed.random.between(0, most));
}

std::vector<std::int64_t> some_ids(SeedWorld& seed) {
    std::vector<std::int64_t> ids;
    for (std::int64_t i = seed.random.between(1, 3); i > 0; --i)
        ids.push_back(seed.random.between(1, 12));
    return ids;
}

void choose_requeue(SeedWorld& seed, RequeueOptions& its) {
    its.watch = seed.random.chance(1, 2) ? Millis(15'000) : some_time(seed, 5'000);
    its.commands = seed.random.chance(1, 2);
    if (seed.random.chance(1, 4)) its.wait = some_time(seed, 20'000);
}

// Of the last process that lived there, and does not any more.
void name_process(SeedWorld& seed, TestRun& run, ObservedRun& observed,
                  const std::string& address) {
    if (seed.random.chance(1, 2)) return;
    for (const MasterProcess& master : seed.cluster.masters())
        if (master.address == address && !seed.cluster.is_registered(master)) {
            run.process = {master.started, master.pid};
            observed.fences = address;
        }
}

}  // namespace

void choose_options(SeedWorld& seed, TestRun& run, ObservedRun& observed) {
    FailoverOptions& its = run.options;
    its.grace = seed.random.chance(1, 3) ? Millis(30'000) : some_time(seed, 15'000);
    its.lock_timeout = seed.random.chance(1, 2) ? Millis(30'000) : some_time(seed, 20'000);
    its.no_lock = seed.random.chance(1, 5);
    its.ask.apart = Millis(10'000);
    constexpr AskAbout kAsk[] = {AskAbout::nobody, AskAbout::doubtful, AskAbout::all};
    its.ask.about = seed.random.one_of(kAsk);
    if (seed.random.chance(1, 6)) its.in_doubt.all = true;
    if (seed.random.chance(1, 4)) its.limit = seed.random.between(1, 4);
    if (seed.random.chance(1, 4)) its.wait = some_time(seed, 20'000);
    its.announce = seed.random.chance(1, 2);
    its.redispatch = seed.random.chance(1, 4);
    run.requeue_options.unclaimed_after = some_time(seed, 20'000);
    run.requeue_options.lock_timeout = run.finish_options.lock_timeout =
        run.rehost_options.lock_timeout = its.lock_timeout;
    run.finish_options.ask = run.rehost_options.ask = run.requeue_options.ask = its.ask;
    run.finish_options.tasks = seed.random.chance(1, 2);
    if (its.ask.about == AskAbout::nobody && seed.random.chance(1, 2)) run.servers = nullptr;
    observed.asks_about_all = its.ask.about == AskAbout::all;
    observed.asks = its.ask.about != AskAbout::nobody;
    observed.may_doubt = its.in_doubt.all;
}

void choose_and_run(SeedWorld& seed, TestRun& run, ObservedRun& observed) {
    const std::string address = seed.gone && seed.random.chance(2, 3)
                                    ? kMasterAddresses[0]
                                    : seed.random.one_of(kMasterAddresses);
    const auto say = [&](const std::string& command) {
        observed.command = command;
        observed.began = seed.scheduler.time();
        seed.scheduler.tell(fmt::format(
            "{} --ask {} grace {} lock-timeout {}{}{}", command,
            static_cast<int>(run.options.ask.about), format_duration(run.options.grace),
            format_duration(run.options.lock_timeout), run.options.no_lock ? " --no-lock" : "",
            run.options.in_doubt.all ? " --in-doubt all" : ""));
    };
    switch (seed.random.between(0, 22)) {
        case 0:
            if (MasterProcess* master = seed.any_living()) {
                if (seed.random.chance(1, 2)) run.process = {master->started, master->pid};
                run.options.fence = true;
                observed.fences = master->address;
                say("failover-master --fence " + master->address);
                run.failover_master(master->address);
                break;
            }
            [[fallthrough]];
        case 1:
        case 2:
        case 3:
        case 4:
            name_process(seed, run, observed, address);
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
            choose_requeue(seed, run.requeue_options);
            say(run.requeue_options.commands ? "requeue --commands" : "requeue");
            if (run.options.limit) run.requeue_options.limit = run.options.limit;
            run.requeue(seed.random.chance(1, 4) ? some_ids(seed) : std::vector<std::int64_t>());
            break;
        case 9:
        case 10: {
            const auto ids = some_ids(seed);
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
            const auto ids = some_ids(seed);
            say(fmt::format("finish {}", fmt::join(ids, " ")));
            observed.goes_by_idle_time = true;
            run.finish(ids);
            break;
        }
        case 14:
        case 15:
        case 16: {
            WorkerProcess& worker = seed.cluster.workers().front();
            seed.cluster.kill(worker);
            seed.scheduler.wait(Millis(11'000));
            say("failover-worker " + worker.address);
            run.failover_worker(worker.address);
            break;
        }
        case 17:
        case 18:
            say("status");
            observed.only_reads = true;
            run.status();
            break;
        case 19:
        case 20: {
            const auto ids = some_ids(seed);
            say(fmt::format("explain {}", fmt::join(ids, " ")));
            observed.only_reads = true;
            observed.asks_about_all = observed.asks;
            if (!observed.asks) run.servers = nullptr;
            run.explain(ids);
            break;
        }
        default: {
            say("clean-marks");
            run.clean_marks({});
        }
    }
}

}  // namespace dsfailover
