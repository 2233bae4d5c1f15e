#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "coordinator/run_context.h"

namespace dsfailover {

/// The nodes that a run has, from take_run_claims() to release() or the destructor.
class RunClaims {
  public:
    RunClaims() = default;
    RunClaims(Registry& registry, std::map<std::string, std::unique_ptr<Lock>> claims);
    ~RunClaims() { release(); }
    RunClaims(RunClaims&&) = default;
    RunClaims& operator=(RunClaims&&) = default;

    /// A round trip: whether all nodes are still ours; true where there are none. Throws
    /// RegistryError if the registry does not answer.
    bool held();
    /// The same for the node of each of `addresses`; false for one that was not taken.
    std::vector<bool> confirm(std::span<const std::string> addresses);
    /// held(), and throws LockError if they are not: nothing may be committed any more.
    void require_held();
    /// Gives them up, together. Nothing is thrown; what is lost already is gone.
    void release() noexcept;

  private:
    std::vector<bool> still_held(std::span<Lock* const> locks);

    Registry* registry_ = nullptr;
    std::map<std::string, std::unique_ptr<Lock>> claims_;  // by path
};

/// Takes the node of each of `addresses` (run_claim_path() of one that is not an address is that of
/// no host), in ascending order, waiting at most `time_limit` for all together; `waiting` is called
/// about once a second meanwhile, and what it throws ends the waiting. To be taken before the look
/// that decides what is done. Throws LockError naming who has one when time is up, RegistryError,
/// and Interrupted.
RunClaims take_run_claims(const RunContext& context, const std::set<std::string>& addresses,
                          Millis time_limit, const std::function<void()>& waiting);

/// Takes the nodes of all that `select` returns, within `time_limit`. What other runs did until
/// they are ours must be seen: `select` is called again until it returns nothing that was not
/// claimed before it. Throws as take_run_claims(), and what `select` throws.
RunClaims claim_selected(const RunContext& context, Millis time_limit,
                         const std::function<std::set<std::string>()>& select);

}  // namespace dsfailover
