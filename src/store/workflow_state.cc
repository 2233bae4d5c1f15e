#include "store/workflow_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <stdexcept>

namespace dsfailover {

bool is_unfinished(int state) {
    return std::find(std::begin(kUnfinishedStates), std::end(kUnfinishedStates), state) !=
           std::end(kUnfinishedStates);
}

bool has_not_ended(int state) {
    using namespace workflow_state;
    return state == kSubmitted || state == kFailover || is_unfinished(state);
}

void require_unfinished(int state) {
    if (!is_unfinished(state))
        throw std::logic_error(fmt::format("{} is not a state to fail over from", state));
}

std::string_view workflow_state_name(std::int64_t state) {
    using namespace workflow_state;
    switch (state) {
        case kSubmitted:
            return "SUBMITTED_SUCCESS";
        case kRunning:
            return "RUNNING_EXECUTION";
        case kReadyPause:
            return "READY_PAUSE";
        case kPaused:
            return "PAUSE";
        case kReadyStop:
            return "READY_STOP";
        case kStopped:
            return "STOP";
        case kFailed:
            return "FAILURE";
        case kSucceeded:
            return "SUCCESS";
        case kSerialWait:
            return "SERIAL_WAIT";
        case kFailover:
            return "FAILOVER";
        default:
            return "";
    }
}

}  // namespace dsfailover
