#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>

#include "base/time.h"
#include "store/schema.h"

namespace dsfailover {

// Runs (workflow instances) of one workflow definition. Both take any number of ids, and throw
// EnvironmentError naming the row if it holds what cannot be read.

/// The code of the definition of each of these workflow instances; unknown ids are left out.
std::unordered_map<std::int64_t, std::int64_t> definitions_of(
    const StoreContext& context, std::span<const std::int64_t> workflow_ids);

/// When the last run of each of these definitions ended (state 5, 6 or 7), in epoch ms, by code;
/// those of which none ended are left out. Reads every run of these definitions.
std::unordered_map<std::int64_t, EpochMs> last_ends(const StoreContext& context,
                                                    std::span<const std::int64_t> codes);

}  // namespace dsfailover
