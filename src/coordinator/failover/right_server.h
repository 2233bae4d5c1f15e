#pragma once

#include <optional>
#include <string_view>

#include "coordinator/failover/admission.h"
#include "coordinator/failover/failover_target.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// Why target.address is not a server of the kind that the command is for: the rows say that it is
/// of the other kind, or they do not tell and it is registered as one (exit status 4, living or
/// not); or nothing at all knows it and target.process does not name a process either (3). A slip
/// of the address would otherwise announce a departure, or leave a mark that makes another failover
/// doubtful.
///
/// `folder` is paths::kMasters or kWorkers. Reads only. Throws RegistryError and DatabaseError.
std::optional<Refusal> refuse_wrong_server(const RunContext& context, std::string_view folder,
                                           const FailoverTarget& target, const Servers& servers);

}  // namespace dsfailover
