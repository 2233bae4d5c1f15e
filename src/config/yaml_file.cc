#include "config/yaml_file.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "config/yaml_check.h"

namespace dsfailover {

std::string read_text_file(const std::string& file, std::string_view option) {
    std::error_code ignored;
    if (std::filesystem::is_directory(file, ignored))
        throw UsageError(fmt::format("{} {}: it is a directory", option, file));
    errno = 0;
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    if (in && in.peek() != std::ifstream::traits_type::eof()) text << in.rdbuf();
    if (!in.is_open() || in.bad() || text.bad())
        throw UsageError(fmt::format("{} {}: cannot be read: {}", option, file,
                                     errno == 0 ? "unknown error" : std::strerror(errno)));
    return text.str();
}

std::vector<YAML::Node> load_yaml_file(const std::string& file, std::string_view option) {
    const std::string text = read_text_file(file, option);
    try {
        check_yaml(text);
        return YAML::LoadAll(text);
    } catch (const YAML::Exception& error) {
        throw UsageError(fmt::format("{} {}: line {}, column {}: {}", option, file,
                                     error.mark.line + 1, error.mark.column + 1, error.msg));
    }
}

}  // namespace dsfailover
