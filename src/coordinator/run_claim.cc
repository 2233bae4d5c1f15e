#include "coordinator/run_claim.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/interruption.h"
#include "base/json.h"
#include "base/log.h"
#include "base/polling.h"
#include "base/whoami.h"
#include "registry/paths.h"

namespace dsfailover {

namespace {

constexpr Millis kPause{200};
constexpr Millis kBetweenCalls{1000};  // of `waiting`
constexpr Millis kLogged{10'000};      // between two lines of the log

std::string claim_value() {
    const Json value = {{"user", user_name()},
                        {"host", host_name()},
                        {"process_id", getpid()},
                        {"started_at", format_rfc3339(now_ms())}};
    return value.dump();
}

// What is known of who has the node.
std::string describe(const Node& node) {
    const Json value = Json::parse_object(node.value);
    const std::string* const user = value.text("user");
    const std::string* const host = value.text("host");
    const std::string* const since = value.text("started_at");
    const auto process_id = value.integer("process_id");
    if (!user || !host || !since || !process_id)
        return fmt::format("somebody who wrote \"{}\" into it", node.value.substr(0, 200));
    return fmt::format("{}@{}, process {}, since {}", *user, *host, *process_id, *since);
}

std::string time_out_message(Registry& registry, const std::string& path, Millis time_limit) {
    const std::string what = fmt::format("{}: could not acquire {} within {}", registry.endpoint(),
                                         path, format_duration(time_limit));
    const auto node = registry.get(path);
    if (!node)
        return what +
               ": it comes and goes. Another run of dsfailover works on the same workflows; "
               "wait for its end and run the command again.";
    if (node->owner.empty())
        return fmt::format(
            "{}: it is not an ephemeral node, so no run of dsfailover made it. Delete it and run "
            "the "
            "command again.",
            what);
    return fmt::format(
        "{}: held by {}: another run of dsfailover, or one that was killed up to 10 s ago. "
        "Wait for its end and run the command again.",
        what, describe(*node));
}

/// Takes claims until it has them all.
class Taking {
  public:
    Taking(Registry& registry, const std::set<std::string>& addresses, Millis time_limit)
        : registry_(registry),
          time_limit_(time_limit),
          until_(now_ms() + time_limit.count()),
          value_(claim_value()) {
        for (const std::string& address : addresses) left_.insert(run_claim_path(address));
    }

    RunClaims run(const std::function<void()>& waiting) {
        EpochMs next_word = 0;
        const auto look = [&] {
            check_interruption();
            take_what_is_free();
            if (left_.empty()) return true;
            if (const EpochMs now = now_ms(); now >= next_word && now < until_) {
                waiting();
                next_word = now + kBetweenCalls.count();
            }
            return false;
        };
        const bool taken = poll({until_, kPause, kLogged}, look, [&](std::int64_t) {
            if (const auto node = registry_.get(*left_.begin()))
                log_info("waiting for {}, held by {}", *left_.begin(), describe(*node));
        });
        if (!taken) throw LockError(time_out_message(registry_, *left_.begin(), time_limit_));
        return {registry_, std::move(taken_)};
    }

  private:
    // Up to the first that is not free: whoever waits for that one must have none that comes after.
    void take_what_is_free() {
        const std::vector<std::string> paths(left_.begin(), left_.end());
        std::vector<std::unique_ptr<Lock>> claims = registry_.claim(paths, value_);
        for (std::size_t i = 0; i < paths.size() && claims[i]; ++i) {
            taken_[paths[i]] = std::move(claims[i]);
            left_.erase(paths[i]);
        }
    }

    Registry& registry_;
    const Millis time_limit_;
    const EpochMs until_;
    const std::string value_;
    std::set<std::string> left_;
    std::map<std::string, std::unique_ptr<Lock>> taken_;
};

}  // namespace

RunClaims::RunClaims(Registry& registry, std::map<std::string, std::unique_ptr<Lock>> claims)
    : registry_(&registry), claims_(std::move(claims)) {}

std::vector<bool> RunClaims::still_held(std::span<Lock* const> locks) {
    return locks.empty() ? std::vector<bool>() : registry_->still_held(locks);
}

bool RunClaims::held() {
    std::vector<Lock*> locks;
    for (const auto& [path, lock] : claims_) locks.push_back(lock.get());
    const std::vector<bool> held = still_held(locks);
    return std::find(held.begin(), held.end(), false) == held.end();
}

std::vector<bool> RunClaims::confirm(std::span<const std::string> addresses) {
    std::vector<Lock*> locks;
    std::vector<bool> taken;
    for (const std::string& address : addresses) {
        const auto claim = claims_.find(run_claim_path(address));
        taken.push_back(claim != claims_.end());
        if (taken.back()) locks.push_back(claim->second.get());
    }
    const std::vector<bool> held = still_held(locks);
    auto next = held.begin();
    for (std::size_t i = 0; i < taken.size(); ++i)
        if (taken[i]) taken[i] = *next++;
    return taken;
}

void RunClaims::require_held() {
    if (held()) return;
    throw LockError(fmt::format(
        "{}: the nodes below {} that keep other runs of dsfailover out were lost: the transaction "
        "was rolled back, what was committed before is in the report. Run the command again.",
        registry_->endpoint(), paths::kRuns));
}

void RunClaims::release() noexcept {
    std::vector<Lock*> locks;
    for (const auto& [path, lock] : claims_) locks.push_back(lock.get());
    if (!locks.empty()) registry_->release(locks);
    claims_.clear();
}

RunClaims take_run_claims(const RunContext& context, const std::set<std::string>& addresses,
                          Millis time_limit, const std::function<void()>& waiting) {
    return Taking(context.registry, addresses, time_limit).run(waiting);
}

RunClaims claim_selected(const RunContext& context, Millis time_limit,
                         const std::function<std::set<std::string>()>& select) {
    const EpochMs until = now_ms() + time_limit.count();
    RunClaims claims;
    std::set<std::string> claimed;
    for (;;) {
        std::set<std::string> wanted = select();
        if (std::includes(claimed.begin(), claimed.end(), wanted.begin(), wanted.end()))
            return claims;
        claims.release();  // they are taken in order
        claimed.merge(wanted);
        const Millis left(std::max<EpochMs>(0, until - now_ms()));
        claims = take_run_claims(context, claimed, left, [] {});
    }
}

}  // namespace dsfailover
