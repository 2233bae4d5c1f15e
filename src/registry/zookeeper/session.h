#pragma once

#include <zookeeper/zookeeper.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "registry/registry.h"

namespace dsfailover {

/// One request to ZooKeeper. Paths are absolute, the namespace included.
struct ZookeeperRequest {
    enum class Kind { get, exists, children, sync, create, set, remove, remove_all };
    Kind kind = Kind::get;
    std::string path;
    std::string data;    ///< create, set
    int version = -1;    ///< set, remove: only this dataVersion; -1: any
    int mode = 0;        ///< create: ZOO_PERSISTENT, ZOO_EPHEMERAL_SEQUENTIAL, ...
    bool watch = false;  ///< get, exists, children: wake wait_for_event() when it changes
    /// remove_all: path and dataVersion of each node; all of them are removed, or none.
    std::vector<std::pair<std::string, int>> removals;
};

struct ZookeeperReply {
    int code = 0;                    ///< ZOK, ZNONODE, ...
    std::string data;                ///< get: the value; create: the path made
    Stat stat{};                     ///< get, exists, children (of the parent), set
    std::vector<std::string> names;  ///< children
};

/// A session with a ZooKeeper ensemble: connection, digest login, requests many at a time, and what
/// to do when the connection breaks. The session ends with the object, its ephemeral nodes too.
///
/// A broken connection is waited out for the session's time-out; a session that the server ended is
/// over for good. One thread uses a session at a time.
class ZookeeperSession {
  public:
    using MakeRequest = std::function<ZookeeperRequest(std::size_t index)>;
    using OnReply = std::function<void(std::size_t index, ZookeeperReply& reply)>;

    /// Connects, logs in, and has one request answered. Throws RegistryError(unreachable) after
    /// settings.connect_timeout, saying what else the servers do, RegistryError(denied), or
    /// Interrupted. No later request is waited for longer than six session_timeouts: the session
    /// is over then.
    explicit ZookeeperSession(const RegistrySettings& settings);
    ~ZookeeperSession();
    ZookeeperSession(const ZookeeperSession&) = delete;
    ZookeeperSession& operator=(const ZookeeperSession&) = delete;

    /// "zookeeper://h1:2181,h2:2181".
    const std::string& endpoint() const { return endpoint_; }
    /// The namespace before a path of registry.h.
    std::string full_path(std::string_view path) const { return name_space_ + std::string(path); }
    /// The session's id, as in Stat::ephemeralOwner.
    std::int64_t id() const { return id_; }
    /// As the server granted it.
    Millis time_out() const;
    /// Whether the server ended it, or close() was called. Asks nobody.
    bool is_over() const;
    /// Whether an error with Kind::session_lost was thrown already.
    bool loss_was_told() const { return loss_was_told_; }

    /// Runs `count` reads, up to kInFlight at once, and hands the replies over on the calling
    /// thread. Sees every write that was acknowledged to anyone before the call, and the outcome of
    /// our own writes that were cut off: no answer counts that came without a sync before it. Reads
    /// cut off are repeated. Replies are ZOK, or what the
    /// server said of this one node: ZNONODE, ZNOAUTH, ... Throws session_lost, unreachable (no
    /// answer within the session's time-out), denied (login). An exception of `reply` ends the
    /// reading.
    void read(std::size_t count, const MakeRequest& make, const OnReply& reply);
    ZookeeperReply read(const ZookeeperRequest& request);

    /// Runs `count` writes, up to kInFlight at once, once there is a connection; the replies may be
    /// ones of is_cut_off() or is_lost(). Throws as read() when no connection can be made.
    void write(std::size_t count, const MakeRequest& make, const OnReply& reply);
    /// Runs one write. Throws outcome_unknown if the connection broke before the answer came,
    /// otherwise as read().
    ZookeeperReply write(const ZookeeperRequest& request);

    /// Runs one write that may as well be executed twice, again after each cut-off. Throws as
    /// read().
    ZookeeperReply write_until_answered(const ZookeeperRequest& request);

    /// Runs `count` requests as they are; the replies may be ones of is_cut_off() or is_lost().
    void pipeline(std::size_t count, const MakeRequest& make, const OnReply& reply);

    /// Creates the missing nodes on the way to `path`, with `mode`: ZOO_PERSISTENT, or
    /// ZOO_CONTAINER, which servers before 3.5 get as persistent nodes.
    void make_parents(const std::string& path, int mode);

    /// Sleeps until a watch fires, or the connection's state changes, or `longest` is over.
    void wait_for_event(Millis longest);

    /// Ends the session now.
    void close() noexcept;

    /// The connection broke, nothing is known of the request.
    static bool is_cut_off(int code);
    /// The session is over, the request was not executed.
    static bool is_lost(int code);
    /// Throws what an unexpected reply means. `doing` as in "reading".
    [[noreturn]] void fail(int code, std::string_view doing, const std::string& path);

    /// How long a broken connection is waited for; starts with the first breach.
    class Patience {
      public:
        explicit Patience(ZookeeperSession& session) : session_(session) {}
        /// Returns when connected. Throws session_lost, denied, or, when the session's time-out has
        /// passed since the first call, unreachable.
        void wait(std::string_view doing, const std::string& path);

      private:
        ZookeeperSession& session_;
        std::chrono::steady_clock::time_point until_{};
    };

    static constexpr std::size_t kInFlight = 1000;

  private:
    struct Slot;
    struct Pipeline;

    void connect(const RegistrySettings& settings);
    /// Whether the server answers requests of this session; some close it instead, which
    /// `was_closed` remembers.
    bool answers_a_request(bool& was_closed);
    void await_connection(std::chrono::steady_clock::time_point until, std::string_view doing,
                          const std::string& path);
    int start(const ZookeeperRequest& request, Slot& slot);
    /// Ends the session; what is under way counts as cut off.
    void give_up(Pipeline& pipeline);
    std::string sync_path() const { return name_space_.empty() ? "/" : name_space_; }
    [[noreturn]] void throw_lost(std::string_view doing, const std::string& path);
    static void on_event(zhandle_t* handle, int type, int state, const char* path, void* session);

    std::string endpoint_, name_space_;
    zhandle_t* handle_ = nullptr;
    Millis answer_limit_;
    const ACL_vector* acl_ = nullptr;
    std::int64_t id_ = 0;
    std::atomic<bool> closed_ = false;
    bool loss_was_told_ = false;
    bool unanswered_ = false;  ///< why we closed it
    std::mutex event_mutex_;
    std::condition_variable event_;
    std::uint64_t events_ = 0, events_seen_ = 0;
};

}  // namespace dsfailover
