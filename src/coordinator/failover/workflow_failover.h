#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "coordinator/asking/workflow_inquiry.h"
#include "coordinator/run_context.h"
#include "store/command_store.h"
#include "store/command_watch.h"
#include "store/workflow_instance_store.h"

namespace dsfailover {

/// What became of one instance that was to be failed over.
struct WorkflowFailoverResult {
    /// unknown: the connection broke during COMMIT, and the database did not come back to be asked.
    /// command_pending: a command of somebody else for it waits. held, unanswered: it was selected
    /// because no master held it, and with the rows locked one did, or not all answered.
    /// child_running: a parent that a person resumed, for whose child a command came meanwhile.
    enum class Kind {
        failed_over,
        state_changed,
        command_pending,
        child_running,
        held,
        unanswered,
        failed,
        unknown
    };
    std::int64_t id = 0;
    int state = 0;  ///< before
    Kind kind = Kind::failed;
    std::int64_t command_id = 0;  ///< failed_over; 0 if only a lost commit told of it
    std::string problem;          ///< failed, unknown
    std::string held_by;          ///< held
    std::string child{};          ///< child_running: as LeftForFamily::other
};

/// Fails workflow instances over in transactions, compare-and-set, until each has an outcome.
class WorkflowFailover {
  public:
    /// Called inside each transaction, with the rows written and locked, right before COMMIT:
    /// confirms the lock and that the address is still gone. What it throws rolls the transaction
    /// back and leaves run().
    using Confirm = std::function<void()>;
    /// Called inside each transaction for those failed over in it (task redispatch). May be empty.
    using AlsoInTransaction = std::function<void(std::span<const FailedOver>)>;
    /// Called once for each instance as its outcome is known, after the commit.
    using Done = std::function<void(const WorkflowFailoverResult&)>;

    /// Called after each transaction with the number of its rows, and how long it held them.
    using Held = std::function<void(std::size_t rows, Millis held)>;

    /// Called inside each transaction, with the rows written and locked, with the context of its
    /// connection: what the masters say against those that rely on their answer. May be empty.
    using Ask = std::function<std::vector<WorkflowInquiry::Objection>(
        const RunContext&, std::span<const std::int64_t> ids)>;

    /// What a transaction needs of its run besides its instances.
    struct Hooks {
        Confirm confirm;
        Ask ask;
        AlsoInTransaction also;
        Done done;
        Held held;
        std::optional<FileVersion> read_from{};  ///< as for WorkflowInstanceStore::fail_over()
    };

    /// `watch` must outlive this.
    WorkflowFailover(const RunContext& context, CommandWatch& watch, Hooks hooks);

    /// Fails `chunk` over in one transaction. Where the database refuses it, it is split until the
    /// instance that fails stands alone; deadlocks and the like are tried again; a lost connection
    /// is opened again, and a commit whose outcome is unknown is settled by reading the rows with
    /// locks; what cannot be settled is reported as unknown. With the rows locked the waiting
    /// commands are looked at again; what has one is left out. Throws DatabaseError when the
    /// database is gone for good, read-only or full.
    void run(std::span<const WorkflowInstance> chunk, const FailoverValues& values);

  private:
    bool run_together(std::span<const WorkflowInstance> chunk, const FailoverValues& values);
    bool attempt(std::span<const WorkflowInstance> chunk, const FailoverValues& values);
    /// Why instances of a chunk may not be failed over, by id.
    using Objections = std::map<std::int64_t, WorkflowFailoverResult>;
    Objections commit_chunk(std::span<const WorkflowInstance> chunk, const FailoverValues& values);
    void leave_out(std::span<const WorkflowInstance> chunk, const FailoverValues& values,
                   const Objections& objections);
    Objections ask(std::span<const FailedOver> changed) const;
    void object_for_children(std::span<const WorkflowInstance> chunk, Objections& objections) const;
    Objections change_rows(std::span<const WorkflowInstance> chunk, const FailoverValues& values,
                           std::vector<FailedOver>& changed);
    std::vector<Settled> settle(std::span<const WorkflowInstance> chunk,
                                const FailoverValues& values, const DatabaseError& cause);
    void finish_settled(std::span<const WorkflowInstance> chunk, const FailoverValues& values,
                        const std::vector<Settled>& outcomes);
    void report(const WorkflowInstance& instance, WorkflowFailoverResult::Kind kind,
                std::int64_t command_id, std::string problem = "");

    const RunContext& context_;
    WorkflowInstanceStore workflows_;
    CommandStore commands_;
    CommandWatch& watch_;
    Hooks hooks_;
    std::string last_problem_;
    DatabaseError::Kind last_kind_ = DatabaseError::Kind::other;
    bool split_ = false;  // said once
};

}  // namespace dsfailover
