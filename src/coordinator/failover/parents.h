#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coordinator/run_context.h"

namespace dsfailover {

/// Those of the workflow instances `ids` that are unfinished (state 1, 2, 4 or 18) and have a child
/// workflow that is unfinished too, one entry for each child, names left out. Failing such a parent
/// over starts its child anew, beside the one that is there. Throws DatabaseError.
std::vector<ParentNote> parents_of_unfinished(const RunContext& context,
                                              std::span<const std::int64_t> ids);

/// Warns of such parents among these. Throws DatabaseError.
void warn_of_parents(const RunContext& context, std::span<const std::int64_t> ids);

}  // namespace dsfailover
