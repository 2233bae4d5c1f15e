#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

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
    std::int64_t limit = 10'000;               ///< workflows, at least 1, by ascending id
    Millis timeout = std::chrono::seconds(3);  ///< of a round of questions, connecting included
    /// A master that takes a workflow's command holds the workflow some milliseconds later. Only
    /// what was seen without a command so long ago is not held where nobody says that he holds it;
    /// also the time between the two rounds of status.
    Millis apart = std::chrono::seconds(10);
};

/// The options of failover-master, failover-worker, failover-workflow and global.
struct FailoverOptions {
    bool dry_run = false;
    Millis grace = std::chrono::seconds(30);
    bool fence = false;
    Millis fence_timeout = std::chrono::seconds(90);
    InDoubtSelection in_doubt;
    Millis lock_timeout = std::chrono::seconds(30);
    bool no_lock = false;
    std::optional<std::int64_t> limit;
    std::optional<Millis> wait;
    bool rehost = true;  ///< with wait: make the holders of recovered workflows their hosts
    AskOptions ask;
    /// failover-workflow: a workflow without a host that stood still so long has nobody, as far as
    /// that is concluded without the masters' answers.
    Millis unclaimed_after = std::chrono::minutes(2);
    bool redispatch = false;   ///< failover-worker
    bool announce = true;      ///< failover-worker
    std::size_t items = 1000;  ///< items listed per section of the report
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
    Millis idle = std::chrono::hours(24);  ///< see StatusSection::idle
    /// A command that waits longer is taken by nobody, where a master lives.
    Millis unclaimed_after = std::chrono::minutes(2);
    Millis backlog_after = std::chrono::minutes(15);  ///< a command that waits longer is old
    AskOptions ask;
    std::size_t items = 1000;
};

/// The options of explain.
struct ExplainOptions {
    std::vector<std::int64_t> ids;
    AskOptions ask;  ///< about all of them, or nobody
    std::size_t items = 1000;
};

/// The options of requeue.
struct RequeueOptions {
    std::vector<std::int64_t> ids;  ///< none: every workflow in state FAILOVER
    bool dry_run = false;
    Millis unclaimed_after = std::chrono::minutes(2);
    Millis lock_timeout = std::chrono::seconds(30);  ///< for other runs of dsfailover
    std::optional<int> as;                           ///< workflow state to go back to: 1, 2 or 4
    std::optional<std::int64_t> limit;
    std::optional<Millis> wait;
    std::size_t items = 1000;
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
    Millis lock_timeout = std::chrono::seconds(30);  ///< for other runs of dsfailover
    AskOptions ask;
    std::size_t items = 1000;
};

/// The options of rehost.
struct RehostOptions {
    std::vector<std::int64_t> ids;  ///< none: every workflow in state 1, 2 or 4
    bool dry_run = false;
    Millis lock_timeout = std::chrono::seconds(30);  ///< for other runs of dsfailover
    std::optional<std::int64_t> limit;
    AskOptions ask;
    std::size_t items = 1000;
};

/// The options of clean-marks and list-marks.
struct MarksOptions {
    bool dry_run = false;
    Millis older_than = std::chrono::hours(24 * 7);
    std::optional<std::string> address;
    std::size_t items = 1000;
};

}  // namespace dsfailover
