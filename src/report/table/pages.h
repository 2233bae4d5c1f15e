#pragma once

#include <string>
#include <vector>

#include "report/report.h"
#include "report/table/page.h"

namespace dsfailover {

// The parts of a report as tables; nothing is printed for a part that the report does not have.

/// Masters, workflows of no master, the worker.
void print_failovers(Page& page, const Report& report);
/// Workflows of requeue, finish and rehost, and what became of the commands of requeue.
void print_workflows(Page& page, const Report& report);
void print_recovery(Page& page, const RecoveryInfo& recovery);
void print_marks(Page& page, const MarksSection& marks);
void print_status(Page& page, const StatusSection& status);
void print_explained(Page& page, const Items<ExplainedWorkflow>& explained);
/// What masters and workers answered.
void print_answers(Page& page, const Report& report);
void print_sandbox(Page& page, const SandboxSection& sandbox);
void print_settings(Page& page, const std::vector<SettingItem>& settings);

/// What the run came to, in a few words; empty: its outcome says it all.
std::string summary_of(const Report& report);

/// What to do next, the most urgent first: command lines, or a sentence. None: nothing.
std::vector<std::string> next_steps(const Report& report);

}  // namespace dsfailover
