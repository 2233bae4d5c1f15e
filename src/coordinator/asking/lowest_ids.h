#pragma once

#include <cstdint>
#include <vector>

#include "store/workflow_instance.h"

namespace dsfailover {

/// Of all workflow instances of a scan those with the lowest ids, so that the memory does not grow
/// with their number: --ask-limit.
class LowestIds {
  public:
    /// `limit`: so many at most, at least 1.
    explicit LowestIds(std::int64_t limit) : limit_(limit) {}

    void add(const WorkflowInstance& instance);
    /// In ascending order of id; this is empty then.
    std::vector<WorkflowInstance> take();
    std::int64_t left_out() const { return left_out_; }

  private:
    const std::int64_t limit_;
    std::vector<WorkflowInstance> instances_;  // a heap, the highest id first
    std::int64_t left_out_ = 0;
};

}  // namespace dsfailover
