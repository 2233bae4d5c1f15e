// clean-marks NAME...: marks that are named (docs/behaviour.md, "Marks").

#include "coordinator/world_test.h"
#include "registry/paths.h"

namespace dsfailover {
namespace {

using ::testing::HasSubstr;
using Kind = RegistryCall::Kind;

const std::string kUnknown = kGone + "-unknown-unknown";

class CleanNamedMarksTest : public WorldTest {
  protected:
    void clean(const std::vector<std::string>& names) {
        cleaning.names = names;
        run.clean_marks(cleaning);
    }
    std::optional<std::string> mark(const std::string& name) {
        return world.get(mark_path_of_name(name));
    }
    void put(const std::string& name, const std::string& value) {
        world.put(mark_path_of_name(name), value);
    }
    std::string outcome_of(const std::string& name) {
        for (const MarkItem& item : run.report.marks->items.kept())
            if (item.name == name)
                return std::string(to_string(item.outcome)) + " " + item.reason.value_or("");
        return "unseen";
    }
    /// Marks of kGone: an old one, and the newest, after which workflow 7 started or not.
    void two_marks() {
        put(kGone + "-1-1", std::to_string(world.time("-9d")));
        put(kUnknown, std::to_string(world.time("-30m")));
    }

    MarksOptions cleaning;
};

TEST_F(CleanNamedMarksTest, TheyGoWhateverTheirAge) {
    two_marks();
    world.mark(kOther, "-1m");
    clean({kUnknown});
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(outcome_of(kUnknown), "removed ");
    EXPECT_EQ(run.report.marks->examined, 1);
    EXPECT_EQ(mark(kUnknown), std::nullopt);
    EXPECT_NE(mark(kGone + "-1-1"), std::nullopt) << "it was not named";
    EXPECT_NE(world.mark_of(kOther), std::nullopt);
}

TEST_F(CleanNamedMarksTest, OneThatIsNotThereNeedsAPerson) {
    two_marks();
    clean({kUnknown, "127.0.1.9:5678-unknown-unknown"});
    EXPECT_EQ(run.exit_code(), 3) << run.said();
    EXPECT_EQ(outcome_of("127.0.1.9:5678-unknown-unknown"), "failed there is no such mark");
    EXPECT_EQ(mark(kUnknown), std::nullopt) << "the others go";
}

TEST_F(CleanNamedMarksTest, OneWhoseValueIsNoNumberGoes) {
    put(kUnknown, "not a number");
    clean({kUnknown});
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(mark(kUnknown), std::nullopt);
}

TEST_F(CleanNamedMarksTest, ADryRunWritesNothing) {
    two_marks();
    cleaning.dry_run = true;
    const std::string before = world.snapshot();
    clean({kUnknown});
    EXPECT_EQ(outcome_of(kUnknown), "planned ");
    EXPECT_EQ(world.snapshot(), before);
}

TEST_F(CleanNamedMarksTest, OneThatIsWrittenMeanwhileStays) {
    two_marks();
    world.registry.before({Kind::remove, {}}, [&] { put(kUnknown, "7"); });
    clean({kUnknown});
    EXPECT_EQ(mark(kUnknown), "7");
    EXPECT_EQ(run.exit_code(), 3) << run.said();
}

TEST_F(CleanNamedMarksTest, TheFenceOfALivingServerIsRefused) {
    const std::string fence = kLiving + "-1-1";
    put(fence, "0");
    two_marks();
    clean({fence, kUnknown});
    EXPECT_EQ(run.exit_code(), 4) << run.said();
    EXPECT_EQ(outcome_of(fence), "kept fence");
    EXPECT_EQ(mark(fence), "0");
    EXPECT_EQ(mark(kUnknown), std::nullopt) << "the others go";
}

TEST_F(CleanNamedMarksTest, ThatOfAServerThatIsGoneGoes) {
    put(kGone + "-1-1", "0");
    world.workflow(7);
    clean({kGone + "-1-1"});
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(mark(kGone + "-1-1"), std::nullopt);
}

// -- evidence

TEST_F(CleanNamedMarksTest, WhatAWorkflowIsJudgedByIsKeptAndSaid) {
    two_marks();
    world.workflow(7);  // started before the newest: another master may run it
    clean({kUnknown});
    EXPECT_EQ(run.exit_code(), 3) << run.said();
    EXPECT_EQ(outcome_of(kUnknown), "kept evidence");
    EXPECT_NE(mark(kUnknown), std::nullopt);
    EXPECT_THAT(run.said(), HasSubstr("selected instead of in_doubt: 7"));
    EXPECT_THAT(run.said(), HasSubstr("--evidence"));
}

TEST_F(CleanNamedMarksTest, WithTheOptionItGoes) {
    two_marks();
    world.workflow(7);
    cleaning.evidence = true;
    clean({kUnknown});
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(mark(kUnknown), std::nullopt);
    EXPECT_THAT(run.said(), HasSubstr("selected instead of in_doubt: 7"));
}

TEST_F(CleanNamedMarksTest, OneThatDecidesNothingGoes) {
    two_marks();
    world.workflow(7);                  // judged by the newest alone
    world.workflow(8).started("-10m");  // started after both
    clean({kGone + "-1-1"});
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(mark(kGone + "-1-1"), std::nullopt);
}

TEST_F(CleanNamedMarksTest, OfTwoThatCoverForEachOtherTheNewestStays) {
    put(kGone + "-1-1", std::to_string(world.time("-40m")));
    put(kUnknown, std::to_string(world.time("-30m")));
    world.workflow(7);
    clean({kGone + "-1-1", kUnknown});
    EXPECT_EQ(run.exit_code(), 3) << run.said();
    EXPECT_EQ(outcome_of(kUnknown), "kept evidence");
}

TEST_F(CleanNamedMarksTest, OneThatCannotBeReadMakesDoubtToo) {
    put(kUnknown, "not a number");
    world.workflow(7);
    clean({kUnknown});
    EXPECT_EQ(outcome_of(kUnknown), "kept evidence");
    EXPECT_THAT(run.said(), HasSubstr("selected instead of in_doubt: 7"));
}

TEST_F(CleanNamedMarksTest, AWorkflowInFailoverIsJudgedByItOnceAMasterTookIt) {
    two_marks();
    world.workflow(7).state(18);
    world.command(7);
    clean({kUnknown});
    EXPECT_EQ(outcome_of(kUnknown), "kept evidence") << run.said();
}

TEST_F(CleanNamedMarksTest, TheNewestOfAnyMasterTellsWhoDiedSince) {
    put(kUnknown, std::to_string(world.time("-40m")));
    world.workflow(7).started("-50m");
    world.task(70, 7).submitted("-20m");
    const std::string other = kOther + "-unknown-unknown";
    put(other, std::to_string(world.time("-10m")));
    clean({other});
    EXPECT_EQ(outcome_of(other), "kept evidence") << run.said();
    EXPECT_THAT(run.said(), HasSubstr("running_elsewhere instead of in_doubt: 7"));
}

class CleanNamedMarksLaterTest : public LaterReleaseTest {};

TEST_F(CleanNamedMarksLaterTest, WhereRecoverySetsTheHostNothingIsJudgedByThem) {
    world.mark(kGone, "-30m");
    world.workflow(7);
    MarksOptions cleaning;
    cleaning.names = {kUnknown};
    run.clean_marks(cleaning);
    EXPECT_EQ(run.exit_code(), 0) << run.said();
    EXPECT_EQ(world.mark_of(kGone), std::nullopt);
}

}  // namespace
}  // namespace dsfailover
