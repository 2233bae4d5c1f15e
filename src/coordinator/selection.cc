#include "coordinator/selection.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/address.h"
#include "base/interruption.h"
#include "coordinator/cluster_check.h"

namespace dsfailover {

namespace {

constexpr std::size_t kActivityPage = 1000;

/// One reading under way.
class Reader {
  public:
    Reader(const RunContext& context, const Servers& servers, const SelectionRequest& request,
           const SkipCallback& skipped)
        : context_(context),
          servers_(servers),
          request_(request),
          skipped_(skipped),
          marks_(context.registry),
          // The clocks are a minute apart at most, or the run would have ended.
          clock_(std::max(request.event_time, now_ms())) {
        for (const Server& worker : servers.workers) workers_.insert(worker.address);
    }

    Selection read() {
        const std::vector<std::string> hosts(request_.addresses.begin(), request_.addresses.end());
        scan(hosts);
        for (const std::string& address : hosts) at(address);
        for (auto& [address, questions] : questions_) settle(address, questions);
        return std::move(selection_);
    }

  private:
    void scan(const std::vector<std::string>& hosts) {
        using namespace workflow_state;
        WorkflowInstanceStore workflows(context_.store());
        workflows.scan_unfinished(
            request_.all_hosts ? std::vector<std::string>() : hosts,
            static_cast<bool>(request_.in_failover), [&](const WorkflowInstance& instance) {
                instance.state == kFailover ? request_.in_failover(instance) : take(instance);
            });
    }

    AddressSelection& at(const std::string& address) {
        const auto [entry, is_new] = selection_.addresses.try_emplace(address);
        if (is_new) read_facts(address, entry->second);
        return entry->second;
    }

    // Only once the scan has begun: a stamp is older than what carries it, so that none is missing
    // that an instance of the scan carries. Those asked for are read together.
    const FailoverStamps& stamps_of(const std::string& address) {
        if (!stamps_.contains(address)) {
            std::set<std::string> unread{address};
            if (stamps_.empty())
                unread.insert(request_.addresses.begin(), request_.addresses.end());
            const std::vector<std::string> addresses(unread.begin(), unread.end());
            marks_.read_all(addresses);
            stamps_.merge(read_all_stamps(context_.registry, addresses));
        }
        return stamps_.at(address);
    }

    void read_facts(const std::string& address, AddressSelection& found) {
        AddressFacts& facts = found.facts;
        const Server* living = servers_.master(address);
        facts.lives = living != nullptr;
        facts.deadline = request_.event_time;
        // A living master whose startup time cannot be read keeps everything it has.
        if (living) facts.deadline = std::min(facts.deadline, living->startup_time.value_or(0));
        facts.recovery_leaves_host = context_.schema.recovery_leaves_host();
        facts.any_master_lives = !servers_.masters.empty();
        found.stamps = stamps_of(address);
        found.marks = marks_.of(address);
        facts.newest_mark = found.marks.newest;
        facts.unparsable_mark = found.marks.unparsable || !found.stamps.problem.empty();
        if (!found.stamps.problem.empty()) warn_once(found.stamps.problem);
        facts.stamps = found.stamps.values;
        facts.zone = context_.zone;
    }

    void warn_once(const std::string& text) {
        const auto& warnings = context_.report.warnings;
        if (std::find(warnings.begin(), warnings.end(), text) == warnings.end())
            context_.warn(text);
    }

    void take(const WorkflowInstance& instance) {
        check_interruption();
        if (!instance.host || instance.host->empty()) {
            ++selection_.ownerless;
            return;
        }
        if (!is_address(*instance.host)) {
            selection_.odd_hosts.insert(*instance.host);
            return;
        }
        check_start_time(instance, clock_);
        AddressSelection& found = at(*instance.host);
        if (found.facts.lives) selection_.any_of_living_master = true;
        ++found.total;
        if (const auto& started = instance.last_start()) {
            found.latest_start_us =
                std::max(found.latest_start_us.value_or(INT64_MIN), started->instants.latest_us);
            found.oldest_start =
                std::min(found.oldest_start.value_or(INT64_MAX), started->epoch_ms());
        } else {
            found.start_unknown = true;
        }
        if (needs_task_activity(instance, found.facts)) {
            questions_[*instance.host].add(instance);
        } else {
            decide(*instance.host, found, instance, judge(instance, found.facts, {}), std::nullopt);
        }
    }

    // Task activity is asked for after the scan, a page of instances at a time.
    void settle(const std::string& address, WorkflowSpool& questions) {
        AddressSelection& found = at(address);
        found.facts.newest_mark_of_any_master = marks_.newest_of_any_master(workers_);
        TaskInstanceStore tasks(context_.store());
        for (;;) {
            check_interruption();
            const auto page = questions.take(kActivityPage, address);
            if (page.empty()) return;
            std::vector<std::int64_t> ids;
            ids.reserve(page.size());
            for (const auto& instance : page) ids.push_back(instance.id);
            const auto activity = tasks.activity(ids);
            for (const auto& instance : page) {
                const auto known = activity.find(instance.id);
                const TaskActivity none;
                const TaskActivity& its = known == activity.end() ? none : known->second;
                decide(address, found, instance, judge(instance, found.facts, its),
                       its.latest ? std::optional(its.latest->epoch_ms()) : std::nullopt);
            }
        }
    }

    bool wanted(const std::string& address) const {
        return request_.addresses.empty() || request_.addresses.contains(address);
    }

    bool demanded(const WorkflowInstance& instance, Verdict verdict,
                  AddressSelection& found) const {
        const bool doubtful = verdict == Verdict::in_doubt ||
                              verdict == Verdict::running_elsewhere ||
                              verdict == Verdict::done_before;
        if (!doubtful || carried_stamp(instance, found.facts) >= request_.run_began) return false;
        if (request_.in_doubt.ids.contains(instance.id)) {
            found.named.insert(instance.id);
            return true;
        }
        return verdict == Verdict::in_doubt && request_.in_doubt.all;
    }

    void decide(const std::string& address, AddressSelection& found,
                const WorkflowInstance& instance, Verdict verdict,
                std::optional<EpochMs> last_task_activity) {
        const bool is_wanted = wanted(address);
        if (verdict == Verdict::selected || (is_wanted && demanded(instance, verdict, found))) {
            ++found.selectable;
            if (is_wanted) found.selected.add(instance);
            return;
        }
        ++found.skipped[verdict];
        if (verdict == Verdict::started_after_deadline && !found.facts.lives &&
            !carried_stamp(instance, found.facts)) {
            ++found.impossible;
        }
        const bool left_out = request_.leave_out_own_work &&
                              carried_stamp(instance, found.facts) >= request_.run_began;
        if (is_wanted && skipped_ && !left_out)
            skipped_(address, instance, verdict, last_task_activity);
    }

    const RunContext& context_;
    const Servers& servers_;
    const SelectionRequest& request_;
    const SkipCallback& skipped_;
    FailoverMarks marks_;
    std::map<std::string, FailoverStamps> stamps_;
    EpochMs clock_;
    std::set<std::string> workers_;
    std::map<std::string, WorkflowSpool> questions_;
    Selection selection_;
};

}  // namespace

std::int64_t AddressSelection::in_doubt() const {
    std::int64_t count = 0;
    for (const auto verdict : {Verdict::in_doubt, Verdict::running_elsewhere}) {
        if (const auto found = skipped.find(verdict); found != skipped.end())
            count += found->second;
    }
    return count;
}

Selection read_selection(const RunContext& context, const Servers& servers,
                         const SelectionRequest& request, const SkipCallback& skipped) {
    return Reader(context, servers, request, skipped).read();
}

bool any_in_doubt(const RunContext& context, const Servers& servers) {
    SelectionRequest request;
    request.all_hosts = true;
    request.event_time = request.run_began = latest_clock(context.database);
    try {
        const Selection selection = read_selection(context, servers, request, {});
        return std::any_of(selection.addresses.begin(), selection.addresses.end(),
                           [](const auto& entry) { return entry.second.in_doubt() > 0; });
    } catch (const EnvironmentError&) {
        return true;
    }
}

WorkflowItem workflow_item(const WorkflowInstance& instance, std::string outcome) {
    WorkflowItem item;
    item.id = instance.id;
    item.previous_state = std::string(workflow_state_name(instance.state));
    item.outcome = std::move(outcome);
    return item;
}

WorkflowItem skipped_item(const WorkflowInstance& instance, Verdict verdict,
                          std::optional<EpochMs> last_task_activity) {
    WorkflowItem item = workflow_item(instance, "skipped");
    item.reason = std::string(to_string(verdict));
    item.last_task_activity = last_task_activity;
    return item;
}

void report_doubt(const RunContext& context, const std::string& address, std::int64_t workflows) {
    context.fail(
        ExitCode::needs_person,
        fmt::format(
            "{} workflows of {} are in doubt: another master may be running them, and failing over "
            "what runs makes it hang or run twice. Look at the last task activity of each in the "
            "items; fail over those that nobody runs with --in-doubt ID,....",
            workflows, address));
}

}  // namespace dsfailover
