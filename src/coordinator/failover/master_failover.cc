#include "coordinator/failover/master_failover.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "base/interruption.h"
#include "base/log.h"
#include "coordinator/cluster_check.h"
#include "coordinator/failover/global_targets.h"
#include "coordinator/failover/parents.h"
#include "coordinator/failover/recovery_watch.h"
#include "coordinator/report_names.h"
#include "coordinator/retried_transaction.h"
#include "store/command_store.h"

namespace dsfailover {

namespace {

constexpr std::size_t kPage = 5000;
constexpr EpochMs kMoveMs = 5000;
constexpr int kLaterReadings = 3;
constexpr int kReadings = 3;  // of one kind, while servers come
constexpr int kStampConflicts = 10;

}  // namespace

EpochMs FirstLook::moves_count_after() const {
    return at + std::max(kMoveMs, 2 * clock_difference);
}

SelectionRequest FirstLook::request(EpochMs event_time, bool given) const {
    SelectionRequest request;
    request.event_time = event_time;
    request.event_time_given = given;
    request.run_began = at;
    request.moves_count_after = moves_count_after();
    request.watch = watch.get();
    return request;
}

struct MasterFailover::Target {
    std::string address;
    std::optional<ProcessIdentity> process;
    std::size_t section = 0;
    bool lives = false;       // at the first look, with another startup time
    bool active = true;       // false: refused, stopped or done already
    bool complete = false;    // everything selectable was done
    bool fence_only = false;  // nothing to fail over, but its exact process has no mark
    std::optional<EpochMs> settles_at;
    std::optional<RunClaims> claims;  // its own, unless claims_ has it
    std::shared_ptr<LeakWatch> watch;
    std::optional<FailoverLock> lock;
    EpochMs deadline = 0;
    std::optional<EpochMs> stamp;
    std::set<std::int64_t> changed;                // state_changed so far
    std::set<std::int64_t> failed;                 // failed so far
    std::set<std::int64_t> skipped;                // for another reason than started_after_deadline
    std::string failed_first;                      // which failed first, and why
    std::string unknown_why;                       // why the outcome of some is unknown
    std::vector<std::int64_t> command_ids;         // with --wait
    std::vector<std::int64_t> without_command_id;  // workflows, with --wait
};

struct MasterFailover::Selected {
    Target* target;
    AddressSelection* found;
};

MasterFailover::MasterFailover(const RunContext& context, const FailoverOptions& options,
                               FirstLook look)
    : context_(context),
      options_(options),
      look_(std::move(look)),
      limit_left_(options.limit),
      parallel_(context) {
    if (!context.report.masters) context.report.masters.emplace();
}

MasterFailover::~MasterFailover() = default;

MasterSection& MasterFailover::section(const Target& target) const {
    return (*context_.report.masters)[target.section];
}

MasterFailover::Target* MasterFailover::find(const std::string& address) {
    const auto found = std::find_if(targets_.begin(), targets_.end(),
                                    [&](const Target& t) { return t.address == address; });
    return found == targets_.end() ? nullptr : &*found;
}

std::set<std::string> MasterFailover::active() const {
    std::set<std::string> addresses;
    for (const Target& target : targets_) {
        if (target.active) addresses.insert(target.address);
    }
    return addresses;
}

// Those whose absence is still to be watched.
std::set<std::string> MasterFailover::waiting() const {
    std::set<std::string> addresses = active();
    for (const Target& target : targets_) {
        if (target.fence_only) addresses.insert(target.address);
    }
    return addresses;
}

void MasterFailover::run(std::vector<FailoverTarget> targets, std::optional<EpochMs> event_time,
                         bool whole_cluster) {
    given_event_time_ = event_time;
    std::sort(targets.begin(), targets.end(), [](const FailoverTarget& a, const FailoverTarget& b) {
        return a.address < b.address;
    });
    for (FailoverTarget& wanted : targets) {
        Target& target = targets_.emplace_back();
        target.address = std::move(wanted.address);
        target.process = wanted.process;
        target.section = context_.report.masters->size();
        MasterSection& its = context_.report.masters->emplace_back(options_.items);
        its.address = target.address;
        its.fence = std::move(wanted.fence);
        target.watch = std::move(wanted.watch);
        if (const Server* living = look_.servers.master(target.address)) {
            target.lives = its.alive = true;
            its.startup_time = living->startup_time;
        }
    }
    try {
        set_event_time();
        if (!options_.dry_run) {
            if (!look_.targets_are_judged) look_without_locks(whole_cluster);
            std::vector<Selected> all;
            for (Target& target : targets_) {
                if (target.active || target.fence_only) all.push_back({&target, nullptr});
            }
            // All locks go with the session.
            guarded(all, [&] {
                take_claims();
                take_locks();
                wait_grace();
            });
            set_event_time();
        }
        first_reading(whole_cluster);
        if (!options_.dry_run) {
            later_readings();
            write_marks();
            write_fences();
        }
    } catch (const Interrupted&) {
        finish(Outcome::interrupted);
        throw;
    } catch (const Error& error) {
        finish(Outcome::failed);
        const bool wrote = std::any_of(targets_.begin(), targets_.end(), [&](const Target& target) {
            const auto& fence = section(target).fence;
            return target.stamp || (fence && fence->written);
        });
        // "Nothing written" is what this exit status promises.
        if (wrote && error.exit_code() == ExitCode::environment)
            throw Error(ExitCode::failed, error.what());
        throw;
    } catch (const std::exception&) {
        finish(Outcome::failed);
        throw;
    }
    finish(std::nullopt);
}

void MasterFailover::set_event_time() {
    event_time_ =
        given_event_time_.value_or(targets_.empty() ? look_.at : latest_clock(context_.database));
    if (context_.report.event) context_.report.event->event_time = event_time_;
}

void MasterFailover::stop(Target& target, ExitCode code, Outcome outcome,
                          const std::string& message) {
    // Two chunks of it may meet the same end.
    if (!target.active && !target.fence_only) return;
    target.active = target.fence_only = false;
    section(target).outcome = outcome;
    context_.fail(code, message);
}

// Whatever ends one target must not end the others; what ends the run passes.
void MasterFailover::guarded(Target& target, const std::function<void()>& work) {
    try {
        work();
    } catch (const LockError& error) {
        stop(target, error.exit_code(), Outcome::failed, error.what());
    } catch (const RefusedError& error) {
        stop(target, error.exit_code(), Outcome::refused, error.what());
    } catch (const RegistryError& error) {
        if (error.kind() != RegistryError::Kind::session_lost) throw;
        stop(target, ExitCode::lock_unavailable, Outcome::failed,
             fmt::format("{} The lock of {} went with the session: what was not committed was "
                         "rolled back, no mark was "
                         "written. Run the command again.",
                         error.what(), target.address));
    }
}

// What ends the work for several ends each of them.
void MasterFailover::guarded(std::span<const Selected> selected,
                             const std::function<void()>& work) {
    try {
        work();
    } catch (const RegistryError&) {
        const std::exception_ptr problem = std::current_exception();
        for (const Selected& one : selected)
            guarded(*one.target, [&] { std::rethrow_exception(problem); });
        if (selected.empty()) throw;
    }
}

// Most of the time nobody else is at work; otherwise one after the other, so that one address
// which another run works on does not keep the others.
void MasterFailover::take_claims() {
    const std::set<std::string> addresses = active();
    waiting_since_ = now_ms();
    const auto look = [&] { look_who_returned(nullptr); };
    if (addresses.size() > 1) {
        try {
            claims_ = take_run_claims(context_, addresses, Millis(0), look);
            return;
        } catch (const LockError& error) {
            spdlog::info("{}", error.what());
        }
    }
    for (Target& target : targets_) {
        if (!target.active) continue;
        check_interruption();
        guarded(target, [&] {
            target.claims = take_run_claims(context_, {target.address}, left_to_wait(), look);
        });
    }
}

// Claims and locks share one --lock-timeout.
Millis MasterFailover::left_to_wait() const {
    return Millis(
        std::max<EpochMs>(0, options_.lock_timeout.count() - (now_ms() - waiting_since_)));
}

// Most of the time all are free; from the first that is not they are taken one after the other.
void MasterFailover::take_free_locks() {
    std::vector<Target*> wanted;
    std::vector<std::string> addresses;
    for (Target& target : targets_) {
        if (!target.active) continue;
        wanted.push_back(&target);
        addresses.push_back(target.address);
    }
    if (wanted.size() < 2 || options_.no_lock) return;
    std::vector<FailoverLock> locks = take_free_failover_locks(context_.registry, addresses);
    for (std::size_t i = 0; i < locks.size(); ++i) {
        section(*wanted[i]).lock.emplace().path = failover_lock_path(addresses[i]);
        wanted[i]->lock.emplace(std::move(locks[i]));
    }
}

void MasterFailover::take_locks() {
    // Where no other run was waited for the whole time is left.
    if (now_ms() - waiting_since_ < 1000) waiting_since_ = now_ms();
    take_free_locks();
    for (Target& target : targets_) {
        if (target.lock || !target.active) continue;
        check_interruption();
        const Millis left = left_to_wait();
        section(target).lock.emplace().path = failover_lock_path(target.address);
        guarded(target, [&] {
            const auto& fence = section(target).fence;
            LockResult result = take_failover_lock(
                context_, {target.address, options_.no_lock ? options_.lock_timeout : left,
                           options_.no_lock, fence && fence->stopped, target.watch.get(),
                           [&]() -> const Servers& { return look_again(target); }});
            section(target).lock = std::move(result.info);
            if (!result.lock) throw LockError(result.problem);
            target.lock = std::move(result.lock);
        });
    }
}

// While we wait: an address that comes back only to go away again was not gone for the grace time.
// Throws for `waiting`, whose turn it is.
const Servers& MasterFailover::look_again(Target& waiting) {
    look_who_returned(&waiting);
    check_return(waiting);
    return look_.servers;
}

// Stops each whose address came back, but for one.
void MasterFailover::look_who_returned(const Target* but) {
    look_.servers = read_servers(context_.registry, true);
    for (Target& target : targets_) {
        const bool is_watched = target.active || target.fence_only;
        if (is_watched && &target != but) guarded(target, [&] { check_return(target); });
    }
}

// An address must stay away for the whole grace time; the time spent on locks counts. Its last look
// is the one under the locks that the reading builds on.
void MasterFailover::wait_grace() {
    const std::set<std::string> watched = waiting();
    const bool any_gone = std::any_of(targets_.begin(), targets_.end(), [&](const Target& target) {
        return watched.contains(target.address) && !target.lives;
    });
    if (any_gone && options_.grace.count() == 0) {
        context_.warn(
            "--grace 0s: one look only; a master that is merely restarting or cut off for a moment "
            "counts as gone.");
    }
    const EpochMs until = any_gone ? look_.at + options_.grace.count() : 0;
    for (EpochMs logged = 0; !waiting().empty();) {
        look_who_returned(nullptr);
        const EpochMs now = now_ms();
        if (now >= until) return;
        if (now - logged >= 5000) {
            logged = now;
            spdlog::info("waiting {} s more, to see that nothing comes back (--grace)",
                         (until - now + 999) / 1000);
        }
        wait_for(std::min(Millis(1000), Millis(until - now)));
    }
}

// During the grace time: an address that was gone must still be gone, one that
// was restarted must still be the same.
void MasterFailover::check_return(Target& target) {
    const Server* living = look_.servers.master(target.address);
    if (!target.lives && living) {
        section(target).alive = true;
        section(target).startup_time = living->startup_time;
        throw RefusedError(fmt::format(
            "{}: the master {} came back ({}) while we waited: nothing was failed over. What its "
            "old process left is failed over {}.",
            context_.registry.endpoint(), target.address,
            living->startup_time ? "startup time " + std::to_string(*living->startup_time)
                                 : living->problem,
            by_global()));
    }
    if (target.lives && (!living || living->startup_time != section(target).startup_time)) {
        throw RefusedError(
            fmt::format("{}: the new process at {} went away or was replaced while we waited: "
                        "nothing was failed over. Run the command again.",
                        context_.registry.endpoint(), target.address));
    }
}

// Who lives must be known for the whole scan: a process that registers meanwhile may have taken
// what we read as its predecessor's.
Selection MasterFailover::read(const std::set<std::string>& addresses, bool all_hosts, bool first) {
    for (int tries = 1;; ++tries) {
        Selection selection = read_once(addresses, all_hosts, first, false);
        if (options_.dry_run || tries == kReadings) return selection;
        Servers now = read_servers(context_.registry, true);
        const bool same =
            std::all_of(addresses.begin(), addresses.end(), [&](const std::string& address) {
                const Server *before = look_.servers.master(address), *after = now.master(address);
                return !after || (before && before->startup_time == after->startup_time);
            });
        look_.servers = std::move(now);
        if (same) return selection;
        for (Target& target : targets_) {
            if (first && addresses.contains(target.address)) forget_reading(target);
        }
    }
}

Selection MasterFailover::read_once(const std::set<std::string>& addresses, bool all_hosts,
                                    bool first, bool until_selected) {
    SelectionRequest request = look_.request(event_time_, given_event_time_.has_value());
    request.addresses = addresses;
    request.all_hosts = all_hosts;
    request.until_selected = until_selected;
    for (const Target& target : targets_) {
        if (target.stamp) request.own_stamps.emplace(target.address, *target.stamp);
    }
    // What we failed over for --in-doubt may be in doubt again the moment a master took it.
    if (first) request.in_doubt = options_.in_doubt;
    request.leave_out_own_work = !first;
    return read_selection(
        context_, look_.servers, request,
        [&](const std::string& address, const WorkflowInstance& instance, Verdict verdict,
            std::optional<EpochMs> last_task_activity) {
            Target& target = *find(address);
            const bool later_start =
                verdict == Verdict::started_after_deadline || verdict == Verdict::impossible_start;
            const bool is_new = !later_start && target.skipped.insert(instance.id).second;
            WorkflowItem item = skipped_item(instance, verdict, last_task_activity);
            if (first)
                section(target).workflows.items.add(std::move(item));
            else if (is_new)
                skip_later(target, std::move(item));
        });
}

// What turned doubtful while we worked: a person resumed it, or a new process may have it now.
void MasterFailover::skip_later(Target& target, WorkflowItem item) {
    if (target.failed.contains(item.id)) return;
    WorkflowsSection& its = section(target).workflows;
    ++its.skipped[*item.reason];
    const bool listed = target.changed.erase(item.id) > 0;
    if (listed) --its.selected;
    put_item(target, std::move(item), listed);
}

// One that changed under our hands may come again: it keeps its one place in the list.
void MasterFailover::put_item(Target& target, WorkflowItem item, bool listed) {
    auto& items = section(target).workflows.items;
    if (!listed) return items.add(std::move(item));
    const auto place = std::find_if(items.kept().begin(), items.kept().end(),
                                    [&](const WorkflowItem& one) { return one.id == item.id; });
    if (place != items.kept().end()) *place = std::move(item);
}

// Most runs that repeat another find nothing, and need neither lock nor grace time to say so.
void MasterFailover::look_without_locks(bool whole_cluster) {
    const std::set<std::string> wanted = active();
    if (wanted.empty()) return;
    Selection selection = read_once(wanted, whole_cluster, true, targets_.size() == 1);
    std::set<std::int64_t> met;
    bool any_left = false;
    for (Target& target : targets_) {
        AddressSelection& found = selection.addresses.at(target.address);
        met.insert(found.named.begin(), found.named.end());
        judge_reading(target, found);
        if (!target.active) continue;
        any_left = true;
        forget_reading(target);
    }
    if (any_left) return;
    activity_lags(context_, look_.servers);
    if (whole_cluster) warn_of_others(selection);
    say_which_in_doubt_were_not_met(met);
}

void MasterFailover::forget_reading(Target& target) {
    section(target).workflows = WorkflowsSection(options_.items);
    section(target).deadline.reset();
    target.skipped.clear();
}

void MasterFailover::first_reading(bool whole_cluster) {
    const std::set<std::string> wanted = active();
    if (wanted.empty()) return;
    const bool restarted = std::any_of(targets_.begin(), targets_.end(),
                                       [](const Target& t) { return t.active && t.lives; });
    lagging_ = activity_lags(context_, look_.servers) && restarted && !given_event_time_;
    Selection selection = read(wanted, whole_cluster, true);
    if (whole_cluster) warn_of_others(selection);
    std::set<std::int64_t> named;
    std::vector<Selected> selected;
    for (Target& target : targets_) {
        if (!target.active) continue;
        AddressSelection& found = selection.addresses.at(target.address);
        named.insert(found.named.begin(), found.named.end());
        judge_reading(target, found);
        if (!target.active) continue;
        if (options_.dry_run) {
            plan(target, found);
        } else {
            selected.push_back({&target, &found});
        }
    }
    if (options_.wait && !selected.empty())
        newest_command_ = CommandStore(context_.store()).highest_id();
    commit(selected);
    say_which_in_doubt_were_not_met(named);
}

void MasterFailover::say_which_in_doubt_were_not_met(const std::set<std::int64_t>& met) {
    for (const std::int64_t id : options_.in_doubt.ids) {
        if (met.contains(id)) continue;
        context_.warn(fmt::format(
            "--in-doubt names workflow instance {}, which is in doubt at none of the masters "
            "failed over here.",
            id));
    }
}

// What a reading says about the address as a whole.
void MasterFailover::judge_reading(Target& target, AddressSelection& found) {
    MasterSection& its = section(target);
    target.deadline = found.facts.deadline;
    its.deadline = target.deadline;
    its.workflows.selected = found.selectable;
    its.workflows.skipped.clear();
    for (const auto& [verdict, count] : found.skipped) {
        its.workflows.skipped[std::string(to_string(verdict))] = count;
    }
    if (!found.stamps.problem.empty())
        return stop(target, ExitCode::failed, Outcome::failed, found.stamps.problem);
    const bool impossible = found.impossible > 0 && !given_event_time_;
    if (impossible || (target.lives && lagging_ && found.selectable > 0)) {
        its.workflows.left = found.selectable;
        stop(target, ExitCode::needs_person, Outcome::partial,
             impossible
                 ? fmt::format("{} workflows of {} started after its deadline {} although it is "
                               "gone: a clock or --time-zone "
                               "is wrong. Nothing of it was failed over.",
                               found.impossible, target.address, format_rfc3339(target.deadline))
                 : fmt::format("{} was restarted, and the timestamps of the newest rows lie so far "
                               "behind that --time-zone "
                               "may be wrong: nothing of it was failed over. Check the zone; on a "
                               "quiet cluster give "
                               "--event-time.",
                               target.address));
        return;
    }
    target.settles_at = found.settles_at;
    if (found.selectable == 0) conclude_without_work(target, found);
}

// Nothing is failed over, so no mark is written and none made newer: a newer mark would age the
// evidence of others. But an exact process that has no mark yet gets one of value 0: if it lives
// after all, cut off from the registry, it stops itself.
void MasterFailover::conclude_without_work(Target& target, const AddressSelection& found) {
    MasterSection& its = section(target);
    const std::string path = mark_path(target.address, target.process);
    const auto standing = context_.registry.get(path);
    const auto value = standing ? parse_mark_value(standing->value) : std::nullopt;
    const EpochMs last_failover =
        std::max(found.facts.newest_mark.value_or(0), found.stamps.latest());
    const bool newer_than_all = last_failover > 0 && !found.start_unknown &&
                                last_failover * 1000 >= found.latest_start_us.value_or(INT64_MIN);
    const bool already = newer_than_all || value == target.deadline;
    its.outcome = already ? Outcome::already_failed_over : Outcome::nothing_to_do;
    target.active = false;
    target.fence_only = target.process && !standing;
    if (standing)
        its.mark = MarkInfo{path, value, standing->value, false};
    else if (target.fence_only)
        its.mark = MarkInfo{path, kFenceValue, std::nullopt, false};
}

void MasterFailover::plan(Target& target, AddressSelection& found) {
    WorkflowsSection& its = section(target).workflows;
    for (auto page = found.selected.take(kPage, target.address); !page.empty();
         page = found.selected.take(kPage, target.address)) {
        for (const WorkflowInstance& instance : page) {
            if (limit_left_ && (*limit_left_)-- <= 0) {
                ++its.left;
                list_left(target, instance);
                continue;
            }
            its.items.add(workflow_item(instance.id, instance.state, "planned"));
        }
    }
    if (its.left > 0) {
        context_.fail(
            ExitCode::needs_person,
            fmt::format("{} workflows of {} are left by --limit; no mark is written then.",
                        its.left, target.address));
        return;
    }
    section(target).mark =
        planned_mark(context_.registry, {target.address, target.process, target.deadline, {}});
}

// Chooses this run's stamps and puts them into the registry. Those that somebody else changed
// meanwhile get none.
void MasterFailover::choose_stamps(std::span<const Selected> selected) {
    const EpochMs clock = latest_clock(context_.database);
    std::vector<StampToAdd> stamps;
    for (const auto& [target, found] : selected) {
        stamps.push_back({target->address, &found->stamps,
                          next_stamp(context_, found->stamps, std::max(target->deadline, clock),
                                     look_.servers)});
    }
    const std::vector<bool> added = add_stamps(context_, stamps, clock);
    for (std::size_t i = 0; i < added.size(); ++i) {
        if (added[i])
            selected[i].target->stamp = section(*selected[i].target).stamp = stamps[i].stamp.value;
    }
}

// The stamps of all masters together, before the first commit; of what is left agree_on_stamp()
// sees to each by itself.
void MasterFailover::agree_on_stamps(std::span<const Selected> selected) {
    if (limit_left_) return;  // who knows how many masters it reaches
    std::vector<Selected> without;
    for (const Selected& one : selected) {
        if (one.target->active && !one.target->stamp && one.found->selectable > 0)
            without.push_back(one);
    }
    if (without.size() < 2) return;
    confirm_all(without);
    guarded(without, [&] { choose_stamps(without); });
}

// Whoever changed the stamps meanwhile may have failed over what we read: then everything is read
// again.
void MasterFailover::agree_on_stamp(Target& target, AddressSelection& found) {
    for (int conflicts = 0; conflicts < kStampConflicts; ++conflicts) {
        if (conflicts > 0) {
            forget_reading(target);
            Selection again = read({target.address}, false, true);
            found = std::move(again.addresses.at(target.address));
            judge_reading(target, found);
            if (!target.active || found.selectable == 0) return;
        }
        confirm(target);
        const Selected one{&target, &found};
        choose_stamps({&one, 1});
        if (target.stamp) return;
    }
    throw LockError(fmt::format(
        "{}: {} is being changed by other runs all the time; nothing of {} was failed over. Run "
        "the command again when they are done.",
        context_.registry.endpoint(), stamps_path(target.address), target.address));
}

// Commits one chunk after the other, or two at a time, be they of one target or of two.
void MasterFailover::commit(std::span<const Selected> selected) {
    agree_on_stamps(selected);
    auto one = selected.begin();
    const auto next = [&]() -> std::optional<FailoverChunk> {
        for (; one != selected.end(); ++one) {
            if (auto chunk = next_chunk(*one->target, *one->found)) return chunk;
            list_beyond_limit(*one->target, *one->found);
        }
        return std::nullopt;
    };
    parallel_.run(next, also_ || limit_left_);
}

// None at the end, where --limit is reached, and when the target was stopped.
std::optional<FailoverChunk> MasterFailover::next_chunk(Target& target, AddressSelection& found) {
    const bool over_limit = limit_left_ && *limit_left_ <= 0;
    if (!target.active || found.selectable == 0 || over_limit) return std::nullopt;
    if (!target.stamp) guarded(target, [&] { agree_on_stamp(target, found); });
    if (!target.active || !target.stamp) return std::nullopt;
    context_.audit.check();
    FailoverChunk chunk;
    while (chunk.instances.empty()) {
        std::size_t count = chunk_size_.get();
        if (limit_left_) count = std::min(count, static_cast<std::size_t>(*limit_left_));
        chunk.instances = found.selected.take(count, target.address);
        if (chunk.instances.empty()) return std::nullopt;
        // What failed in an earlier reading has had its tries.
        std::erase_if(chunk.instances,
                      [&](const WorkflowInstance& one) { return target.failed.contains(one.id); });
    }
    const WorkflowsSection& its = section(target).workflows;
    if (its.done > 0) {
        spdlog::info("{}: {} of {} workflows failed over", target.address, its.done, its.selected);
    }
    chunk.stamp = *target.stamp;
    chunk.watch = look_.watch.get();
    chunk.held = [this](std::size_t rows, Millis held) { chunk_size_.learn(rows, held); };
    chunk.confirm = [this, &target] { confirm(target); };
    chunk.also = also_;
    chunk.done = [this, &target](const WorkflowFailoverResult& result) { record(target, result); };
    chunk.failed = [this, &target](const std::exception_ptr& problem) {
        guarded(target, [&] { std::rethrow_exception(problem); });
    };
    return chunk;
}

void MasterFailover::list_beyond_limit(Target& target, AddressSelection& found) {
    while (target.active && limit_left_ && *limit_left_ <= 0) {
        const auto rest = found.selected.take(kPage, target.address);
        if (rest.empty()) return;
        for (const WorkflowInstance& instance : rest) list_left(target, instance);
    }
}

void MasterFailover::list_left(Target& target, const WorkflowInstance& instance) {
    WorkflowItem item = workflow_item(instance.id, instance.state, "left");
    item.reason = "limit";
    section(target).workflows.items.add(std::move(item));
}

void MasterFailover::record(Target& target, const WorkflowFailoverResult& result) {
    using Kind = WorkflowFailoverResult::Kind;
    MasterSection& its = section(target);
    WorkflowItem item = workflow_item(result.id, result.state, "failed_over");
    const bool listed = target.changed.erase(item.id) > 0;
    switch (result.kind) {
        case Kind::failed_over:
            ++its.workflows.done;
            if (limit_left_) --*limit_left_;
            if (result.command_id != 0) item.command_id = result.command_id;
            if (options_.wait && result.command_id != 0)
                target.command_ids.push_back(result.command_id);
            else if (options_.wait)
                target.without_command_id.push_back(item.id);
            if (on_failed_over_) on_failed_over_(item.id);
            context_.audit.write({"workflow", "failed_over", target.address, item.id,
                                  item.command_id, "", *item.previous_state});
            break;
        case Kind::state_changed:
            target.changed.insert(item.id);
            item.outcome = "skipped";
            item.reason = "state_changed";
            break;
        case Kind::command_pending:
            item.outcome = "skipped";
            item.reason = to_string(Verdict::command_pending);
            --its.workflows.selected;
            ++its.workflows.skipped[*item.reason];
            target.skipped.insert(item.id);
            break;
        case Kind::failed:
            if (target.failed.empty())
                target.failed_first = fmt::format("{}: {}", item.id, result.problem);
            target.failed.insert(item.id);
            item.outcome = "failed";
            item.reason = result.problem;
            break;
        case Kind::unknown:
            ++its.workflows.unknown;
            target.unknown_why = result.problem;
            item.outcome = "unknown";
            item.reason = result.problem;
            break;
    }
    put_item(target, std::move(item), listed);
}

// A commit that only a later look confirmed does not tell its commands' ids. Returns how many of
// them neither wait nor failed: a master took them.
std::int64_t MasterFailover::find_commands(Target& target) {
    if (target.without_command_id.empty()) return 0;
    CommandStore commands(context_.store());
    std::set<std::int64_t> found;
    const auto ours = [&](std::int64_t workflow_id, std::int64_t command_id) {
        if (command_id <= newest_command_) return;
        found.insert(workflow_id);
        target.command_ids.push_back(command_id);
    };
    const auto waiting = read_patiently(
        context_.database, [&] { return commands.for_workflows(target.without_command_id); });
    for (const WaitingCommand& command : waiting) ours(command.workflow_instance_id, command.id);
    const auto failed = read_patiently(
        context_.database, [&] { return commands.last_failed(target.without_command_id); });
    for (const auto& [workflow_id, command] : failed) ours(workflow_id, command.id);
    return std::ssize(target.without_command_id) - std::ssize(found);
}

// Reads the selection again until nothing selectable is left: what was started, resumed or changed
// while we worked would otherwise be lost behind the mark.
void MasterFailover::later_readings() {
    for (int reading = 1; reading <= kLaterReadings; ++reading) {
        std::set<std::string> open;
        for (const Target& target : targets_) {
            if (target.active && !target.complete) open.insert(target.address);
        }
        if (open.empty()) return;
        check_interruption();
        Selection selection = read(open, false, false);
        std::vector<Selected> selected;
        for (const std::string& address : open) {
            Target& target = *find(address);
            AddressSelection& found = selection.addresses.at(address);
            if (!found.stamps.problem.empty()) {
                stop(target, ExitCode::failed, Outcome::failed, found.stamps.problem);
                continue;
            }
            target.complete = found.selectable == 0;
            const bool over_limit = limit_left_ && *limit_left_ <= 0;
            if (target.complete || over_limit || reading == kLaterReadings) continue;
            const auto known =
                static_cast<std::int64_t>(target.changed.size() + target.failed.size());
            section(target).workflows.selected +=
                std::max<std::int64_t>(0, found.selectable - known);
            selected.push_back({&target, &found});
        }
        commit(selected);
    }
}

void MasterFailover::write_marks() {
    std::vector<Selected> done;
    for (Target& target : targets_) {
        if (!target.active) continue;
        if (target.complete && target.failed.empty()) {
            if (section(target).workflows.done > 0)
                done.push_back({&target, nullptr});
            else
                nothing_was_left(target);
            continue;
        }
        section(target).outcome = Outcome::partial;
        context_.fail(
            ExitCode::needs_person,
            fmt::format("Workflows of {} are left; no mark was written. Run the command "
                        "again{}.",
                        target.address,
                        limit_left_ && *limit_left_ <= 0 ? " for the rest (--limit)" : ""));
    }
    confirm_all(done);
    std::vector<MarkToWrite> marks;
    for (const Selected& one : done) {
        const Target& target = *one.target;
        marks.push_back({target.address, target.process, target.deadline, {}});
    }
    const auto take_over = [&] {
        for (std::size_t i = 0; i < marks.size(); ++i) {
            if (!marks[i].done) continue;
            MasterSection& its = section(*done[i].target);
            its.mark = std::move(marks[i].done);
            its.outcome = Outcome::completed;
            done[i].target->active = false;
        }
    };
    guarded(done, [&] {
        try {
            dsfailover::write_marks(context_.registry, context_.audit, marks);
        } catch (const RegistryError&) {
            take_over();
            throw;
        }
        take_over();
    });
}

// Others had done all that was selected before we could.
void MasterFailover::nothing_was_left(Target& target) {
    const std::string path = mark_path(target.address, target.process);
    target.active = false;
    target.fence_only = target.process && !context_.registry.get(path);
    section(target).outcome = Outcome::nothing_to_do;
}

// Made, never changed: whatever stands there says more than a fence.
void MasterFailover::write_fences() {
    for (Target& target : targets_) {
        if (!target.fence_only) continue;
        guarded(target, [&] {
            const auto living =
                read_server(context_.registry, paths::kMasters, target.address, false);
            if (living && living->startup_time == target.process->startup_time)
                require_ours(target, true, living);
            MarkToWrite mark{target.address, target.process, kFenceValue, {}};
            dsfailover::write_marks(context_.registry, context_.audit, {&mark, 1});
            section(target).mark = std::move(mark.done);
        });
        target.fence_only = false;
    }
}

// Leaves out the targets that it stops.
void MasterFailover::confirm_all(std::vector<Selected>& selected) {
    std::vector<FailoverLock*> locks;
    std::vector<std::string> addresses;
    for (const Selected& one : selected) {
        locks.push_back(&*one.target->lock);
        addresses.push_back(one.target->address);
    }
    guarded(selected, [&] {
        const std::vector<bool> held = FailoverLock::confirm(context_.registry, locks);
        const auto living = read_some_servers(context_.registry, paths::kMasters, addresses, false);
        for (std::size_t i = 0; i < selected.size(); ++i) {
            Target& target = *selected[i].target;
            guarded(target,
                    [&] { require_ours(target, held[i] && still_claimed(target), living[i]); });
        }
    });
    std::erase_if(selected, [](const Selected& one) { return !one.target->active; });
}

// A lock that we hold goes with our session, as our claim does; past one that was passed only the
// claim tells.
bool MasterFailover::still_claimed(Target& target) {
    if (!options_.no_lock) return true;
    RunClaims& claims = target.claims ? *target.claims : claims_;
    return claims.confirm({&target.address, 1}).front();
}

void MasterFailover::confirm(Target& target) {
    const bool held = still_claimed(target) && target.lock->confirm();
    require_ours(target, held,
                 read_server(context_.registry, paths::kMasters, target.address, false));
}

// The lock is ours, and nobody came back whose work this is.
void MasterFailover::require_ours(Target& target, bool lock_held,
                                  const std::optional<Server>& living) {
    if (!lock_held) {
        throw LockError(fmt::format(
            "{}: the lock {} {} while {} was failed over: the transaction was "
            "rolled back, what was committed before is in the report, no mark was "
            "written. Run the command again.",
            context_.registry.endpoint(), failover_lock_path(target.address),
            target.lock->was_passed() ? "passed with --no-lock changed hands" : "was lost",
            target.address));
    }
    if (!living || (living->startup_time && *living->startup_time >= target.deadline)) return;
    section(target).alive = true;
    section(target).startup_time = living->startup_time;
    throw RefusedError(fmt::format(
        "{}: the master {} came back while it was failed over ({}): stopped before "
        "the next commit, no mark was written. What is left belongs to it, or is failed "
        "over {}.",
        context_.registry.endpoint(), target.address,
        living->startup_time ? "startup time " + std::to_string(*living->startup_time)
                             : living->problem,
        by_global()));
}

// What is for global, as global itself says it.
std::string_view MasterFailover::by_global() const {
    return context_.report.command == "global" ? "when this command is run again"
                                               : "by the command global";
}

void MasterFailover::warn_of_others(const Selection& selection) {
    warn_of_the_whole(context_, look_.servers, selection);
    report_odd_hosts(context_, selection);
    std::vector<std::string> doubtful;
    for (const auto& [address, found] : selection.addresses) {
        if (find(address) || found.facts.lives || found.doubtful() == 0) continue;
        context_.warn(
            fmt::format("{} unfinished workflows with the host {}, which is gone, were recovered "
                        "or resumed by other masters; the one "
                        "failed over now may have been running them. See the report of: "
                        "failover-master {} --dry-run",
                        found.doubtful(), address, address));
        doubtful.push_back(address);
    }
    if (doubtful.empty()) return;
    context_.fail(
        ExitCode::needs_person,
        fmt::format("Workflows of {} may have been running on the master failed over now: "
                    "see the warnings.",
                    fmt::join(doubtful, ", ")));
}

// Asked for together, because their rows are mixed among the masters.
void MasterFailover::add_names() {
    std::vector<WorkflowItem*> items;
    for (const Target& target : targets_)
        for (WorkflowItem& item : section(target).workflows.items.kept()) items.push_back(&item);
    warn_of_parents(context_, items);
    add_workflow_names(context_, std::move(items));
}

void MasterFailover::release_locks() {
    std::vector<FailoverLock*> locks;
    for (Target& target : targets_)
        if (target.lock) locks.push_back(&*target.lock);
    FailoverLock::release(context_.registry, locks);
    for (Target& target : targets_) {
        target.lock.reset();
        target.claims.reset();
    }
    claims_.release();
}

void MasterFailover::finish(std::optional<Outcome> unfinished) {
    for (Target& target : targets_) {
        MasterSection& its = section(target);
        if (!target.changed.empty()) {
            its.workflows.skipped["state_changed"] =
                static_cast<std::int64_t>(target.changed.size());
        }
        if (!options_.dry_run) {
            its.workflows.left = std::max<std::int64_t>(
                0, its.workflows.selected - its.workflows.done - its.workflows.unknown -
                       static_cast<std::int64_t>(target.changed.size()));
        } else if (target.active && its.outcome == Outcome::nothing_to_do &&
                   its.workflows.selected > 0) {
            its.outcome = Outcome::planned;
        }
        report_doubts(context_, target.address, its.workflows.skipped, target.settles_at);
        if (!target.failed.empty()) {
            context_.fail(
                ExitCode::needs_person,
                fmt::format("{} workflows of {} could not be failed over, see the items; the first "
                            "is workflow instance {}",
                            target.failed.size(), target.address, target.failed_first));
        }
        if (its.workflows.unknown > 0) {
            context_.fail(
                ExitCode::failed,
                fmt::format("Whether {} workflows of {} were failed over is unknown, because the "
                            "database did not come back to be asked ({}). Run the same command "
                            "again when it is back: it sees what was committed and does the rest.",
                            its.workflows.unknown, target.address, target.unknown_why));
        }
        if (unfinished && target.active && !its.mark) its.outcome = *unfinished;
    }
    release_locks();
    add_names();
}

void MasterFailover::wait_for_recovery(EpochMs until) {
    if (!options_.wait || options_.dry_run) return;
    for (Target& target : targets_) {
        if (section(target).workflows.done == 0) continue;
        section(target).recovery = RecoveryInfo{
            0, std::ssize(target.command_ids) + std::ssize(target.without_command_id), 0};
    }
    for (Target& target : targets_) {
        auto& recovery = section(target).recovery;
        if (!recovery) continue;
        recovery->recovered = find_commands(target);
        const auto problems = watch_recovery(context_, target.command_ids, until, *recovery);
        report_recovery(context_, *recovery, problems, options_.wait);
    }
}

}  // namespace dsfailover
