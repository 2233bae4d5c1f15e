#include <cstdint>
#include <string>

#include "fuzz.h"
#include "store/child_link.h"
#include "store/command_param.h"

namespace dsfailover {

void try_input(std::string_view text) {
    const std::string param(text);
    has_command_type(param);
    if (const auto state = state_of_command_param(param)) {
        const std::string ours = recovery_command_param(*state);
        require(state_of_command_param(ours) == state, "a command goes back to its state");
        require(has_command_type(ours), "our commands have a type");
    }
    if (const auto child = child_of_app_link(text)) {
        const std::string digits = std::to_string(*child);
        require(text.find(digits) != std::string_view::npos,
                "a child has the id that stands there");
    }
}

}  // namespace dsfailover
