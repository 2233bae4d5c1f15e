#pragma once

#include <vector>

#include "coordinator/run_context.h"

namespace dsfailover {

/// Fills in the names of these items of the report. They are for the report alone, which is true
/// without them: never throws.
void add_workflow_names(const RunContext& context, std::vector<WorkflowItem*> items);

}  // namespace dsfailover
