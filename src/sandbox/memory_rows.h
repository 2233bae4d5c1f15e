#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "database/database.h"

namespace dsfailover {

// What the masters of a sandbox have in memory, which outlasts `sandbox serve` in two tables of its
// own: sandbox_held, the workflows that each holds, and sandbox_counted, the masters that each
// counts, gone ones included. No table of DolphinScheduler tells either: a recovered workflow keeps
// its host, and masters do not notice on this registry that one of them goes.

/// Makes the tables; `database` may be in a transaction.
void create_memory_rows(Database& database);

/// The unfinished workflows that `master` (an address) holds, with their states. Where the sandbox
/// has no such table, it is made, and every master holds the unfinished workflows of its address.
std::map<std::int64_t, int> read_held_rows(Database& database, const std::string& master);

/// Remembers that `master` holds these and no others, in a transaction.
void write_held_rows(Database& database, const std::string& master,
                     const std::map<std::int64_t, int>& held);

/// The masters (addresses) that `master` counts, in the order of their places; none if the sandbox
/// does not say.
std::vector<std::string> read_counted_rows(Database& database, const std::string& master);

/// Remembers that `master` counts these, in a transaction.
void write_counted_rows(Database& database, const std::string& master,
                        const std::vector<std::string>& counted);

}  // namespace dsfailover
