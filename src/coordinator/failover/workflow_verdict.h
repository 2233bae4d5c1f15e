#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/stored_time.h"
#include "base/time.h"
#include "report/words.h"
#include "store/task_instance_store.h"
#include "store/workflow_instance.h"

namespace dsfailover {

/// What is to be done with an unfinished workflow instance, and why not.
enum class Verdict {
    selected,
    ownerless,               ///< it has no host
    odd_host,                ///< its host is not an address
    own_work,                ///< this run failed it over
    started_after_deadline,  ///< it is not meant
    impossible_start,        ///< it started after its master was gone: a clock or the zone is wrong
    running_elsewhere,       ///< another master runs it
    held_idle,               ///< a master holds it, and nothing moves
    command_pending,         ///< a command for it waits already
    child_running,  ///< a resumed parent: its recovery would give its child a second command
    by_parent,      ///< a child: the recovery of its resumed parent gives it its command
    done_before,    ///< an earlier run of ours failed it over
    settling,       ///< it was handed over too recently to tell
    in_doubt,       ///< another master may be running it
    unanswered,     ///< not every living master says that it does not hold it
    no_start_time,
};

/// Why one with this verdict is skipped. Throws std::logic_error for selected.
SkipReason skip_reason(Verdict verdict);

/// What the living masters answered when asked whether they hold a workflow instance.
enum class MasterAnswer {
    not_asked,
    unanswered,   ///< a living master could not be asked
    not_held,     ///< by every living master
    held,         ///< by one
    held_idle,    ///< by one, and nothing of it moves
    held_by_two,  ///< or more
};

/// A stamp of an address, ready to be compared with rows.
struct StampFacts {
    EpochMs value = 0;
    std::int64_t local_us = 0;  ///< its wall clock in this run's zone, as StoredTime::local_us
    /// Its wall clock in the zone it was written in, where that is another one.
    std::optional<std::int64_t> foreign_local_us;
    bool knows_origin = false;  ///< it says in which zone it was written, and which masters lived
    bool origin_lives = false;  ///< all those masters still live
};

/// What is known of the address that an instance has as host.
struct AddressFacts {
    bool is_address = true;  ///< the host is HOST:PORT
    EpochMs deadline = 0;
    bool event_time_given = false;  ///< the deadline comes from --event-time
    bool lives = false;             ///< another process lives at the address
    /// It lives, and only that no living master holds an instance decides, whenever that started.
    bool by_answer_alone = false;
    bool recovery_leaves_host = false;  ///< Schema::recovery_leaves_host
    bool any_master_lives = false;
    std::optional<EpochMs> newest_mark;              ///< of the address, fences not counted
    bool unparsable_mark = false;                    ///< a mark, or the stamps, cannot be read
    EpochMs newest_mark_of_any_master = 0;           ///< needed only where needs_task_activity()
    std::vector<StampFacts> stamps;                  ///< of earlier runs, and of others under way
    std::optional<std::int64_t> own_stamp_local_us;  ///< this run's, as StampFacts::local_us
    EpochMs clock = 0;                               ///< now
};

/// What was found out about one instance beyond its row.
struct Evidence {
    bool command_waits = false;  ///< it has a row in t_ds_command, of any type
    bool seen_busy = false;      ///< this run saw it in state 18, or with a command, before
    bool moved_in_run = false;   ///< a task of it moved while the run was under way
    TaskActivity activity;       ///< filled in where needs_task_activity()
    MasterAnswer answer = MasterAnswer::not_asked;
};

/// A verdict, and the row of the table that gave it (docs/behaviour.md, "Which workflows"). Row 4a
/// is 4.
struct Judgement {
    Verdict verdict = Verdict::selected;
    int row = 0;

    bool operator==(const Judgement&) const = default;
};

/// The newest stamp of another run that the instance carries as restart_time; nullptr: none.
const StampFacts* carried_stamp(const WorkflowInstance& instance, const AddressFacts& facts);

/// Whether a person resumed the instance last, after a failure or a pause: on whatever master.
bool resumed_by_hand(const WorkflowInstance& instance);

/// Whether a mark of its host is at least as new as its last start.
bool at_or_before_newest_mark(const WorkflowInstance& instance, const AddressFacts& facts);

/// Whether another master may have got the instance while its host stayed as it was: by either of
/// these, or by a mark that cannot be read.
bool maybe_run_by_another(const WorkflowInstance& instance, const AddressFacts& facts);

/// Whether judge() needs the instance's task activity, the rest of `evidence` given.
bool needs_task_activity(const WorkflowInstance& instance, const AddressFacts& facts,
                         const Evidence& evidence);

/// Judges an instance in state 1, 2 or 4 by the table of docs/behaviour.md, "Which workflows": the
/// first row that applies decides. A pure function of its arguments.
Judgement judge(const WorkflowInstance& instance, const AddressFacts& facts,
                const Evidence& evidence);

/// Whether --in-doubt can overrule a judgement: `named` by its id, or with `all`.
bool can_be_overruled(const Judgement& judgement, bool named);

/// A workflow that was handed over (by a stamp or a mark) later than so long ago is settling: a
/// worker repeats events that nobody acknowledged every three minutes.
inline constexpr EpochMs kSettlingMs = 4 * 60'000;

}  // namespace dsfailover
