#pragma once

#include <string>
#include <vector>

#include "store/schema.h"

namespace dsfailover {

/// What the rows know of an address. "Recent": among the newest 100,000 rows by id.
struct HostUse {
    bool unfinished_workflow = false;  ///< host of an instance in state 1, 2, 4 or 18
    bool recent_workflow = false;
    bool unfinished_task = false;  ///< host of a task in state 17 or 1
    bool recent_task = false;
};

/// What `address` is the host of, byte for byte. Each flag is looked for only while those before it
/// in the order recent_workflow, unfinished_workflow, recent_task, unfinished_task are false.
/// Throws DatabaseError.
HostUse host_use(const StoreContext& context, const std::string& address);

/// The hosts of the newest 100,000 workflow instances and tasks, each once. Throws DatabaseError.
std::vector<std::string> recent_hosts(const StoreContext& context);

}  // namespace dsfailover
