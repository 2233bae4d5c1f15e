#include "coordinator/workflow_verdict.h"

#include <gtest/gtest.h>

namespace dsfailover {
namespace {

constexpr EpochMs kMinute = 60'000;
constexpr EpochMs kDeadline = 1'795'411'926'533;
constexpr EpochMs kMark = kDeadline - 60 * kMinute;

StoredTime at(EpochMs time) {
    return parse_stored_time(format_stored_time(time, TimeZone(), 1000), TimeZone(), 1000);
}

TaskActivity active(EpochMs first, EpochMs last) { return {at(first), at(last)}; }

WorkflowInstance started(EpochMs time) {
    WorkflowInstance instance;
    instance.id = 1;
    instance.host = "10.0.0.1:5678";
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

/// A gone address on 3.3.0, another master alive.
AddressFacts gone() {
    AddressFacts facts;
    facts.deadline = kDeadline;
    facts.recovery_leaves_host = true;
    facts.any_master_lives = true;
    return facts;
}

AddressFacts with_mark(AddressFacts facts, EpochMs mark) {
    facts.newest_mark = mark;
    facts.newest_mark_of_any_master = std::max(facts.newest_mark_of_any_master, mark);
    return facts;
}

AddressFacts with_stamp(AddressFacts facts, EpochMs stamp) {
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

TEST(Verdict, SelectsWhatStartedBeforeTheDeadlineAtAGoneAddress) {
    EXPECT_EQ(judge(started(kDeadline - 1), gone(), {}), Verdict::selected);
    EXPECT_EQ(judge(started(kDeadline), gone(), {}), Verdict::started_after_deadline);
}

TEST(Verdict, RestartTimeCountsBeforeStartTime) {
    EXPECT_EQ(judge(restarted(kDeadline - 5 * kMinute, kDeadline + 1), gone(), {}),
              Verdict::started_after_deadline);
    EXPECT_EQ(judge(restarted(kDeadline + 1, kDeadline - 1), gone(), {}), Verdict::selected);
}

TEST(Verdict, SelectsWhatHasNoTimesAtAGoneAddressOnly) {
    WorkflowInstance instance = started(0);
    instance.start_time.reset();
    EXPECT_EQ(judge(instance, gone(), {}), Verdict::selected);
    EXPECT_EQ(judge(instance, lives(gone()), {}), Verdict::no_start_time);
}

TEST(Verdict, ATimeRoundedIntoTheSecondOfTheDeadlineIsNotLost) {
    WorkflowInstance instance = started(0);
    // MySQL stored 12:00:01 for something between 12:00:00.5 and 12:00:01.5; the deadline is
    // 12:00:00.9.
    const EpochMs second = kDeadline / 1000 * 1000 + 1000;
    instance.start_time =
        parse_stored_time(format_stored_time(second, TimeZone(), 1'000'000), TimeZone(), 1'000'000);
    AddressFacts facts = gone();
    facts.deadline = second - 100;
    EXPECT_EQ(judge(instance, facts, {}), Verdict::selected);
    facts.deadline = second - 600;
    EXPECT_EQ(judge(instance, facts, {}), Verdict::started_after_deadline);
}

TEST(Verdict, OurOwnWorkIsRunningElsewhereOnceATaskShowedLifeAfterTheStamp) {
    const EpochMs stamp = kDeadline - 10 * kMinute;
    const auto instance = restarted(kDeadline - 90 * kMinute, stamp);
    const auto facts = with_stamp(gone(), stamp);
    EXPECT_TRUE(needs_task_activity(instance, facts));
    EXPECT_EQ(judge(instance, facts, active(stamp - kMinute, stamp + 1)),
              Verdict::running_elsewhere);
    EXPECT_EQ(judge(instance, facts, active(stamp - kMinute, stamp)), Verdict::in_doubt);
    EXPECT_EQ(judge(instance, facts, {}), Verdict::in_doubt);
}

TEST(Verdict, OurOwnWorkIsJudgedBeforeTheDeadline) {
    const EpochMs stamp = kDeadline + 5;  // the event is the same, the stamp was later
    EXPECT_EQ(judge(restarted(kDeadline - kMinute, stamp), with_stamp(gone(), stamp), {}),
              Verdict::in_doubt);
}

TEST(Verdict, ALifeSignFromBeforeAnotherMastersDeathProvesNothing) {
    const EpochMs stamp = kDeadline - 10 * kMinute;
    AddressFacts facts = with_stamp(gone(), stamp);
    facts.newest_mark_of_any_master = stamp + 5 * kMinute;
    const auto instance = restarted(kDeadline - 90 * kMinute, stamp);
    EXPECT_EQ(judge(instance, facts, active(stamp, stamp + kMinute)), Verdict::in_doubt);
    EXPECT_EQ(judge(instance, facts, active(stamp, stamp + 6 * kMinute)),
              Verdict::running_elsewhere);
}

TEST(Verdict, WithoutAnyLivingMasterNothingRunsElsewhere) {
    const EpochMs stamp = kDeadline - 10 * kMinute;
    AddressFacts facts = with_stamp(gone(), stamp);
    facts.any_master_lives = false;
    EXPECT_EQ(judge(restarted(0, stamp), facts, active(stamp, stamp + kMinute)), Verdict::in_doubt);
}

TEST(Verdict, WhatStartedBeforeTheNewestMarkMayRunElsewhere) {
    const auto facts = with_mark(gone(), kMark);
    EXPECT_EQ(judge(started(kMark + 1), facts, {}), Verdict::selected);
    EXPECT_EQ(judge(started(kMark), facts, {}), Verdict::in_doubt);
    EXPECT_EQ(judge(started(kMark), facts, active(kMark - 1, kMark + 1)),
              Verdict::running_elsewhere);
}

TEST(Verdict, ResumedByHandIsAlwaysInDoubtUnlessAMarkTellsSinceWhen) {
    for (const int command_type : {3, 4}) {
        WorkflowInstance instance = started(kDeadline - kMinute);
        instance.command_type = command_type;
        EXPECT_EQ(judge(instance, gone(), active(kDeadline - 2, kDeadline - 1)), Verdict::in_doubt);
        EXPECT_EQ(
            judge(instance, with_mark(gone(), kDeadline - 1), active(kDeadline - 2, kDeadline + 1)),
            Verdict::running_elsewhere);
    }
}

TEST(Verdict, AnUnreadableMarkPutsEverythingInDoubt) {
    AddressFacts facts = gone();
    facts.unparsable_mark = true;
    EXPECT_EQ(judge(started(kDeadline - 1), facts, {}), Verdict::in_doubt);
}

TEST(Verdict, OnLaterReleasesWhatHasAGoneHostIsRunByNobody) {
    const EpochMs stamp = kDeadline - kMinute;
    AddressFacts facts = later_release(with_stamp(with_mark(gone(), kMark), stamp));
    facts.unparsable_mark = true;
    EXPECT_EQ(judge(restarted(0, stamp), facts, {}), Verdict::selected);
    EXPECT_EQ(judge(started(kMark - 1), facts, {}), Verdict::selected);
    EXPECT_FALSE(needs_task_activity(started(kMark - 1), facts));
}

TEST(Verdict, AtALivingAddressTheTasksDecideOnEveryRelease) {
    for (const AddressFacts& facts : {lives(gone()), later_release(lives(gone()))}) {
        const auto instance = started(kDeadline - kMinute);
        ASSERT_TRUE(needs_task_activity(instance, facts));
        EXPECT_EQ(judge(instance, facts, active(kDeadline - 100, kDeadline - 1)),
                  Verdict::selected);
        EXPECT_EQ(judge(instance, facts, active(kDeadline - 100, kDeadline)),
                  Verdict::running_elsewhere);
        EXPECT_EQ(judge(instance, facts, {}), Verdict::in_doubt);
    }
}

TEST(Verdict, AtALivingAddressOfALaterReleaseOurWorkIsDoneBefore) {
    const EpochMs stamp = kDeadline - kMinute;
    const auto facts = with_stamp(later_release(lives(gone())), stamp);
    EXPECT_EQ(judge(restarted(0, stamp), facts, {}), Verdict::done_before);
}

}  // namespace
}  // namespace dsfailover
