#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

#include "database/database.h"

namespace dsfailover {

/// Ids in one statement that only reads.
inline constexpr std::size_t kIdsPerQuery = 10'000;

/// Ids in one statement that locks rows. From a thousand on MariaDB makes a join of a list, and may
/// then read, and lock, the whole table.
inline constexpr std::size_t kIdsPerLock = 900;

/// Calls `use` with up to `size` of `items` at a time, in order.
template <typename Item, typename Use>
void for_batches(std::span<const Item> items, std::size_t size, const Use& use) {
    for (std::size_t i = 0; i < items.size(); i += size) {
        use(items.subspan(i, std::min(size, items.size() - i)));
    }
}

}  // namespace dsfailover
