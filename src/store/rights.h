#pragma once

#include "database/database.h"

namespace dsfailover {

/// Whether the user may write what a run may have to write, by statements that change nothing:
/// found out here, and not behind a claim, a lock and a stamp. Throws EnvironmentError naming the
/// statement and the way out, DatabaseError if the server does not answer; a table that is missing
/// is left to read_schema(). Does nothing on SQLite.
void require_rights_to_act(Database& database);

}  // namespace dsfailover
