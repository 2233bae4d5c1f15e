#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "coordinator/run_context.h"
#include "registry/living_servers.h"

namespace dsfailover {

/// A workflow instance of which something else is concluded once marks are gone.
struct ChangedVerdict {
    std::int64_t id = 0;
    std::string before, after;  ///< "selected", or a reason of the table; the masters not asked
};

/// What would be concluded of unfinished workflows, and of those in state FAILOVER once a master
/// took them, without the marks `names`, all of them together: by the name of each mark on which
/// that depends. A mark that is missing in the result may go. `servers`: those that live. Throws as
/// read_selection() does.
std::map<std::string, std::vector<ChangedVerdict>> verdicts_without(
    const RunContext& context, const Servers& servers, const std::set<std::string>& names);

}  // namespace dsfailover
