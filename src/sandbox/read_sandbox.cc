#include <algorithm>
#include <set>
#include <unordered_map>

#include "database/database.h"
#include "registry/living_servers.h"
#include "registry/paths.h"
#include "sandbox/sandbox.h"
#include "store/command_store.h"
#include "store/relation_store.h"
#include "store/schema.h"
#include "store/task_instance_store.h"
#include "store/task_state.h"
#include "store/workflow_instance_store.h"
#include "store/workflow_state.h"

namespace dsfailover {
namespace {

std::string name_or_number(std::string_view name, std::int64_t state) {
    return name.empty() ? std::to_string(state) : std::string(name);
}

SandboxCommand shown(const CommandAsStored& command) {
    return {command.id,
            command.command_type,
            command.workflow_instance_id,
            command.command_param,
            command.update_time,
            command.message};
}

/// What stands in one SQLite file.
class SandboxReader {
  public:
    SandboxReader(const StoreContext& store, Registry& registry)
        : store_(store), registry_(registry) {}

    void read(SandboxSection& section) {
        section.servers = servers();
        section.workflows = workflows();
        section.tasks = tasks();
        CommandStore commands(store_);
        commands.scan_as_stored(
            [&](const CommandAsStored& command) { section.commands.push_back(shown(command)); });
        commands.scan_failed_as_stored([&](const CommandAsStored& command) {
            section.error_commands.push_back(shown(command));
        });
        section.marks = children(paths::kMarks);
        section.stamps = children(paths::kStamps);
        section.locks = locks();
    }

  private:
    std::vector<SandboxWorkflow> workflows() {
        std::vector<SandboxWorkflow> result;
        WorkflowInstanceStore(store_).scan_as_stored([&](const WorkflowAsStored& workflow) {
            const std::int64_t state = workflow.state.value_or(-1);
            result.push_back({workflow.id, workflow.name,
                              name_or_number(workflow_state_name(state), state), workflow.host,
                              workflow.start_time, workflow.restart_time, workflow.command_type,
                              std::nullopt});
        });
        std::vector<std::int64_t> ids;
        for (const SandboxWorkflow& workflow : result) ids.push_back(workflow.id);
        std::unordered_map<std::int64_t, std::int64_t> parents;  // the first of each child
        for (const WorkflowRelation& relation : parents_of(store_, ids)) {
            const auto [parent, is_new] =
                parents.try_emplace(relation.child_id, relation.parent_id);
            if (!is_new) parent->second = std::min(parent->second, relation.parent_id);
        }
        for (SandboxWorkflow& workflow : result) {
            if (const auto parent = parents.find(workflow.id); parent != parents.end())
                workflow.parent_id = parent->second;
        }
        return result;
    }

    std::vector<SandboxTask> tasks() {
        std::vector<SandboxTask> result;
        TaskInstanceStore(store_).scan_as_stored([&](const TaskAsStored& task) {
            const std::int64_t state = task.state.value_or(-1);
            result.push_back({task.id, task.name, task.workflow_instance_id,
                              name_or_number(task_state_name(state), state), task.host, task.flag,
                              task.submit_time});
        });
        return result;
    }

    std::vector<SandboxNode> children(std::string_view folder) {
        std::vector<SandboxNode> result;
        registry_.read_children(std::string(folder), [&](const NodeRead& child) {
            if (!child.node) throw RegistryError(RegistryError::Kind::other, child.problem);
            result.push_back({child.name, child.node->value});
        });
        std::ranges::sort(result, {}, &SandboxNode::name);
        return result;
    }

    // Every row of a server; whether it lives is for the registry to say.
    std::vector<SandboxServer> servers() {
        std::vector<SandboxServer> result;
        for (const auto& [kind, folder] :
             {std::pair("master", paths::kMasters), std::pair("worker", paths::kWorkers)}) {
            std::set<std::string> living;
            for (Node& node : registry_.living(std::string(folder), true))
                living.insert(std::move(node.name));
            for (SandboxNode& row : children(folder)) {
                Node node;
                node.name = std::move(row.name);
                node.value = std::move(row.value);
                const Server server = parse_heartbeat(std::move(node));
                result.push_back({kind, server.address, living.contains(server.address),
                                  server.startup_time, server.process_id});
            }
        }
        return result;
    }

    // Of tables, where a lock has one claim, and its owner is a client's id.
    std::vector<SandboxLock> locks() {
        std::vector<SandboxLock> result;
        for (const LockState& lock : registry_.locks(""))
            for (const LockClaim& claim : lock.claims)
                result.push_back({lock.path, claim.description, std::stoll(claim.owner)});
        return result;
    }

    const StoreContext store_;
    Registry& registry_;
};

}  // namespace

SandboxSection read_sandbox(const std::string& file) {
    DatabaseSettings settings;
    settings.type = DatabaseType::sqlite;
    settings.file = file;
    const std::unique_ptr<Database> database = open_database(settings);
    const Schema schema = read_schema(*database);
    RegistrySettings tables;
    tables.type = RegistrySettings::Type::jdbc;
    tables.database = settings;
    SandboxSection result;
    result.file = file;
    const TimeZone utc;
    SandboxReader({*database, schema, utc}, *open_registry(tables)).read(result);
    return result;
}

}  // namespace dsfailover
