#pragma once

#include "coordinator/explain/known_workflow.h"
#include "report/report.h"

namespace dsfailover {

/// What comes of all that is known of a workflow: fills in verdict, row, conclusion, why, next and
/// advice of `item`, whose id it has. Asks nobody.
void conclude(const KnownWorkflow& known, const ExplainedCluster& cluster, ExplainedWorkflow& item);

}  // namespace dsfailover
