#pragma once

#include <span>
#include <string>
#include <vector>

#include "report/report.h"

namespace dsfailover {

/// Adds what the servers of a round said to the report's masters_asked or workers_asked: counts are
/// added up, and the last problem of each is kept.
void add_to_report(Report& report, const std::vector<MasterAsked>& round);
void add_to_report(Report& report, const std::vector<WorkerAsked>& round);

/// Why those that did not answer all did not.
std::vector<std::string> problems_of(std::span<const MasterAsked> masters);

/// Why not everything was answered, for a message: the problems of the report's masters_asked, that
/// no master lives, or that there were too many questions.
std::string why_unanswered(const Report& report);

}  // namespace dsfailover
