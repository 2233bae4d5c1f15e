#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace YAML {
class Node;
}

namespace dsfailover {

/// The documents of a YAML file. Throws UsageError naming the file, the line of an error and the
/// option that named the file.
std::vector<YAML::Node> load_yaml_file(const std::string& file, std::string_view option);

/// The text of a small file. Throws UsageError naming the file, the reason and the option.
std::string read_text_file(const std::string& file, std::string_view option);

}  // namespace dsfailover
