#pragma once

#include <span>

#include "coordinator/failover/address_guard.h"
#include "coordinator/failover/first_look.h"
#include "coordinator/failover/master_reading.h"
#include "coordinator/failover/master_target.h"
#include "coordinator/run_context.h"

namespace dsfailover {

/// Agrees with other runs on the stamps of this one, before the first commit: whoever changed the
/// stamps of a master since they were read may have failed over what we read. Where one master
/// alone can take what is failed over, on a release whose recovery leaves the host alone, that
/// master is to become its host: then the stamp is one of that master's, too.
class StampAgreement {
  public:
    /// All must outlive this.
    StampAgreement(const RunContext& context, const FirstLook& look, AddressGuard& guard,
                   MasterReading& reading);

    /// The stamps of all masters that have work and none yet, together. Those that somebody else
    /// changed meanwhile get none here. What goes wrong stops a master, or is thrown where it ends
    /// the run.
    void agree_together(std::span<const SelectedMaster> selected);

    /// The stamp of one master, which is read again until nobody else changes its stamps. It may
    /// end with that, or have nothing left to select; then it has no stamp. Throws LockError if
    /// others change them all the time, RefusedError, and as MasterReading does.
    void agree(const SelectedMaster& master);

  private:
    void choose(std::span<const SelectedMaster> selected);
    std::string only_master() const;

    const RunContext& context_;
    const FirstLook& look_;
    AddressGuard& guard_;
    MasterReading& reading_;
};

}  // namespace dsfailover
