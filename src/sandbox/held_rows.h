#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "database/database.h"

namespace dsfailover {

// What the masters of a sandbox hold in memory, which outlasts `sandbox serve` in a table of its
// own, sandbox_held: no table of DolphinScheduler tells it, since a recovered workflow keeps its
// host.

/// Makes the table; `database` may be in a transaction.
void create_held_rows(Database& database);

/// The unfinished workflows that `master` (an address) holds, with their states. Where the sandbox
/// has no such table, it is made, and every master holds the unfinished workflows of its address.
std::map<std::int64_t, int> read_held_rows(Database& database, const std::string& master);

/// Remembers that `master` holds these and no others, in a transaction.
void write_held_rows(Database& database, const std::string& master,
                     const std::map<std::int64_t, int>& held);

}  // namespace dsfailover
