#pragma once

// What `sandbox show` prints: the rows a failover touches, as the sandbox's file holds them, in an
// order that does not change, so that two of them can be compared line by line.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace dsfailover {

/// Texts named *_time are the column as stored (wall clock, UTC in a sandbox).
struct SandboxWorkflow {
    std::int64_t id = 0;
    std::optional<std::string> name;
    std::string state;  ///< "RUNNING_EXECUTION"; the number where it has no name
    std::optional<std::string> host;
    std::optional<std::string> start_time;
    std::optional<std::string> restart_time;
    std::optional<std::int64_t> command_type;
    std::optional<std::int64_t> parent_id;  ///< workflow instance this one is a sub-workflow of
};

struct SandboxTask {
    std::int64_t id = 0;
    std::optional<std::string> name;
    std::optional<std::int64_t> workflow_instance_id;
    std::string state;
    std::optional<std::string> host;
    std::optional<std::int64_t> flag;
    std::optional<std::string> submit_time;
};

struct SandboxCommand {
    std::int64_t id = 0;
    std::optional<std::int64_t> command_type;
    std::optional<std::int64_t> workflow_instance_id;
    std::optional<std::string> command_param;
    std::optional<std::string> update_time;
    std::optional<std::string> message;  ///< of a failed command only
};

struct SandboxNode {
    std::string name;
    std::string value;
};

struct SandboxLock {
    std::string path;
    std::string owner;
    std::int64_t client_id = 0;
};

struct SandboxServer {
    std::string kind;  ///< "master" or "worker"
    std::string address;
    bool alive = false;  ///< its client's heartbeat is within the session timeout
    std::optional<EpochMs> startup_time;
    std::optional<std::int64_t> process_id;
};

struct SandboxSection {
    std::string file;
    std::vector<SandboxServer> servers;          ///< masters first, by address
    std::vector<SandboxWorkflow> workflows;      ///< by id
    std::vector<SandboxTask> tasks;              ///< by id
    std::vector<SandboxCommand> commands;        ///< by id
    std::vector<SandboxCommand> error_commands;  ///< by id
    std::vector<SandboxNode> marks;              ///< by name
    std::vector<SandboxNode> stamps;             ///< by address
    std::vector<SandboxLock> locks;              ///< by path
};

}  // namespace dsfailover
