#include <fmt/format.h>
#include <fmt/ranges.h>

#include "registry/paths.h"
#include "simulation/seed_world.h"

namespace dsfailover {
namespace {

std::string ago(EpochMs ms) { return fmt::format("-{}ms", ms); }

class Population {
  public:
    explicit Population(SeedWorld& seed) : seed_(seed) {}

    void populate() {
        Transaction transaction(seed_.world.database());
        const auto living = seed_.random.between(1, 3);
        for (std::int64_t i = 0; i < living; ++i) {
            living_.push_back(kMasterAddresses[1 + static_cast<std::size_t>(i)]);
            started_[living_.back()] =
                kBegan -
                (seed_.random.chance(1, 2) ? 800'000 : seed_.random.between(3'600'000, 7'200'000));
        }
        for (std::int64_t i = seed_.random.between(1, 2); i > 0; --i)
            seed_.cluster.start_worker(kWorkerAddresses[i - 1], kBegan - 7'000'000);
        seed_.gone = seed_.random.chance(5, 6);
        seed_.leaks = static_cast<int>(seed_.random.between(0, 2));
        constexpr Evidence kEvidence[] = {Evidence::none, Evidence::mark, Evidence::stamp};
        evidence_ = seed_.random.one_of(kEvidence);
        seed_.count = seed_.random.between(3, 12);
        for (std::int64_t id = 1; id <= seed_.count; ++id) {
            if (seed_.random.chance(1, 25))
                add_hostless(id);
            else
                add_workflow(id);
        }
        if (seed_.random.chance(1, 3)) add_families();
        transaction.commit();
        seed_.observer.after_commit("");
        for (const std::string& address : living_) {
            MasterProcess& master = seed_.cluster.start_master(address, started_[address], kBegan,
                                                               seed_.locks(), false);
            if (evidence_ == Evidence::mark && seed_.gone && seed_.leaks > 0 &&
                seed_.random.chance(1, 2))
                master.nodes->take_lock(failover_lock_path(kMasterAddresses[0]));
            if (seed_.random.chance(1, 2))
                master.busy_until = kBegan + seed_.random.between(0, 50'000);
            for (const auto& [id, holder] : held_)
                if (holder == address)
                    master.model->hold(id, seed_.world.workflow(id).state(), kBegan);
        }
        if (evidence_ != Evidence::none && seed_.gone) {
            if (evidence_ == Evidence::mark)
                seed_.world.mark(kMasterAddresses[0], "-10m");
            else
                seed_.world.stamp(kMasterAddresses[0], "-10m");
        }
        for (auto left = seed_.random.between(0, 3); left > 0; --left)
            seed_.world.put(fmt::format("{}/127.0.9.{}:5678-1-2", paths::kMarks, left),
                            std::to_string(kBegan - 86'400'000 * seed_.random.between(1, 20)));
        seed_.scheduler.tell(fmt::format("masters {}, {} gone; {} workflows; evidence {}",
                                         fmt::join(living_, " "), seed_.gone ? 1 : 0, seed_.count,
                                         static_cast<int>(evidence_)));
    }

  private:
    // What the cluster, or an earlier run of ours, did ten minutes ago has left
    // its evidence; what it did not do then was started at the same address
    // since.
    void add_workflow(std::int64_t id) {
        WorkflowRow row = seed_.world.workflow(id);
        row.started(ago(seed_.random.between(1'200'000, 3'000'000))).command_param(kStarted);
        const bool at_gone = seed_.gone && seed_.random.chance(3, 5);
        const std::string& living =
            living_[static_cast<std::size_t>(seed_.random.between(0, std::ssize(living_) - 1))];
        row.host(at_gone ? kMasterAddresses[0] : living);
        const int state = seed_.random.chance(5, 6) ? 1 : seed_.random.chance(1, 2) ? 2 : 4;
        row.state(state);
        const auto of_ten = seed_.random.between(0, 9);
        std::string what = "held";
        EpochMs tasks_since = 1'000'000;
        if (!at_gone && of_ten == 0) {
            what = "18 without a command, at " + living;
            row.state(18);
            seed_.world.failed_command(id, state, "Duplicate key");
        } else if (!at_gone) {
            row.started(ago(seed_.random.between(600'000, 790'000)));
            tasks_since = 500'000;
            held_[id] = living;
        } else if (evidence_ != Evidence::none && of_ten < 4) {
            what = "recovered by " + living;
            held_[id] = living;
            tasks_since = 590'000;
            if (seed_.release == Release::later) row.host(living).restarted_at(kBegan - 595'000);
        } else if (evidence_ != Evidence::none && of_ten < 6) {
            what = "18 with a command";
            row.state(18);
            seed_.world.command(id, state);
        } else if (evidence_ == Evidence::none && of_ten < 3) {
            // The master that failed it over died before it wrote the mark.
            what = "18 with a command, and no mark";
            row.state(18);
            row.started("-5m");
            seed_.observer.left_no_mark(id);
            seed_.world.command(id, state);
        } else if (of_ten == 6) {
            what = "18 without a command";
            row.state(18);
            seed_.world.failed_command(id, state, "Duplicate key");
        } else {
            row.started("-5m");
            what = "left";
            tasks_since = 200'000;
            if (of_ten > 8 || of_ten < 6) seed_.observer.is_plain(id);
            if (of_ten == 7) {
                what = "resumed, and left";
                row.command_type(seed_.random.chance(1, 2) ? 3 : 4).restarted("-4m");
            } else if (of_ten == 8) {
                what = "with a command of type 7";
                seed_.world.command(id, state, 7);
                seed_.observer.left_no_mark(id);
            }
        }
        if (at_gone && of_ten < 6 && evidence_ == Evidence::stamp &&
            (seed_.release == Release::v3_3_0 || !held_.contains(id)))
            row.restarted_at(kBegan - 600'000);
        const auto tasks = seed_.random.between(held_.contains(id) ? 1 : 0, 3);
        for (std::int64_t i = 0; i < tasks; ++i)
            add_task(id * 10 + i, id, i + 1 == tasks, tasks_since);
        seed_.scheduler.tell(fmt::format("workflow {}: {}", id, what));
    }

    // No master runs it, and no failover of a master finds it.
    void add_hostless(std::int64_t id) {
        constexpr int kStates[] = {1, 2, 4};
        seed_.world.workflow(id)
            .host(std::nullopt)
            .state(seed_.random.one_of(kStates))
            .started("-5m")
            .command_param(kStarted);
        add_task(id * 10, id, true, 200'000);
        seed_.scheduler.tell(fmt::format("workflow {}: without a host", id));
    }

    // Some are parents of the next one, which may itself be one.
    void add_families() {
        for (std::int64_t id = 1; id < seed_.count; ++id) {
            if (!seed_.random.chance(1, 3)) continue;
            const std::int64_t child = id + 1;
            seed_.world.relate(id, child);
            seed_.world.task(id * 10 + 9, id)
                .type("SUB_WORKFLOW")
                .host(seed_.world.workflow(id).get("host"))
                .app_link(fmt::format(R"({{"subWorkflowInstanceId":{}}})", child));
            seed_.observer.is_parent(id, child);
            seed_.scheduler.tell(fmt::format("workflow {}: parent of {}", id, child));
        }
    }

    void add_task(std::int64_t id, std::int64_t workflow, bool last, EpochMs since) {
        TaskRow task = seed_.world.task(id, workflow);
        WorkerProcess& worker = seed_.cluster.workers().front();
        task.submitted(ago(since)).started(ago(since - 1000)).host(worker.address);
        if (!last) {
            task.state(7);
            return;
        }
        if (seed_.random.chance(2, 3))
            worker.executor.start(id, kBegan + seed_.random.between(1'000, 120'000));
    }

    enum class Evidence { none, mark, stamp };

    SeedWorld& seed_;
    std::vector<std::string> living_;
    std::map<std::string, EpochMs> started_;
    Evidence evidence_ = Evidence::none;
    std::map<std::int64_t, std::string> held_;
};

}  // namespace

void populate(SeedWorld& seed) { Population(seed).populate(); }

}  // namespace dsfailover
