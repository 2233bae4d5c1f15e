#include "store/command_param.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "store/workflow_state.h"

namespace dsfailover {
namespace {

TEST(RecoveryCommandParam, IsWhatTheReferenceWrites) {
    const auto expected = [](const char* state) {
        return std::string(
                   R"({"commandType":"RECOVER_TOLERANCE_FAULT","subWorkflowInstance":false,)") +
               R"("startNodes":null,"commandParams":null,"timeZone":null,)" +
               R"("workflowExecutionStatus":")" + state + "\"}";
    };
    EXPECT_EQ(recovery_command_param(1), expected("RUNNING_EXECUTION"));
    EXPECT_EQ(recovery_command_param(2), expected("READY_PAUSE"));
    EXPECT_EQ(recovery_command_param(4), expected("READY_STOP"));
    for (const int state : {0, 3, 5, 18}) {
        EXPECT_THROW(recovery_command_param(state), std::logic_error);
    }
}

TEST(StateOfCommandParam, ReadsWhatWeWrite) {
    for (const int state : kUnfinishedStates) {
        EXPECT_EQ(state_of_command_param(recovery_command_param(state)), state);
    }
}

TEST(StateOfCommandParam, TakesNoOtherStateAndNoDamagedText) {
    EXPECT_EQ(state_of_command_param(R"({"workflowExecutionStatus":"FAILOVER"})"), std::nullopt);
    EXPECT_EQ(state_of_command_param(R"({"workflowExecutionStatus":4})"), std::nullopt);
    EXPECT_EQ(state_of_command_param(R"({"commandType":"x"})"), std::nullopt);
    EXPECT_EQ(state_of_command_param(R"(["READY_STOP"])"), std::nullopt);
    EXPECT_EQ(state_of_command_param(R"({"workflowExecutionStatus":"READY_STOP")"), std::nullopt);
    EXPECT_EQ(state_of_command_param(""), std::nullopt);
}

}  // namespace
}  // namespace dsfailover
