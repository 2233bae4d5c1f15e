#include <gtest/gtest.h>

#include <stdexcept>

#include "store/task_state.h"
#include "store/workflow_state.h"

namespace dsfailover {
namespace {

TEST(WorkflowStates, HaveTheNamesOfTheReference) {
    EXPECT_EQ(workflow_state_name(0), "SUBMITTED_SUCCESS");
    EXPECT_EQ(workflow_state_name(1), "RUNNING_EXECUTION");
    EXPECT_EQ(workflow_state_name(2), "READY_PAUSE");
    EXPECT_EQ(workflow_state_name(3), "PAUSE");
    EXPECT_EQ(workflow_state_name(4), "READY_STOP");
    EXPECT_EQ(workflow_state_name(5), "STOP");
    EXPECT_EQ(workflow_state_name(6), "FAILURE");
    EXPECT_EQ(workflow_state_name(7), "SUCCESS");
    EXPECT_EQ(workflow_state_name(14), "SERIAL_WAIT");
    EXPECT_EQ(workflow_state_name(18), "FAILOVER");
    for (const std::int64_t state : {std::int64_t{-1}, std::int64_t{8}, std::int64_t{1} << 32 | 1})
        EXPECT_EQ(workflow_state_name(state), "") << state;
}

TEST(WorkflowStates, ToFailOverFromAreThree) {
    for (int state = -1; state < 20; ++state) {
        const bool unfinished = state == 1 || state == 2 || state == 4;
        EXPECT_EQ(is_unfinished(state), unfinished) << state;
        if (unfinished)
            EXPECT_NO_THROW(require_unfinished(state)) << state;
        else
            EXPECT_THROW(require_unfinished(state), std::logic_error) << state;
    }
}

TEST(TaskStates, HaveTheNamesOfTheReference) {
    EXPECT_EQ(task_state_name(0), "SUBMITTED_SUCCESS");
    EXPECT_EQ(task_state_name(1), "RUNNING_EXECUTION");
    EXPECT_EQ(task_state_name(3), "PAUSE");
    EXPECT_EQ(task_state_name(6), "FAILURE");
    EXPECT_EQ(task_state_name(7), "SUCCESS");
    EXPECT_EQ(task_state_name(8), "NEED_FAULT_TOLERANCE");
    EXPECT_EQ(task_state_name(9), "KILL");
    EXPECT_EQ(task_state_name(17), "DISPATCH");
    for (const std::int64_t state : {-1, 2, 12}) EXPECT_EQ(task_state_name(state), "") << state;
}

}  // namespace
}  // namespace dsfailover
