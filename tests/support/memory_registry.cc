#include "support/memory_registry.h"

#include <fmt/format.h>

#include <algorithm>

namespace dsfailover {

namespace {

constexpr EpochMs kAnnouncedEvery = 1000;  // between two calls of `waiting`
constexpr EpochMs kRetry = 500;    // of a claimant that finds the lock's row of another, on JDBC
constexpr EpochMs kLookOn = 1000;  // at servers that look dead, likewise

std::string last_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::optional<Node> find(const MemoryState& state, const std::string& full_path) {
    const auto found = state.nodes.find(full_path);
    if (found == state.nodes.end()) return std::nullopt;
    Node node = found->second;
    node.name = last_part(full_path);
    return node;
}

LockClaim enter(MemoryState& state, const std::string& full_path, const std::string& session,
                const std::string& client) {
    const std::int64_t order = ++state.order;
    return state.locks[full_path].emplace_back(
        LockClaim{std::to_string(order), session, client, state.now, order});
}

bool is_first(const std::vector<LockClaim>& claims, const std::string& id) {
    return !claims.empty() && claims.front().id == id;
}

}  // namespace

// A lock that has come to the front of its queue.
class MemoryRegistry::HeldLock : public Lock {
  public:
    HeldLock(MemoryRegistry& registry, std::string path, std::string id)
        : registry_(registry), path_(std::move(path)), id_(std::move(id)) {}
    ~HeldLock() override { release(); }

    const std::string& path() const override { return path_; }
    bool still_held() override {
        bool held = false;
        registry_.perform_anyway(Kind::still_held, path_, [&](auto& state, const auto& full) {
            held = is_first(state.locks[full], id_);
        });
        return held;
    }
    void release() noexcept override {
        if (std::exchange(released_, true)) return;
        try {
            registry_.perform_anyway(Kind::release, path_, [&](auto& state, const auto& full) {
                std::erase_if(state.locks[full],
                              [&](const LockClaim& claim) { return claim.id == id_; });
                ++state.order;
            });
        } catch (...) {  // it goes with the session
        }
    }

  private:
    MemoryRegistry& registry_;
    const std::string path_;
    const std::string id_;
    bool released_ = false;
};

// An ephemeral node that claims something: it is ours while it is the very one we made.
class MemoryRegistry::HeldNode : public Lock {
  public:
    HeldNode(MemoryRegistry& registry, std::string path, std::int64_t made)
        : registry_(registry), path_(std::move(path)), made_(made) {}
    ~HeldNode() override { release(); }

    const std::string& path() const override { return path_; }
    bool still_held() override {
        bool held = false;
        registry_.perform_anyway(Kind::still_held, path_, [&](auto& state, const auto& full) {
            held = is_ours(state, full);
        });
        return held;
    }
    void release() noexcept override {
        if (std::exchange(released_, true)) return;
        try {
            registry_.perform_anyway(Kind::release, path_, [&](auto& state, const auto& full) {
                if (is_ours(state, full)) state.nodes.erase(full);
                ++state.order;
            });
        } catch (...) {  // it goes with the session
        }
    }

  private:
    bool is_ours(const MemoryState& state, const std::string& full) const {
        const auto found = state.nodes.find(full);
        return found != state.nodes.end() && found->second.modified_order == made_;
    }

    MemoryRegistry& registry_;
    const std::string path_;
    const std::int64_t made_;
    bool released_ = false;
};

class MemoryRegistry::AnnouncedNode : public Announcement {
  public:
    AnnouncedNode(MemoryRegistry& registry, std::string path, std::int64_t made)
        : registry_(registry), path_(std::move(path)), made_(made), session_(registry.session_) {}
    ~AnnouncedNode() override {
        if (withdrawn_) return;
        try {
            withdraw();
        } catch (...) {  // it goes with the session
        }
    }

    // A server that wrote into our node loses it, and makes it anew with its next heartbeat.
    bool withdraw() override {
        bool as_we_left_it = true;
        registry_.perform_anyway(Kind::withdraw, path_, [&](auto& state, const auto& full) {
            const auto found = state.nodes.find(full);
            if (found == state.nodes.end()) return;
            as_we_left_it = found->second.modified_order == made_;
            if (found->second.owner == session_) state.nodes.erase(found);
            ++state.order;
        });
        withdrawn_ = true;
        return as_we_left_it;
    }

  private:
    MemoryRegistry& registry_;
    const std::string path_;
    const std::int64_t made_;
    const std::string session_;
    bool withdrawn_ = false;
};

MemoryRegistry::MemoryRegistry(MemoryWorld& world, std::string client, std::string name_space)
    : world_(world),
      client_(std::move(client)),
      name_space_(std::move(name_space)),
      session_(world.begin_session(client_)) {}

MemoryRegistry::~MemoryRegistry() { world_.close_session(client_, session_); }

bool MemoryRegistry::masters_notice_departures() const { return !world_.is_jdbc(); }

// On JDBC a lost session is followed by another without a word.
void MemoryRegistry::perform(Kind kind, const std::string& path, const Effect& effect) {
    perform_anyway(kind, path, [&](MemoryState& state, const std::string& full) {
        if (!state.sessions.contains(session_)) {
            session_ = state.begin_session(client_);
            if (!state.jdbc)
                throw RegistryError(RegistryError::Kind::session_lost,
                                    fmt::format("{}: {}: our session ended, and the locks and "
                                                "ephemeral nodes with it.",
                                                endpoint(), path));
        }
        effect(state, full);
    });
}

void MemoryRegistry::perform_anyway(Kind kind, const std::string& path, const Effect& effect) {
    world_.perform({kind, path, client_},
                   [&](MemoryState& state) { effect(state, name_space_ + path); });
}

std::vector<std::string> MemoryRegistry::names_below(const MemoryState& state,
                                                     const std::string& full) const {
    std::vector<std::string> names;
    const std::string prefix = full + "/";
    for (auto node = state.nodes.lower_bound(prefix);
         node != state.nodes.end() && node->first.starts_with(prefix); ++node) {
        const std::string name = node->first.substr(prefix.size());
        if (name.find('/') == std::string::npos) names.push_back(name);
    }
    return names;
}

std::optional<std::vector<std::string>> MemoryRegistry::children(const std::string& path) {
    std::optional<std::vector<std::string>> names;
    perform(Kind::children, path, [&](auto& state, const auto& full) {
        if (state.nodes.contains(full)) names = names_below(state, full);
    });
    return names;
}

std::optional<Node> MemoryRegistry::get(const std::string& path) {
    std::optional<Node> node;
    perform(Kind::get, path, [&](auto& state, const auto& full) { node = find(state, full); });
    return node;
}

void MemoryRegistry::read_children(const std::string& path,
                                   const std::function<void(NodeRead)>& child) {
    std::vector<std::string> paths;
    perform(Kind::read_children, path, [&](auto& state, const auto& full) {
        for (const std::string& name : names_below(state, full)) paths.push_back(path + "/" + name);
    });
    for (NodeRead& read : get_all(paths)) child(std::move(read));
}

std::vector<Node> MemoryRegistry::living(const std::string& path, bool patient) {
    while (true) {
        std::vector<Node> nodes;
        bool certain = true;
        std::int64_t seen = 0;
        perform(Kind::living, path, [&](auto& state, const auto& full) {
            seen = state.order;
            for (const std::string& name : names_below(state, full)) {
                Node node = *find(state, full + "/" + name);
                const auto sign =
                    state.jdbc ? sight_.of_server(state, node) : JdbcSight::Sign::moves;
                if (sign == JdbcSight::Sign::unknown) certain = false;
                if (sign == JdbcSight::Sign::moves) nodes.push_back(std::move(node));
            }
        });
        if (certain || !patient) return nodes;
        world_.wait_for_change(seen, world_.now() + kLookOn);
    }
}

bool MemoryRegistry::put(const std::string& path, const std::string& value,
                         const std::string& version) {
    bool written = false;
    perform(Kind::put, path, [&](auto& state, const auto& full) {
        const auto standing = state.nodes.find(full);
        written = (standing == state.nodes.end() ? "" : standing->second.version) == version;
        if (written) state.write(full, value, "");
    });
    return written;
}

void MemoryRegistry::remove(std::span<Removal> removals) {
    for (Removal& removal : removals) {
        removal.outcome = RemoveOutcome::failed;
        removal.problem.clear();
    }
    for (Removal& removal : removals) {
        try {
            perform(Kind::remove, removal.path, [&](auto& state, const auto& full) {
                const auto standing = state.nodes.find(full);
                removal.outcome = standing == state.nodes.end() ? RemoveOutcome::vanished
                                  : standing->second.version != removal.version
                                      ? RemoveOutcome::changed
                                  : state.has_children(full) ? RemoveOutcome::has_children
                                                             : RemoveOutcome::removed;
                if (removal.outcome != RemoveOutcome::removed) return;
                state.nodes.erase(standing);
                ++state.order;
            });
        } catch (const RegistryError& error) {
            if (error.kind() == RegistryError::Kind::unreachable ||
                error.kind() == RegistryError::Kind::session_lost)
                throw;
            removal.outcome = RemoveOutcome::failed;
            removal.problem = error.what();
        }
    }
}

LockAttempt MemoryRegistry::lock(
    const std::string& path, Millis time_limit,
    const std::function<void(const LockClaim&, Millis waited)>& waiting) {
    if (world_.is_jdbc()) return insert_lock(path, time_limit, waiting);
    std::string id;
    perform(Kind::lock, path,
            [&](auto& state, const auto& full) { id = enter(state, full, session_, client_).id; });
    // Leaves the queue on every other way out.
    std::unique_ptr<Lock> mine = held_lock(path, id);
    LockAttempt attempt;
    const EpochMs began = world_.now();
    for (EpochMs next_announcement = began;;) {
        std::int64_t seen = 0;
        perform(Kind::wait, path, [&](auto& state, const auto& full) {
            seen = state.order;
            attempt.holder.reset();
            if (!is_first(state.locks[full], id)) attempt.holder = state.locks[full].front();
        });
        const EpochMs now = world_.now();
        attempt.waited = Millis(now - began);
        if (!attempt.holder) attempt.lock = std::move(mine);
        if (!attempt.holder || attempt.waited >= time_limit) return attempt;
        if (now >= next_announcement) {
            waiting(*attempt.holder, attempt.waited);
            next_announcement = now + kAnnouncedEvery;
        }
        world_.wait_for_change(seen, std::min(next_announcement, began + time_limit.count()));
    }
}

// On JDBC there is no queue: who finds the row of another tries again, and removes that of one who
// is dead.
LockAttempt MemoryRegistry::insert_lock(
    const std::string& path, Millis time_limit,
    const std::function<void(const LockClaim&, Millis waited)>& waiting) {
    LockAttempt attempt;
    std::string session;
    const EpochMs began = world_.now();
    for (EpochMs next_announcement = began + kAnnouncedEvery;;) {
        std::string id;
        std::int64_t seen = 0;
        perform(session.empty() ? Kind::lock : Kind::wait, path,
                [&](auto& state, const auto& full) {
                    auto& claims = state.locks[full];
                    if (!claims.empty() && sight_.is_dead(state, claims.front(), name_space_))
                        claims.clear();
                    attempt.holder.reset();
                    if (claims.empty())
                        id = enter(state, full, session_, client_).id;
                    else
                        attempt.holder = claims.front();
                    seen = state.order;
                });
        if (session.empty()) session = session_;
        if (session != session_)
            throw RegistryError(RegistryError::Kind::session_lost,
                                endpoint() + ": our session was lost while waiting for " + path);
        const EpochMs now = world_.now();
        attempt.waited = Millis(now - began);
        if (!attempt.holder) {
            // A purge that read the sessions before ours began may have taken it.
            attempt.lock = held_lock(path, id);
            if (attempt.lock->still_held()) return attempt;
            attempt.lock.reset();
            continue;
        }
        if (attempt.waited >= time_limit) return attempt;
        if (now >= next_announcement) {
            waiting(*attempt.holder, attempt.waited);
            next_announcement = now + kAnnouncedEvery;
        }
        world_.wait_for_change(
            seen, std::min({next_announcement, began + time_limit.count(), now + kRetry}));
    }
}

std::unique_ptr<Lock> MemoryRegistry::held_lock(const std::string& path, const std::string& id) {
    return std::make_unique<HeldLock>(*this, path, id);
}

std::unique_ptr<Lock> MemoryRegistry::enter_if_free(const std::string& path) {
    std::string id;
    perform(Kind::lock, path, [&](auto& state, const auto& full) {
        if (state.locks[full].empty()) id = enter(state, full, session_, client_).id;
    });
    return id.empty() ? nullptr : held_lock(path, id);
}

std::vector<std::unique_ptr<Lock>> MemoryRegistry::try_locks(std::span<const std::string> paths) {
    std::vector<std::unique_ptr<Lock>> locks;
    if (world_.is_jdbc()) return std::vector<std::unique_ptr<Lock>>(paths.size());
    for (const std::string& path : paths) locks.push_back(enter_if_free(path));
    return locks;
}

std::int64_t MemoryRegistry::make_ephemeral(Kind kind, const std::string& path,
                                            const std::string& value) {
    std::int64_t made = 0;
    perform(kind, path, [&](auto& state, const auto& full) {
        const auto standing = state.nodes.find(full);
        // Of a run that is dead.
        if (state.jdbc && kind == Kind::claim && standing != state.nodes.end() &&
            !state.is_fresh(standing->second.owner))
            state.nodes.erase(standing);
        if (!state.nodes.contains(full)) made = state.write(full, value, session_).modified_order;
    });
    return made;
}

std::vector<std::unique_ptr<Lock>> MemoryRegistry::claim(std::span<const std::string> paths,
                                                         const std::string& value) {
    std::vector<std::unique_ptr<Lock>> claims;
    for (const std::string& path : paths) {
        const std::int64_t made = make_ephemeral(Kind::claim, path, value);
        claims.push_back(made > 0 ? std::make_unique<HeldNode>(*this, path, made) : nullptr);
    }
    return claims;
}

std::vector<LockClaim> MemoryRegistry::claims(const std::string& path) {
    std::vector<LockClaim> claims;
    perform(Kind::claims, path, [&](auto& state, const auto& full) { claims = state.locks[full]; });
    return claims;
}

std::vector<LockState> MemoryRegistry::locks(const std::string& prefix) {
    std::vector<LockState> found;
    perform(Kind::locks, prefix, [&](auto& state, const auto& full) {
        for (const auto& [path, claims] : state.locks) {
            if (!claims.empty() && path.starts_with(full + "/"))
                found.push_back({path.substr(name_space_.size()), claims});
        }
    });
    return found;
}

bool MemoryRegistry::owns(const Node& server, const LockClaim& claim) {
    if (world_.is_jdbc() && claim.description.starts_with(server.name + '/')) return true;
    return !server.owner.empty() && server.owner == claim.owner;
}

std::unique_ptr<Announcement> MemoryRegistry::announce(const std::string& path,
                                                       const std::string& value) {
    const std::int64_t made = make_ephemeral(Kind::announce, path, value);
    if (made == 0) return nullptr;
    return std::make_unique<AnnouncedNode>(*this, path, made);
}

}  // namespace dsfailover
