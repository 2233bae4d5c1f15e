#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "coordinator/asking/workflow_inquiry.h"
#include "coordinator/failover/workflow_verdict.h"
#include "coordinator/run_context.h"
#include "store/relation_store.h"
#include "store/workflow_instance.h"

namespace dsfailover {

/// A workflow that would be failed over and has, or may have, a parent or children that matter.
struct FamilyMember {
    std::int64_t id = 0;
    bool resumed = false;            ///< resumed_by_hand()
    bool is_child = false;           ///< WorkflowInstance::is_child
    std::int64_t last_start_us = 0;  ///< epoch µs, the latest that it can be

    /// Whether its family has to be looked at.
    bool matters() const { return resumed || is_child; }
};
FamilyMember family_member(const WorkflowInstance& instance);

/// Why one of them is left.
struct LeftForFamily {
    Verdict verdict;    ///< child_running or by_parent
    std::string other;  ///< of child_running: "12, held by 127.0.1.2:5678"; of by_parent: "9"
};

/// The child that each SUB_WORKFLOW task of these workflows which has not ended points to. Throws
/// DatabaseError.
std::vector<WorkflowRelation> child_links(const RunContext& context,
                                          std::span<const std::int64_t> parents);

/// LeftForFamily::other of a parent because of a child for which a command waits.
std::string child_with_command(std::int64_t child);

/// What the masters say of children, in their order; all have no command, and have not ended.
using AskAboutChildren =
    std::function<std::vector<MastersSaid>(std::span<const WorkflowInstance> children)>;

/// Which of `selected` are left because of their families, and why. A parent
/// that a person resumed gives the child its SUB_WORKFLOW task points to a command once it is
/// recovered, whatever that child is doing. So it is left while the child runs, or may run
/// (child_running); and a child that no master runs is left to a parent that is recovered
/// (by_parent). Children that are not selected themselves are asked about with `ask`; without it
/// they count as running. `clock`: epoch ms. `left_to_parents`: those left so by earlier readings
/// of the run; gains this one's. Throws DatabaseError and what `ask` throws.
std::map<std::int64_t, LeftForFamily> left_for_family(const RunContext& context,
                                                      std::span<const FamilyMember> selected,
                                                      const AskAboutChildren& ask, EpochMs clock,
                                                      std::set<std::int64_t>& left_to_parents);

}  // namespace dsfailover
