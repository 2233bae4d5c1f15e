#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/asking/workflow_inquiry.h"
#include "coordinator/failover_options.h"
#include "coordinator/marks/failover_marks.h"
#include "coordinator/run_context.h"
#include "registry/living_servers.h"

namespace dsfailover {

/// "master 127.0.1.2:5678 (session 0x10004)", or what else is known of the holder.
std::string describe_holder(Registry& registry, const LockClaim& claim, const Servers& servers);

/// The living server that holds `claim`; nullptr if it is none.
const Server* owning_server(Registry& registry, const LockClaim& claim, const Servers& servers);

/// Whether a living server holds `claim`, or may: etcd does not tell, since each of a server's
/// locks has a lease of its own, so that there any may be held by one while a master lives.
bool may_be_held_by_server(Registry& registry, const LockClaim& claim, const Servers& servers);

/// Whether a living server holds, or may hold, the lock although a mark of the address was written
/// after it began to: it forgot to release it (docs/dolphinscheduler.md, "The leaked lock").
bool suspected_leaked(Registry& registry, const LockClaim& claim, const Servers& servers,
                      const AddressMarks& marks);

/// The right to fail an address over: its lock held by us, or, with --no-lock, passed.
class FailoverLock {
  public:
    /// A lock that we hold.
    explicit FailoverLock(std::unique_ptr<Lock> lock);
    /// A lock passed although `claim` holds it.
    FailoverLock(Registry& registry, std::string path, LockClaim passed);

    /// A round trip: whether it is still ours, or (passed) still with the holder that was passed.
    /// One that is free meanwhile may have been another's in between, who did our work. Throws
    /// RegistryError if the registry does not answer.
    bool confirm();
    /// Whether it is another's, passed with --no-lock.
    bool was_passed() const { return !held_; }
    /// confirm() of several, those that we hold together.
    static std::vector<bool> confirm(Registry& registry, std::span<FailoverLock* const> locks);

    /// Gives back those that we hold, together. Nothing is thrown; a lock that is lost is gone.
    static void release(Registry& registry, std::span<FailoverLock* const> locks) noexcept;

  private:
    std::unique_ptr<Lock> held_;
    Registry* registry_ = nullptr;
    std::string path_;
    LockClaim passed_;
};

/// A watch over a lock that a living server may have leaked: whether its holder does anything for
/// the address. It begins with its construction and may run beside whatever else takes time.
class LeakWatch {
  public:
    /// Takes note of the marks (fences aside) of `address` and of the newest command. `holder`:
    /// the claim that holds the lock now. `context` must outlive it. Throws RegistryError and
    /// DatabaseError, as look() does.
    LeakWatch(const RunContext& context, std::string address, LockClaim holder);

    /// Looks again, about once a second, so that no command comes and goes unseen. After an
    /// objection there is nothing more to see.
    void look();
    /// What the holder did meanwhile, and why the lock must not be passed therefore; empty: nothing
    /// was seen.
    const std::string& objection() const { return objection_; }
    /// Since when it is watched.
    Millis watched() const;
    const LockClaim& holder() const { return holder_; }

  private:
    using Marks = std::vector<std::pair<std::string, std::string>>;
    Marks marks() const;

    const RunContext& context_;
    const std::string address_;
    const LockClaim holder_;
    const EpochMs began_;
    Marks marks_;
    std::int64_t newest_command_ = 0;
    std::string objection_;
};

struct LockRequest {
    std::string address;
    Millis time_limit{0};
    Millis watch_for{0};  ///< how long a leaked lock is watched before it is passed
    bool no_lock = false;
    /// Whether every living master answers what it holds; empty: nobody is asked. Where they do, a
    /// lock that looks leaked is passed without no_lock, too: who holds a workflow is known.
    std::function<bool()> masters_answer;
    /// This run stopped the server at the address: what that one held goes with its session, and is
    /// waited for, time limit or not.
    bool fenced = false;
    /// Over this lock, begun earlier; its time counts. May be nullptr, or over another holder.
    LeakWatch* watch = nullptr;
    /// Reads again who lives. Called about once a second while a lock is waited for or watched;
    /// what it throws ends that, and leaves take_failover_lock().
    std::function<const Servers&()> look;
};

struct LockResult {
    std::optional<FailoverLock> lock;  ///< none: not acquired
    bool passed_by_answers = false;    ///< all that is failed over under it must be asked about
    LockInfo info;
    std::string problem;  ///< why it was not acquired, and what to do
};

/// Takes, together and without waiting, the failover locks of `addresses` up to the first that is
/// not free: whoever waits for that one must hold none that comes after it. The answers in the
/// order of `addresses`. Throws RegistryError.
std::vector<FailoverLock> take_free_failover_locks(Registry& registry,
                                                   std::span<const std::string> addresses);

/// Takes the failover lock of an address, waiting at most the time limit and logging who holds it
/// from the beginning, and whether it looks leaked. With `no_lock`, a lock in foreign hands is
/// passed: if the holder is not a living server, once it outlived what a session of ours lasts; if
/// it is suspected leaked, after it kept its holder for the time limit while that did nothing for
/// the address. The latter without `no_lock`, too, where every master answers. Throws
/// RegistryError, and what `request.look` and `request.masters_answer` throw.
LockResult take_failover_lock(const RunContext& context, const LockRequest& request);

/// Whether the lock of a server that is to be fenced can be acquired then.
struct LockOutlook {
    std::string problem;                 ///< why not; empty: it will
    std::shared_ptr<LeakWatch> watch{};  ///< over the holder that will be passed
};

/// Judges the failover lock of `server` before that is fenced, waiting for it as
/// take_failover_lock() does (not in a dry run). What `server` itself holds counts as free, and it
/// need not answer. `inquiry`: asks the masters; nullptr: nobody does. Throws RegistryError,
/// DatabaseError and Interrupted.
LockOutlook lock_after_fence(const RunContext& context, const Server& server,
                             const FailoverOptions& options, WorkflowInquiry* inquiry);

}  // namespace dsfailover
