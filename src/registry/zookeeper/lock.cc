#include "registry/zookeeper/lock.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <utility>

#include "base/log.h"
#include "registry/local_ip.h"
#include "registry/zookeeper/claim_name.h"

namespace dsfailover {
namespace {

using Clock = std::chrono::steady_clock;
using Kind = ZookeeperRequest::Kind;

constexpr Millis kBetweenCalls{1000};  // between two calls of `waiting`

ZookeeperRequest request(Kind kind, const std::string& path, bool watch = false) {
    ZookeeperRequest made;
    made.kind = kind;
    made.path = path;
    made.watch = watch;
    return made;
}

/// A version 4 UUID, which finds our node again when the answer to its creation was lost.
std::string random_uuid() {
    std::random_device device;
    const auto word = [&] { return static_cast<std::uint32_t>(device()); };
    const std::uint32_t b = word(), c = word();
    return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:04x}{:08x}", word(), b >> 16, b & 0xfff,
                       ((c >> 16) & 0x3fff) | 0x8000, c & 0xffff, word());
}

std::vector<std::string> claim_names(ZookeeperSession& session, const std::string& folder) {
    const ZookeeperReply reply = session.read(request(Kind::children, folder));
    if (reply.code == ZNONODE) return {};
    if (reply.code != ZOK) session.fail(reply.code, "listing the lock", folder);
    return claims_in_order(reply.names);
}

LockClaim to_claim(const std::string& name, const ZookeeperReply& reply) {
    LockClaim claim;
    claim.id = name;
    claim.owner = zookeeper_owner(reply.stat);
    claim.description = reply.data;
    claim.since = reply.stat.ctime;
    claim.created_order = reply.stat.czxid;
    return claim;
}

/// None if it vanished. A node that may not be read still shows whose it is.
std::optional<LockClaim> read_claim(ZookeeperSession& session, const std::string& folder,
                                    const std::string& name) {
    const std::string path = folder + "/" + name;
    ZookeeperReply reply = session.read(request(Kind::get, path));
    if (reply.code == ZNOAUTH) reply = session.read(request(Kind::exists, path));
    if (reply.code == ZNONODE) return std::nullopt;
    if (reply.code != ZOK) session.fail(reply.code, "reading the lock", path);
    return to_claim(name, reply);
}

class Place;

/// Somebody may have removed the node of a claim of ours, and another run have made it since: that
/// one is not removed when ours is given up.
void forget_what_is_anothers(const std::vector<Place*>& places) noexcept;

/// Our place in the queue of a lock, or a node that we claim: from its creation to its removal.
class Place {
  public:
    Place(std::shared_ptr<ZookeeperSession> session, std::string folder)
        : session_(std::move(session)),
          folder_(std::move(folder)),
          prefix_("_c_" + random_uuid() + std::string(kLockPart)),
          data_(local_ip()) {}
    Place(std::shared_ptr<ZookeeperSession> session, const std::string& path, std::string value)
        : session_(std::move(session)),
          folder_(path.substr(0, path.rfind('/'))),
          prefix_(path.substr(path.rfind('/') + 1)),
          data_(std::move(value)),
          queues_(false) {}
    ~Place() { leave(); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    ZookeeperSession& session() const { return *session_; }
    const std::string& folder() const { return folder_; }
    const std::string& name() const { return name_; }
    bool is_taken() const { return !name_.empty(); }
    bool queues() const { return queues_; }

    ZookeeperRequest creation() const {
        ZookeeperRequest create = request(Kind::create, folder_ + "/" + prefix_);
        create.data = data_;
        create.mode = queues_ ? ZOO_EPHEMERAL_SEQUENTIAL : ZOO_EPHEMERAL;
        return create;
    }
    void created(const std::string& path) { name_ = path.substr(path.rfind('/') + 1); }

    /// After a creation whose answer was lost.
    void find_again() {
        for (const std::string& name : claim_names(*session_, folder_))
            if (name.starts_with(prefix_)) name_ = name;
    }

    /// The claim right before ours, or none if ours is the first.
    /// Throws RegistryError(other) if ours is gone.
    std::optional<std::string> predecessor() {
        const std::vector<std::string> names = claim_names(*session_, folder_);
        const auto mine = std::find(names.begin(), names.end(), name_);
        if (mine == names.end())
            throw RegistryError(
                RegistryError::Kind::other,
                fmt::format("{}: our place {}/{} in the queue of the lock was removed by somebody; "
                            "run the command again",
                            session_->endpoint(), folder_, name_));
        if (mine == names.begin()) return std::nullopt;
        return *(mine - 1);
    }

    bool is_over() const { return !is_taken() || left_ || session_->is_over(); }
    ZookeeperRequest removal() const { return request(Kind::remove, folder_ + "/" + name_); }
    void removed() { left_ = true; }

    void leave() noexcept {
        if (is_over()) return;
        forget_what_is_anothers({this});
        if (std::exchange(left_, true)) return;
        try {
            // Not given up at the first breach: as long as the session lives the node bars others.
            session_->write_until_answered(removal());
        } catch (const std::exception& error) {
            log_debug("The lock {} is left to the end of its session: {}", folder_, error.what());
        }
    }

  private:
    std::shared_ptr<ZookeeperSession> session_;
    std::string folder_, prefix_, data_, name_;
    bool queues_ = true;
    bool left_ = false;
};

void forget_what_is_anothers(const std::vector<Place*>& places) noexcept {
    std::vector<Place*> claims;
    for (Place* place : places)
        if (!place->queues() && !place->is_over()) claims.push_back(place);
    if (claims.empty()) return;
    ZookeeperSession& session = claims.front()->session();
    try {
        session.read(
            claims.size(),
            [&](std::size_t i) {
                return request(Kind::exists, claims[i]->folder() + "/" + claims[i]->name());
            },
            [&](std::size_t i, const ZookeeperReply& reply) {
                if (reply.code == ZOK && reply.stat.ephemeralOwner != session.id())
                    claims[i]->removed();
            });
    } catch (const std::exception& error) {
        log_debug("Whether claims are still ours was not to be learned: {}", error.what());
    }
}

/// Containers vanish when nobody is in them, so that there is none nearly always.
void make_folders(ZookeeperSession& session, const std::vector<Place*>& places) {
    std::vector<Place*> orphans;
    session.write(
        places.size(),
        [&](std::size_t i) {
            ZookeeperRequest create = request(Kind::create, places[i]->folder());
            create.mode = ZOO_CONTAINER;
            return create;
        },
        [&](std::size_t i, const ZookeeperReply& reply) {
            if (reply.code != ZOK && reply.code != ZNODEEXISTS) orphans.push_back(places[i]);
        });
    for (Place* place : orphans) session.make_parents(place->folder() + "/claim", ZOO_CONTAINER);
}

/// What became of nodes that were to be made; those that are neither here nor taken failed the
/// call.
struct Creations {
    std::vector<Place*> cut_off, without_folder, standing;
};

/// Tries once to make the node of each place; `doing` is for the message.
Creations create(ZookeeperSession& session, const std::vector<Place*>& places, const char* doing) {
    Creations made;
    std::optional<std::pair<int, std::string>> problem;
    session.write(
        places.size(), [&](std::size_t i) { return places[i]->creation(); },
        [&](std::size_t i, const ZookeeperReply& reply) {
            if (reply.code == ZOK)
                places[i]->created(reply.data);
            else if (reply.code == ZNONODE)
                made.without_folder.push_back(places[i]);
            else if (reply.code == ZNODEEXISTS && !places[i]->queues())
                made.standing.push_back(places[i]);
            else if (ZookeeperSession::is_cut_off(reply.code))
                made.cut_off.push_back(places[i]);
            else
                problem = {reply.code,
                           places[i]->queues() ? places[i]->folder() : places[i]->creation().path};
        });
    if (problem) session.fail(problem->first, doing, problem->second);
    return made;
}

/// Queues in at every place.
void take_places(ZookeeperSession& session, std::vector<Place*> left) {
    ZookeeperSession::Patience patience(session);
    make_folders(session, left);
    while (!left.empty()) {
        const Creations made = create(session, left, "taking the lock");
        if (!made.without_folder.empty()) make_folders(session, made.without_folder);
        if (!made.cut_off.empty()) patience.wait("taking the lock", made.cut_off.front()->folder());
        for (Place* place : made.cut_off) place->find_again();
        std::erase_if(left, [](const Place* place) { return place->is_taken(); });
    }
}

/// Makes the nodes that nobody made; a second try after a cut-off may find our own.
void make_nodes(ZookeeperSession& session, std::vector<Place*> left) {
    ZookeeperSession::Patience patience(session);
    while (!left.empty()) {
        const Creations made = create(session, left, "claiming");
        for (Place* place : made.standing) {
            const std::string path = place->creation().path;
            const ZookeeperReply reply = session.read(request(Kind::exists, path));
            if (reply.code == ZOK && reply.stat.ephemeralOwner == session.id())
                place->created(path);
        }
        if (!made.without_folder.empty())
            session.make_parents(made.without_folder.front()->creation().path, ZOO_PERSISTENT);
        if (!made.cut_off.empty()) patience.wait("claiming", made.cut_off.front()->creation().path);
        left = made.cut_off;
        left.insert(left.end(), made.without_folder.begin(), made.without_folder.end());
    }
}

/// A round trip: of each, whether our node exists, is our session's, and comes first.
std::vector<bool> are_first(const std::vector<Place*>& places) {
    std::vector<bool> ours(places.size()), first(places.size());
    std::vector<std::size_t> asked;
    for (std::size_t i = 0; i < places.size(); ++i)
        if (!places[i]->is_over()) asked.push_back(i);
    if (asked.empty()) return ours;
    ZookeeperSession& session = places[asked.front()]->session();
    const auto at = [&](std::size_t question) -> Place& { return *places[asked[question / 2]]; };
    session.read(
        2 * asked.size(),
        [&](std::size_t i) {
            const Place& place = at(i);
            return i % 2 == 0 || !place.queues()
                       ? request(Kind::exists, place.folder() + "/" + place.name())
                       : request(Kind::children, place.folder());
        },
        [&](std::size_t i, const ZookeeperReply& reply) {
            const Place& place = at(i);
            if (reply.code == ZNONODE) return;
            if (reply.code != ZOK) session.fail(reply.code, "checking the lock", place.folder());
            if (i % 2 == 0) {
                ours[asked[i / 2]] = reply.stat.ephemeralOwner == session.id();
            } else if (!place.queues()) {
                first[asked[i / 2]] = true;
            } else {
                const auto names = claims_in_order(reply.names);
                first[asked[i / 2]] = !names.empty() && names.front() == place.name();
            }
        });
    for (const std::size_t i : asked) ours[i] = ours[i] && first[i];
    return ours;
}

void leave(const std::vector<Place*>& places) noexcept {
    try {
        std::vector<Place*> here;
        for (Place* place : places)
            if (!place->is_over()) here.push_back(place);
        forget_what_is_anothers(here);
        std::erase_if(here, [](const Place* place) { return place->is_over(); });
        if (here.size() > 1) {
            here.front()->session().write(
                here.size(), [&](std::size_t i) { return here[i]->removal(); },
                [&](std::size_t i, const ZookeeperReply& reply) {
                    if (reply.code == ZOK || reply.code == ZNONODE) here[i]->removed();
                });
        }
    } catch (const std::exception& error) {
        log_debug("Releasing the locks one by one: {}", error.what());
    }
    for (Place* place : places) place->leave();
}

class ZookeeperLock : public Lock {
  public:
    ZookeeperLock(std::unique_ptr<Place> place, std::string path)
        : place_(std::move(place)), path_(std::move(path)) {}
    const std::string& path() const override { return path_; }
    bool still_held() override {
        Lock* const self = this;
        return zookeeper_locks_held({&self, 1}).front();
    }
    void release() noexcept override { place_->leave(); }

    static std::vector<Place*> places(std::span<Lock* const> locks) {
        std::vector<Place*> all;
        for (Lock* lock : locks) all.push_back(static_cast<ZookeeperLock*>(lock)->place_.get());
        return all;
    }

  private:
    std::unique_ptr<Place> place_;
    std::string path_;
};

Millis since(Clock::time_point start) {
    return std::chrono::duration_cast<Millis>(Clock::now() - start);
}

}  // namespace

std::string zookeeper_owner(const Stat& stat) {
    // Containers: most servers show 0, some the lowest number.
    if (stat.ephemeralOwner == 0 || stat.ephemeralOwner == INT64_MIN) return "";
    return fmt::format("0x{:x}", static_cast<std::uint64_t>(stat.ephemeralOwner));
}

std::vector<LockClaim> zookeeper_claims(ZookeeperSession& session, const std::string& path) {
    const std::string folder = session.full_path(path);
    std::vector<LockClaim> claims;
    for (const std::string& name : claim_names(session, folder))
        if (auto claim = read_claim(session, folder, name)) claims.push_back(std::move(*claim));
    return claims;
}

LockAttempt take_zookeeper_lock(
    const std::shared_ptr<ZookeeperSession>& session, const std::string& path, Millis time_limit,
    const std::function<void(const LockClaim&, Millis waited)>& waiting) {
    const auto start = Clock::now();
    auto place = std::make_unique<Place>(session, session->full_path(path));
    take_places(*session, {place.get()});
    LockAttempt attempt;
    Millis next_word{0};
    while (true) {
        const auto before_us = place->predecessor();
        attempt.waited = since(start);
        if (!before_us) {
            attempt.lock = std::make_unique<ZookeeperLock>(std::move(place), path);
            attempt.holder.reset();
            return attempt;
        }
        const auto claims = zookeeper_claims(*session, path);
        if (claims.empty() || claims.front().id == place->name()) continue;
        attempt.holder = claims.front();
        if (attempt.waited >= time_limit) return attempt;
        if (attempt.waited >= next_word) {
            waiting(*attempt.holder, attempt.waited);
            next_word = attempt.waited + kBetweenCalls;
        }
        const ZookeeperReply watched =
            session->read(request(Kind::exists, place->folder() + "/" + *before_us, true));
        if (watched.code != ZOK) continue;
        session->wait_for_event(std::min(kBetweenCalls, time_limit - attempt.waited));
    }
}

std::vector<std::unique_ptr<Lock>> try_zookeeper_locks(
    const std::shared_ptr<ZookeeperSession>& session, std::span<const std::string> paths) {
    std::vector<std::unique_ptr<Place>> places;
    std::vector<Place*> all, others;
    for (const std::string& path : paths) {
        places.push_back(std::make_unique<Place>(session, session->full_path(path)));
        all.push_back(places.back().get());
    }
    take_places(*session, all);
    const std::vector<bool> first = are_first(all);
    std::vector<std::unique_ptr<Lock>> locks(paths.size());
    for (std::size_t i = 0; i < paths.size(); ++i) {
        if (first[i])
            locks[i] = std::make_unique<ZookeeperLock>(std::move(places[i]), paths[i]);
        else
            others.push_back(all[i]);
    }
    leave(others);
    return locks;
}

std::vector<std::unique_ptr<Lock>> claim_zookeeper_nodes(
    const std::shared_ptr<ZookeeperSession>& session, std::span<const std::string> paths,
    const std::string& value) {
    std::vector<std::unique_ptr<Place>> places;
    std::vector<Place*> all;
    for (const std::string& path : paths) {
        places.push_back(std::make_unique<Place>(session, session->full_path(path), value));
        all.push_back(places.back().get());
    }
    make_nodes(*session, all);
    std::vector<std::unique_ptr<Lock>> claims(paths.size());
    for (std::size_t i = 0; i < paths.size(); ++i) {
        if (all[i]->is_taken())
            claims[i] = std::make_unique<ZookeeperLock>(std::move(places[i]), paths[i]);
    }
    return claims;
}

std::vector<bool> zookeeper_locks_held(std::span<Lock* const> locks) {
    try {
        return are_first(ZookeeperLock::places(locks));
    } catch (const RegistryError& error) {
        if (error.kind() != RegistryError::Kind::session_lost) throw;
        return std::vector<bool>(locks.size());
    }
}

void release_zookeeper_locks(std::span<Lock* const> locks) noexcept {
    leave(ZookeeperLock::places(locks));
}

}  // namespace dsfailover
