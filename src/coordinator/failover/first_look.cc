#include "coordinator/failover/first_look.h"

#include <algorithm>

namespace dsfailover {

namespace {

constexpr EpochMs kMoveMs = 5000;

}  // namespace

EpochMs FirstLook::moves_count_after() const {
    return at + std::max(kMoveMs, 2 * clock_difference);
}

SelectionRequest FirstLook::request(EpochMs event_time, bool given) const {
    SelectionRequest request;
    request.event_time = event_time;
    request.event_time_given = given;
    request.run_began = at;
    request.moves_count_after = moves_count_after();
    request.watch = watch.get();
    request.left_to_parents = left_to_parents.get();
    request.inquiry = inquiry.get();
    return request;
}

}  // namespace dsfailover
