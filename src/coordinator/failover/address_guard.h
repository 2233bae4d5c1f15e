#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/failover/first_look.h"
#include "coordinator/failover/master_target.h"
#include "coordinator/failover_options.h"
#include "coordinator/run_claim.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// Keeps others away from the addresses that are failed over, and sees that their servers stay
/// away: claims against other runs, locks against masters, the grace time, and a round trip before
/// each commit. What goes wrong for one address stops that one, not the others.
class AddressGuard {
  public:
    /// All must outlive this. `look.servers` is read anew with every look at the registry.
    AddressGuard(const RunContext& context, const FailoverOptions& options, FirstLook& look,
                 std::vector<MasterTarget>& targets);

    /// Takes the claims and then the locks of all that are open, within one --lock-timeout, and
    /// waits until each address has stayed as it was for the grace time. Throws RegistryError where
    /// no address is left to stop for it, DatabaseError, and Interrupted.
    void secure();

    /// A round trip: the lock is still ours, and nobody came back whose work this is. Throws
    /// LockError, RefusedError and RegistryError.
    void confirm(MasterTarget& target);
    /// The same for several together; leaves out those that it stops.
    void confirm_all(std::vector<MasterTarget*>& targets);
    /// That the process which is to be fenced did not come back. Throws RefusedError and
    /// RegistryError.
    void confirm_fence(MasterTarget& target);

    /// Gives locks and claims up, together. Throws nothing.
    void release();

  private:
    void take_claims();
    void take_free_locks();
    void take_locks();
    void wait_grace();
    Millis left_to_wait() const;
    const Servers& look_again(MasterTarget& waiting);
    void look_who_returned(const MasterTarget* but);
    void check_return(MasterTarget& target);
    bool any_watched(bool gone_only) const;
    bool still_claimed(MasterTarget& target);
    void require_ours(MasterTarget& target, bool lock_held, const std::optional<Server>& living);
    std::string_view by_global() const;

    const RunContext& context_;
    const FailoverOptions& options_;
    FirstLook& look_;
    std::vector<MasterTarget>& targets_;
    EpochMs waiting_since_ = 0;  // for claims and locks
    RunClaims claims_;           // of all targets together
};

}  // namespace dsfailover
