#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "registry/registry_settings.h"

namespace dsfailover {

/// What a registry could not do, sorted by what can be done about it.
class RegistryError : public Error {
  public:
    enum class Kind {
        unreachable,   ///< no connection within the time limit
        session_lost,  ///< our session (lease, client row) is gone: ephemeral nodes and locks with
                       ///< it
        outcome_unknown,  ///< the connection broke during a write: read to learn whether it
                          ///< happened
        denied,           ///< authentication or ACL
        other,
    };
    /// `message` names the endpoint, the path and what was being done, without secrets.
    RegistryError(Kind kind, const std::string& message)
        : Error(kind == Kind::unreachable || kind == Kind::denied ? ExitCode::environment
                                                                  : ExitCode::failed,
                message),
          kind_(kind) {}
    Kind kind() const noexcept { return kind_; }

  private:
    Kind kind_;
};

/// A node of the registry with its value.
struct Node {
    std::string name;  ///< the last part of its path
    std::string value;
    std::string version;  ///< opaque; changes with every write. For put() and remove()
    EpochMs created_at = 0;
    EpochMs modified_at = 0;
    std::int64_t modified_order =
        0;  ///< comparable with LockClaim::created_order of the same registry only
    std::string
        owner;  ///< session, lease or client that an ephemeral node belongs to; empty: persistent
};

/// One node of several that were asked for, or why it could not be read.
struct NodeRead {
    std::string name;          ///< the last part of its path
    std::optional<Node> node;  ///< none: it is not there (any more), or could not be read
    std::string problem;       ///< why it could not be read; empty when it vanished
};

/// A holder of, or a waiter for, a lock.
struct LockClaim {
    std::string id;     ///< identifies this very claim (a node name, a row id, an etcd key)
    std::string owner;  ///< comparable with Node::owner
    std::string
        description;    ///< what the holder wrote of itself: an IP, or IP_PID_THREAD; may be empty
    EpochMs since = 0;  ///< when it began to hold or to queue (for etcd: 0, unknown)
    /// A node with modified_order > created_order was written after this claim was made.
    std::int64_t created_order = 0;
};

/// A lock path with its claims in order: the first holds, the others wait. JDBC shows no waiters.
struct LockState {
    std::string path;
    std::vector<LockClaim> claims;
};

/// What became of one write among several.
enum class PutOutcome {
    written,
    not_as_read,  ///< the node exists already, or has changed or vanished: nothing was written
    unknown,      ///< the connection broke: read to learn whether it happened
};

/// One write among several; path, value and version as for Registry::put().
struct Put {
    std::string path;
    std::string value;
    std::string version;
    PutOutcome outcome = PutOutcome::unknown;  ///< filled in
};

/// What became of one removal.
enum class RemoveOutcome { removed, changed, vanished, has_children, failed };

struct Removal {
    std::string path;
    std::string version;
    RemoveOutcome outcome = RemoveOutcome::failed;  ///< filled in
    std::string problem;                            ///< filled in when failed
};

/// A lock we hold. Released by release() or the destructor; both tolerate that it is lost already.
class Lock {
  public:
    virtual ~Lock() = default;
    Lock() = default;
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

    virtual const std::string& path() const = 0;
    /// A round trip to the registry: whether the lock is still ours. False when the session is
    /// lost. Throws RegistryError(unreachable) if the registry does not answer within the session's
    /// time.
    virtual bool still_held() = 0;
    virtual void release() noexcept = 0;
};

/// Result of trying to take a lock.
struct LockAttempt {
    std::unique_ptr<Lock> lock;       ///< none: time was up
    std::optional<LockClaim> holder;  ///< who held it when time was up
    Millis waited{0};
    std::vector<std::string>
        notes;            ///< e.g. "removed the lock row 7 of the dead client 123 (127.0.1.1_77)"
    std::string problem;  ///< why no waiting would have helped; empty: time was up
};

/// An ephemeral node we made to announce that a server departs (docs/dolphinscheduler.md).
class Announcement {
  public:
    virtual ~Announcement() = default;
    Announcement() = default;
    Announcement(const Announcement&) = delete;
    Announcement& operator=(const Announcement&) = delete;
    /// Removes the node, if it is still as we wrote it. Returns false when a server registered at
    /// that address meanwhile: nothing of it is deleted (ZooKeeper: our session is closed, because
    /// the server wrote into our node, and its node comes back with its next heartbeat).
    /// The destructor does the same, without a word.
    virtual bool withdraw() = 0;
};

/// A registry of DolphinScheduler. Paths are DolphinScheduler's, relative to the namespace
/// (paths.h). Implementations: ZooKeeper, etcd, JDBC tables.
///
/// All functions throw RegistryError. One thread uses a registry at a time; an implementation may
/// have threads of its own. A registry opened for reading writes nothing, not even a session row,
/// before the first put, remove, lock or announce.
class Registry {
  public:
    virtual ~Registry() = default;
    Registry() = default;
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;

    virtual std::string type() const = 0;        ///< "zookeeper", "etcd", "jdbc"
    virtual std::string endpoint() const = 0;    ///< without secrets
    virtual std::string name_space() const = 0;  ///< "/dolphinscheduler", "dolphinscheduler", ""

    /// Whether removals of ephemeral nodes reach the masters (ZooKeeper: yes; JDBC, etcd: no).
    virtual bool masters_notice_departures() const = 0;

    /// Names of the direct children, unordered; nullopt if the path does not exist.
    virtual std::optional<std::vector<std::string>> children(const std::string& path) = 0;
    /// nullopt if it does not exist. Denied access throws.
    virtual std::optional<Node> get(const std::string& path) = 0;
    /// Reads each of `paths`, pipelined where the registry can; the answers in the order of
    /// `paths`.
    virtual std::vector<NodeRead> get_all(std::span<const std::string> paths);
    /// Reads every direct child of `path`, pipelined or in one request, in any order. A missing
    /// folder has no children.
    virtual void read_children(const std::string& path,
                               const std::function<void(NodeRead)>& child) = 0;

    /// The children of /nodes/master, /nodes/worker or /nodes/alert-server that count as alive.
    /// ZooKeeper and etcd: all of them. JDBC: one whose client's heartbeat is fresh, or whose
    /// reportTime lies within 30 s of the database's clock; and with `patient` one that writes
    /// either within the 12 s for which it is then looked at (once per server and run).
    virtual std::vector<Node> living(const std::string& path, bool patient) = 0;

    /// Another node that this registry cannot tell from `path`, because it differs only in case:
    /// its path. Only MySQL's tables have such; nullopt elsewhere. Making the one while the other
    /// is there throws LockError: of the addresses of a run it concerns this one alone.
    virtual std::optional<std::string> twin_of(const std::string& path);

    /// Creates a persistent node, if `version` is empty, or replaces the value if the node still
    /// has `version`. Parents are made as needed. Returns false if it exists already, or has
    /// changed or vanished. outcome_unknown: read it.
    virtual bool put(const std::string& path, const std::string& value,
                     const std::string& version) = 0;

    /// put() for each, pipelined where the registry can; fills in the outcomes. Each stands for
    /// itself: one that is refused never keeps another from being written.
    virtual void put_all(std::span<Put> puts);

    /// Removes nodes that still have the version given, pipelined or batched; fills in the
    /// outcomes. Each node stands for itself: one that fails never keeps another from being
    /// removed. Throws RegistryError when the registry is gone (unreachable, session_lost, denied
    /// as a whole); the outcomes so far are filled in then, and what was not tried is `failed`
    /// without a problem.
    virtual void remove(std::span<Removal> removals) = 0;

    /// Waits for the lock at most `time_limit`; calls `waiting` about once a second with the
    /// holder. Speaks the protocol of the masters, so that they and we exclude each other.
    /// `waiting` may throw: the queue is left.
    virtual LockAttempt lock(
        const std::string& path, Millis time_limit,
        const std::function<void(const LockClaim&, Millis waited)>& waiting) = 0;
    /// Takes those of the locks that are free now, all of them together, and waits for none: the
    /// answers in the order of `paths`, empty where somebody is before us. A registry that cannot
    /// take several together takes none; lock() takes them one by one.
    virtual std::vector<std::unique_ptr<Lock>> try_locks(std::span<const std::string> paths);
    /// Lock::still_held() of several of this registry's locks, pipelined where it can.
    virtual std::vector<bool> still_held(std::span<Lock* const> locks);
    /// Lock::release() of several of this registry's locks, pipelined where it can.
    virtual void release(std::span<Lock* const> locks) noexcept;
    /// Creates ephemeral nodes of our session at exactly `paths`, each with `value`, together where
    /// the registry can; parents are made as needed. The answers in the order of `paths`: what
    /// still_held() and release() take as they take a lock, or empty where a node stands already.
    /// JDBC: one whose client died is removed first.
    virtual std::vector<std::unique_ptr<Lock>> claim(std::span<const std::string> paths,
                                                     const std::string& value) = 0;
    /// Who holds and who waits; empty if it is free.
    virtual std::vector<LockClaim> claims(const std::string& path) = 0;
    /// Every lock below `prefix` that somebody holds or waits for.
    virtual std::vector<LockState> locks(const std::string& prefix) = 0;
    /// Whether the holder of `claim` is the living server that owns `server` (a node of living()).
    /// ZooKeeper: same session; etcd: same lease; JDBC: same client, or the same IP and PID.
    virtual bool owns(const Node& server, const LockClaim& claim) = 0;

    /// Whether two ephemeral nodes belong to one process, as far as the registry can tell. etcd: a
    /// client takes a lease for each node, so that any two may.
    virtual bool of_one_process(const Node& a, const Node& b);

    /// Creates an ephemeral node. Returns nullptr if the path exists already.
    virtual std::unique_ptr<Announcement> announce(const std::string& path,
                                                   const std::string& value) = 0;
};

/// Connects. Throws RegistryError(unreachable, denied) naming the endpoint, and Interrupted.
std::unique_ptr<Registry> open_registry(const RegistrySettings& settings);

}  // namespace dsfailover
