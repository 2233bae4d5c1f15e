#include "registry/zookeeper/removal.h"

#include <fmt/format.h>

#include <algorithm>

#include "registry/zookeeper/version.h"

namespace dsfailover {
namespace {

using Kind = ZookeeperRequest::Kind;

/// Nodes looked at or removed before the folder is looked at again.
constexpr std::size_t kStep = 2000;
/// Nodes per transaction: one bad node sends that many back to be removed one by one.
constexpr std::size_t kTogether = 100;

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

/// How many children were ever made: the server shows as cversion twice that number less the
/// children there are.
std::uint32_t children_made(const Stat& stat) {
    return static_cast<std::uint32_t>(stat.cversion) + static_cast<std::uint32_t>(stat.numChildren);
}

void settle(Removal& removal, int code) {
    switch (code) {
        case ZOK:
            removal.outcome = RemoveOutcome::removed;
            return;
        case ZBADVERSION:
            removal.outcome = RemoveOutcome::changed;
            return;
        case ZNONODE:
            removal.outcome = RemoveOutcome::vanished;
            return;
        case ZNOTEMPTY:
            removal.outcome = RemoveOutcome::has_children;
            return;
        default:
            removal.outcome = RemoveOutcome::failed;
            removal.problem = code == ZNOAUTH ? "removal denied by the ACL of its folder"
                                              : fmt::format("{} ({})", zerror(code), code);
    }
}

}  // namespace

void ZookeeperRemoval::listed(const std::string& folder, const Stat& stat) {
    made_when_listed_[folder] = children_made(stat);
}

void ZookeeperRemoval::remove(std::span<Removal> removals) {
    for (Removal& removal : removals) {
        removal.outcome = RemoveOutcome::failed;
        removal.problem.clear();
    }
    for (; !removals.empty(); removals = removals.subspan(std::min(kStep, removals.size())))
        remove_some(removals.first(std::min(kStep, removals.size())));
}

void ZookeeperRemoval::remove_some(std::span<Removal> removals) {
    Batch left;
    std::map<std::string, bool> untouched;
    for (Removal& removal : removals) {
        left.push_back(&removal);
        untouched.try_emplace(folder_of(removal.path), false);
    }
    try {
        for (auto& [folder, none_made] : untouched) none_made = made_none_since_listed(folder);
        if (!std::all_of(untouched.begin(), untouched.end(),
                         [](const auto& folder) { return folder.second; }))
            left = still_as_read(left, RemoveOutcome::vanished);
        left = remove_together(left);
        ZookeeperSession::Patience patience(session_);
        while (!left.empty()) {
            patience.wait("removing", left.front()->path);
            // Gone now: whether by our lost request or by another's comes to the same.
            left = remove_singly(still_as_read(left, RemoveOutcome::removed));
        }
    } catch (const RegistryError& error) {
        for (Removal* removal : left)
            if (removal->outcome == RemoveOutcome::failed && removal->problem.empty())
                removal->problem = error.what();
        throw;
    }
}

bool ZookeeperRemoval::made_none_since_listed(const std::string& folder) {
    const auto then = made_when_listed_.find(folder);
    if (then == made_when_listed_.end()) return false;
    ZookeeperRequest look;
    look.kind = Kind::exists;
    look.path = session_.full_path(folder);
    const ZookeeperReply now = session_.read(look);
    return now.code == ZOK && children_made(now.stat) == then->second;
}

ZookeeperRemoval::Batch ZookeeperRemoval::still_as_read(const Batch& batch, RemoveOutcome if_gone) {
    Batch same;
    session_.read(
        batch.size(),
        [&](std::size_t i) {
            ZookeeperRequest look;
            look.kind = Kind::exists;
            look.path = session_.full_path(batch[i]->path);
            return look;
        },
        [&](std::size_t i, const ZookeeperReply& reply) {
            Removal& removal = *batch[i];
            if (reply.code == ZNONODE)
                removal.outcome = if_gone;
            else if (reply.code != ZOK)
                settle(removal, reply.code);
            else if (ZookeeperVersion::of(reply.stat).text() != removal.version)
                removal.outcome = RemoveOutcome::changed;
            else
                same.push_back(&removal);
        });
    return same;
}

ZookeeperRequest ZookeeperRemoval::removal_request(const Removal& removal) const {
    ZookeeperRequest request;
    request.kind = Kind::remove;
    request.path = session_.full_path(removal.path);
    // A version that is none of ours matches no node.
    request.version =
        ZookeeperVersion::parse(removal.version).value_or(ZookeeperVersion{0, INT32_MAX}).data;
    return request;
}

ZookeeperRemoval::Batch ZookeeperRemoval::remove_together(const Batch& batch) {
    const auto part = [&](std::size_t i) {
        return std::span(batch).subspan(i * kTogether,
                                        std::min(kTogether, batch.size() - i * kTogether));
    };
    Batch singly, cut_off;
    session_.pipeline((batch.size() + kTogether - 1) / kTogether,
                      [&](std::size_t i) {
                          ZookeeperRequest together;
                          together.kind = Kind::remove_all;
                          for (const Removal* removal : part(i)) {
                              ZookeeperRequest request = removal_request(*removal);
                              together.removals.emplace_back(std::move(request.path),
                                                             request.version);
                          }
                          return together;
                      },
                      [&](std::size_t i, const ZookeeperReply& reply) {
                          const auto removals = part(i);
                          if (reply.code == ZOK)
                              for (Removal* removal : removals) settle(*removal, ZOK);
                          else if (ZookeeperSession::is_cut_off(reply.code))
                              cut_off.insert(cut_off.end(), removals.begin(), removals.end());
                          else
                              singly.insert(singly.end(), removals.begin(), removals.end());
                      });
    for (Removal* removal : remove_singly(singly)) cut_off.push_back(removal);
    return cut_off;
}

ZookeeperRemoval::Batch ZookeeperRemoval::remove_singly(const Batch& batch) {
    Batch cut_off;
    session_.pipeline(
        batch.size(), [&](std::size_t i) { return removal_request(*batch[i]); },
        [&](std::size_t i, const ZookeeperReply& reply) {
            if (ZookeeperSession::is_cut_off(reply.code) || ZookeeperSession::is_lost(reply.code))
                cut_off.push_back(batch[i]);
            else
                settle(*batch[i], reply.code);
        });
    return cut_off;
}

}  // namespace dsfailover
