#pragma once

#include <string>
#include <utility>
#include <vector>

#include "report/report.h"

namespace dsfailover {

/// Reports of every command with every field filled in, and as they are when a run ended early; by
/// name. Texts in them hold what databases hold: quotes, line breaks, bytes that are not UTF-8.
std::vector<std::pair<std::string, Report>> sample_reports();

}  // namespace dsfailover
