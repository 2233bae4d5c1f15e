#include "coordinator/failover/master_reading.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/plural.h"
#include "coordinator/clock_check.h"
#include "coordinator/failover/global_targets.h"
#include "coordinator/marks/failover_marks.h"
#include "registry/paths.h"

namespace dsfailover {

namespace {

constexpr int kReadings = 3;  // of one kind, while servers come

}  // namespace

MasterReading::MasterReading(const RunContext& context, const FailoverOptions& options,
                             FirstLook& look, std::vector<MasterTarget>& targets,
                             std::optional<EpochMs> given)
    : context_(context),
      options_(options),
      look_(look),
      targets_(targets),
      given_event_time_(given) {}

void MasterReading::set_event_time() {
    event_time_ =
        given_event_time_.value_or(targets_.empty() ? look_.at : latest_clock(context_.database));
    if (context_.report.event) context_.report.event->event_time = event_time_;
}

MasterTarget* MasterReading::find(const std::string& address) {
    const auto found =
        std::find_if(targets_.begin(), targets_.end(),
                     [&](const MasterTarget& target) { return target.address == address; });
    return found == targets_.end() ? nullptr : &*found;
}

std::set<std::string> MasterReading::open() const {
    std::set<std::string> addresses;
    for (const MasterTarget& target : targets_) {
        if (target.is_open()) addresses.insert(target.address);
    }
    return addresses;
}

void MasterReading::look_without_locks(bool whole_cluster) {
    const std::set<std::string> wanted = open();
    if (wanted.empty()) return;
    SelectionRequest wish = request(wanted, whole_cluster, true);
    wish.until_selected = targets_.size() == 1;
    wish.asking = Asking::who_holds;
    Selection selection = read_once(wish, true);
    const auto met = judge_open(selection);
    const std::set<std::string> left = open();
    for (const std::string& address : left) find(address)->record.forget_reading();
    if (!left.empty()) {
        if (wish.until_selected) take_note_of_questions(left, whole_cluster);
        return;
    }
    activity_lags(context_, look_.servers, look_.activity);
    if (whole_cluster) warn_of_others(selection);
    say_which_named_were_left(met);
}

// While the grace time passes: what is asked about after it must have been seen before, and the
// look may have ended at the first instance that is selected.
void MasterReading::take_note_of_questions(const std::set<std::string>& addresses, bool all_hosts) {
    if (!look_.inquiry || options_.grace < look_.inquiry->options().apart) return;
    SelectionRequest wish = request(addresses, all_hosts, true);
    wish.asking = Asking::not_yet;
    read_selection(context_, look_.servers, wish, {});
}

Selection MasterReading::first(bool whole_cluster) {
    const std::set<std::string> wanted = open();
    if (targets_.empty()) say_which_named_were_left({});
    if (wanted.empty()) return {};
    const bool restarted =
        std::any_of(targets_.begin(), targets_.end(),
                    [](const MasterTarget& target) { return target.is_open() && target.lives; });
    lagging_ =
        activity_lags(context_, look_.servers, look_.activity) && restarted && !given_event_time_;
    Selection selection = read(wanted, whole_cluster, true);
    if (whole_cluster) warn_of_others(selection);
    say_which_named_were_left(judge_open(selection));
    return selection;
}

// Returns those of --in-doubt ID,... that were found, and why they are left; empty: they are not.
std::map<std::int64_t, std::string> MasterReading::judge_open(Selection& selection) {
    std::map<std::int64_t, std::string> met;
    for (MasterTarget& target : targets_) {
        if (!target.is_open()) continue;
        AddressSelection& found = selection.addresses.at(target.address);
        for (const std::int64_t id : found.named) met[id] = "";
        met.merge(found.named_left);
        judge(target, found);
    }
    return met;
}

Selection MasterReading::again(const std::set<std::string>& addresses) {
    for (const std::string& address : addresses) find(address)->record.forget_reading();
    return read(addresses, false, true);
}

Selection MasterReading::later(const std::set<std::string>& addresses) {
    return read(addresses, false, false);
}

// Who lives must be known for the whole scan: a process that registers meanwhile may have taken
// what we read as its predecessor's.
Selection MasterReading::read(const std::set<std::string>& addresses, bool all_hosts, bool first) {
    for (int tries = 1;; ++tries) {
        SelectionRequest wish = request(addresses, all_hosts, first);
        if (options_.dry_run) wish.asking = Asking::once;
        Selection selection = read_once(wish, first);
        if (options_.dry_run || tries == kReadings) return selection;
        Servers now = read_servers(context_.registry, true);
        const bool same =
            std::all_of(addresses.begin(), addresses.end(), [&](const std::string& address) {
                const Server *before = look_.servers.master(address), *after = now.master(address);
                return !after || (before && before->startup_time == after->startup_time);
            });
        look_.servers = std::move(now);
        if (same) return selection;
        for (const std::string& address : addresses) {
            if (first) find(address)->record.forget_reading();
        }
    }
}

SelectionRequest MasterReading::request(const std::set<std::string>& addresses, bool all_hosts,
                                        bool first) {
    SelectionRequest request = look_.request(event_time_, given_event_time_.has_value());
    request.addresses = addresses;
    request.all_hosts = all_hosts;
    for (const MasterTarget& target : targets_) {
        if (target.stamp) request.own_stamps.emplace(target.address, *target.stamp);
        if (target.only) request.only.emplace(target.address, *target.only);
        if (target.by_answer()) request.by_answer.insert(target.address);
        if (target.asks_about_all) request.ask_about_all.insert(target.address);
    }
    // What we failed over for --in-doubt may be in doubt again the moment a master took it.
    if (first) request.in_doubt = options_.in_doubt;
    request.leave_out_own_work = !first;
    return request;
}

Selection MasterReading::read_once(const SelectionRequest& request, bool first) {
    return read_selection(context_, look_.servers, request,
                          [&](const std::string& address, const SkippedWorkflow& skipped) {
                              find(address)->record.skip(skipped, first);
                          });
}

void MasterReading::say_which_named_were_left(const std::map<std::int64_t, std::string>& met) {
    for (const std::int64_t id : options_.in_doubt.ids) {
        const auto found = met.find(id);
        if (found != met.end() && found->second.empty()) continue;
        const std::string why =
            found == met.end() ? "is none of the unfinished workflows that are failed over here"
                               : found->second;
        context_.fail(ExitCode::needs_person,
                      fmt::format("--in-doubt names workflow instance {}, which {}: nothing was "
                                  "done about it.",
                                  id, why));
    }
}

void MasterReading::judge(MasterTarget& target, AddressSelection& found) {
    target.deadline = found.facts.deadline;
    target.record.count_first(found);
    if (!found.stamps.problem.empty())
        return stop(context_, target, ExitCode::failed, Outcome::failed, found.stamps.problem);
    const bool impossible = found.impossible > 0 && !given_event_time_;
    const bool by_deadline = target.lives && !target.by_answer();
    if (impossible || (by_deadline && lagging_ && found.selectable > 0)) {
        target.section().workflows.left = found.selectable;
        return stop(
            context_, target, ExitCode::needs_person, Outcome::partial,
            impossible
                ? fmt::format("{} of {} started after its deadline {} although it is gone: a clock "
                              "or --time-zone is wrong. Nothing of it was failed over.",
                              counted(found.impossible, "workflow"), target.address,
                              format_rfc3339(target.deadline))
                : fmt::format("{} was restarted, and the timestamps of the newest rows lie so far "
                              "behind that --time-zone "
                              "may be wrong: nothing of it was failed over. Check the zone; on a "
                              "quiet cluster give "
                              "--event-time.",
                              target.address));
    }
    if (found.selectable == 0 && found.open_questions == 0) conclude_without_work(target, found);
}

// Nothing is failed over, so no mark is written and none made newer: a newer mark would age the
// evidence of others. But an exact process that has no mark yet gets one of value 0: if it lives
// after all, cut off from the registry, it stops itself.
void MasterReading::conclude_without_work(MasterTarget& target, const AddressSelection& found) {
    if (target.only) return target.end(Outcome::nothing_to_do);
    const std::string path = mark_path(target.address, target.process);
    const auto standing = context_.registry.get(path);
    const auto value = standing ? parse_mark_value(standing->value) : std::nullopt;
    const EpochMs last_failover =
        std::max(found.facts.newest_mark.value_or(0), found.stamps.latest());
    const bool newer_than_all = last_failover > 0 && !found.start_unknown &&
                                last_failover * 1000 >= found.latest_start_us.value_or(INT64_MIN);
    const bool already = newer_than_all || value == target.deadline;
    target.end(already ? Outcome::already_failed_over : Outcome::nothing_to_do);
    if (standing) {
        target.section().mark = MarkInfo{path, value, standing->value, false};
    } else if (target.process) {
        target.stage = MasterTarget::Stage::fence_only;
        target.section().mark = MarkInfo{path, kFenceValue, std::nullopt, false};
    }
}

void MasterReading::warn_of_others(const Selection& selection) {
    warn_of_the_whole(context_, look_.servers, selection);
    report_odd_hosts(context_, selection);
    std::vector<std::string> doubtful;
    for (const auto& [address, found] : selection.addresses) {
        const std::int64_t count = found.doubtful() + found.by_answer;
        if (find(address) || found.facts.lives || count == 0) continue;
        context_.warn(
            fmt::format("{} with the host {}, which is gone, {}; the one failed over now may have "
                        "been running {}. See the report of: failover-master {} --dry-run",
                        counted(count, "unfinished workflow"), address,
                        count == 1 ? "was recovered or resumed by another master"
                                   : "were recovered or resumed by other masters",
                        count == 1 ? "it" : "them", address));
        doubtful.push_back(address);
    }
    if (doubtful.empty()) return;
    context_.fail(
        ExitCode::needs_person,
        fmt::format("Workflows of {} may have been running on the master failed over now: "
                    "see the warnings.",
                    fmt::join(doubtful, ", ")));
}

}  // namespace dsfailover
