#pragma once

#include <string>

#include "coordinator/explain/known_workflow.h"

namespace dsfailover {

/// Why the row of the table that judged `known` (it must have a judgement) applies to it, as one
/// sentence without its full stop; empty for row 4, where said_of() is the reason.
std::string table_reason(const KnownWorkflow& known);

/// What the masters said of it, likewise.
std::string said_of(const KnownWorkflow& known, const ExplainedCluster& cluster);

}  // namespace dsfailover
