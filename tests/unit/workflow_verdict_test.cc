#include "coordinator/failover/workflow_verdict.h"

#include <gtest/gtest.h>

#include "store/workflow_state.h"

namespace dsfailover {
namespace {

// The table of docs/behaviour.md, "Which workflows", row by row.

constexpr EpochMs kMinute = 60'000;
constexpr EpochMs kHour = 60 * kMinute;
constexpr EpochMs kDeadline = 1'795'411'926'533;
constexpr EpochMs kMark = kDeadline - kHour;
constexpr EpochMs kStamp = kDeadline - 10 * kMinute;

const MasterAnswer kFallback[] = {MasterAnswer::not_asked, MasterAnswer::unanswered};

std::int64_t local_us(EpochMs time) { return TimeZone().to_local(time * 1000); }

StoredTime at(EpochMs time) {
    return parse_stored_time(format_stored_time(time, TimeZone(), 1000), TimeZone(), 1000);
}

Evidence nothing_known(MasterAnswer answer = MasterAnswer::not_asked) {
    Evidence evidence;
    evidence.answer = answer;
    return evidence;
}

Evidence moved(EpochMs first, EpochMs last, MasterAnswer answer = MasterAnswer::not_asked) {
    Evidence evidence = nothing_known(answer);
    evidence.activity = {at(first), at(last)};
    return evidence;
}

WorkflowInstance started(EpochMs time) {
    WorkflowInstance instance;
    instance.id = 1;
    instance.host = "127.0.1.1:5678";
    instance.state = workflow_state::kRunning;
    instance.start_time = at(time);
    instance.command_type = 6;
    return instance;
}

WorkflowInstance restarted(EpochMs started_at, EpochMs restarted_at) {
    WorkflowInstance instance = started(started_at);
    instance.restart_time = at(restarted_at);
    return instance;
}

WorkflowInstance resumed(int command_type) {
    WorkflowInstance instance = started(kDeadline - kMinute);
    instance.command_type = command_type;
    return instance;
}

/// A gone address on 3.3.0, another master alive.
AddressFacts gone() {
    AddressFacts facts;
    facts.deadline = facts.clock = kDeadline;
    facts.recovery_leaves_host = true;
    facts.any_master_lives = true;
    return facts;
}

AddressFacts with_mark(AddressFacts facts, EpochMs mark) {
    facts.newest_mark = mark;
    facts.newest_mark_of_any_master = std::max(facts.newest_mark_of_any_master, mark);
    return facts;
}

StampFacts stamp_of_0_1(EpochMs value) {
    return {value, local_us(value), std::nullopt, false, false};
}

StampFacts stamp_of(EpochMs value, bool its_masters_live) {
    return {value, local_us(value), std::nullopt, true, its_masters_live};
}

AddressFacts with_stamp(AddressFacts facts, const StampFacts& stamp) {
    facts.stamps.push_back(stamp);
    return facts;
}

/// The same address, where a new process lives since the deadline.
AddressFacts lives(AddressFacts facts) {
    facts.lives = true;
    return facts;
}

AddressFacts later_release(AddressFacts facts) {
    facts.recovery_leaves_host = false;
    return facts;
}

AddressFacts with_event_time(AddressFacts facts) {
    facts.event_time_given = true;
    return facts;
}

Judgement row(int number, Verdict verdict) { return {verdict, number}; }

TEST(TheTable, Row1NoHostOrNoAddress) {
    WorkflowInstance instance = started(kDeadline - 1);
    for (const auto& host : {std::optional<std::string>(), std::optional<std::string>("")}) {
        instance.host = host;
        EXPECT_EQ(judge(instance, gone(), {}), row(1, Verdict::ownerless));
    }
    instance.host = "master-1";
    AddressFacts facts = gone();
    facts.is_address = false;
    EXPECT_EQ(judge(instance, facts, {}), row(1, Verdict::odd_host));
}

TEST(TheTable, Row2OurOwnWork) {
    AddressFacts facts = gone();
    facts.own_stamp_local_us = local_us(kDeadline + 5);
    const auto instance = restarted(kMark, kDeadline + 5);
    EXPECT_EQ(judge(instance, facts, {}), row(2, Verdict::own_work));
    EXPECT_EQ(judge(instance, facts, nothing_known(MasterAnswer::held)), row(2, Verdict::own_work));
    EXPECT_FALSE(needs_task_activity(instance, facts, {}));
}

TEST(TheTable, Row3StartedAfterTheDeadlineWhereAProcessLivesOrTheTimeIsGiven) {
    for (const AddressFacts& facts : {lives(gone()), with_event_time(gone())}) {
        EXPECT_EQ(judge(started(kDeadline), facts, {}), row(3, Verdict::started_after_deadline));
        // restart_time counts before start_time.
        EXPECT_EQ(judge(restarted(kMark, kDeadline + 1), facts, {}),
                  row(3, Verdict::started_after_deadline));
        // A stamp is later than what it was given to.
        const auto with_stamps = with_stamp(facts, stamp_of(kDeadline + 5, true));
        EXPECT_NE(judge(restarted(kMark, kDeadline + 5), with_stamps, {}).row, 3);
    }
}

TEST(TheTable, Row3ATimeRoundedIntoTheSecondOfTheDeadlineIsNotLost) {
    WorkflowInstance instance = started(0);
    // MySQL stored 12:00:01 for something between 12:00:00.5 and 12:00:01.5; the deadline is
    // 12:00:00.9.
    const EpochMs second = kDeadline / 1000 * 1000 + 1000;
    instance.start_time =
        parse_stored_time(format_stored_time(second, TimeZone(), 1'000'000), TimeZone(), 1'000'000);
    AddressFacts facts = with_event_time(gone());
    facts.deadline = second - 100;
    EXPECT_EQ(judge(instance, facts, {}), row(16, Verdict::selected));
    facts.deadline = second - 600;
    EXPECT_EQ(judge(instance, facts, {}), row(3, Verdict::started_after_deadline));
}

TEST(TheTable, Row4HeldByALivingMaster) {
    for (const auto answer : {MasterAnswer::held, MasterAnswer::held_by_two}) {
        EXPECT_EQ(judge(started(kDeadline - 1), gone(), nothing_known(answer)),
                  row(4, Verdict::running_elsewhere));
    }
    EXPECT_EQ(judge(started(kDeadline - 1), gone(), nothing_known(MasterAnswer::held_idle)),
              row(4, Verdict::held_idle));
}

TEST(TheTable, Row5ACommandWaits) {
    for (const AddressFacts& facts : {gone(), later_release(gone()), lives(gone())}) {
        Evidence evidence;
        evidence.command_waits = evidence.seen_busy = true;
        EXPECT_EQ(judge(started(kDeadline - 1), facts, evidence), row(5, Verdict::command_pending));
        evidence.answer = MasterAnswer::not_held;
        EXPECT_EQ(judge(started(kDeadline - 1), facts, evidence), row(5, Verdict::command_pending));
    }
}

TEST(TheTable, Row6SeenInFailoverOrWithACommandBefore) {
    Evidence evidence;
    evidence.seen_busy = true;
    for (const auto answer : kFallback) {
        evidence.answer = answer;
        EXPECT_EQ(judge(started(kDeadline - 1), gone(), evidence),
                  row(6, Verdict::running_elsewhere));
        EXPECT_EQ(judge(started(kDeadline - 1), later_release(gone()), evidence),
                  row(16, Verdict::selected));
    }
    evidence.answer = MasterAnswer::not_held;
    EXPECT_EQ(judge(started(kDeadline - 1), gone(), evidence), row(6, Verdict::in_doubt));
}

TEST(TheTable, Row7ATaskMovedDuringTheRun) {
    for (const AddressFacts& facts : {gone(), later_release(gone()), lives(gone())}) {
        Evidence evidence;
        evidence.moved_in_run = true;
        EXPECT_EQ(judge(started(kDeadline - 1), facts, evidence),
                  row(7, Verdict::running_elsewhere));
        evidence.answer = MasterAnswer::not_held;
        EXPECT_EQ(judge(started(kDeadline - 1), facts, evidence), row(7, Verdict::in_doubt));
    }
}

TEST(TheTable, Row8AStampOfAnotherZone) {
    StampFacts shanghai = stamp_of(kStamp, true);
    shanghai.foreign_local_us = local_us(kStamp + 8 * kHour);
    const auto facts = with_stamp(gone(), shanghai);
    const auto instance = restarted(kMark, kStamp + 8 * kHour);
    EXPECT_EQ(judge(instance, facts, {}), row(8, Verdict::in_doubt));
    EXPECT_EQ(judge(instance, facts, nothing_known(MasterAnswer::not_held)),
              row(8, Verdict::selected));
    // It says its zone: any other distance is none.
    EXPECT_NE(judge(restarted(kMark, kStamp + 7 * kHour), facts, {}).row, 8);
    // Nor is it one in our zone.
    EXPECT_EQ(judge(restarted(kMark, kStamp), facts, {}).row, 16);
}

TEST(TheTable, Row8AStampOf01InAnyOtherZone) {
    const auto facts = with_stamp(gone(), stamp_of_0_1(kStamp));
    for (const EpochMs apart : {15 * kMinute, -345 * kMinute, 26 * kHour, -26 * kHour})
        EXPECT_EQ(judge(restarted(kMark, kStamp + apart), facts, {}), row(8, Verdict::in_doubt));
    for (const EpochMs apart : {14 * kMinute, 15 * kMinute + 1, 26 * kHour + 15 * kMinute})
        EXPECT_NE(judge(restarted(kMark, kStamp + apart), facts, {}).row, 8);
}

TEST(TheTable, Row9AnOlderStampWhereRecoveryLeavesTheHost) {
    const auto instance = restarted(kDeadline - 90 * kMinute, kStamp);
    for (const StampFacts& stamp : {stamp_of_0_1(kStamp), stamp_of(kStamp, true)}) {
        const auto facts = with_stamp(gone(), stamp);
        EXPECT_TRUE(needs_task_activity(instance, facts, {}));
        for (const auto answer : kFallback) {
            EXPECT_EQ(judge(instance, facts, moved(kStamp - kMinute, kStamp + 1, answer)),
                      row(9, Verdict::running_elsewhere));
            EXPECT_EQ(judge(instance, facts, moved(kStamp - kMinute, kStamp, answer)),
                      row(9, Verdict::in_doubt));
            EXPECT_EQ(judge(instance, facts, nothing_known(answer)), row(9, Verdict::in_doubt));
        }
        EXPECT_EQ(judge(instance, facts, moved(kStamp, kStamp, MasterAnswer::not_held)),
                  row(9, Verdict::selected));
    }
}

TEST(TheTable, Row9IsDecidedBeforeTheDeadline) {
    const EpochMs stamp = kDeadline + 5;  // the event is the same, the stamp was later
    const auto facts = with_stamp(gone(), stamp_of(stamp, true));
    EXPECT_EQ(judge(restarted(kMark, stamp), facts, {}).row, 9);
}

TEST(TheTable, Row9OneOfTheMastersThatLivedThenIsGone) {
    const auto facts = with_stamp(gone(), stamp_of(kStamp, false));
    EXPECT_EQ(judge(restarted(kMark, kStamp), facts, moved(kStamp, kStamp + kMinute)),
              row(9, Verdict::in_doubt));
}

TEST(TheTable, Row9ALifeSignFromBeforeAnotherMastersDeathProvesNothing) {
    AddressFacts facts = with_stamp(gone(), stamp_of_0_1(kStamp));
    facts.newest_mark_of_any_master = kStamp + 5 * kMinute;
    const auto instance = restarted(kMark, kStamp);
    EXPECT_EQ(judge(instance, facts, moved(kStamp, kStamp + kMinute)), row(9, Verdict::in_doubt));
    EXPECT_EQ(judge(instance, facts, moved(kStamp, kStamp + 6 * kMinute)),
              row(9, Verdict::running_elsewhere));
}

TEST(TheTable, Row9WithoutAnyLivingMasterNothingRunsElsewhere) {
    AddressFacts facts = with_stamp(gone(), stamp_of_0_1(kStamp));
    facts.any_master_lives = false;
    EXPECT_EQ(judge(restarted(kMark, kStamp), facts, moved(kStamp, kStamp + kMinute)),
              row(9, Verdict::in_doubt));
}

TEST(TheTable, Row9SettlesForFourMinutes) {
    const EpochMs stamp = kDeadline - kSettlingMs + 1;
    const auto facts = with_stamp(gone(), stamp_of(stamp, true));
    const auto instance = restarted(kMark, stamp);
    EXPECT_EQ(judge(instance, facts, {}), row(9, Verdict::settling));
    EXPECT_EQ(judge(instance, facts, moved(stamp - kMinute, stamp)), row(9, Verdict::settling));
    EXPECT_EQ(judge(instance, facts, moved(stamp, stamp + 1)), row(9, Verdict::running_elsewhere));
    AddressFacts later = facts;
    later.clock = stamp + kSettlingMs;
    EXPECT_EQ(judge(instance, later, {}), row(9, Verdict::in_doubt));
}

TEST(TheTable, Row10AnOlderStampAtALivingAddressOfALaterRelease) {
    const auto facts = with_stamp(later_release(lives(gone())), stamp_of(kStamp, true));
    const auto instance = restarted(kMark, kStamp);
    EXPECT_EQ(judge(instance, facts, {}), row(10, Verdict::done_before));
    EXPECT_EQ(judge(instance, facts, nothing_known(MasterAnswer::not_held)),
              row(10, Verdict::selected));
    EXPECT_FALSE(needs_task_activity(instance, facts, {}));
}

TEST(TheTable, Row11StartedAfterItsMasterWasGone) {
    EXPECT_EQ(judge(started(kDeadline), gone(), {}), row(11, Verdict::impossible_start));
    EXPECT_EQ(judge(restarted(kMark, kDeadline + 1), gone(), {}),
              row(11, Verdict::impossible_start));
    EXPECT_EQ(judge(restarted(kDeadline + 1, kDeadline - 1), gone(), {}),
              row(16, Verdict::selected));
}

TEST(TheTable, Row12NeitherTimeAtALivingAddress) {
    WorkflowInstance instance = started(0);
    instance.start_time.reset();
    EXPECT_EQ(judge(instance, lives(gone()), {}), row(12, Verdict::no_start_time));
    EXPECT_EQ(judge(instance, gone(), {}), row(16, Verdict::selected));
}

TEST(TheTable, Rows13And14AtALivingAddressTheTasksDecideOnEveryRelease) {
    for (const AddressFacts& facts : {lives(gone()), later_release(lives(gone()))}) {
        const auto instance = started(kDeadline - kMinute);
        ASSERT_TRUE(needs_task_activity(instance, facts, {}));
        for (const auto answer : kFallback) {
            EXPECT_EQ(judge(instance, facts, moved(kDeadline - 100, kDeadline, answer)),
                      row(13, Verdict::running_elsewhere));
            EXPECT_EQ(judge(instance, facts, nothing_known(answer)), row(13, Verdict::in_doubt));
            EXPECT_EQ(judge(instance, facts, moved(kDeadline - 100, kDeadline - 1, answer)),
                      row(14, Verdict::selected));
        }
        for (const Evidence& evidence : {nothing_known(MasterAnswer::not_held),
                                         moved(kMark, kDeadline, MasterAnswer::not_held)})
            EXPECT_EQ(judge(instance, facts, evidence), row(13, Verdict::selected));
    }
}

TEST(TheTable, Row14WhereAMarkIsAtLeastAsNewItIsADoubt) {
    const auto facts = lives(with_mark(gone(), kMark));
    const auto instance = started(kMark);
    EXPECT_EQ(judge(instance, facts, moved(kMark - 2, kMark - 1)), row(14, Verdict::in_doubt));
    EXPECT_EQ(judge(instance, facts, moved(kMark - 2, kMark - 1, MasterAnswer::not_held)),
              row(14, Verdict::selected));
}

TEST(TheTable, Row15AMarkAtLeastAsNew) {
    const auto facts = with_mark(gone(), kMark);
    EXPECT_EQ(judge(started(kMark + 1), facts, {}), row(16, Verdict::selected));
    ASSERT_TRUE(needs_task_activity(started(kMark), facts, {}));
    for (const auto answer : kFallback) {
        EXPECT_EQ(judge(started(kMark), facts, nothing_known(answer)), row(15, Verdict::in_doubt));
        EXPECT_EQ(judge(started(kMark), facts, moved(kMark - 1, kMark + 1, answer)),
                  row(15, Verdict::running_elsewhere));
    }
    EXPECT_EQ(judge(started(kMark), facts, nothing_known(MasterAnswer::not_held)),
              row(15, Verdict::selected));
}

TEST(TheTable, Row15AFreshMarkSettles) {
    const EpochMs mark = kDeadline - kMinute;
    EXPECT_EQ(judge(started(kMark), with_mark(gone(), mark), {}), row(15, Verdict::settling));
}

TEST(TheTable, Row15ResumedByHandUnlessAMarkTellsSinceWhen) {
    for (const int command_type : {3, 4}) {
        const auto instance = resumed(command_type);
        EXPECT_EQ(judge(instance, gone(), moved(kDeadline - 2, kDeadline - 1)),
                  row(15, Verdict::in_doubt));
        EXPECT_EQ(judge(instance, gone(), nothing_known(MasterAnswer::not_held)),
                  row(15, Verdict::selected));
        EXPECT_EQ(
            judge(instance, with_mark(gone(), kDeadline - 1), moved(kDeadline - 2, kDeadline + 1)),
            row(15, Verdict::running_elsewhere));
    }
}

TEST(TheTable, Row15AnUnreadableMark) {
    AddressFacts facts = gone();
    facts.unparsable_mark = true;
    EXPECT_EQ(judge(started(kDeadline - 1), facts, {}), row(15, Verdict::in_doubt));
    EXPECT_EQ(judge(started(kDeadline - 1), facts, nothing_known(MasterAnswer::not_held)),
              row(15, Verdict::selected));
}

TEST(TheTable, Row16Else) {
    EXPECT_EQ(judge(started(kDeadline - 1), gone(), {}), row(16, Verdict::selected));
}

TEST(TheTable, Row16OnLaterReleasesWhatHasAGoneHostIsRunByNobody) {
    AddressFacts facts =
        later_release(with_stamp(with_mark(gone(), kMark), stamp_of(kStamp, true)));
    facts.unparsable_mark = true;
    EXPECT_EQ(judge(restarted(0, kStamp), facts, {}), row(16, Verdict::selected));
    EXPECT_EQ(judge(started(kMark - 1), facts, {}), row(16, Verdict::selected));
    EXPECT_EQ(judge(resumed(3), facts, {}), row(16, Verdict::selected));
    EXPECT_FALSE(needs_task_activity(started(kMark - 1), facts, {}));
}

TEST(InDoubtOption, OverrulesOnlyWhatNobodyCouldBeAskedAbout) {
    for (const int number : {8, 9, 13, 14, 15})
        EXPECT_TRUE(can_be_overruled(row(number, Verdict::in_doubt), false)) << number;
    for (const int number : {4, 5, 6, 7, 10, 11, 12})
        EXPECT_FALSE(can_be_overruled(row(number, Verdict::in_doubt), true)) << number;
    EXPECT_FALSE(can_be_overruled(row(6, Verdict::running_elsewhere), true));
}

TEST(InDoubtOption, WhatRunsOrSettlesMustBeNamed) {
    for (const Verdict verdict : {Verdict::running_elsewhere, Verdict::settling}) {
        EXPECT_FALSE(can_be_overruled(row(9, verdict), false));
        EXPECT_TRUE(can_be_overruled(row(9, verdict), true));
    }
}

}  // namespace
}  // namespace dsfailover
