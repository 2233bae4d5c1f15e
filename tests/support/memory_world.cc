#include "support/memory_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "support/memory_registry.h"

namespace dsfailover {

namespace {

bool matches(const CallMatch& match, const RegistryCall& call) {
    return match.client == call.client && (!match.kind || *match.kind == call.kind) &&
           (match.path.empty() || call.path == match.path ||
            call.path.starts_with(match.path + "/"));
}

std::function<void()> thrower(RegistryError::Kind kind, const std::string& path) {
    return [kind, path] {
        throw RegistryError(kind, fmt::format("{}: {}: the test lets this fail.", kMemoryEndpoint,
                                              path.empty() ? "any path" : path));
    };
}

}  // namespace

Node& MemoryState::write(const std::string& path, const std::string& value,
                         const std::string& owner) {
    const auto slash = path.rfind('/');
    if (slash != 0 && slash != std::string::npos && !nodes.contains(path.substr(0, slash)))
        write(path.substr(0, slash), "", "");
    const bool is_new = !nodes.contains(path);
    Node& node = nodes[path];
    if (is_new) {
        node.created_at = now;
        node.owner = owner;
    }
    node.value = value;
    node.modified_at = now;
    node.modified_order = ++order;
    node.version = std::to_string(order);
    return node;
}

bool MemoryState::has_children(const std::string& path) const {
    const auto next = nodes.lower_bound(path + "/");
    return next != nodes.end() && next->first.starts_with(path + "/");
}

std::string MemoryState::begin_session(const std::string& client) {
    const std::string id = fmt::format("0x{:x}", ++order);
    sessions[id] = client;
    return id;
}

bool MemoryState::is_fresh(const std::string& session) const {
    if (!sessions.contains(session)) return false;
    const auto silent = silent_since.find(session);
    return silent == silent_since.end() || now - silent->second <= kJdbcSession.count();
}

void MemoryState::end_session(const std::string& id) {
    if (sessions.erase(id) == 0) return;
    ++order;
    std::erase_if(nodes, [&](const auto& node) { return node.second.owner == id; });
    for (auto& [path, claims] : locks)
        std::erase_if(claims, [&](const LockClaim& claim) { return claim.owner == id; });
}

std::unique_ptr<Registry> MemoryWorld::open(const std::string& client,
                                            const std::string& name_space) {
    return std::make_unique<MemoryRegistry>(*this, client, name_space);
}

EpochMs MemoryWorld::unguarded_now() const {
    return clock_ == Clock::real ? now_ms() + ahead_.count() : now_;
}

EpochMs MemoryWorld::now() const {
    const std::lock_guard guard(mutex_);
    return unguarded_now();
}

void MemoryWorld::advance(Millis time) {
    const std::lock_guard guard(mutex_);
    ahead_ += time;
    now_ += time.count();
    changed_.notify_all();
}

std::string MemoryWorld::begin_session(const std::string& client) {
    const std::lock_guard guard(mutex_);
    return state_.begin_session(client);
}

void MemoryWorld::end_session(const std::string& id) {
    const std::lock_guard guard(mutex_);
    state_.end_session(id);
    changed_.notify_all();
}

void MemoryWorld::close_session(const std::string& client, const std::string& id) {
    if (watcher_ == nullptr || !watcher_->outlives(client)) end_session(id);
}

void MemoryWorld::end_sessions_of(const std::string& client) {
    const std::lock_guard guard(mutex_);
    const auto sessions = state_.sessions;
    for (const auto& [id, its] : sessions)
        if (its == client) state_.end_session(id);
    changed_.notify_all();
}

void MemoryWorld::stand_still(const std::string& client) {
    const std::lock_guard guard(mutex_);
    for (const auto& [id, its] : state_.sessions)
        if (its == client) state_.silent_since.try_emplace(id, unguarded_now());
}

void MemoryWorld::go_on(const std::string& client) {
    const std::lock_guard guard(mutex_);
    for (const auto& [id, its] : state_.sessions)
        if (its == client) state_.silent_since.erase(id);
}

std::set<std::string> MemoryWorld::purge_sessions() {
    const std::lock_guard guard(mutex_);
    state_.now = unguarded_now();
    std::set<std::string> left;
    const auto sessions = state_.sessions;
    for (const auto& [id, client] : sessions) {
        if (state_.is_fresh(id))
            left.insert(id);
        else
            state_.end_session(id);
    }
    changed_.notify_all();
    return left;
}

void MemoryWorld::purge_all_but(const std::set<std::string>& sessions) {
    const std::lock_guard guard(mutex_);
    std::erase_if(state_.nodes, [&](const auto& node) {
        return !node.second.owner.empty() && !sessions.contains(node.second.owner);
    });
    for (auto& [path, claims] : state_.locks)
        std::erase_if(claims,
                      [&](const LockClaim& claim) { return !sessions.contains(claim.owner); });
    ++state_.order;
    changed_.notify_all();
}

void MemoryWorld::lose_lock(const std::string& full_path) {
    const std::lock_guard guard(mutex_);
    state_.locks.erase(full_path);
    ++state_.order;
    changed_.notify_all();
}

void MemoryWorld::cut_off(const std::string& client) {
    const std::lock_guard guard(mutex_);
    cut_off_.insert(client);
}

void MemoryWorld::let_in(const std::string& client) {
    const std::lock_guard guard(mutex_);
    cut_off_.erase(client);
}

void MemoryWorld::add(Moment moment, CallMatch match, std::function<void()> act) {
    const std::lock_guard guard(mutex_);
    rules_.push_back({moment, std::move(match), std::move(act)});
}

void MemoryWorld::before(CallMatch match, std::function<void()> act) {
    add(Moment::before, std::move(match), std::move(act));
}

void MemoryWorld::after(CallMatch match, std::function<void()> act) {
    add(Moment::after, std::move(match), std::move(act));
}

void MemoryWorld::fail(CallMatch match, RegistryError::Kind kind) {
    auto act = thrower(kind, match.path);
    before(std::move(match), std::move(act));
}

void MemoryWorld::lose_answer(CallMatch match, RegistryError::Kind kind) {
    auto act = thrower(kind, match.path);
    after(std::move(match), std::move(act));
}

bool MemoryWorld::all_rules_used() const {
    const std::lock_guard guard(mutex_);
    return std::all_of(rules_.begin(), rules_.end(),
                       [](const Rule& rule) { return rule.match.nth == 0; });
}

std::map<std::string, std::string> MemoryWorld::snapshot() const {
    const std::lock_guard guard(mutex_);
    std::map<std::string, std::string> values;
    for (const auto& [path, node] : state_.nodes) values[path] = node.value;
    return values;
}

MemoryState MemoryWorld::state() const {
    const std::lock_guard guard(mutex_);
    return state_;
}

void MemoryWorld::perform(const RegistryCall& call,
                          const std::function<void(MemoryState&)>& effect) {
    if (watcher_) watcher_->before(call);
    act(Moment::before, call);
    {
        const std::lock_guard guard(mutex_);
        if (cut_off_.contains(call.client))
            throw RegistryError(RegistryError::Kind::unreachable,
                                fmt::format("{}: {}: no connection.", kMemoryEndpoint, call.path));
        state_.now = unguarded_now();
        effect(state_);
        changed_.notify_all();
    }
    act(Moment::after, call);
    if (watcher_) watcher_->after(call);
}

// Whatever a rule does may be a call itself: so it is used up before, and no mutex is held.
void MemoryWorld::act(Moment moment, const RegistryCall& call) {
    std::vector<std::function<void()>> due;
    {
        const std::lock_guard guard(mutex_);
        std::erase_if(rules_, [&](Rule& rule) {
            if (rule.moment != moment || !matches(rule.match, call)) return false;
            const bool always = rule.match.nth == 0;
            if (!always && --rule.match.nth > 0) return false;
            due.push_back(rule.act);
            return !always;
        });
    }
    for (const auto& one : due) one();
}

void MemoryWorld::wait_for_change(std::int64_t seen, EpochMs until) {
    if (watcher_)
        return watcher_->wait(
            [&] {
                const std::lock_guard guard(mutex_);
                return state_.order != seen;
            },
            until);
    std::unique_lock guard(mutex_);
    if (clock_ == Clock::by_hand) {
        now_ = std::max(now_, until);
        return;
    }
    while (state_.order == seen && unguarded_now() < until)
        changed_.wait_for(guard, Millis(until - unguarded_now()));
}

}  // namespace dsfailover
