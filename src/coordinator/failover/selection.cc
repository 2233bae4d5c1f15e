#include "coordinator/failover/selection.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/address.h"
#include "base/interruption.h"
#include "base/plural.h"
#include "coordinator/asking/asked_in_report.h"
#include "coordinator/asking/idle_workflows.h"
#include "coordinator/clock_check.h"
#include "coordinator/failover/resumed_parents.h"
#include "database/batches.h"
#include "store/command_store.h"
#include "store/workflow_instance_store.h"
#include "store/workflow_state.h"

namespace dsfailover {

namespace {

constexpr std::size_t kActivityPage = 4000;

// Up to so many their tasks are looked up by the workflow; beyond, one pass over all is cheaper.
constexpr std::int64_t kMovesOneByOne = 20'000;

constexpr std::size_t kAskedOfOldProcess = 1000;

// Of so many addresses the stamps are read once more, ahead of the scan.
constexpr std::size_t kAddressesTold = 8;

/// A stamp as rows are compared with it. One whose zone nobody knows any more is as one of 0.1.
StampFacts stamp_facts(const Stamp& stamp, const TimeZone& zone, const Servers& servers) {
    StampFacts facts;
    facts.value = stamp.value;
    facts.local_us = zone.to_local(stamp.value * 1000);
    if (!stamp.knows_origin()) return facts;
    try {
        const std::int64_t local_us = TimeZone(stamp.zone).to_local(stamp.value * 1000);
        if (local_us != facts.local_us) facts.foreign_local_us = local_us;
    } catch (const UsageError&) {
        return facts;
    }
    facts.knows_origin = true;
    facts.origin_lives =
        std::all_of(stamp.masters.begin(), stamp.masters.end(), [&](const SeenMaster& seen) {
            const Server* living = servers.master(seen.address);
            return living && living->startup_time == seen.startup_time;
        });
    return facts;
}

/// One reading under way.
class Reader {
  public:
    Reader(const RunContext& context, const Servers& servers, const SelectionRequest& request,
           const SkipCallback& skipped)
        : context_(context),
          servers_(servers),
          request_(request),
          skipped_(skipped),
          watch_(request.watch ? *request.watch : own_watch_),
          left_to_parents_(request.left_to_parents ? *request.left_to_parents
                                                   : own_left_to_parents_),
          marks_(context.registry),
          // The clocks are a minute apart at most, or the run would have ended.
          clock_(std::max(request.event_time, now_ms())) {
        for (const Server& worker : servers.workers) workers_.insert(worker.address);
    }

    Selection read() {
        const std::vector<std::string> hosts(request_.addresses.begin(), request_.addresses.end());
        CommandStore commands(context_.store());
        read_from_ = context_.database.file_version();
        // Before the rows: a master deletes the command and changes its row at once, so that it is
        // seen with its command, in state 18, or with neither, but never missed.
        watch_.look(commands);
        scan(hosts);
        for (const std::string& address : hosts) at(address);
        for (auto& [address, seen] : seen_busy_) look_for_commands(commands, address, seen);
        for (auto& [address, questions] : questions_) settle(address, questions);
        if (clock_ > request_.moves_count_after) leave_out_moved();
        ask_masters();
        // That may have ended at the first one: what stands behind it is unknown.
        if (!request_.until_selected) leave_for_family();
        return std::move(selection_);
    }

  private:
    /// An instance that the masters are asked about, with what is known of it.
    struct Question {
        std::string address;
        bool wanted;
        WorkflowInstance instance;
        Evidence evidence;

        // Those that the run is about come first.
        bool operator<(const Question& other) const {
            return std::pair(!wanted, instance.id) < std::pair(!other.wanted, other.instance.id);
        }
    };

    void scan(const std::vector<std::string>& hosts) {
        WorkflowInstanceStore workflows(context_.store());
        if (!request_.ids.empty()) {
            for (const WorkflowInstance& instance : workflows.by_ids(request_.ids, false))
                if (is_unfinished(instance.state) || instance.state == workflow_state::kFailover)
                    sort(instance);
            return;
        }
        if (request_.each) {
            return workflows.scan_states(kNotEndedStates, [&](const WorkflowInstance& instance) {
                request_.each(instance);
                sort(instance);
            });
        }
        const std::vector<std::string> whose =
            request_.all_hosts ? std::vector<std::string>() : hosts;
        const std::vector<EpochMs> stamps = stamps_told_apart();
        if (!request_.until_selected) {
            return workflows.scan_with_failover(
                whose, stamps, [&](const WorkflowInstance& instance) { sort(instance); });
        }
        workflows.scan_failover(whose, stamps,
                                [&](const WorkflowInstance& instance) { sort(instance); });
        try {
            workflows.scan_unfinished(whose, [&](const WorkflowInstance& instance) {
                sort(instance);
                if (any_selected_) throw Selected();
            });
        } catch (const Selected&) {
        }
    }

    // An instance in state 18 that carries one of these need not be noted: it is known again by its
    // stamp. Where many workflows wait for a master, that is nearly all of them.
    std::vector<EpochMs> stamps_told_apart() {
        std::vector<EpochMs> values;
        for (const auto& [address, stamp] : request_.own_stamps) values.push_back(stamp);
        if (request_.addresses.size() > kAddressesTold) return values;
        const std::vector<std::string> addresses(request_.addresses.begin(),
                                                 request_.addresses.end());
        for (const auto& [address, known] : read_all_stamps(context_.registry, addresses)) {
            for (const Stamp& stamp : known.stamps) values.push_back(stamp.value);
        }
        return values;
    }

    void sort(const WorkflowInstance& instance) {
        if (instance.state == workflow_state::kFailover)
            watch_.note(instance.id);
        else if (is_unfinished(instance.state))
            take(instance);
    }

    AddressSelection& at(const std::string& address) {
        const auto [entry, is_new] = selection_.addresses.try_emplace(address);
        if (is_new) {
            read_facts(address, entry->second);
            entry->second.read_from = read_from_;
        }
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
        facts.event_time_given = request_.event_time_given;
        facts.by_answer_alone = living && request_.by_answer.contains(address);
        // A living master whose startup time cannot be read keeps everything it has.
        if (living) facts.deadline = std::min(facts.deadline, living->startup_time.value_or(0));
        facts.recovery_leaves_host = context_.schema.recovery_leaves_host();
        facts.any_master_lives = !servers_.masters.empty();
        facts.clock = clock_;
        found.stamps = stamps_of(address);
        found.marks = marks_.of(address);
        facts.newest_mark = found.marks.newest;
        facts.unparsable_mark = found.marks.unparsable || !found.stamps.problem.empty();
        if (!found.stamps.problem.empty()) warn_once(found.stamps.problem);
        const auto own = request_.own_stamps.find(address);
        for (const Stamp& stamp : found.stamps.stamps) {
            const bool is_own = own != request_.own_stamps.end() && own->second == stamp.value;
            if (!is_own) facts.stamps.push_back(stamp_facts(stamp, context_.zone, servers_));
        }
        if (own != request_.own_stamps.end())
            facts.own_stamp_local_us = context_.zone.to_local(own->second * 1000);
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
            return tell_of_no_address(instance);
        }
        if (!is_address(*instance.host)) {
            selection_.odd_hosts.insert(*instance.host);
            return tell_of_no_address(instance);
        }
        check_start_time(context_, instance, clock_);
        AddressSelection& found = at(*instance.host);
        if (found.facts.lives) selection_.any_of_living_master = true;
        if (found.some_ids.size() < kAskedOfOldProcess) found.some_ids.push_back(instance.id);
        if (!is_meant(instance)) return;
        ++found.total;
        if (const auto& started = instance.last_start()) {
            found.latest_start_us =
                std::max(found.latest_start_us.value_or(INT64_MIN), started->instants.latest_us);
            found.oldest_start =
                std::min(found.oldest_start.value_or(INT64_MAX), started->epoch_ms());
        } else {
            found.start_unknown = true;
        }
        if (watch_.seen(instance.id))
            seen_busy_[*instance.host].add(instance);
        else
            weigh(*instance.host, found, instance, {});
    }

    void tell(const AddressFacts& facts, const WorkflowInstance& instance,
              const Evidence& evidence) const {
        if (request_.judged) request_.judged(instance, facts, evidence);
    }

    void tell_of_no_address(const WorkflowInstance& instance) const {
        AddressFacts facts;
        facts.is_address = false;
        tell(facts, instance, {});
    }

    bool is_meant(const WorkflowInstance& instance) const {
        const auto only = request_.only.find(*instance.host);
        return only == request_.only.end() || only->second.contains(instance.id);
    }

    void weigh(const std::string& address, AddressSelection& found,
               const WorkflowInstance& instance, const Evidence& evidence) {
        if (needs_task_activity(instance, found.facts, evidence))
            questions_[address].add(instance);
        else
            decide(address, found, instance, evidence);
    }

    // t_ds_command has no index for the question: it is asked for many together.
    void look_for_commands(CommandStore& commands, const std::string& address,
                           WorkflowSpool& seen) {
        AddressSelection& found = at(address);
        for_pages(seen, kIdsPerQuery, address, [&](const auto& page) {
            std::unordered_set<std::int64_t> waiting;
            for (const WaitingCommand& command : commands.for_workflows(ids_of(page)))
                waiting.insert(command.workflow_instance_id);
            for (const WorkflowInstance& instance : page) {
                Evidence evidence;
                evidence.seen_busy = true;
                evidence.command_waits = waiting.contains(instance.id);
                weigh(address, found, instance, evidence);
            }
        });
    }

    // Task activity is asked for after the scan, a page of instances at a time; while the answer to
    // one is judged, the server is at the next.
    void settle(const std::string& address, WorkflowSpool& questions) {
        AddressSelection& found = at(address);
        found.facts.newest_mark_of_any_master = marks_.newest_of_any_master(workers_);
        TaskInstanceStore tasks(context_.store());
        for_prepared_pages(
            questions, kActivityPage, address,
            [&](const auto& page) { return tasks.activity(ids_of(page)); },
            [&](const auto& page, auto& activity) {
                for (const auto& instance : page) {
                    Evidence evidence;
                    const auto known = activity.find(instance.id);
                    if (known != activity.end()) evidence.activity = std::move(known->second);
                    const auto& latest = evidence.activity.latest;
                    evidence.moved_in_run =
                        latest && request_.moves_count_after < INT64_MAX / 1000 &&
                        latest->instants.earliest_us > request_.moves_count_after * 1000;
                    decide(address, found, instance, evidence);
                }
            });
    }

    // What was selected without a look at its tasks, and moved during the run: somebody has it.
    void leave_out_moved() {
        std::int64_t selected = 0;
        for (const auto& [address, found] : selection_.addresses) selected += found.selected.size();
        TaskInstanceStore tasks(context_.store());
        std::unordered_set<std::int64_t> moved;
        const bool one_by_one = selected <= kMovesOneByOne;
        if (selected > 0 && !one_by_one) {
            tasks.scan_active_since(request_.moves_count_after,
                                    [&](std::int64_t id) { moved.insert(id); });
        }
        look_again([&](const std::string& address, AddressSelection& found, const auto& page) {
            if (one_by_one) {
                const auto some = tasks.active_since(ids_of(page), request_.moves_count_after);
                moved = {some.begin(), some.end()};
            }
            for (const WorkflowInstance& instance : page) {
                unselect(found, instance);
                Evidence evidence;
                evidence.moved_in_run = moved.contains(instance.id);
                if (evidence.moved_in_run)
                    decide(address, found, instance, evidence);
                else
                    select(found, instance);
            }
        });
    }

    // Parents and children that are in each other's way.
    void leave_for_family() {
        std::vector<FamilyMember> members;
        for (const auto& [id, member] : family_) members.push_back(member);
        AskAboutChildren ask;
        if (request_.inquiry)
            ask = [&](std::span<const WorkflowInstance> children) { return say_of(children); };
        const auto left = left_for_family(context_, members, ask, clock_, left_to_parents_);
        if (left.empty()) return;
        look_again([&](const std::string& address, AddressSelection& found, const auto& page) {
            for (const WorkflowInstance& instance : page) {
                const auto why = left.find(instance.id);
                if (why == left.end())
                    found.selected.add(instance);
                else
                    leave(address, found, instance, why->second);
            }
        });
    }

    // Gives `look` all that was selected, page by page; selected remains what it adds again.
    template <typename Look>
    void look_again(const Look& look) {
        for (auto& entry : selection_.addresses) {
            WorkflowSpool before = std::exchange(entry.second.selected, WorkflowSpool());
            for_pages(before, kActivityPage, entry.first,
                      [&](const auto& page) { look(entry.first, entry.second, page); });
        }
    }

    // Until it is time to rely on an answer, only that one is held counts.
    std::vector<MastersSaid> say_of(std::span<const WorkflowInstance> children) const {
        const std::vector<std::int64_t> ids = ids_of(children);
        for (const WorkflowInstance& child : children)
            request_.inquiry->saw_without_command(child, now_ms());
        if (request_.asking != SelectionRequest::Asking::not_yet) return ask(ids);
        return std::vector<MastersSaid>(ids.size(), {MasterAnswer::not_held, "", true});
    }

    void leave(const std::string& address, AddressSelection& found,
               const WorkflowInstance& instance, const LeftForFamily& why) {
        unselect(found, instance);
        ++found.skipped[why.verdict];
        if (request_.in_doubt.ids.contains(instance.id))
            found.named_left[instance.id] =
                fmt::format("is {}: {}", to_string(skip_reason(why.verdict)), why.other);
        if (skipped_)
            skipped_(address, {instance, why.verdict, std::nullopt, MastersSaid(), why.other});
    }

    bool wanted(const std::string& address) const {
        return request_.addresses.empty() || request_.addresses.contains(address);
    }

    // A run of ours that is under way at the same time, or has just been, did this.
    bool is_work_of_a_run_since(const WorkflowInstance& instance,
                                const AddressSelection& found) const {
        const StampFacts* const stamp = carried_stamp(instance, found.facts);
        return stamp && stamp->value >= request_.run_began;
    }

    // --in-doubt means it.
    bool is_overruled(const WorkflowInstance& instance, const Judgement& judgement,
                      AddressSelection& found) const {
        const bool named = request_.in_doubt.ids.contains(instance.id);
        if (!named && !request_.in_doubt.all) return false;
        if (!can_be_overruled(judgement, named) || is_work_of_a_run_since(instance, found))
            return false;
        return true;
    }

    void select(AddressSelection& found, const WorkflowInstance& instance) {
        ++found.selectable;
        if (!wanted(*instance.host)) return;
        if (request_.in_doubt.ids.contains(instance.id)) found.named.insert(instance.id);
        any_selected_ = true;
        found.selected.add(instance);
        if (const FamilyMember member = family_member(instance); member.matters())
            family_.emplace(member.id, member);
    }

    // Its place in `found.selected` is the caller's.
    void unselect(AddressSelection& found, const WorkflowInstance& instance) {
        --found.selectable;
        found.named.erase(instance.id);
        family_.erase(instance.id);
    }

    void decide(const std::string& address, AddressSelection& found,
                const WorkflowInstance& instance, const Evidence& evidence) {
        const Judgement judgement = judge(instance, found.facts, evidence);
        if (is_to_be_asked(address, judgement))
            add_question({address, wanted(address), instance, evidence});
        else
            conclude(address, found, instance, evidence, judgement, {});
    }

    void conclude(const std::string& address, AddressSelection& found,
                  const WorkflowInstance& instance, const Evidence& evidence, Judgement judgement,
                  const MastersSaid& said) {
        tell(found.facts, instance, evidence);
        const bool is_wanted = wanted(address);
        // Whoever holds the lock that was passed may be at work after all.
        if (judgement.verdict == Verdict::selected && said.answer != MasterAnswer::not_held &&
            request_.ask_about_all.contains(address))
            judgement.verdict = Verdict::in_doubt;
        if (judgement.verdict == Verdict::selected ||
            (is_wanted && is_overruled(instance, judgement, found)))
            return select(found, instance);
        if (!said.held_by.empty() && judgement.verdict == Verdict::running_elsewhere) ++found.held;
        ++found.skipped[judgement.verdict];
        if (is_wanted && request_.in_doubt.ids.contains(instance.id))
            found.named_left[instance.id] =
                said.held_by.empty()
                    ? fmt::format("is {}", to_string(skip_reason(judgement.verdict)))
                    : fmt::format("runs: {} holds it", said.held_by);
        if (judgement.verdict == Verdict::impossible_start) ++found.impossible;
        if (judgement.verdict == Verdict::settling) note_settling(instance, found);
        const bool left_out =
            judgement.verdict == Verdict::own_work ||
            (request_.leave_out_own_work && is_work_of_a_run_since(instance, found));
        const auto& latest = evidence.activity.latest;
        if (is_wanted && skipped_ && !left_out)
            skipped_(address, {instance, judgement.verdict,
                               latest ? std::optional(latest->epoch_ms()) : std::nullopt, said});
    }

    // Rows 4 to 15 where the answer can change what is concluded without one; all that would be
    // selected only where that is wished.
    bool is_to_be_asked(const std::string& address, const Judgement& judgement) const {
        if (!request_.inquiry) return false;
        if (judgement.verdict != Verdict::selected) return judgement.row >= 5;
        const bool about_all = request_.inquiry->options().about == AskAbout::all ||
                               request_.ask_about_all.contains(address);
        return about_all && wanted(address);
    }

    // A heap of the lowest ids, so that the memory does not grow with their number.
    void add_question(Question question) {
        open_.push_back(std::move(question));
        std::push_heap(open_.begin(), open_.end());
        if (std::cmp_less_equal(open_.size(), request_.inquiry->options().limit)) return;
        std::pop_heap(open_.begin(), open_.end());
        const Question beyond = std::move(open_.back());
        open_.pop_back();
        ++beyond_limit_;
        conclude_without_answer(beyond);
    }

    void conclude_without_answer(const Question& question) {
        AddressSelection& found = at(question.address);
        conclude(question.address, found, question.instance, question.evidence,
                 judge(question.instance, found.facts, question.evidence), {});
    }

    std::vector<MastersSaid> ask(std::span<const std::int64_t> ids) const {
        return request_.asking == SelectionRequest::Asking::until_sure
                   ? request_.inquiry->ask(ids)
                   : request_.inquiry->ask_once(ids);
    }

    // In the end, so that all are asked about in one round.
    void ask_masters() {
        if (open_.empty()) return;
        std::sort(open_.begin(), open_.end());
        std::vector<std::int64_t> ids;
        const EpochMs seen_at = now_ms();  // after a scan that may take long
        for (const Question& each : open_) {
            ids.push_back(each.instance.id);
            if (!each.evidence.command_waits)
                request_.inquiry->saw_without_command(each.instance, seen_at);
        }
        // Where something is selected the run goes on in any case, and will ask.
        if (request_.asking == SelectionRequest::Asking::not_yet ||
            (request_.until_selected && any_selected_)) {
            for (const Question& each : open_) conclude_without_answer(each);
            return;
        }
        look_who_moved(ids);
        std::vector<MastersSaid> said = ask(ids);
        find_idle(said);
        for (std::size_t i = 0; i < open_.size(); ++i) conclude_with_answer(open_[i], said[i]);
        if (beyond_limit_ > 0)
            context_.warn(fmt::format(
                "The masters were not asked about {}: --ask-limit {} asks about those with the "
                "lowest ids.",
                counted(beyond_limit_, "workflow"), request_.inquiry->options().limit));
    }

    void find_idle(std::vector<MastersSaid>& said) const {
        std::vector<WorkflowInstance> held;
        for (std::size_t i = 0; i < open_.size(); ++i)
            if (said[i].answer == MasterAnswer::held) held.push_back(open_[i].instance);
        if (held.empty()) return;
        const auto idle = idle_among(context_, held, clock_, request_.inquiry->options().timeout);
        for (std::size_t i = 0; i < open_.size(); ++i)
            if (idle.contains(open_[i].instance.id)) said[i].answer = MasterAnswer::held_idle;
    }

    // What is selected by its row alone, and asked about all the same, was not looked at.
    void look_who_moved(std::span<const std::int64_t> ids) {
        if (clock_ <= request_.moves_count_after) return;
        const auto some =
            TaskInstanceStore(context_.store()).active_since(ids, request_.moves_count_after);
        const std::unordered_set<std::int64_t> moved(some.begin(), some.end());
        for (Question& each : open_)
            if (moved.contains(each.instance.id)) each.evidence.moved_in_run = true;
    }

    void conclude_with_answer(const Question& question, const MastersSaid& said) {
        const std::int64_t id = question.instance.id;
        AddressSelection& found = at(question.address);
        Evidence evidence = question.evidence;
        evidence.answer = said.answer;
        Judgement judgement = judge(question.instance, found.facts, evidence);
        // Too early to rely on it.
        if (request_.asking == SelectionRequest::Asking::who_holds &&
            said.answer == MasterAnswer::not_held) {
            evidence.answer = MasterAnswer::not_asked;
            const Judgement unasked = judge(question.instance, found.facts, evidence);
            if (judgement != unasked) ++found.open_questions;
            judgement = unasked;
        }
        if (judgement.verdict == Verdict::selected && evidence.answer == MasterAnswer::not_held) {
            ++found.by_answer;
            request_.inquiry->rely_on_answer(id);
        }
        conclude(question.address, found, question.instance, evidence, judgement, said);
    }

    static void note_settling(const WorkflowInstance& instance, AddressSelection& found) {
        const StampFacts* const stamp = carried_stamp(instance, found.facts);
        const EpochMs since = stamp ? stamp->value : found.facts.newest_mark.value_or(0);
        found.settles_at = std::max(found.settles_at.value_or(0), since + kSettlingMs);
    }

    struct Selected {};  // ends a scan

    const RunContext& context_;
    const Servers& servers_;
    const SelectionRequest& request_;
    const SkipCallback& skipped_;
    CommandWatch own_watch_;
    CommandWatch& watch_;
    std::set<std::int64_t> own_left_to_parents_;
    std::set<std::int64_t>& left_to_parents_;
    FailoverMarks marks_;
    std::map<std::string, FailoverStamps> stamps_;
    std::optional<FileVersion> read_from_;
    EpochMs clock_;
    std::set<std::string> workers_;
    std::map<std::string, WorkflowSpool> seen_busy_;  // by this run, before the scan
    std::map<std::string, WorkflowSpool> questions_;  // whose task activity decides
    bool any_selected_ = false;
    std::vector<Question> open_;
    std::int64_t beyond_limit_ = 0;
    std::map<std::int64_t, FamilyMember> family_;  // of those selected
    Selection selection_;
};

}  // namespace

std::int64_t AddressSelection::doubtful() const {
    std::int64_t count = 0;
    for (const auto verdict : {Verdict::in_doubt, Verdict::settling, Verdict::running_elsewhere}) {
        if (const auto found = skipped.find(verdict); found != skipped.end())
            count += found->second;
    }
    return count - held;
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
                           [](const auto& entry) { return entry.second.doubtful() > 0; });
    } catch (const EnvironmentError&) {
        return true;
    }
}

WorkflowItem workflow_item(std::int64_t id, int state, WorkflowOutcome outcome) {
    WorkflowItem item;
    item.id = id;
    item.previous_state = workflow_state_name(state);
    item.outcome = outcome;
    return item;
}

WorkflowItem skipped_item(const SkippedWorkflow& skipped) {
    const WorkflowInstance& instance = skipped.instance;
    WorkflowItem item = workflow_item(instance.id, instance.state, WorkflowOutcome::skipped);
    item.reason = to_string(skip_reason(skipped.verdict));
    item.last_task_activity = skipped.last_task_activity;
    if (!skipped.said.held_by.empty()) item.held_by = skipped.said.held_by;
    return item;
}

void report_doubts(const RunContext& context, const std::string& address,
                   const std::map<SkipReason, std::int64_t>& skipped,
                   std::optional<EpochMs> settles_at) {
    const auto say = [&](SkipReason reason, const auto& text) {
        const auto found = skipped.find(reason);
        if (found == skipped.end() || found->second == 0) return;
        context.fail(ExitCode::needs_person, text(found->second));
    };
    say(SkipReason::in_doubt, [&](std::int64_t count) {
        return fmt::format(
            "Workflows of {} in doubt: {}. Another master may be running them, and failing over "
            "what runs makes it hang or run twice. {} The logs of the masters tell who has one; "
            "name those that no master runs with --in-doubt ID,ID.",
            address, count,
            context.servers ? fmt::format("Not every living master said whether it holds them: {}.",
                                          why_unanswered(context.report))
                            : "The masters were not asked.");
    });
    say(SkipReason::settling, [&](std::int64_t count) {
        return fmt::format(
            "Workflows of {} handed over moments ago: {}. No task of theirs has moved since, which "
            "may take some minutes: look again at {}.",
            address, count, format_rfc3339(settles_at.value_or(now_ms())));
    });
    say(SkipReason::command_pending, [&](std::int64_t count) {
        return fmt::format(
            "Workflows of {} with a command that waits in t_ds_command: {}. They were left, since "
            "a second command would run them twice. If no master takes the commands, see status; "
            "a command in state RUNNING_EXECUTION that nobody wants must be deleted by hand first.",
            address, count);
    });
}

}  // namespace dsfailover
