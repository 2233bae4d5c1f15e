#include "coordinator/asking/lowest_ids.h"

#include <algorithm>
#include <utility>

namespace dsfailover {

namespace {

bool by_id(const WorkflowInstance& a, const WorkflowInstance& b) { return a.id < b.id; }

}  // namespace

void LowestIds::add(const WorkflowInstance& instance) {
    instances_.push_back(instance);
    std::push_heap(instances_.begin(), instances_.end(), by_id);
    if (std::cmp_less_equal(instances_.size(), limit_)) return;
    std::pop_heap(instances_.begin(), instances_.end(), by_id);
    instances_.pop_back();
    ++left_out_;
}

std::vector<WorkflowInstance> LowestIds::take() {
    std::sort_heap(instances_.begin(), instances_.end(), by_id);
    return std::exchange(instances_, {});
}

}  // namespace dsfailover
