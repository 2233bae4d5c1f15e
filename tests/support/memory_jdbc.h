#pragma once

#include <map>
#include <string>

#include "support/memory_world.h"

namespace dsfailover {

/// Who lives by the rules of the JDBC registry (docs/dolphinscheduler.md), as one client sees it
/// that looks at it again and again: by the rows alone, and the time.
class JdbcSight {
  public:
    enum class Sign {
        unknown,  ///< it looks dead, and was not looked at for so long
        moves,    ///< it lives
        stands,   ///< it looks dead, and nothing of it changed for 12 s
    };
    /// What registered with this node, which has its name.
    Sign of_server(const MemoryState& state, const Node& node);
    /// Whether whoever has this lock is dead. `name_space`: of the servers.
    bool is_dead(const MemoryState& state, const LockClaim& claim, const std::string& name_space);

  private:
    struct Seen {
        std::string what;
        EpochMs since = 0;
    };
    bool stands(const MemoryState& state, const std::string& key, const std::string& what);
    bool client_stands(const MemoryState& state, const std::string& session);

    std::map<std::string, Seen> seen_;
};

}  // namespace dsfailover
