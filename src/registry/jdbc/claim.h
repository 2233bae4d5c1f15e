#pragma once

#include <memory>
#include <string>

#include "registry/jdbc/client.h"
#include "registry/jdbc/rows.h"
#include "registry/registry.h"

namespace dsfailover {

/// One node of Registry::claim: an ephemeral row of our `client`, or nullptr where another one's
/// stands. A row whose client died is removed first. Throws RegistryError.
std::unique_ptr<Lock> claim_in_jdbc(JdbcRows& rows, const std::shared_ptr<JdbcClient>& client,
                                    const std::string& path, const std::string& value);

}  // namespace dsfailover
