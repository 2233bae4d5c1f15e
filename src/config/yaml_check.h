#pragma once

#include <string>

namespace dsfailover {

/// Throws YAML::ParserException for what yaml-cpp would read without end: a text in which its
/// parser makes no headway, a node that holds itself, and aliases that multiply to more than a
/// million nodes. Also for what is not YAML.
void check_yaml(const std::string& text);

}  // namespace dsfailover
