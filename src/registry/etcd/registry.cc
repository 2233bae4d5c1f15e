#include "registry/etcd/registry.h"

#include <fmt/format.h>

#include <charconv>
#include <set>

#include "base/log.h"
#include "registry/etcd/lock.h"
#include "registry/etcd/session.h"
#include "registry/paths.h"

namespace dsfailover {
namespace {

/// The revision a version stands for; 0, which no key has, for what is not a version.
std::int64_t to_revision(const std::string& version) {
    std::int64_t revision = 0;
    const char* end = version.data() + version.size();
    const auto result = std::from_chars(version.data(), end, revision);
    return result.ec == std::errc() && result.ptr == end ? revision : 0;
}

Node to_node(const EtcdKey& key) {
    Node node;
    node.name = key.key.substr(key.key.rfind('/') + 1);
    node.value = key.value;
    node.version = std::to_string(key.mod_revision);
    node.modified_order = key.mod_revision;
    node.owner = key.lease_hex();
    return node;
}

class EtcdAnnouncement : public Announcement {
  public:
    EtcdAnnouncement(std::shared_ptr<EtcdSession> session, std::string key,
                     std::shared_ptr<EtcdLease> lease)
        : session_(std::move(session)), key_(std::move(key)), lease_(std::move(lease)) {}
    ~EtcdAnnouncement() override {
        if (!withdrawn_) session_->leases.revoke_quietly(*lease_);
    }

    bool withdraw() override {
        // With the lease goes what still belongs to it; a server that registered at the address
        // gave the key its own.
        if (!withdrawn_) session_->leases.revoke(*lease_);
        withdrawn_ = true;
        return !session_->keys.find(key_);
    }

  private:
    const std::shared_ptr<EtcdSession> session_;
    const std::string key_;
    const std::shared_ptr<EtcdLease> lease_;
    bool withdrawn_ = false;
};

class EtcdRegistry : public Registry {
  public:
    explicit EtcdRegistry(const RegistrySettings& settings);

    std::string type() const override { return "etcd"; }
    std::string endpoint() const override { return session_->client.endpoint(); }
    std::string name_space() const override { return name_space_; }
    bool masters_notice_departures() const override { return false; }

    std::optional<std::vector<std::string>> children(const std::string& path) override;
    std::optional<Node> get(const std::string& path) override;
    void read_children(const std::string& path,
                       const std::function<void(NodeRead)>& child) override;
    std::vector<Node> living(const std::string& path, bool patient) override;
    bool put(const std::string& path, const std::string& value,
             const std::string& version) override;
    void remove(std::span<Removal> removals) override;
    LockAttempt lock(const std::string& path, Millis time_limit,
                     const std::function<void(const LockClaim&, Millis waited)>& waiting) override {
        return locks_.take(path, time_limit, waiting);
    }
    std::vector<std::unique_ptr<Lock>> claim(std::span<const std::string> paths,
                                             const std::string& value) override {
        std::vector<std::unique_ptr<Lock>> claims;
        for (const std::string& path : paths) claims.push_back(locks_.claim(path, value));
        return claims;
    }
    std::vector<LockClaim> claims(const std::string& path) override { return locks_.claims(path); }
    std::vector<LockState> locks(const std::string& prefix) override {
        return locks_.locks_below(prefix);
    }
    bool owns(const Node& server, const LockClaim& claim) override {
        return !server.owner.empty() && server.owner == claim.owner;
    }
    bool of_one_process(const Node&, const Node&) override { return true; }
    std::unique_ptr<Announcement> announce(const std::string& path,
                                           const std::string& value) override;

  private:
    std::string key(const std::string& path) const { return name_space_ + path; }

    const std::string name_space_;
    const std::shared_ptr<EtcdSession> session_;
    EtcdLocks locks_;
};

EtcdRegistry::EtcdRegistry(const RegistrySettings& settings)
    : name_space_(settings.name_space),
      session_(std::make_shared<EtcdSession>(settings)),
      locks_(session_, name_space_) {
    session_->client.set_interruptible(true);
    session_->keys.find(key(std::string(paths::kMasters)));
    session_->client.set_interruptible(false);
}

std::optional<std::vector<std::string>> EtcdRegistry::children(const std::string& path) {
    const std::string prefix = key(path) + "/";
    std::set<std::string> names;
    session_->keys.scan(prefix, true, [&](const EtcdKey& found) {
        const std::size_t end = found.key.find('/', prefix.size());
        names.insert(found.key.substr(prefix.size(), end - prefix.size()));
    });
    if (names.empty() && !session_->keys.find(key(path))) return std::nullopt;
    return std::vector<std::string>(names.begin(), names.end());
}

std::optional<Node> EtcdRegistry::get(const std::string& path) {
    const std::optional<EtcdKey> found = session_->keys.find(key(path));
    if (!found) return std::nullopt;
    return to_node(*found);
}

void EtcdRegistry::read_children(const std::string& path,
                                 const std::function<void(NodeRead)>& child) {
    const std::string prefix = key(path) + "/";
    session_->keys.scan(prefix, false, [&](const EtcdKey& found) {
        if (found.key.find('/', prefix.size()) != std::string::npos) return;
        Node node = to_node(found);
        child(NodeRead{node.name, std::move(node), ""});
    });
}

std::vector<Node> EtcdRegistry::living(const std::string& path, bool /*patient*/) {
    std::vector<Node> nodes;
    read_children(path, [&](NodeRead child) { nodes.push_back(std::move(*child.node)); });
    return nodes;
}

bool EtcdRegistry::put(const std::string& path, const std::string& value,
                       const std::string& version) {
    if (version.empty()) return session_->keys.create(key(path), value, 0);
    const std::int64_t revision = to_revision(version);
    return revision != 0 && session_->keys.replace(key(path), value, revision);
}

void EtcdRegistry::remove(std::span<Removal> removals) {
    std::vector<EtcdKeys::Deletion> deletions;
    deletions.reserve(removals.size());
    for (const Removal& removal : removals) {
        EtcdKeys::Deletion deletion;
        deletion.key = key(removal.path);
        // -1 for what is not a version: a revision of 0 would match a key that does not exist.
        deletion.mod_revision = to_revision(removal.version);
        if (deletion.mod_revision == 0) deletion.mod_revision = -1;
        deletions.push_back(std::move(deletion));
    }
    const auto report = [&] {
        for (std::size_t i = 0; i < removals.size(); ++i) {
            removals[i].outcome = deletions[i].outcome;
            removals[i].problem = std::move(deletions[i].problem);
        }
    };
    try {
        session_->keys.erase(deletions);
    } catch (const RegistryError&) {
        report();
        throw;
    }
    report();
}

std::unique_ptr<Announcement> EtcdRegistry::announce(const std::string& path,
                                                     const std::string& value) {
    std::shared_ptr<EtcdLease> lease = session_->leases.grant();
    // Whatever happens from here on, the key goes with the lease.
    auto announcement = std::make_unique<EtcdAnnouncement>(session_, key(path), lease);
    if (!session_->keys.create(key(path), value, lease->id())) return nullptr;
    return announcement;
}

}  // namespace

const char* DSFAILOVER_LIBRARY() {
    static const std::string library =
        std::string("libcurl ") + curl_version_info(CURLVERSION_NOW)->version;
    return library.c_str();
}

Registry* DSFAILOVER_OPEN(const RegistrySettings& settings) { return new EtcdRegistry(settings); }

}  // namespace dsfailover
