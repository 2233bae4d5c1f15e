#include "registry/zookeeper/session.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>

#include "base/interruption.h"
#include "base/log.h"
#include "registry/zookeeper/probe.h"

namespace dsfailover {
namespace {

using Clock = std::chrono::steady_clock;
using Kind = ZookeeperRequest::Kind;

std::string_view verb(Kind kind) {
    switch (kind) {
        case Kind::create:
            return "creating";
        case Kind::set:
            return "writing";
        case Kind::remove:
        case Kind::remove_all:
            return "removing";
        case Kind::children:
            return "listing";
        case Kind::get:
        case Kind::exists:
        case Kind::sync:
            break;
    }
    return "reading";
}

std::string normalized_namespace(std::string name_space) {
    while (!name_space.empty() && name_space.back() == '/') name_space.pop_back();
    if (!name_space.empty() && name_space.front() != '/') name_space.insert(0, "/");
    return name_space;
}

constexpr std::string_view kMayDemand =
    "it may demand SASL or TLS, which dsfailover does not have for ZooKeeper: for TLS let stunnel "
    "listen on a loopback port and forward to it; for SASL name a server or port that lets other "
    "clients in";

constexpr Millis kProbeLimit{1000};

/// An answer may take so many times as long as a session lives without a word.
constexpr int kSessionsForAnAnswer = 6;

/// What the servers do instead of opening a session.
std::string instead_of_a_session(const std::vector<std::string>& hosts) {
    for (const std::string& host : hosts) {
        const ZookeeperProbe probe =
            probe_zookeeper(host, kProbeLimit / static_cast<int>(hosts.size()));
        if (probe.answer == ZookeeperProbe::Answer::text)
            return fmt::format("; {} says \"{}\"", host, probe.text);
        if (probe.answer == ZookeeperProbe::Answer::otherwise)
            return fmt::format(
                "; {} accepts connections and does not answer as a ZooKeeper does: {}", host,
                kMayDemand);
    }
    return "; check the host names and ports and that ZooKeeper runs (`echo srvr | nc HOST PORT`)";
}

std::string seconds(Millis time) {
    return fmt::format("{:g} s", static_cast<double>(time.count()) / 1000);
}

}  // namespace

/// A request under way. The client's threads fill it in; one that is not `done` belongs to them.
struct ZookeeperSession::Slot {
    Pipeline* pipeline = nullptr;
    std::size_t index = 0;
    bool waiting = false;  ///< for its reply
    ZookeeperReply reply;
    std::vector<zoo_op_t> operations;
    std::vector<zoo_op_result_t> results;

    void done(int code);

    static Slot* of(const void* data) { return static_cast<Slot*>(const_cast<void*>(data)); }
    static void on_nothing(int code, const void* data) { of(data)->done(code); }
    static void on_string(int code, const char* value, const void* data) {
        if (code == ZOK && value != nullptr) of(data)->reply.data = value;
        of(data)->done(code);
    }
    static void on_stat(int code, const Stat* stat, const void* data) {
        if (code == ZOK) of(data)->reply.stat = *stat;
        of(data)->done(code);
    }
    static void on_data(int code, const char* value, int length, const Stat* stat,
                        const void* data) {
        if (code == ZOK) {
            if (length > 0) of(data)->reply.data.assign(value, static_cast<std::size_t>(length));
            of(data)->reply.stat = *stat;
        }
        of(data)->done(code);
    }
    static void on_names(int code, const String_vector* names, const Stat* stat, const void* data) {
        if (code == ZOK) {
            of(data)->reply.names.assign(names->data, names->data + names->count);
            of(data)->reply.stat = *stat;
        }
        of(data)->done(code);
    }
};

/// Slots in use, and those whose reply is there.
struct ZookeeperSession::Pipeline {
    std::vector<std::unique_ptr<Slot>> slots;
    std::vector<Slot*> free;
    std::size_t in_flight = 0;

    std::mutex mutex;
    std::condition_variable reply_came;
    std::vector<Slot*> done;

    /// The client's threads write into the slots until the last reply came. It always comes: an
    /// unanswered request ends with the connection, or with the session (pipeline()).
    ~Pipeline() {
        while (in_flight > 0) in_flight -= wait(Millis::max()).size();
    }
    Slot& take(std::size_t index) {
        if (free.empty()) {
            slots.push_back(std::make_unique<Slot>());
            slots.back()->pipeline = this;
            free.push_back(slots.back().get());
        }
        Slot& slot = *free.back();
        free.pop_back();
        slot.index = index;
        slot.waiting = true;
        slot.reply = {};
        ++in_flight;
        return slot;
    }
    /// The slots whose reply came; none if that took longer than `limit`.
    std::vector<Slot*> wait(Millis limit) {
        std::unique_lock lock(mutex);
        const auto some = [&] { return !done.empty(); };
        if (limit == Millis::max())
            reply_came.wait(lock, some);
        else
            reply_came.wait_for(lock, limit, some);
        return std::exchange(done, {});
    }
};

void ZookeeperSession::Slot::done(int code) {
    reply.code = code;
    Pipeline& owner = *pipeline;
    // Notified under the mutex: the pipeline may be gone as soon as it is released.
    const std::lock_guard lock(owner.mutex);
    waiting = false;
    owner.done.push_back(this);
    if (owner.done.size() == 1) owner.reply_came.notify_one();
}

ZookeeperSession::ZookeeperSession(const RegistrySettings& settings)
    : endpoint_(fmt::format("zookeeper://{}", fmt::join(settings.hosts, ","))),
      name_space_(normalized_namespace(settings.name_space)),
      answer_limit_(settings.connect_timeout),
      acl_(settings.user.empty() ? &ZOO_OPEN_ACL_UNSAFE : &ZOO_CREATOR_ALL_ACL) {
    try {
        connect(settings);
    } catch (...) {
        close();
        throw;
    }
}

ZookeeperSession::~ZookeeperSession() { close(); }

void ZookeeperSession::connect(const RegistrySettings& settings) {
    zoo_set_debug_level(ZOO_LOG_LEVEL_WARN);
    handle_ = zookeeper_init2(
        fmt::format("{}", fmt::join(settings.hosts, ",")).c_str(), &ZookeeperSession::on_event,
        static_cast<int>(settings.session_timeout.count()), nullptr, this, ZOO_NO_LOG_CLIENTENV,
        [](const char* message) { log_debug("ZooKeeper client: {}", message); });
    const auto no_connection = [&](const std::string& why) {
        return RegistryError(RegistryError::Kind::unreachable,
                             fmt::format("cannot connect to {}: {}", endpoint_, why));
    };
    if (handle_ == nullptr) throw no_connection(std::strerror(errno));
    // Otherwise the client resolves the hosts anew with every event, which costs more than all
    // else.
    zoo_set_servers_resolution_delay(handle_, -1);
    if (!settings.user.empty()) {
        const std::string login = settings.user + ":" + settings.password.reveal();
        zoo_add_auth(handle_, "digest", login.data(), static_cast<int>(login.size()), nullptr,
                     nullptr);
    }
    const auto until = Clock::now() + settings.connect_timeout;
    bool was_closed = false;
    while (zoo_state(handle_) != ZOO_CONNECTED_STATE || !answers_a_request(was_closed)) {
        check_interruption();
        if (zoo_state(handle_) == ZOO_AUTH_FAILED_STATE) fail(ZAUTHFAILED, "connecting", "");
        const bool over = Clock::now() >= until || is_over();
        if (over && was_closed && !unanswered_)
            throw no_connection(
                fmt::format("it closes sessions before it answers anything: {}", kMayDemand));
        if (over)
            throw no_connection("no answer within " + seconds(settings.connect_timeout) +
                                instead_of_a_session(settings.hosts));
        wait_for_event(Millis(50));
    }
    id_ = zoo_client_id(handle_)->client_id;
    answer_limit_ = kSessionsForAnAnswer * settings.session_timeout;
}

bool ZookeeperSession::answers_a_request(bool& was_closed) {
    ZookeeperRequest request;
    request.kind = Kind::exists;
    request.path = sync_path();
    int code = ZOK;
    pipeline(
        1, [&](std::size_t) { return request; },
        [&](std::size_t, ZookeeperReply& reply) { code = reply.code; });
    // A server tells it with this code, or loses it with the connection that it closes.
    const bool closed = is_cut_off(code) || is_lost(code) || code == ZSESSIONCLOSEDREQUIRESASLAUTH;
    was_closed = was_closed || closed;
    return !closed && code != ZAUTHFAILED;
}

void ZookeeperSession::close() noexcept {
    closed_ = true;
    if (handle_ != nullptr) zookeeper_close(std::exchange(handle_, nullptr));
}

Millis ZookeeperSession::time_out() const {
    return Millis(handle_ == nullptr ? 0 : zoo_recv_timeout(handle_));
}

bool ZookeeperSession::is_over() const {
    return closed_ || handle_ == nullptr || is_unrecoverable(handle_) != ZOK;
}

void ZookeeperSession::on_event(zhandle_t*, int, int, const char*, void* session) {
    auto& self = *static_cast<ZookeeperSession*>(session);
    const std::lock_guard lock(self.event_mutex_);
    ++self.events_;
    self.event_.notify_all();
}

void ZookeeperSession::wait_for_event(Millis longest) {
    std::unique_lock lock(event_mutex_);
    event_.wait_for(lock, longest, [&] { return events_ != events_seen_; });
    events_seen_ = events_;
}

bool ZookeeperSession::is_cut_off(int code) {
    return code == ZCONNECTIONLOSS || code == ZOPERATIONTIMEOUT || code == ZSESSIONMOVED ||
           code == ZTHROTTLEDOP;
}

bool ZookeeperSession::is_lost(int code) {
    return code == ZSESSIONEXPIRED || code == ZINVALIDSTATE || code == ZCLOSING;
}

void ZookeeperSession::throw_lost(std::string_view doing, const std::string& path) {
    if (handle_ != nullptr && zoo_state(handle_) == ZOO_AUTH_FAILED_STATE)
        fail(ZAUTHFAILED, doing, path);
    loss_was_told_ = true;
    if (unanswered_)
        throw RegistryError(
            RegistryError::Kind::session_lost,
            fmt::format("{} answered nothing for {} while {} {}; the session was given up, and its "
                        "locks with it; see that ZooKeeper is well and run the command again",
                        endpoint_, seconds(answer_limit_), doing, path));
    throw RegistryError(
        RegistryError::Kind::session_lost,
        fmt::format("the session 0x{:x} with {} was lost while {} {}, and its locks with it: "
                    "ZooKeeper heard nothing of it for its time-out; see that the servers are well "
                    "and run the command again",
                    static_cast<std::uint64_t>(id_), endpoint_, doing, path));
}

void ZookeeperSession::fail(int code, std::string_view doing, const std::string& path) {
    if (is_lost(code)) throw_lost(doing, path);
    const bool denied = code == ZNOAUTH || code == ZAUTHFAILED || code == ZINVALIDACL;
    if (denied)
        throw RegistryError(
            RegistryError::Kind::denied,
            fmt::format("{} denies {} {}: {}; give the user and password of "
                        "registry.zookeeper.digest (--registry-user, --registry-password-file)",
                        endpoint_, doing, path, zerror(code)));
    if (code == ZSESSIONCLOSEDREQUIRESASLAUTH)
        throw RegistryError(RegistryError::Kind::denied,
                            fmt::format("{}: {} {} failed: {}; {}", endpoint_, doing, path,
                                        zerror(code), kMayDemand));
    if (is_cut_off(code))
        throw RegistryError(
            RegistryError::Kind::outcome_unknown,
            fmt::format("the connection to {} broke while {} {}: whether it happened is not known",
                        endpoint_, doing, path));
    throw RegistryError(
        RegistryError::Kind::other,
        fmt::format("{}: {} {} failed: {} ({})", endpoint_, doing, path, zerror(code), code));
}

void ZookeeperSession::await_connection(Clock::time_point until, std::string_view doing,
                                        const std::string& path) {
    while (true) {
        if (is_over()) throw_lost(doing, path);
        if (zoo_state(handle_) == ZOO_CONNECTED_STATE) return;
        if (Clock::now() >= until)
            throw RegistryError(
                RegistryError::Kind::unreachable,
                fmt::format("{} did not answer for {} while {} {}; see that ZooKeeper runs and is "
                            "not cut off, and run the command again",
                            endpoint_, seconds(time_out()), doing, path));
        wait_for_event(Millis(50));
    }
}

void ZookeeperSession::Patience::wait(std::string_view doing, const std::string& path) {
    if (until_ == Clock::time_point{}) until_ = Clock::now() + session_.time_out();
    // The client notices a breach in several steps; and a server that accepts connections only to
    // break them is not to be stormed.
    session_.wait_for_event(Millis(20));
    session_.await_connection(Clock::now() < until_ ? until_ : Clock::time_point::min(), doing,
                              path);
}

int ZookeeperSession::start(const ZookeeperRequest& request, Slot& slot) {
    if (is_over()) return ZINVALIDSTATE;
    const char* path = request.path.c_str();
    const int watch = request.watch ? 1 : 0;
    const auto length = static_cast<int>(request.data.size());
    switch (request.kind) {
        case Kind::get:
            return zoo_aget(handle_, path, watch, &Slot::on_data, &slot);
        case Kind::exists:
            return zoo_aexists(handle_, path, watch, &Slot::on_stat, &slot);
        case Kind::children:
            return zoo_aget_children2(handle_, path, watch, &Slot::on_names, &slot);
        case Kind::sync:
            return zoo_async(handle_, path, &Slot::on_string, &slot);
        case Kind::create:
            return zoo_acreate(handle_, path, request.data.data(), length, acl_, request.mode,
                               &Slot::on_string, &slot);
        case Kind::set:
            return zoo_aset(handle_, path, request.data.data(), length, request.version,
                            &Slot::on_stat, &slot);
        case Kind::remove:
            return zoo_adelete(handle_, path, request.version, &Slot::on_nothing, &slot);
        case Kind::remove_all: {
            const std::size_t count = request.removals.size();
            slot.operations.resize(count);
            slot.results.assign(count, {});
            for (std::size_t i = 0; i < count; ++i)
                zoo_delete_op_init(&slot.operations[i], request.removals[i].first.c_str(),
                                   request.removals[i].second);
            return zoo_amulti(handle_, static_cast<int>(count), slot.operations.data(),
                              slot.results.data(), &Slot::on_nothing, &slot);
        }
    }
    return ZBADARGUMENTS;
}

void ZookeeperSession::pipeline(std::size_t count, const MakeRequest& make, const OnReply& reply) {
    Pipeline pipeline;
    std::size_t next = 0;
    while (next < count || pipeline.in_flight > 0) {
        for (; next < count && pipeline.in_flight < kInFlight; ++next) {
            const ZookeeperRequest request = make(next);
            Slot& slot = pipeline.take(next);
            if (const int code = start(request, slot); code != ZOK) slot.done(code);
        }
        std::vector<Slot*> done = pipeline.wait(answer_limit_);
        // The client ends a session that is silent; but how long that takes the server says.
        if (done.empty()) give_up(pipeline);
        pipeline.in_flight -= done.size();
        for (Slot* slot : done) {
            reply(slot->index, slot->reply);
            pipeline.free.push_back(slot);
        }
    }
}

void ZookeeperSession::give_up(Pipeline& pipeline) {
    unanswered_ = true;
    close();
    // The client's threads are gone, and nobody else would say what became of these.
    for (const auto& slot : pipeline.slots)
        if (slot->waiting) slot->done(ZCONNECTIONLOSS);
}

void ZookeeperSession::read(std::size_t count, const MakeRequest& make, const OnReply& reply) {
    std::vector<std::size_t> left(count);
    std::iota(left.begin(), left.end(), std::size_t{0});
    Patience patience(*this);
    while (!left.empty()) {
        std::vector<std::size_t> cut_off;
        bool caught_up = false;
        // The sync goes first on the same connection, so that a server that lags behind catches up
        // before it answers. Without it the other answers may be old ones.
        pipeline(
            left.size() + 1,
            [&](std::size_t i) {
                if (i > 0) return make(left[i - 1]);
                ZookeeperRequest sync;
                sync.kind = Kind::sync;
                sync.path = sync_path();
                return sync;
            },
            [&](std::size_t i, ZookeeperReply& answer) {
                if (is_lost(answer.code) || answer.code == ZAUTHFAILED)
                    fail(answer.code, "reading", name_space_);
                if (i == 0) {
                    caught_up = answer.code == ZOK;
                    if (!caught_up && !is_cut_off(answer.code))
                        fail(answer.code, "catching up (sync) before reading", sync_path());
                    return;
                }
                if (!caught_up || is_cut_off(answer.code))
                    cut_off.push_back(left[i - 1]);
                else
                    reply(left[i - 1], answer);
            });
        left = std::move(cut_off);
        if (!left.empty()) {
            const ZookeeperRequest first = make(left.front());
            patience.wait(verb(first.kind), first.path);
        }
    }
}

ZookeeperReply ZookeeperSession::read(const ZookeeperRequest& request) {
    ZookeeperReply answer;
    read(
        1, [&](std::size_t) { return request; },
        [&](std::size_t, ZookeeperReply& reply) { answer = std::move(reply); });
    return answer;
}

void ZookeeperSession::write(std::size_t count, const MakeRequest& make, const OnReply& reply) {
    if (count == 0) return;
    // Known to be disconnected, it is better to wait than to send into the unknown.
    const ZookeeperRequest first = make(0);
    await_connection(Clock::now() + time_out(), verb(first.kind), first.path);
    pipeline(count, make, reply);
}

ZookeeperReply ZookeeperSession::write(const ZookeeperRequest& request) {
    ZookeeperReply answer;
    write(
        1, [&](std::size_t) { return request; },
        [&](std::size_t, ZookeeperReply& reply) { answer = std::move(reply); });
    if (is_cut_off(answer.code) || is_lost(answer.code) || answer.code == ZAUTHFAILED)
        fail(answer.code, verb(request.kind), request.path);
    return answer;
}

ZookeeperReply ZookeeperSession::write_until_answered(const ZookeeperRequest& request) {
    Patience patience(*this);
    while (true) {
        try {
            return write(request);
        } catch (const RegistryError& error) {
            if (error.kind() != RegistryError::Kind::outcome_unknown) throw;
        }
        patience.wait(verb(request.kind), request.path);
    }
}

void ZookeeperSession::make_parents(const std::string& path, int mode) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos || slash == 0) return;
    ZookeeperRequest create;
    create.kind = Kind::create;
    create.path = path.substr(0, slash);
    create.mode = mode;
    // Containers vanish when empty, so that a parent may be gone again by the time it is used.
    for (int attempt = 0; attempt < 10; ++attempt) {
        const int code = write_until_answered(create).code;
        if (code == ZOK || code == ZNODEEXISTS) return;
        if (code == ZUNIMPLEMENTED && create.mode == ZOO_CONTAINER)
            create.mode = ZOO_PERSISTENT;
        else if (code == ZNONODE)
            make_parents(create.path, mode);
        else
            fail(code, "creating", create.path);
    }
    fail(ZNONODE, "creating", create.path);
}

}  // namespace dsfailover
