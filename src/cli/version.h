#pragma once

#include <string>

namespace dsfailover {

inline const std::string kVersionHelp = "Print version, commit, libraries and modules, and exit";

/// What --version prints, as lines or as JSON: version, commit, build type, libraries with their
/// versions, and each module with its file and client library, or why it cannot be used. Loads the
/// modules.
std::string version_lines();
std::string version_json();

}  // namespace dsfailover
