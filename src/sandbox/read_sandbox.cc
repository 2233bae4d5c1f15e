#include <fmt/format.h>

#include <set>

#include "database/database.h"
#include "registry/cluster.h"
#include "registry/jdbc/schema.h"
#include "registry/paths.h"
#include "sandbox/sandbox.h"
#include "store/schema.h"
#include "store/task_state.h"
#include "store/workflow_state.h"

namespace dsfailover {
namespace {

std::string name_or_number(std::string_view name, std::int64_t state) {
    return name.empty() ? std::to_string(state) : std::string(name);
}

/// The rows of one SQLite file.
class SandboxReader {
  public:
    SandboxReader(Database& database, Registry& registry)
        : database_(database), registry_(registry) {}

    void read(SandboxSection& section) {
        section.servers = servers();
        section.workflows = workflows();
        section.tasks = tasks();
        section.commands = commands("t_ds_command", "NULL");
        section.error_commands = commands("t_ds_error_command", "message");
        section.marks = children(paths::kMarks);
        section.stamps = children(paths::kStamps);
        section.locks = locks();
    }

  private:
    std::vector<SandboxWorkflow> workflows() {
        std::vector<SandboxWorkflow> result;
        database_.stream(
            "SELECT w.id, w.name, COALESCE(w.state, -1), w.host, w.start_time, w.restart_time, "
            "w.command_type, (SELECT MIN(r.parent_workflow_instance_id) FROM "
            "t_ds_relation_workflow_instance r WHERE r.workflow_instance_id = w.id) "
            "FROM t_ds_workflow_instance w ORDER BY w.id",
            {}, [&](const Row& row) {
                result.push_back(
                    {row.integer(0), row.optional_text(1),
                     name_or_number(workflow_state_name(row.integer(2)), row.integer(2)),
                     row.optional_text(3), row.optional_text(4), row.optional_text(5),
                     row.optional_integer(6), row.optional_integer(7)});
            });
        return result;
    }

    std::vector<SandboxTask> tasks() {
        std::vector<SandboxTask> result;
        database_.stream(
            "SELECT id, name, workflow_instance_id, COALESCE(state, -1), host, flag, submit_time "
            "FROM t_ds_task_instance ORDER BY id",
            {}, [&](const Row& row) {
                result.push_back({row.integer(0), row.optional_text(1), row.optional_integer(2),
                                  name_or_number(task_state_name(row.integer(3)), row.integer(3)),
                                  row.optional_text(4), row.optional_integer(5),
                                  row.optional_text(6)});
            });
        return result;
    }

    std::vector<SandboxCommand> commands(std::string_view table, std::string_view message) {
        std::vector<SandboxCommand> result;
        database_.stream(
            fmt::format("SELECT id, command_type, workflow_instance_id, command_param, "
                        "update_time, {} FROM {} ORDER BY id",
                        message, table),
            {}, [&](const Row& row) {
                result.push_back({row.integer(0), row.optional_integer(1), row.optional_integer(2),
                                  row.optional_text(3), row.optional_text(4),
                                  row.optional_text(5)});
            });
        return result;
    }

    /// Direct children of a folder of the JDBC registry.
    std::vector<SandboxNode> children(std::string_view folder) {
        const std::string prefix = std::string(folder) + '/';
        std::vector<SandboxNode> result;
        for_each_below(prefix, [&](const Row& row) {
            const std::string_view name = row.text(0).substr(prefix.size());
            if (name.find('/') == std::string_view::npos)
                result.push_back({std::string(name), std::string(row.text(1))});
        });
        return result;
    }

    void for_each_below(const std::string& prefix, const Database::RowCallback& callback) {
        const std::vector<Value> parameters = {static_cast<std::int64_t>(prefix.size()), prefix};
        database_.stream(
            "SELECT data_key, data_value FROM t_ds_jdbc_registry_data "
            "WHERE substr(data_key, 1, ?) = ? ORDER BY data_key",
            parameters, callback);
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

    std::vector<SandboxLock> locks() {
        std::vector<SandboxLock> result;
        database_.stream(
            "SELECT lock_key, lock_owner, client_id FROM t_ds_jdbc_registry_lock ORDER BY lock_key",
            {}, [&](const Row& row) {
                result.push_back(
                    {std::string(row.text(0)), std::string(row.text(1)), row.integer(2)});
            });
        return result;
    }

    Database& database_;
    Registry& registry_;
};

}  // namespace

SandboxSection read_sandbox(const std::string& file) {
    DatabaseSettings settings;
    settings.type = DatabaseType::sqlite;
    settings.file = file;
    const std::unique_ptr<Database> database = open_database(settings);
    read_schema(*database);
    check_jdbc_registry_schema(*database);
    SandboxSection result;
    result.file = file;
    RegistrySettings tables;
    tables.type = RegistrySettings::Type::jdbc;
    tables.database = settings;
    SandboxReader(*database, *open_registry(tables)).read(result);
    return result;
}

}  // namespace dsfailover
