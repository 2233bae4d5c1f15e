#pragma once

#include <string>

#include "report/report.h"

namespace dsfailover {

/// Which of two exit statuses a run ends with: 130/143, 2, 6, 1, 5, 4, 3, 7, 0 is their order. Of
/// two signals `a`, the first, stays.
ExitCode more_urgent(ExitCode a, ExitCode b);

/// Adds the problem that ended a run. Exit status 6 promises that nothing was written: where the
/// run `wrote` something, or may have, it becomes 1.
void add_end(Report& report, ExitCode code, std::string why, bool wrote);

/// Makes the report's outcome and exit status of what its sections say was done, and of its
/// problems. To be called at the end of a run, whatever ended it.
void conclude(Report& report);

/// Whether the report is that of a dry run that found something to do.
bool plans_anything(const Report& report);

}  // namespace dsfailover
