#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/option_defaults.h"
#include "base/time.h"
#include "report/words.h"

namespace dsfailover {

/// --in-doubt: which workflows to fail over although another master may be running them.
struct InDoubtSelection {
    bool all = false;  ///< all that are in_doubt; those running_elsewhere must be named
    std::set<std::int64_t> ids;
};

/// Whom a run asks about: --ask.
enum class AskAbout {
    nobody,
    doubtful,  ///< what would not be plainly selected without an answer
    all,       ///< what would be, too
};

/// How living masters and workers are asked.
struct AskOptions {
    AskAbout about = AskAbout::doubtful;
    std::int64_t limit = option_defaults::kAskLimit;  ///< workflows, at least 1, by ascending id
    Millis timeout =
        option_defaults::kAskTimeout;  ///< of a round of questions, connecting included
    /// A master that takes a workflow's command holds the workflow some milliseconds later. Only
    /// what was seen without a command so long ago is not held where nobody says that he holds it;
    /// also the time between the two rounds of status.
    Millis apart = std::chrono::seconds(10);
};

/// The options of failover-master, failover-worker, failover-workflow and global.
struct FailoverOptions {
    bool dry_run = false;
    Millis grace = option_defaults::kGrace;
    bool fence = false;
    Millis fence_timeout = option_defaults::kFenceTimeout;
    InDoubtSelection in_doubt;
    Millis lock_timeout = option_defaults::kLockTimeout;
    bool no_lock = false;
    std::optional<std::int64_t> limit;
    std::optional<Millis> wait;
    bool rehost = true;  ///< with wait: make the holders of recovered workflows their hosts
    AskOptions ask;
    /// failover-workflow: a workflow without a host that stood still so long has nobody, as far as
    /// that is concluded without the masters' answers.
    Millis unclaimed_after = option_defaults::kUnclaimedAfter;
    bool redispatch = false;                      ///< failover-worker
    bool announce = true;                         ///< failover-worker
    std::size_t items = option_defaults::kItems;  ///< items listed per section of the report
};

/// The checks that --check exits 7 for.
struct CheckSelection {
    std::set<CheckName> named;  ///< these alone; none: all but leaked_locks
    std::set<CheckName> skipped;

    bool has(CheckName name) const {
        const bool meant = named.empty() ? name != CheckName::leaked_locks : named.contains(name);
        return meant && !skipped.contains(name);
    }
};

/// The options of status.
struct StatusOptions {
    bool check = false;
    CheckSelection checks;
    Millis idle = option_defaults::kIdle;  ///< see StatusSection::idle
    /// A command that waits longer is taken by no master, where a master lives.
    Millis unclaimed_after = option_defaults::kUnclaimedAfter;
    Millis backlog_after = option_defaults::kBacklogAfter;  ///< a command that waits longer is old
    AskOptions ask;
    std::size_t items = option_defaults::kItems;
};

/// The options of explain.
struct ExplainOptions {
    std::vector<std::int64_t> ids;
    AskOptions ask;  ///< about all of them, or nobody
    std::size_t items = option_defaults::kItems;
};

/// The options of requeue.
struct RequeueOptions {
    std::vector<std::int64_t> ids;  ///< none: every workflow in state FAILOVER
    bool commands = false;  ///< and every command, of any type and whatever its workflow's state
    bool dry_run = false;
    Millis unclaimed_after = option_defaults::kUnclaimedAfter;
    /// How long commands are watched before it is concluded that no master takes them.
    Millis watch = std::chrono::seconds(15);
    Millis lock_timeout = option_defaults::kLockTimeout;  ///< for other runs of dsfailover
    AskOptions ask;
    std::optional<int> as;              ///< workflow state to go back to: 1, 2 or 4
    std::optional<std::int64_t> limit;  ///< none: 1000 with `commands`, else all
    std::optional<Millis> wait;
    bool rehost = true;  ///< with `wait`: also make the master that holds a workflow its host
    std::size_t items = option_defaults::kItems;
};

/// --as of finish: what the workflows become.
enum class FinishAs { failure, stop };

/// The options of finish.
struct FinishOptions {
    std::vector<std::int64_t> ids;
    FinishAs as = FinishAs::failure;
    bool dry_run = false;
    bool tasks = false;  ///< leave tasks that are alive to themselves
    /// Without every master's answer a workflow must have stood still for so long; none: 15 min,
    /// 1 h where its host lives.
    std::optional<Millis> idle;
    Millis lock_timeout = option_defaults::kLockTimeout;  ///< for other runs of dsfailover
    AskOptions ask;
    std::size_t items = option_defaults::kItems;
};

/// The options of rehost.
struct RehostOptions {
    std::vector<std::int64_t> ids;  ///< none: every workflow in state 1, 2 or 4
    bool dry_run = false;
    Millis lock_timeout = option_defaults::kLockTimeout;  ///< for other runs of dsfailover
    std::optional<std::int64_t> limit;
    AskOptions ask;
    std::size_t items = option_defaults::kItems;
};

/// The options of clean-marks and list-marks.
struct MarksOptions {
    std::vector<std::string> names;  ///< clean-marks: these alone, whatever their age
    bool evidence = false;           ///< with names: also those that workflows are judged by
    bool dry_run = false;
    Millis older_than = option_defaults::kOlderThan;
    std::optional<std::string> address;
    std::size_t items = option_defaults::kItems;
};

}  // namespace dsfailover
