#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "store/id_ranges.h"
#include "store/schema.h"
#include "store/workflow_instance.h"

namespace dsfailover {

/// What a command has whose workflow_instance_priority is null.
inline constexpr int kMediumPriority = 2;

/// A command waiting in t_ds_command.
struct WaitingCommand {
    std::int64_t id = 0;
    std::int64_t workflow_instance_id = 0;
    int command_type = 0;
    std::optional<EpochMs> update_time;
    int priority = kMediumPriority;  ///< masters take lower numbers first, then lower ids
};

/// A command that a master could not run, from t_ds_error_command.
struct ErrorCommand {
    std::int64_t id = 0;
    std::int64_t workflow_instance_id = 0;
    int command_type = 0;
    std::string command_param;
    std::string message;
};

/// The newest of them, the one with the highest id, of each workflow instance.
std::unordered_map<std::int64_t, ErrorCommand> newest_of_each(std::vector<ErrorCommand> failed);

/// A command's row as it stands, for showing it: nothing of it is judged.
struct CommandAsStored {
    std::int64_t id = 0;
    std::optional<std::int64_t> command_type;
    std::optional<std::int64_t> workflow_instance_id;
    std::optional<std::string> command_param;
    std::optional<std::string> update_time;
    std::optional<std::string> message;  ///< of one that failed
};

/// A whole row of t_ds_command but its id: every column with its value.
using CommandRow = std::vector<std::pair<std::string, std::optional<std::string>>>;

class CommandStore {
  public:
    explicit CommandStore(StoreContext context) : context_(context) {}

    // No function that reads locks a row. Every function takes any number of ids, returns what it
    // finds in no particular order, and throws EnvironmentError naming table, column and row if it
    // meets what cannot be read.

    /// Every command of any type that waits, streamed in bounded memory; those without a workflow
    /// instance have the instance id 0. Not inside a transaction.
    void scan(const std::function<void(const WaitingCommand&)>& command);
    /// Takes a command's id and its workflow instance's; 0 where it has none.
    using IdCallback = std::function<void(std::int64_t id, std::int64_t workflow_id)>;
    /// The ids of the same, in the same way. Not inside a transaction.
    void scan_ids(const IdCallback& command);
    /// Commands of any type with an id greater than `after_id`, in order of id, but for those whose
    /// id lies in one of `but_not`. Inside a transaction, too; what that inserted itself may be
    /// left out. Costs what lies behind `after_id` and outside these ranges, whatever else stands
    /// in the table: the only index is that of the ids.
    void newer_than(std::int64_t after_id, std::span<const IdRange> but_not,
                    const IdCallback& command);
    /// How far behind a higher id, seen already, a lower one may still appear: servers give ids out
    /// when a row is inserted, and show it when its transaction is committed, and every node of a
    /// Galera cluster gives out its own. SQLite has one writer: 0.
    std::int64_t id_slack() const;
    /// Commands of any type for these workflow instances, those with an id greater than `after_id`.
    /// Costs what lies behind that.
    std::vector<WaitingCommand> for_workflows(std::span<const std::int64_t> workflow_ids,
                                              std::int64_t after_id = 0);
    /// Which of these command ids still wait.
    std::vector<std::int64_t> still_waiting(std::span<const std::int64_t> command_ids);
    /// Commands that failed, by the command's id (it keeps its id in t_ds_error_command).
    std::vector<ErrorCommand> failed(std::span<const std::int64_t> command_ids);
    /// Every failed command of these workflow instances.
    std::vector<ErrorCommand> failed_for_workflows(std::span<const std::int64_t> workflow_ids);
    /// Every command that waits, and every one that failed, in order of id, streamed in bounded
    /// memory. Not inside a transaction.
    void scan_as_stored(const std::function<void(const CommandAsStored&)>& command);
    void scan_failed_as_stored(const std::function<void(const CommandAsStored&)>& command);
    /// Whether a command of type 2 for an instance of `host` was made (id greater than `after_id`),
    /// and waits or failed; for watching a leaked lock. One that a master consumed since is not
    /// seen, so ask often.
    bool recovery_command_since(const std::string& host, std::int64_t after_id);
    /// The highest id of a command that waits or failed; 0 if there is none.
    std::int64_t highest_id();

    /// Inside the caller's transaction: deletes a command of any type by its id, as a master does
    /// when it takes it; false if the workflow instance has no such command any more.
    bool remove(std::int64_t command_id, std::int64_t workflow_id);
    /// The same, and returns the row as it was; nullopt if it is not there any more.
    std::optional<CommandRow> take_out(std::int64_t command_id, std::int64_t workflow_id);
    /// Inside the caller's transaction: inserts an equal row with a new id and the update_time
    /// `now` (epoch ms); returns the id.
    std::int64_t insert_again(const CommandRow& row, EpochMs now);

  private:
    std::string but_own() const;
    void scan_table(std::string_view table, std::string_view message,
                    const std::function<void(const CommandAsStored&)>& command);
    std::vector<ErrorCommand> read_failed(std::string_view column,
                                          std::span<const std::int64_t> ids);

    StoreContext context_;
};

}  // namespace dsfailover
