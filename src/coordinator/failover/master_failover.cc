#include "coordinator/failover/master_failover.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/interruption.h"
#include "base/log.h"
#include "base/plural.h"
#include "coordinator/failover/consequences.h"
#include "coordinator/failover/old_process.h"
#include "coordinator/failover/recovery_watch.h"
#include "coordinator/marks/failover_marks.h"
#include "coordinator/report_names.h"
#include "registry/paths.h"
#include "store/command_store.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

constexpr std::size_t kPage = 5000;
constexpr int kLaterReadings = 3;
// Workflows that are asked about while their rows are locked.
constexpr std::size_t kMostAsked = 500;

}  // namespace

MasterFailover::MasterFailover(const RunContext& context, const FailoverOptions& options,
                               FirstLook look)
    : context_(context),
      options_(options),
      look_(std::move(look)),
      guard_(context, options, look_, targets_),
      parallel_(context),
      limit_left_(options.limit) {}

MasterFailover::~MasterFailover() = default;

void MasterFailover::run(std::vector<FailoverTarget> wanted, std::optional<EpochMs> event_time,
                         bool whole_cluster) {
    std::sort(wanted.begin(), wanted.end(), [](const FailoverTarget& a, const FailoverTarget& b) {
        return a.address < b.address;
    });
    for (FailoverTarget& target : wanted) {
        const Server* living = look_.servers.master(target.address);
        targets_.emplace_back(std::move(target), living, options_.items);
    }
    reading_.emplace(context_, options_, look_, targets_, event_time);
    stamps_.emplace(context_, look_, guard_, *reading_);
    try {
        fail_over(whole_cluster);
    } catch (const Interrupted&) {
        finish(Outcome::interrupted);
        throw;
    } catch (const std::exception&) {
        finish(Outcome::failed);
        throw;
    }
    finish(std::nullopt);
}

void MasterFailover::fail_over(bool whole_cluster) {
    reading_->set_event_time();
    if (options_.dry_run) return first_reading(whole_cluster);
    if (!look_.targets_are_judged) reading_->look_without_locks(whole_cluster);
    guard_.secure();
    reading_->set_event_time();
    first_reading(whole_cluster);
    later_readings();
    write_marks();
    write_fences();
}

void MasterFailover::first_reading(bool whole_cluster) {
    Selection selection = reading_->first(whole_cluster);
    std::vector<SelectedMaster> selected = open_ones(selection);
    if (ask_old_processes(context_, options_, look_, selected)) {
        std::set<std::string> open;
        for (const SelectedMaster& master : selected)
            if (master.target->is_open()) open.insert(master.target->address);
        selection = reading_->again(open);
        for (const SelectedMaster& master : open_ones(selection))
            reading_->judge(*master.target, *master.found);
    }
    selected = open_ones(selection);
    if (options_.dry_run) {
        for (const SelectedMaster& master : selected) plan(master);
        return;
    }
    if (options_.wait && !selected.empty())
        newest_command_ = CommandStore(context_.store()).highest_id();
    commit(selected);
}

// With what a reading found of each.
std::vector<SelectedMaster> MasterFailover::open_ones(Selection& selection) {
    std::vector<SelectedMaster> open;
    for (MasterTarget& target : targets_) {
        if (target.is_open()) open.push_back({&target, &selection.addresses.at(target.address)});
    }
    return open;
}

bool MasterFailover::by_answer(std::int64_t id) const {
    return look_.inquiry && look_.inquiry->relies_on_answer(id);
}

void MasterFailover::plan(const SelectedMaster& master) {
    MasterTarget& target = *master.target;
    WorkflowsSection& workflows = target.section().workflows;
    for (auto page = master.found->selected.take(kPage, target.address); !page.empty();
         page = master.found->selected.take(kPage, target.address)) {
        for (const WorkflowInstance& instance : page) {
            if (limit_left_ && (*limit_left_)-- <= 0) {
                ++workflows.left;
                target.record.leave_by_limit(instance);
            } else {
                target.record.plan(instance, by_answer(instance.id));
            }
        }
    }
    if (workflows.left > 0) {
        context_.fail(
            ExitCode::needs_person,
            fmt::format("{} of {} {} left by --limit{}.", counted(workflows.left, "workflow"),
                        target.address, workflows.left == 1 ? "is" : "are",
                        target.only ? "" : "; no mark is written then"));
        return;
    }
    if (target.only) return;
    target.section().mark =
        planned_mark(context_.registry, {target.address, target.process, target.deadline, {}});
}

// Commits one chunk after the other, or two at a time, be they of one target or of two.
void MasterFailover::commit(std::span<const SelectedMaster> selected) {
    // With a limit, who knows how many masters it reaches.
    if (!limit_left_) stamps_->agree_together(selected);
    auto master = selected.begin();
    const auto next = [&]() -> std::optional<FailoverChunk> {
        for (; master != selected.end(); ++master) {
            if (auto chunk = next_chunk(*master)) return chunk;
            list_beyond_limit(*master);
        }
        return std::nullopt;
    };
    parallel_.run(next, also_ || limit_left_);
}

// None at the end, where --limit is reached, and when the target was stopped.
std::optional<FailoverChunk> MasterFailover::next_chunk(const SelectedMaster& master) {
    MasterTarget& target = *master.target;
    if (!target.is_open() || master.found->selectable == 0 || over_limit()) return std::nullopt;
    if (!target.stamp) stop_on_error(context_, target, [&] { stamps_->agree(master); });
    if (!target.is_open() || !target.stamp) return std::nullopt;
    context_.audit.check();
    FailoverChunk chunk;
    chunk.instances = next_instances(master);
    if (chunk.instances.empty()) return std::nullopt;
    chunk.read_from = master.found->read_from;
    const WorkflowsSection& workflows = target.section().workflows;
    if (target.pace.is_due() && workflows.done > 0)
        log_info("{}: {} of {} workflows failed over{}", target.address, workflows.done,
                 workflows.selected, target.pace.rate(workflows.done, workflows.selected));
    chunk.values = {*target.stamp, target.new_host, {}};
    chunk.watch = look_.watch.get();
    chunk.held = [this](std::size_t rows, Millis held) { chunk_size_.learn(rows, held); };
    chunk.confirm = [this, &target] { guard_.confirm(target); };
    if (look_.inquiry && look_.inquiry->relies_on_any()) {
        chunk.ask = [this](const RunContext& context, std::span<const std::int64_t> ids) {
            return look_.inquiry->ask_locked(context, ids);
        };
    }
    chunk.also = also_;
    chunk.done = [this, &target](const WorkflowFailoverResult& result) { record(target, result); };
    chunk.failed = [this, &target](const std::exception_ptr& problem) {
        stop_on_error(context_, target, [&] { std::rethrow_exception(problem); });
    };
    return chunk;
}

// What failed in an earlier reading has had its tries.
std::vector<WorkflowInstance> MasterFailover::next_instances(const SelectedMaster& master) {
    std::vector<WorkflowInstance> instances;
    while (instances.empty()) {
        std::size_t count = chunk_size_.get();
        if (look_.inquiry && look_.inquiry->relies_on_any()) count = std::min(count, kMostAsked);
        if (limit_left_) count = std::min(count, static_cast<std::size_t>(*limit_left_));
        instances = master.found->selected.take(count, master.target->address);
        if (instances.empty()) break;
        std::erase_if(instances, [&](const WorkflowInstance& instance) {
            return master.target->record.failed(instance.id);
        });
    }
    return instances;
}

void MasterFailover::list_beyond_limit(const SelectedMaster& master) {
    while (master.target->is_open() && over_limit()) {
        const auto rest = master.found->selected.take(kPage, master.target->address);
        if (rest.empty()) return;
        for (const WorkflowInstance& instance : rest)
            master.target->record.leave_by_limit(instance);
    }
}

void MasterFailover::record(MasterTarget& target, const WorkflowFailoverResult& result) {
    target.record.add(result, by_answer(result.id));
    if (result.kind != WorkflowFailoverResult::Kind::failed_over) return;
    if (limit_left_) --*limit_left_;
    if (options_.wait) target.inserted.add(result.id, result.command_id);
    if (on_failed_over_) on_failed_over_(result.id);
    const auto command_id =
        result.command_id == 0 ? std::nullopt : std::optional(result.command_id);
    context_.audit.write({"workflow", "failed_over", target.address, result.id, command_id, "",
                          workflow_state_name(result.state)});
}

// Reads the selection again until nothing selectable is left: what was started, resumed or changed
// while we worked would otherwise be lost behind the mark.
void MasterFailover::later_readings() {
    for (int reading = 1; reading <= kLaterReadings; ++reading) {
        std::set<std::string> open;
        for (const MasterTarget& target : targets_) {
            if (target.is_open() && !target.complete) open.insert(target.address);
        }
        if (open.empty()) return;
        check_interruption();
        Selection selection = reading_->later(open);
        std::vector<SelectedMaster> selected;
        for (MasterTarget& target : targets_) {
            if (!open.contains(target.address)) continue;
            AddressSelection& found = selection.addresses.at(target.address);
            if (!found.stamps.problem.empty()) {
                stop(context_, target, ExitCode::failed, Outcome::failed, found.stamps.problem);
                continue;
            }
            target.complete = found.selectable == 0;
            if (target.complete || over_limit() || reading == kLaterReadings) continue;
            target.record.count_later(found.selectable);
            selected.push_back({&target, &found});
        }
        commit(selected);
    }
}

void MasterFailover::write_marks() {
    std::vector<MasterTarget*> done;
    for (MasterTarget& target : targets_) {
        if (!target.is_open()) continue;
        if (!target.complete || target.record.any_failed())
            note_left(target);
        else if (target.record.done() > 0 && target.only)
            target.end(Outcome::completed);
        else if (target.record.done() > 0)
            done.push_back(&target);
        else
            nothing_was_left(target);
    }
    guard_.confirm_all(done);
    std::vector<MarkToWrite> marks;
    for (const MasterTarget* target : done)
        marks.push_back({target->address, target->process, target->deadline, {}});
    const auto take_over = [&] {
        for (std::size_t i = 0; i < marks.size(); ++i) {
            if (!marks[i].done) continue;
            done[i]->section().mark = std::move(marks[i].done);
            done[i]->end(Outcome::completed);
        }
    };
    stop_on_error(context_, done, [&] {
        try {
            dsfailover::write_marks(context_.registry, context_.audit, marks);
        } catch (const RegistryError&) {
            take_over();
            throw;
        }
        take_over();
    });
}

void MasterFailover::note_left(MasterTarget& target) {
    target.section().outcome = Outcome::partial;
    context_.fail(ExitCode::needs_person,
                  fmt::format("Workflows of {} are left{}. Run the command again{}.",
                              target.address, target.only ? "" : "; no mark was written",
                              over_limit() ? " for the rest (--limit)" : ""));
}

// Others had done all that was selected before we could.
void MasterFailover::nothing_was_left(MasterTarget& target) {
    const bool fence =
        target.process && !context_.registry.get(mark_path(target.address, target.process));
    target.end(Outcome::nothing_to_do);
    if (fence) target.stage = MasterTarget::Stage::fence_only;
}

// Made, never changed: whatever stands there says more than a fence.
void MasterFailover::write_fences() {
    for (MasterTarget& target : targets_) {
        if (target.stage != MasterTarget::Stage::fence_only) continue;
        stop_on_error(context_, target, [&] {
            guard_.confirm_fence(target);
            MarkToWrite mark{target.address, target.process, kFenceValue, {}};
            dsfailover::write_marks(context_.registry, context_.audit, {&mark, 1});
            target.section().mark = std::move(mark.done);
        });
        target.stage = MasterTarget::Stage::ended;
    }
}

// Their names are asked for together, because their rows are mixed among the masters.
void MasterFailover::add_names(bool asks_workers) {
    std::vector<WorkflowItem*> items;
    for (MasterTarget& target : targets_)
        for (WorkflowItem& item : target.section().workflows.items.kept()) items.push_back(&item);
    warn_of_consequences(context_, asks_workers ? &options_.ask : nullptr, items);
    add_workflow_names(context_, std::move(items));
}

void MasterFailover::finish(std::optional<Outcome> unfinished) {
    for (MasterTarget& target : targets_) {
        MasterSection& section = target.section();
        target.record.close(options_.dry_run);
        any_left_ = any_left_ || section.workflows.left > 0;
        if (options_.dry_run && target.is_open() && section.outcome == Outcome::nothing_to_do &&
            section.workflows.selected > 0) {
            section.outcome = Outcome::planned;
        }
        target.record.tell(context_);
        if (unfinished && target.is_open() && !section.mark) section.outcome = *unfinished;
    }
    guard_.release();
    add_names(!unfinished);
    if (!context_.report.masters) context_.report.masters.emplace();
    first_section_ = context_.report.masters->size();
    for (MasterTarget& target : targets_)
        context_.report.masters->push_back(std::move(target.section()));
}

void MasterFailover::wait_for_recovery(EpochMs until) {
    if (!options_.wait || options_.dry_run) return;
    const auto section = [&](std::size_t i) -> MasterSection& {
        return (*context_.report.masters)[first_section_ + i];
    };
    for (std::size_t i = 0; i < targets_.size(); ++i) {
        if (section(i).workflows.done > 0)
            section(i).recovery = RecoveryInfo{0, targets_[i].inserted.count(), 0};
    }
    for (std::size_t i = 0; i < targets_.size(); ++i) {
        auto& recovery = section(i).recovery;
        if (!recovery) continue;
        const auto problems = targets_[i].inserted.follow(
            context_, newest_command_, until, look_.inquiry.get(), options_.rehost, *recovery);
        report_recovery(context_, *recovery, problems, options_.wait,
                        targets_.size() > 1 ? std::string_view(targets_[i].address) : "");
    }
}

}  // namespace dsfailover
