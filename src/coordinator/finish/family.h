#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coordinator/run_context.h"

namespace dsfailover {

/// The children of a workflow instance that have not ended. Throws DatabaseError.
std::vector<std::int64_t> unfinished_children(const RunContext& context, std::int64_t id);

/// Its parents that have not ended, in the same way.
std::vector<std::int64_t> unfinished_parents(const RunContext& context, std::int64_t id);

/// `ids`, each behind those of its children that are among them. Throws DatabaseError.
std::vector<std::int64_t> children_first(const RunContext& context,
                                         std::span<const std::int64_t> ids);

}  // namespace dsfailover
