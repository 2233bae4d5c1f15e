#include "store/task_state.h"

namespace dsfailover {

std::string_view task_state_name(std::int64_t state) {
    using namespace task_state;
    switch (state) {
        case kSubmitted:
            return "SUBMITTED_SUCCESS";
        case kRunning:
            return "RUNNING_EXECUTION";
        case kPaused:
            return "PAUSE";
        case kFailed:
            return "FAILURE";
        case kSucceeded:
            return "SUCCESS";
        case kNeedFaultTolerance:
            return "NEED_FAULT_TOLERANCE";
        case kKilled:
            return "KILL";
        case kDispatched:
            return "DISPATCH";
        default:
            return "";
    }
}

}  // namespace dsfailover
