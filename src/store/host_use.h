#pragma once

#include <string>
#include <vector>

#include "store/schema.h"

namespace dsfailover {

/// What the tables know of an address.
struct HostUse {
    bool unfinished_workflow = false;  ///< host of an instance in state 1, 2, 4 or 18
    bool recent_workflow = false;      ///< host of one of the newest 100,000 instances by id
    bool unfinished_task = false;      ///< host of a valid task that is not finished
    bool recent_task = false;          ///< host of one of the newest 100,000 tasks by id

    bool of_workflow() const { return unfinished_workflow || recent_workflow; }
    bool of_task() const { return unfinished_task || recent_task; }
};

/// What the tables know of `address`, compared byte for byte. It asks no further than it must: for
/// unfinished rows, which only a look at the whole table can find, if none of the newest names the
/// address, and for tasks if no workflow instance does; what was not asked stays false. Throws
/// DatabaseError.
HostUse host_use(const StoreContext& context, const std::string& address);

/// The hosts of the newest 10,000 workflow instances and of the newest 10,000 tasks, each once, in
/// ascending order; for what looks like a mistyped address. Throws DatabaseError.
std::vector<std::string> recent_hosts(const StoreContext& context);

}  // namespace dsfailover
