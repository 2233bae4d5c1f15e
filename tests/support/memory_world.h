#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "registry/registry.h"

namespace dsfailover {

/// One call of a client of a MemoryWorld.
struct RegistryCall {
    enum class Kind {
        children,
        get,
        read_children,
        living,
        put,
        remove,
        lock,  ///< entering the queue
        wait,  ///< each look at it from there, the first included
        still_held,
        release,  ///< of a lock or of a claim
        claim,
        claims,
        locks,
        announce,
        withdraw,
    };
    Kind kind = Kind::get;
    std::string path;    ///< without the namespace; of children() and the like: the folder
    std::string client;  ///< what it was opened as
};

/// Which calls a rule of a MemoryWorld is for.
struct CallMatch {
    std::optional<RegistryCall::Kind> kind{};  ///< none: any
    std::string path{};                        ///< this one and all below; empty: any
    int nth = 1;  ///< the first that comes, the second, ...; 0: every one
    std::string client = "run";
};

/// Sees every call of every client of a MemoryWorld.
class CallWatcher {
  public:
    virtual ~CallWatcher() = default;
    // What the two throw comes out of the call.
    virtual void before(const RegistryCall& call) = 0;
    virtual void after(const RegistryCall& call) = 0;
    /// Whether the session of a client that is being destroyed goes on: its process was killed.
    virtual bool outlives(const std::string& client) = 0;
    /// Waits until `changed` is true, or until `until` (epoch ms).
    virtual void wait(const std::function<bool()>& changed, EpochMs until) = 0;
};

/// What a MemoryWorld holds. Paths begin with the namespace. Everything that is written has an
/// order of its own, so that a node's `modified_order` is its version as well.
struct MemoryState {
    std::map<std::string, Node> nodes;                    ///< Node::name is empty here
    std::map<std::string, std::vector<LockClaim>> locks;  ///< the first holds, the others wait
    std::map<std::string, std::string> sessions;          ///< those that last: id -> client
    std::int64_t order = 0;
    EpochMs now = 0;  ///< at the call under way
    bool jdbc = false;
    /// JDBC: the sessions that nobody renews, and since when (epoch ms).
    std::map<std::string, EpochMs> silent_since;

    /// Writes a node, making it and its parents where they are missing. One that is there keeps its
    /// owner and the time and order it was made at.
    Node& write(const std::string& path, const std::string& value, const std::string& owner);
    bool has_children(const std::string& path) const;
    /// Begins a session; returns its id.
    std::string begin_session(const std::string& client);
    /// Whether it lasts and was renewed within the minute that it has for that.
    bool is_fresh(const std::string& session) const;
    /// Ends it, if it lasts: its ephemeral nodes and its claims for locks go.
    void end_session(const std::string& id);
};

/// A registry in memory that several clients use: our runs, and those that a test lets play
/// masters, workers and other runs. It behaves as ZooKeeper does: nodes and locks belong to
/// sessions, and whoever writes into an ephemeral node leaves it to its owner. Or, after
/// go_by_jdbc_rules(), as the JDBC registry does: sessions are rows that outlast their process
/// until somebody purges them, and locks have no queue.
///
/// Every call of every client goes through perform(). There a test can do something right before or
/// after it, and let it fail. A rule that is used up is gone before it acts, and nothing is locked
/// then: what it does may be calls of other clients.
class MemoryWorld {
  public:
    /// Whose time passes: this machine's, or one that stands still but for advance() and for
    /// waiting, which then takes no time.
    enum class Clock { real, by_hand };
    explicit MemoryWorld(Clock clock = Clock::real) : clock_(clock), now_(now_ms()) {}

    /// A client with a session of its own, which ends with it. The world must outlive it.
    std::unique_ptr<Registry> open(const std::string& client,
                                   const std::string& name_space = "/dolphinscheduler");

    EpochMs now() const;
    /// Lets time pass at once, on either clock.
    void advance(Millis time);

    /// Tells `watcher`, which must outlive this, of all calls to come. The clock must be a real
    /// one.
    void watch(CallWatcher& watcher) { watcher_ = &watcher; }

    /// Ends a session as the server does when it heard nothing of it for too long. Its client
    /// learns of it by session_lost, once, and goes on with a new one.
    void end_session(const std::string& id);
    void end_sessions_of(const std::string& client);
    /// From now on it is a JDBC registry.
    void go_by_jdbc_rules() { state_.jdbc = true; }
    bool is_jdbc() const { return state_.jdbc; }
    /// JDBC: the process of this client stands still or is gone, and renews no session.
    void stand_still(const std::string& client);
    /// JDBC: it goes on, and renews those of its sessions that were not purged.
    void go_on(const std::string& client);
    /// JDBC: the two steps of a purge, which every server does once in a minute. The first removes
    /// the sessions that were not renewed, and returns those that are left; the second the
    /// ephemeral nodes and the locks of all others.
    std::set<std::string> purge_sessions();
    void purge_all_but(const std::set<std::string>& sessions);
    /// Takes a lock away from whoever holds it or waits for it. The path begins with the namespace.
    void lose_lock(const std::string& full_path);
    /// Each call of `client` fails as unreachable, until it is let in again. Its session lasts.
    void cut_off(const std::string& client);
    void let_in(const std::string& client);

    /// Does something right before, or right after, a call. What it throws comes out of the call.
    void before(CallMatch match, std::function<void()> act);
    void after(CallMatch match, std::function<void()> act);
    /// Lets a call fail without effect, or with its effect but without the answer.
    void fail(CallMatch match, RegistryError::Kind kind);
    void lose_answer(CallMatch match, RegistryError::Kind kind);
    /// Whether every rule that is not for every call was used: otherwise a test tests nothing.
    bool all_rules_used() const;

    /// All nodes (path -> value) as they are now, namespaces included.
    std::map<std::string, std::string> snapshot() const;
    /// All there is, at this moment.
    MemoryState state() const;
    /// What `look` makes of it, without a copy. It must make no call.
    template <typename Look>
    auto look(const Look& look) const {
        const std::lock_guard guard(mutex_);
        return look(state_);
    }

    /// For clients: a session; returns its id.
    std::string begin_session(const std::string& client);
    /// For clients that are destroyed: ends their session.
    void close_session(const std::string& client, const std::string& id);
    /// For clients: the one way by which calls reach the state. Throws what the rules throw,
    /// unreachable where the client is cut off, and what `effect` throws.
    void perform(const RegistryCall& call, const std::function<void(MemoryState&)>& effect);
    /// For clients: until somebody's call changed something after the state had `seen` as its
    /// order, or until `until` (epoch ms).
    void wait_for_change(std::int64_t seen, EpochMs until);

  private:
    enum class Moment { before, after };
    struct Rule {
        Moment moment;
        CallMatch match;
        std::function<void()> act;
    };
    void act(Moment moment, const RegistryCall& call);
    void add(Moment moment, CallMatch match, std::function<void()> act);
    EpochMs unguarded_now() const;

    const Clock clock_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    MemoryState state_;
    EpochMs now_;      // by hand
    Millis ahead_{0};  // of the real clock
    std::set<std::string> cut_off_;
    std::vector<Rule> rules_;
    CallWatcher* watcher_ = nullptr;
};

/// JDBC: a session that was not renewed for so long may be purged.
inline constexpr Millis kJdbcSession{60'000};

/// The endpoint that every client names.
inline constexpr const char* kMemoryEndpoint = "127.0.0.1:2181";

}  // namespace dsfailover
