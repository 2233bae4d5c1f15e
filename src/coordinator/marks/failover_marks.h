#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "coordinator/marks/mark_value.h"
#include "registry/process_identity.h"
#include "registry/registry.h"
#include "report/audit_log.h"
#include "report/report.h"

namespace dsfailover {

/// The marks of one address, fences left out.
struct AddressMarks {
    std::optional<EpochMs> newest;  ///< the latest value
    bool unparsable = false;        ///< one has an unreadable value or name
    std::vector<Node> nodes;        ///< those read, unparsable ones too
};

/// The folder of marks, read when asked for: the names once, each value once. All functions throw
/// RegistryError.
class FailoverMarks {
  public:
    explicit FailoverMarks(Registry& registry) : registry_(registry) {}

    /// Reads the marks of several addresses together, for of().
    void read_all(const std::vector<std::string>& addresses);

    /// The marks of `address`. A mark that may not be read counts as unparsable.
    const AddressMarks& of(const std::string& address);

    /// The latest value of any mark of a master; 0 if there is none. A mark's name does not say
    /// whether it is a master's or a worker's: one counts as a worker's if `workers` (the living
    /// ones' addresses) has its address.
    EpochMs newest_of_any_master(const std::set<std::string>& workers);

  private:
    std::vector<std::string> names_of(const std::string& address);

    Registry& registry_;
    std::optional<std::vector<std::string>> names_;
    std::map<std::string, AddressMarks> by_address_;
    std::optional<EpochMs> newest_of_any_master_;
};

/// A mark that is to be written.
struct MarkToWrite {
    std::string address;
    std::optional<ProcessIdentity> process;  ///< none: the unknown one
    EpochMs value = 0;
    std::optional<MarkInfo> done;  ///< filled in: what stands there now
};

/// What write_marks() would leave standing, for a dry run. Throws RegistryError.
MarkInfo planned_mark(Registry& registry, const MarkToWrite& mark);

/// Writes the marks with compare-and-set, all together where there are none yet, and audits them. A
/// later value that stands there already is left: `written` is false then. Throws RegistryError;
/// what was done before is filled in.
void write_marks(Registry& registry, AuditLog& audit, std::span<MarkToWrite> marks);

}  // namespace dsfailover
