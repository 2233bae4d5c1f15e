#include "registry/zookeeper/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "registry/zookeeper/announcement.h"
#include "registry/zookeeper/lock.h"
#include "registry/zookeeper/put.h"
#include "registry/zookeeper/removal.h"
#include "registry/zookeeper/session.h"
#include "registry/zookeeper/version.h"

namespace dsfailover {
namespace {

using Kind = ZookeeperRequest::Kind;

std::string last_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

Node to_node(std::string name, ZookeeperReply& reply) {
    Node node;
    node.name = std::move(name);
    node.value = std::move(reply.data);
    node.version = ZookeeperVersion::of(reply.stat).text();
    node.created_at = reply.stat.ctime;
    node.modified_at = reply.stat.mtime;
    node.modified_order = reply.stat.mzxid;
    node.owner = zookeeper_owner(reply.stat);
    return node;
}

class ZookeeperRegistry : public Registry {
  public:
    explicit ZookeeperRegistry(const RegistrySettings& settings) : settings_(settings) { open(); }

    std::string type() const override { return "zookeeper"; }
    std::string endpoint() const override { return session_->endpoint(); }
    std::string name_space() const override { return session_->full_path(""); }
    bool masters_notice_departures() const override { return true; }

    std::optional<std::vector<std::string>> children(const std::string& path) override {
        ZookeeperReply reply = read(Kind::children, path);
        if (reply.code == ZNONODE) return std::nullopt;
        if (reply.code != ZOK) session_->fail(reply.code, "listing", session_->full_path(path));
        removal_->listed(path, reply.stat);
        return std::move(reply.names);
    }

    std::optional<Node> get(const std::string& path) override {
        ZookeeperReply reply = read(Kind::get, path);
        if (reply.code == ZNONODE) return std::nullopt;
        if (reply.code != ZOK) session_->fail(reply.code, "reading", session_->full_path(path));
        return to_node(last_part(path), reply);
    }

    void read_children(const std::string& path,
                       const std::function<void(NodeRead)>& child) override {
        const std::vector<std::string> names = children(path).value_or(std::vector<std::string>());
        read_nodes(
            names.size(), [&](std::size_t i) { return path + "/" + names[i]; },
            [&](std::size_t, NodeRead read) { child(std::move(read)); });
    }

    std::vector<NodeRead> get_all(std::span<const std::string> paths) override {
        std::vector<NodeRead> reads(paths.size());
        read_nodes(
            paths.size(), [&](std::size_t i) { return paths[i]; },
            [&](std::size_t i, NodeRead read) { reads[i] = std::move(read); });
        return reads;
    }

    std::vector<Node> living(const std::string& path, bool) override {
        std::vector<Node> servers;
        std::vector<std::string> unreadable;
        read_children(path, [&](NodeRead read) {
            if (read.node)
                servers.push_back(std::move(*read.node));
            else if (!read.problem.empty())
                unreadable.push_back(std::move(read.name));
        });
        // A node that may not be read is alive all the same, and its owner can be seen.
        for (const std::string& name : unreadable) {
            ZookeeperReply reply = read(Kind::exists, path + "/" + name);
            if (reply.code == ZOK) servers.push_back(to_node(name, reply));
        }
        return servers;
    }

    bool put(const std::string& path, const std::string& value,
             const std::string& version) override {
        Put put{path, value, version};
        put_all({&put, 1});
        if (put.outcome == PutOutcome::unknown)
            session_->fail(ZCONNECTIONLOSS, "writing", session_->full_path(path));
        return put.outcome == PutOutcome::written;
    }

    void put_all(std::span<Put> puts) override {
        open_anew_if_lost();
        put_in_zookeeper(*session_, puts);
    }

    void remove(std::span<Removal> removals) override {
        open_anew_if_lost();
        removal_->remove(removals);
    }

    LockAttempt lock(const std::string& path, Millis time_limit,
                     const std::function<void(const LockClaim&, Millis)>& waiting) override {
        open_anew_if_lost();
        return take_zookeeper_lock(session_, path, time_limit, waiting);
    }

    std::vector<std::unique_ptr<Lock>> try_locks(std::span<const std::string> paths) override {
        open_anew_if_lost();
        return try_zookeeper_locks(session_, paths);
    }

    std::vector<std::unique_ptr<Lock>> claim(std::span<const std::string> paths,
                                             const std::string& value) override {
        open_anew_if_lost();
        return claim_zookeeper_nodes(session_, paths, value);
    }

    std::vector<bool> still_held(std::span<Lock* const> locks) override {
        return zookeeper_locks_held(locks);
    }

    void release(std::span<Lock* const> locks) noexcept override { release_zookeeper_locks(locks); }

    std::vector<LockClaim> claims(const std::string& path) override {
        open_anew_if_lost();
        return zookeeper_claims(*session_, path);
    }

    std::vector<LockState> locks(const std::string& prefix) override {
        std::vector<LockState> states;
        for (const std::string& name : children(prefix).value_or(std::vector<std::string>())) {
            LockState state{prefix + "/" + name, claims(prefix + "/" + name)};
            if (!state.claims.empty()) states.push_back(std::move(state));
        }
        return states;
    }

    bool owns(const Node& server, const LockClaim& claim) override {
        return !server.owner.empty() && server.owner == claim.owner;
    }

    std::unique_ptr<Announcement> announce(const std::string& path,
                                           const std::string& value) override {
        return announce_in_zookeeper(settings_, path, value);
    }

  private:
    void open() {
        session_ = std::make_shared<ZookeeperSession>(settings_);
        removal_ = std::make_unique<ZookeeperRemoval>(*session_);
    }
    void open_anew_if_lost() {
        if (session_->is_over() && session_->loss_was_told()) open();
    }

    ZookeeperReply read(Kind kind, const std::string& path) {
        open_anew_if_lost();
        ZookeeperRequest request;
        request.kind = kind;
        request.path = session_->full_path(path);
        return session_->read(request);
    }

    template <typename PathOf, typename OnRead>
    void read_nodes(std::size_t count, const PathOf& path_of, const OnRead& on_read) {
        open_anew_if_lost();
        session_->read(
            count,
            [&](std::size_t i) {
                ZookeeperRequest get;
                get.path = session_->full_path(path_of(i));
                return get;
            },
            [&](std::size_t i, ZookeeperReply& reply) {
                NodeRead read;
                read.name = last_part(path_of(i));
                if (reply.code == ZOK)
                    read.node = to_node(read.name, reply);
                else if (reply.code == ZNOAUTH)
                    read.problem = "reading denied by its ACL";
                else if (reply.code != ZNONODE)
                    read.problem = fmt::format("{} ({})", zerror(reply.code), reply.code);
                on_read(i, std::move(read));
            });
    }

    RegistrySettings settings_;
    std::shared_ptr<ZookeeperSession> session_;
    std::unique_ptr<ZookeeperRemoval> removal_;
};

}  // namespace

std::string zookeeper_client_version() { return ZOO_VERSION; }

std::unique_ptr<Registry> open_zookeeper_registry(const RegistrySettings& settings) {
    return std::make_unique<ZookeeperRegistry>(settings);
}

}  // namespace dsfailover
