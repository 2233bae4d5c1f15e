#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "store/schema.h"
#include "store/workflow_instance.h"

namespace dsfailover {

/// How an instance stands after a commit whose outcome was unknown.
enum class Settled {
    /// The row carries the stamp, whatever its state: the transaction took effect, and on 3.3.0 a
    /// master may have recovered the workflow since.
    committed,
    /// Every column read, and the row's version, is as before: it did not.
    not_committed,
    /// Neither, or the row is gone. On 3.3.1 and later, where recovery sets host and restart_time,
    /// a master may have recovered what we committed. Nothing is to be done about it in any case.
    changed_by_others,
};

/// A workflow's row as it stands, for showing it: nothing of it is judged.
struct WorkflowAsStored {
    std::int64_t id = 0;
    std::optional<std::string> name;
    std::optional<std::int64_t> state;
    std::optional<std::string> host;
    std::optional<std::string> start_time;
    std::optional<std::string> restart_time;
    std::optional<std::int64_t> command_type;
};

class WorkflowInstanceStore {
  public:
    explicit WorkflowInstanceStore(StoreContext context) : context_(context) {}

    /// One scan: every instance in state 1, 2 or 4 whose host is one of `hosts`, byte for byte (all
    /// of them, those without a host too, if `hosts` is empty), streamed in bounded memory, in no
    /// particular order. Not inside a transaction. Throws EnvironmentError naming the row if it
    /// holds what cannot be read, as every reading function here does.
    void scan_unfinished(std::span<const std::string> hosts,
                         const std::function<void(const WorkflowInstance&)>& instance);

    /// The same, and those in state 18 that carry none of `stamps` (epoch ms, as they were written)
    /// as restart_time.
    void scan_with_failover(std::span<const std::string> hosts, std::span<const EpochMs> stamps,
                            const std::function<void(const WorkflowInstance&)>& instance);

    /// Of these those in state 18 alone.
    void scan_failover(std::span<const std::string> hosts, std::span<const EpochMs> stamps,
                       const std::function<void(const WorkflowInstance&)>& instance);

    /// The same for the instances of any host in one of `states`.
    void scan_states(std::span<const int> states,
                     const std::function<void(const WorkflowInstance&)>& instance);

    /// An instance in state 18.
    struct InFailover {
        WorkflowInstance row;
        std::string command_param;  ///< its own; "" where that is null
        bool has_command = false;   ///< of any type, at the moment at which the row was read
    };
    /// The same for all in state 18.
    void scan_in_failover(const std::function<void(const InFailover&)>& instance);

    /// The hosts of those in state 18 without a command, each once; "" for null.
    std::vector<std::string> hosts_without_command();

    /// Every instance there is, in order of id, streamed in bounded memory. Not inside a
    /// transaction.
    void scan_as_stored(const std::function<void(const WorkflowAsStored&)>& instance);

    /// Fails the instances over, inside the caller's transaction: where state, host, start_time,
    /// restart_time, command_type and version are still exactly as in `instances`, as one of the
    /// functions here read them, state becomes 18, and restart_time and host what `values` says;
    /// nothing else of the row, not even MySQL's update_time; and one command is inserted for each
    /// row changed, exactly as WorkflowFailover of DolphinScheduler inserts it. The rows stay
    /// locked until the transaction ends; they are locked in ascending order of id, so that two
    /// runs cannot deadlock. Any number of instances, no id twice, each in state 1, 2 or 4, or with
    /// such a `back_to` in 18 (std::logic_error otherwise). Returns those changed, in no particular
    /// order; an instance missing in the result had changed. `read_from` is file_version() of
    /// before `instances` were read: if it still is, nobody has changed them and no row is
    /// compared. No call of this for one of them may have taken effect since.
    std::vector<FailedOver> fail_over(std::span<const WorkflowInstance> instances,
                                      const FailoverValues& values,
                                      const std::optional<FileVersion>& read_from = std::nullopt);

    /// After a commit of fail_over() with this stamp (epoch ms) whose outcome is unknown: on a new
    /// connection, inside a transaction, locks the rows (which waits for the old transaction to
    /// end) and says for each of `instances`, in their order, how it stands.
    std::vector<Settled> settle(std::span<const WorkflowInstance> instances, EpochMs stamp);

    /// Inside the caller's transaction: restart_time of these instances, whose rows in state 18 the
    /// caller has locked, becomes `time` (epoch ms, rounded by round_up already), nothing else of
    /// the row, not even MySQL's update_time.
    void set_restart_time(std::span<const std::int64_t> ids, EpochMs time);

    /// Inside the caller's transaction: `host` becomes the host of these instances, whose rows in
    /// state 1, 2, 4 or 18 the caller has locked, and `restart_time` (epoch ms, rounded by round_up
    /// already) their restart_time; nothing else of the rows, not even MySQL's update_time.
    void rehost(std::span<const std::int64_t> ids, const std::string& host, EpochMs restart_time);

    /// Inside the caller's transaction: the instance, whose row the caller has locked, gets the
    /// final `state` and the end_time, a text as the columns hold it; nothing else of the row
    /// changes, not even MySQL's update_time.
    void end(std::int64_t id, int state, const std::string& end_time);

    /// Those of `ids` whose own command_param, which a recovery reads besides that of its command,
    /// has no commandType: no master can recover them.
    std::vector<std::int64_t> without_command_type(std::span<const std::int64_t> ids);

    /// Names for a report, in the order of `ids`; an instance without a name, or gone, has none.
    std::vector<std::optional<std::string>> names(std::span<const std::int64_t> ids);

    struct Standing {
        std::optional<std::string> host;
        int state = 0;
    };
    /// How those of `ids` that are in state 1, 2, 4 or 18 stand, by id.
    std::unordered_map<std::int64_t, Standing> not_ended(std::span<const std::int64_t> ids);

    /// Every restart_time, each once, of the instances of `host` in state 1, 2, 4 or 18; in no
    /// particular order, not inside a transaction. Where the database compares without regard to
    /// case, those of such hosts, too.
    void scan_restart_times(const std::string& host,
                            const std::function<void(const StoredTime&)>& time);

    /// Those of `ids` that are in state 18 and have no command of any type: nobody will ever touch
    /// them again. Each batch is one statement, so that a master or another run that acts meanwhile
    /// is seen wholly or not at all.
    std::vector<std::int64_t> in_failover_without_command(std::span<const std::int64_t> ids);

    /// The latest start_time or restart_time, submit_time, start_time or end_time among the newest
    /// 100 workflow and 100 task rows by id; nullopt if there is none. One round trip.
    std::optional<StoredTime> latest_activity();

    /// The instances with these ids, in ascending order of id, in whatever state they are; unknown
    /// ids are left out. With `lock`, inside a transaction, the rows are locked until it ends.
    std::vector<WorkflowInstance> by_ids(std::span<const std::int64_t> ids, bool lock);

  private:
    std::string failover_without(std::span<const EpochMs> stamps, std::vector<Value>& parameters);
    void scan(const std::string& condition, std::vector<Value> parameters,
              std::span<const std::string> hosts,
              const std::function<void(const WorkflowInstance&)>& instance);

    StoreContext context_;
};

}  // namespace dsfailover
