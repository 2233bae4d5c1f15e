#include "registry/zookeeper_lock.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <random>

#include "base/log.h"
#include "registry/local_ip.h"

namespace dsfailover {
namespace {

using Clock = std::chrono::steady_clock;
using Kind = ZookeeperRequest::Kind;

constexpr std::string_view kLockPart = "-lock-";
constexpr Millis kWord{1000};  // between two calls of `waiting`

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

/// The number after "-lock-"; none for nodes that are no claims. Beyond 2^31 the server counts on
/// with negative numbers, so that a sign is part of it.
std::optional<std::int64_t> claim_number(std::string_view name) {
    const std::size_t at = name.rfind(kLockPart);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view digits = name.substr(at + kLockPart.size());
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(digits.begin(), digits.end(), number);
    if (error != std::errc() || end != digits.end()) return std::nullopt;
    return number;
}

/// The names of claims among `names`, the holder first.
std::vector<std::string> in_order(const std::vector<std::string>& names) {
    std::vector<std::pair<std::int64_t, std::string>> numbered;
    for (const std::string& name : names)
        if (const auto number = claim_number(name)) numbered.emplace_back(*number, name);
    std::sort(numbered.begin(), numbered.end());
    std::vector<std::string> sorted;
    for (auto& [number, name] : numbered) sorted.push_back(std::move(name));
    return sorted;
}

std::vector<std::string> claim_names(ZookeeperSession& session, const std::string& folder) {
    const ZookeeperReply reply = session.read(request(Kind::children, folder));
    if (reply.code == ZNONODE) return {};
    if (reply.code != ZOK) session.fail(reply.code, "listing the lock", folder);
    return in_order(reply.names);
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

/// Our place in the queue of a lock: the node, from its creation to its removal.
class Place {
  public:
    Place(std::shared_ptr<ZookeeperSession> session, std::string folder)
        : session_(std::move(session)), folder_(std::move(folder)) {
        create();
    }
    ~Place() { leave(); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    const std::string& folder() const { return folder_; }
    const std::string& name() const { return name_; }

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

    /// A round trip: whether our node exists, is our session's, and comes first.
    bool is_first() {
        if (left_ || session_->is_over()) return false;
        const std::string path = folder_ + "/" + name_;
        bool ours = false, first = false;
        session_->read(
            2,
            [&](std::size_t i) {
                return i == 0 ? request(Kind::exists, path) : request(Kind::children, folder_);
            },
            [&](std::size_t i, const ZookeeperReply& reply) {
                if (reply.code == ZNONODE) return;
                if (reply.code != ZOK) session_->fail(reply.code, "checking the lock", path);
                if (i == 0) {
                    ours = reply.stat.ephemeralOwner == session_->id();
                } else {
                    const auto names = in_order(reply.names);
                    first = !names.empty() && names.front() == name_;
                }
            });
        return ours && first;
    }

    void leave() noexcept {
        if (left_) return;
        left_ = true;
        if (session_->is_over()) return;
        try {
            // Not given up at the first breach: as long as the session lives the node bars others.
            session_->write_until_answered(request(Kind::remove, folder_ + "/" + name_));
        } catch (const std::exception& error) {
            spdlog::debug("The lock {} is left to the end of its session: {}", folder_,
                          error.what());
        }
    }

  private:
    void create() {
        ZookeeperRequest create = request(Kind::create, {});
        const std::string prefix = "_c_" + random_uuid() + std::string(kLockPart);
        create.path = folder_ + "/" + prefix;
        create.data = local_ip();
        create.mode = ZOO_EPHEMERAL_SEQUENTIAL;
        ZookeeperSession::Patience patience(*session_);
        // Containers vanish when nobody is in them, so that there is none nearly always.
        session_->make_parents(create.path, ZOO_CONTAINER);
        while (name_.empty()) {
            try {
                const ZookeeperReply reply = session_->write(create);
                if (reply.code == ZOK)
                    name_ = reply.data.substr(reply.data.rfind('/') + 1);
                else if (reply.code == ZNONODE)
                    session_->make_parents(create.path, ZOO_CONTAINER);
                else
                    session_->fail(reply.code, "taking the lock", folder_);
            } catch (const RegistryError& error) {
                if (error.kind() != RegistryError::Kind::outcome_unknown) throw;
                patience.wait("taking the lock", folder_);
                find_again(prefix);
            }
        }
    }

    /// After a creation whose answer was lost.
    void find_again(const std::string& prefix) {
        for (const std::string& name : claim_names(*session_, folder_))
            if (name.compare(0, prefix.size(), prefix) == 0) name_ = name;
    }

    std::shared_ptr<ZookeeperSession> session_;
    std::string folder_, name_;
    bool left_ = false;
};

class ZookeeperLock : public Lock {
  public:
    ZookeeperLock(std::unique_ptr<Place> place, std::string path)
        : place_(std::move(place)), path_(std::move(path)) {}
    const std::string& path() const override { return path_; }
    bool still_held() override {
        try {
            return place_->is_first();
        } catch (const RegistryError& error) {
            if (error.kind() != RegistryError::Kind::session_lost) throw;
            return false;
        }
    }
    void release() noexcept override { place_->leave(); }

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
    std::shared_ptr<ZookeeperSession> session, const std::string& path, Millis time_limit,
    const std::function<void(const LockClaim&, Millis waited)>& waiting) {
    const auto start = Clock::now();
    auto place = std::make_unique<Place>(session, session->full_path(path));
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
            next_word = attempt.waited + kWord;
        }
        const ZookeeperReply watched =
            session->read(request(Kind::exists, place->folder() + "/" + *before_us, true));
        if (watched.code != ZOK) continue;
        session->wait_for_event(std::min(kWord, time_limit - attempt.waited));
    }
}

}  // namespace dsfailover
