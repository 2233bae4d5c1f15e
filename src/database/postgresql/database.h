#pragma once

#include "base/version.h"
#include "database/database.h"

namespace dsfailover {

/// Connects to the first PostgreSQL server of the list that answers (with several: that is no
/// standby). As open_database(); the caller owns it.
extern "C" Database* DSFAILOVER_OPEN(const DatabaseSettings& settings);

}  // namespace dsfailover
