#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "registry/registry.h"
#include "support/memory_jdbc.h"
#include "support/memory_world.h"

namespace dsfailover {

/// A client of a MemoryWorld. See there, and Registry.
class MemoryRegistry : public Registry {
  public:
    MemoryRegistry(MemoryWorld& world, std::string client, std::string name_space);
    ~MemoryRegistry() override;

    std::string type() const override { return "memory"; }
    std::string endpoint() const override { return kMemoryEndpoint; }
    std::string name_space() const override { return name_space_; }
    bool masters_notice_departures() const override;

    std::optional<std::vector<std::string>> children(const std::string& path) override;
    std::optional<Node> get(const std::string& path) override;
    void read_children(const std::string& path,
                       const std::function<void(NodeRead)>& child) override;
    std::vector<Node> living(const std::string& path, bool patient) override;
    bool put(const std::string& path, const std::string& value,
             const std::string& version) override;
    void remove(std::span<Removal> removals) override;
    LockAttempt lock(const std::string& path, Millis time_limit,
                     const std::function<void(const LockClaim&, Millis waited)>& waiting) override;
    std::vector<std::unique_ptr<Lock>> try_locks(std::span<const std::string> paths) override;
    std::vector<std::unique_ptr<Lock>> claim(std::span<const std::string> paths,
                                             const std::string& value) override;
    std::vector<LockClaim> claims(const std::string& path) override;
    std::vector<LockState> locks(const std::string& prefix) override;
    bool owns(const Node& server, const LockClaim& claim) override;
    std::unique_ptr<Announcement> announce(const std::string& path,
                                           const std::string& value) override;

  private:
    class HeldLock;
    class HeldNode;
    class AnnouncedNode;
    using Kind = RegistryCall::Kind;
    using Effect = std::function<void(MemoryState&, const std::string& full_path)>;

    /// A call for which our session must last: session_lost if it ended, once.
    void perform(Kind kind, const std::string& path, const Effect& effect);
    /// One that also a client whose session ended can make: about what it had.
    void perform_anyway(Kind kind, const std::string& path, const Effect& effect);
    std::vector<std::string> names_below(const MemoryState& state, const std::string& full) const;
    /// Makes an ephemeral node of ours; its modified_order, or 0 where one stands already.
    std::int64_t make_ephemeral(Kind kind, const std::string& path, const std::string& value);
    LockAttempt insert_lock(const std::string& path, Millis time_limit,
                            const std::function<void(const LockClaim&, Millis waited)>& waiting);
    std::unique_ptr<Lock> enter_if_free(const std::string& path);
    std::unique_ptr<Lock> held_lock(const std::string& path, const std::string& id);

    MemoryWorld& world_;
    const std::string client_;
    const std::string name_space_;
    std::string session_;
    JdbcSight sight_;
};

}  // namespace dsfailover
