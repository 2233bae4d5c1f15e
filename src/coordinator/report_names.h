#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "coordinator/run_context.h"

namespace dsfailover {

/// Fills in the names of these items of the report. They are for the report alone, which is true
/// without them: never throws.
void add_workflow_names(const RunContext& context, std::vector<WorkflowItem*> items);

/// "16, 17, 18, ...": the first ten of `ids`, for a message.
std::string some_ids(std::span<const std::int64_t> ids);

}  // namespace dsfailover
