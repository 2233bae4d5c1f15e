#pragma once

#include <string>

namespace dsfailover {

/// packaging/config.yaml: every option that a file may give, each commented out, so that the file
/// as it comes changes nothing.
std::string config_example();

}  // namespace dsfailover
