#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/schema.h"

namespace dsfailover {

/// Runs "`select` WHERE `column` is one of the ids `rest`", a statement that locks nothing, for as
/// many ids at a time as it takes, and hands over the rows whose cell `cell` is one of `ids`, which
/// are in any order; with a GROUP BY it is one of the columns grouped by. Ids that stand close
/// together, as they do after a master's death, are looked for as a range, which costs a server a
/// third of as many ids. Throws DatabaseError.
void read_by_ids(const StoreContext& context, std::span<const std::int64_t> ids,
                 std::string_view column, std::size_t cell, std::string_view select,
                 std::string_view rest, const std::function<void(const Row&)>& row);

/// The names of those rows of `table`, in the order of `ids`; one without a name, or gone, has
/// none. Throws DatabaseError.
std::vector<std::optional<std::string>> read_names(const StoreContext& context,
                                                   std::string_view table,
                                                   std::span<const std::int64_t> ids);

}  // namespace dsfailover
