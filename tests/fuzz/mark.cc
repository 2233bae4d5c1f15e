#include "base/address.h"
#include "coordinator/marks/mark_value.h"
#include "fuzz.h"
#include "registry/paths.h"

namespace dsfailover {

void try_input(std::string_view text) {
    if (const auto mark = parse_mark_name(text)) {
        require(is_address(mark->address), "a mark is of an address");
        const std::string path = mark_path(mark->address, mark->process);
        const auto again = parse_mark_name(std::string_view(path).substr(path.rfind('/') + 1));
        require(again && again->address == mark->address &&
                    mark_path(again->address, again->process) == path,
                "a mark is known again by its name");
    }
    if (const auto value = parse_mark_value(text))
        require(parse_mark_value(std::to_string(*value)) == value, "a mark's value stays");
    address_of_failover_lock(text);
}

}  // namespace dsfailover
