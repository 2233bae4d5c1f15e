// judge() against a plain reading of the table of docs/behaviour.md ("Which workflows"), on cases
// in which times lie near each other, so that borders are met. A case that differs is shrunk to the
// plainest one.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>
#include <ostream>
#include <set>
#include <sstream>

#include "coordinator/failover/workflow_verdict.h"

namespace dsfailover {
namespace {

constexpr EpochMs kMinute = 60'000;
constexpr EpochMs kQuarter = 15 * kMinute;
constexpr EpochMs kBegan = 1'795'000'000'000;

/// A stamp of the address as a test thinks of it.
struct Stamp {
    EpochMs value = 0;
    bool of_0_1 = false;          // it says neither zone nor masters
    std::int64_t zone_shift = 0;  // quarter hours that the zone it was written in is ahead of ours
    bool all_masters_live = false;  // of those that lived when it was written
};

/// Everything the table speaks of, in plain values: epoch ms, the zone of the rows being UTC.
struct Case {
    bool leaves_host = false;  // 3.3.0
    enum { address, none, odd } host = address;
    bool lives = false, event_time_given = false, by_answer_alone = false, any_master_lives = false;
    EpochMs deadline = 0, clock = 0;
    std::optional<EpochMs> start, restart, mark;
    bool unparsable_mark = false;
    EpochMs mark_of_any_master = 0;
    std::optional<int> command_type;
    std::vector<Stamp> stamps;
    std::optional<EpochMs> own_stamp;
    bool command_waits = false, seen_busy = false, moved_in_run = false;
    std::optional<EpochMs> first_submit, last_activity;
    MasterAnswer answer = MasterAnswer::not_asked;

    std::optional<EpochMs> last_start() const { return restart ? restart : start; }
    bool not_held() const { return answer == MasterAnswer::not_held; }
};

// The model.

/// What a row of the table says.
struct Said {
    int row;
    Verdict verdict;
};

/// The stamp says when the workflow was handed over, and who lived then.
const Stamp* carried(const Case& c) {
    const Stamp* newest = nullptr;
    for (const Stamp& stamp : c.stamps)
        if (c.restart == stamp.value && (stamp.of_0_1 || stamp.zone_shift == 0))
            if (newest == nullptr || stamp.value >= newest->value) newest = &stamp;
    return newest;
}

/// "restart_time is a stamp of its host written under another zone (0.1's stamps: differs by whole
/// quarter hours, up to 26 h)".
bool carries_foreign(const Case& c) {
    return c.restart && std::ranges::any_of(c.stamps, [&](const Stamp& stamp) {
               const EpochMs apart = *c.restart - stamp.value;
               if (apart == 0) return false;
               if (!stamp.of_0_1) return apart == stamp.zone_shift * kQuarter;
               return apart % kQuarter == 0 && std::abs(apart) <= 26 * 60 * kMinute;
           });
}

/// "In doubt": what is concluded of a workflow that was handed over at `since`.
Verdict handed_over(const Case& c, EpochMs since, bool origin_is_missing) {
    // A task was active later than the stamp or mark, and also later than the newest mark of all
    // masters: that proves something.
    const bool moved = c.last_activity && *c.last_activity > std::max(since, c.mark_of_any_master);
    // A master lives; for a stamp only while the masters of then still live.
    if (c.any_master_lives && moved && !origin_is_missing) return Verdict::running_elsewhere;
    // The stamp or mark is under four minutes old, and no activity proves anything.
    if (!moved && c.clock - since < 4 * kMinute) return Verdict::settling;
    return Verdict::in_doubt;
}

/// The table, row by row; the first that applies decides.
Said table(const Case& c) {
    const auto unless_not_held = [&](Verdict fallback) {
        return c.not_held() ? Verdict::selected : fallback;
    };
    const Stamp* stamp = carried(c);
    const bool has_stamp = stamp != nullptr || carries_foreign(c);
    const bool after_deadline = c.last_start() && *c.last_start() >= c.deadline;

    // 1: has no host, or one that is not an address.
    if (c.host == Case::none) return {1, Verdict::ownerless};
    if (c.host == Case::odd) return {1, Verdict::odd_host};
    // 2: carries this run's stamp.
    if (c.own_stamp && c.restart == c.own_stamp) return {2, Verdict::own_work};
    // 3: its address lives or --event-time is given, it started at or after the deadline, and it
    // carries no stamp of its host. (A single workflow that was named: the answers alone decide.)
    if ((c.lives || c.event_time_given) && after_deadline && !has_stamp &&
        !(c.lives && c.by_answer_alone))
        return {3, Verdict::started_after_deadline};
    // 4: is held by a living master; by two; by one, and nothing of it moves.
    if (c.answer == MasterAnswer::held || c.answer == MasterAnswer::held_by_two)
        return {4, Verdict::running_elsewhere};
    if (c.answer == MasterAnswer::held_idle) return {4, Verdict::held_idle};
    // 5: has a row in t_ds_command, of any type.
    if (c.command_waits) return {5, Verdict::command_pending};
    // 6: was seen in state 18, or with a command, earlier in this run (3.3.0).
    if (c.seen_busy && c.leaves_host)
        return {6, c.not_held() ? Verdict::in_doubt : Verdict::running_elsewhere};
    // 7: a task of it moved later than the run's first look.
    if (c.moved_in_run) return {7, c.not_held() ? Verdict::in_doubt : Verdict::running_elsewhere};
    // (A single workflow of a living master, named: taken if no master holds it, else left.)
    if (c.lives && c.by_answer_alone) return {14, unless_not_held(Verdict::unanswered)};
    // 8: its restart_time is a stamp of its host written under another time zone.
    if (stamp == nullptr && carries_foreign(c)) return {8, unless_not_held(Verdict::in_doubt)};
    // 9: carries an older stamp (3.3.0).
    if (stamp != nullptr && c.leaves_host)
        return {9, unless_not_held(
                       handed_over(c, stamp->value, !stamp->of_0_1 && !stamp->all_masters_live))};
    // 10: carries an older stamp, on a later release, and its address lives.
    if (stamp != nullptr && c.lives) return {10, unless_not_held(Verdict::done_before)};
    // 11: its address is gone, it started at or after the default event time, and no stamp.
    if (!c.lives && after_deadline && !has_stamp) return {11, Verdict::impossible_start};
    // 12: its address lives, and it has neither start_time nor restart_time.
    if (c.lives && !c.last_start()) return {12, Verdict::no_start_time};
    // 13: its address lives; a task of it moved at or after the deadline / no task was submitted
    // before it.
    if (c.lives && c.last_activity && *c.last_activity >= c.deadline)
        return {13, unless_not_held(Verdict::running_elsewhere)};
    if (c.lives && (!c.first_submit || *c.first_submit >= c.deadline))
        return {13, unless_not_held(Verdict::in_doubt)};
    // 15: a mark of its address is at least as new as its restart_time (start_time if null), its
    // command_type is 3 or 4, or a mark cannot be read (3.3.0). By the latter two alone
    // running_elsewhere is never concluded. 14: its address lives, else: likewise.
    const int row = c.lives ? 14 : 15;
    const bool by_mark = c.mark && c.last_start() && *c.mark >= *c.last_start();
    const bool resumed = c.command_type == 3 || c.command_type == 4;
    if (c.leaves_host && by_mark) return {row, unless_not_held(handed_over(c, *c.mark, false))};
    if (c.leaves_host && (resumed || c.unparsable_mark))
        return {row, unless_not_held(Verdict::in_doubt)};
    // 16: else (14, where its address lives).
    return {c.lives ? 14 : 16, Verdict::selected};
}

// What judge() is told of a case.

StoredTime stored(EpochMs time) {
    StoredTime result;
    result.instants = {time * 1000, time * 1000};
    result.local_us = time * 1000;
    result.instant_us = time * 1000;
    return result;
}

std::optional<StoredTime> stored(const std::optional<EpochMs>& time) {
    if (!time) return std::nullopt;
    return stored(*time);
}

WorkflowInstance instance_of(const Case& c) {
    WorkflowInstance instance;
    instance.id = 8;
    instance.state = 1;
    if (c.host != Case::none) instance.host = c.host == Case::odd ? "odd" : "127.0.1.1:5678";
    instance.start_time = stored(c.start);
    instance.restart_time = stored(c.restart);
    instance.command_type = c.command_type;
    return instance;
}

AddressFacts facts_of(const Case& c) {
    AddressFacts facts;
    facts.is_address = c.host != Case::odd;
    facts.deadline = c.deadline;
    facts.event_time_given = c.event_time_given;
    facts.lives = c.lives;
    facts.by_answer_alone = c.by_answer_alone;
    facts.recovery_leaves_host = c.leaves_host;
    facts.any_master_lives = c.any_master_lives;
    facts.newest_mark = c.mark;
    facts.unparsable_mark = c.unparsable_mark;
    facts.newest_mark_of_any_master = c.mark_of_any_master;
    facts.clock = c.clock;
    for (const Stamp& stamp : c.stamps) {
        StampFacts told;
        told.value = stamp.value;
        told.local_us = stamp.value * 1000;
        told.knows_origin = !stamp.of_0_1;
        told.origin_lives = stamp.all_masters_live;
        if (!stamp.of_0_1 && stamp.zone_shift != 0)
            told.foreign_local_us = (stamp.value + stamp.zone_shift * kQuarter) * 1000;
        facts.stamps.push_back(told);
    }
    if (c.own_stamp) facts.own_stamp_local_us = *c.own_stamp * 1000;
    return facts;
}

Evidence evidence_of(const Case& c) {
    Evidence evidence;
    evidence.command_waits = c.command_waits;
    evidence.seen_busy = c.seen_busy;
    evidence.moved_in_run = c.moved_in_run;
    evidence.activity = {stored(c.first_submit), stored(c.last_activity)};
    evidence.answer = c.answer;
    return evidence;
}

Judgement judged(const Case& c) { return judge(instance_of(c), facts_of(c), evidence_of(c)); }

// Cases.

/// Digits that choices are made of, the plainest being 0: what rapidcheck draws, and shrinks.
class Choices {
  public:
    explicit Choices(const std::vector<int>& digits) : digits_(digits) {}
    int below(int limit) { return digits_[next_++ % digits_.size()] % limit; }
    bool maybe() { return below(3) == 1; }
    bool seldom() { return below(12) == 1; }
    /// One of a few instants, a millisecond before, at and after each.
    EpochMs time() {
        static constexpr EpochMs around[] = {
            0, 1 * kMinute, 4 * kMinute, 2 * kQuarter, 5 * kQuarter, 104 * kQuarter};
        return kBegan + around[below(6)] + below(3) - 1;
    }
    std::optional<EpochMs> maybe_time() {
        if (below(4) == 0) return std::nullopt;
        return time();
    }

  private:
    const std::vector<int>& digits_;
    std::size_t next_ = 0;
};

Case chosen(const std::vector<int>& digits) {
    Choices choose(digits);
    Case c;
    c.leaves_host = !choose.maybe();
    if (choose.seldom()) c.host = choose.maybe() ? Case::none : Case::odd;
    c.lives = choose.maybe();
    c.event_time_given = choose.seldom();
    c.by_answer_alone = c.lives && choose.seldom();
    c.any_master_lives = c.lives || !choose.maybe();
    c.deadline = choose.time() + 6 * kQuarter * choose.below(2);
    c.start = choose.maybe_time();
    c.restart = choose.maybe_time();
    c.mark = choose.maybe_time();
    c.unparsable_mark = choose.seldom();
    c.mark_of_any_master = std::max(c.mark.value_or(0), choose.maybe_time().value_or(0));
    if (const int type = choose.below(6); type > 0) c.command_type = type - 1;
    for (int left = choose.below(3); left > 0; --left) {
        Stamp stamp{choose.time(), choose.maybe(), 0, !choose.maybe()};
        if (!stamp.of_0_1 && choose.maybe()) stamp.zone_shift = choose.below(17) - 8;
        c.stamps.push_back(stamp);
        const int carries = choose.below(4);  // so that it often does
        if (carries == 1) c.restart = stamp.value;
        if (carries == 2) c.restart = stamp.value + stamp.zone_shift * kQuarter;
        if (carries == 3) c.restart = stamp.value + (choose.below(215) - 107) * kQuarter;
    }
    if (choose.seldom()) c.own_stamp = choose.maybe() ? c.restart : choose.maybe_time();
    c.command_waits = choose.seldom();
    c.seen_busy = choose.seldom();
    c.moved_in_run = choose.seldom();
    c.first_submit = choose.maybe_time();
    if (c.first_submit) c.last_activity = std::max(*c.first_submit, choose.time());
    c.answer = static_cast<MasterAnswer>(std::max(0, choose.below(9) - 3));
    const EpochMs since = choose.maybe() ? choose.time() : c.mark.value_or(c.deadline);
    c.clock = std::max(c.deadline, since + choose.below(3) * 4 * kMinute + choose.below(3) - 1);
    return c;
}

std::ostream& operator<<(std::ostream& out, const Case& c) {
    const auto text = [](const std::optional<EpochMs>& time) {
        return time ? fmt::format("{:+d}", *time - kBegan) : std::string("none");
    };
    out << fmt::format(
        "{}; host {}{}{}{}{}; deadline {} clock {} start {} restart {}; mark {}{} of any master "
        "{}; "
        "command_type {}; own stamp {};",
        c.leaves_host ? "3.3.0" : "later",
        c.host == Case::address ? "an address"
        : c.host == Case::odd   ? "odd"
                                : "none",
        c.lives ? ", lives" : "", c.event_time_given ? ", event time given" : "",
        c.by_answer_alone ? ", by answer alone" : "", c.any_master_lives ? ", a master lives" : "",
        text(c.deadline), text(c.clock), text(c.start), text(c.restart), text(c.mark),
        c.unparsable_mark ? " unparsable one" : "", text(c.mark_of_any_master),
        c.command_type.value_or(-1), text(c.own_stamp));
    for (const Stamp& stamp : c.stamps)
        out << fmt::format(" stamp {}{} shift {}{}", text(stamp.value),
                           stamp.of_0_1 ? " of 0.1" : "", stamp.zone_shift,
                           stamp.all_masters_live ? "" : " a master missing");
    return out << fmt::format("; {}{}{}first submit {} last activity {}; answer {}",
                              c.command_waits ? "command waits, " : "",
                              c.seen_busy ? "seen busy, " : "",
                              c.moved_in_run ? "moved in run, " : "", text(c.first_submit),
                              text(c.last_activity), static_cast<int>(c.answer));
}

/// Checks that `problem_of` finds none in many cases; tells the plainest one in which it does.
void for_all(const std::function<std::string(const Case&)>& problem_of) {
    const auto digits = rc::gen::resize(
        rc::kNominalSize, rc::gen::container<std::vector<int>>(64, rc::gen::inRange(0, 840)));
    rc::detail::TestParams params = rc::detail::configuration().testParams;
    params.maxSuccess = std::max(params.maxSuccess, 10'000);
    const auto result = rc::detail::checkTestable(
        [&] {
            const Case chosen_one = chosen(*digits);
            const std::string problem = problem_of(chosen_one);
            std::ostringstream told;
            told << problem << " in: " << chosen_one;
            if (!problem.empty()) RC_FAIL(told.str());
        },
        rc::detail::TestMetadata(), params);
    std::ostringstream told;
    rc::detail::printResultMessage(result, told);
    EXPECT_TRUE(result.is<rc::detail::SuccessResult>()) << told.str();
}

std::string text(Verdict verdict) {
    return verdict == Verdict::selected ? "selected" : std::string(to_string(skip_reason(verdict)));
}

TEST(VerdictPropertiesTest, EveryVerdictIsThatOfTheTable) {
    std::map<int, int> met;
    for_all([&](const Case& c) -> std::string {
        const Said said = table(c);
        const Judgement judgement = judged(c);
        ++met[said.row];
        if (judgement.verdict == said.verdict && judgement.row == said.row) return "";
        return fmt::format("the table says {} by row {}, judge() {} by row {}", text(said.verdict),
                           said.row, text(judgement.verdict), judgement.row);
    });
    for (int row = 1; row <= 16; ++row) EXPECT_GT(met[row], 20) << "row " << row;
}

TEST(VerdictPropertiesTest, NothingThatAMasterHoldsIsSelected) {
    for_all([](Case c) -> std::string {
        for (const MasterAnswer answer :
             {MasterAnswer::held, MasterAnswer::held_idle, MasterAnswer::held_by_two}) {
            c.answer = answer;
            const Judgement judgement = judged(c);
            if (judgement.verdict == Verdict::selected) return "selected although it is held";
            if (can_be_overruled(judgement, true)) return "--in-doubt takes what is held";
        }
        return "";
    });
}

TEST(VerdictPropertiesTest, InDoubtOverrulesNothingButItsRows) {
    for_all([](const Case& c) -> std::string {
        const Judgement judgement = judged(c);
        const bool is_doubt = judgement.verdict == Verdict::in_doubt ||
                              judgement.verdict == Verdict::running_elsewhere ||
                              judgement.verdict == Verdict::settling;
        const bool named =
            std::set{8, 9, 13, 14, 15}.contains(judgement.row) && is_doubt && !c.not_held();
        const bool all = named && judgement.verdict == Verdict::in_doubt;
        if (can_be_overruled(judgement, true) != named) return "by its id";
        if (can_be_overruled(judgement, false) != all) return "by all";
        return "";
    });
}

TEST(VerdictPropertiesTest, WhatRunsElsewhereIsNotSelectedForMovingOnceMore) {
    for_all([](Case c) -> std::string {
        if (judged(c).verdict != Verdict::running_elsewhere) return "";
        for (const EpochMs later : {EpochMs{1}, kMinute, 104 * kQuarter}) {
            c.last_activity = c.last_activity.value_or(kBegan) + later;
            if (judged(c).verdict == Verdict::selected) return "selected for a later activity";
        }
        return "";
    });
}

TEST(VerdictPropertiesTest, WhatIsSkippedIsNotSelectedForASignOfLife) {
    for_all([](const Case& c) -> std::string {
        if (judged(c).verdict == Verdict::selected) return "";
        for (bool Case::*sign : {&Case::command_waits, &Case::seen_busy, &Case::moved_in_run}) {
            Case more = c;
            more.*sign = true;
            if (judged(more).verdict == Verdict::selected) return "selected for a sign of life";
        }
        return "";
    });
}

TEST(VerdictPropertiesTest, ThatNobodyHoldsItSelectsAllThatIsSelectedWithoutAnAnswer) {
    for_all([](Case c) -> std::string {
        c.answer = MasterAnswer::not_asked;
        const Judgement without = judged(c);
        c.answer = MasterAnswer::unanswered;
        if (judged(c) != without) return "a missing answer is not as none";
        c.answer = MasterAnswer::not_held;
        if (without.verdict == Verdict::selected && judged(c).verdict != Verdict::selected)
            return "skipped because no master holds it";
        return "";
    });
}

TEST(VerdictPropertiesTest, ActivityDecidesNothingWhereItIsNotNeeded) {
    for_all([](Case c) -> std::string {
        if (needs_task_activity(instance_of(c), facts_of(c), evidence_of(c))) return "";
        const Judgement judgement = judged(c);
        c.first_submit.reset();
        c.last_activity.reset();
        if (judged(c) != judgement) return "without any activity it is judged otherwise";
        c.first_submit = kBegan - kMinute;
        c.last_activity = kBegan + 1000 * kQuarter;
        if (judged(c) != judgement) return "with much activity it is judged otherwise";
        return "";
    });
}

}  // namespace
}  // namespace dsfailover
