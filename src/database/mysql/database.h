#pragma once

#include "base/version.h"
#include "database/database.h"

namespace dsfailover {

/// Connects to the first MySQL or MariaDB server of the list that answers. As open_database(); the
/// caller owns it.
extern "C" Database* DSFAILOVER_OPEN(const DatabaseSettings& settings);

}  // namespace dsfailover
