#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "coordinator/failover_options.h"
#include "report/report.h"

namespace dsfailover {

/// What the checks need to know besides the section that is printed.
struct StatusFindings {
    std::int64_t masters = 0, normal_masters = 0, workers = 0, alert_servers = 0;
    bool masters_elect = true;              ///< they notice that their coordinator went
    std::vector<std::string> to_fail_over;  ///< hosts of which global would do something
    std::vector<std::int64_t> in_doubt;     ///< workflows
    std::set<std::string> odd_hosts;        ///< that are not HOST:PORT
    std::vector<std::int64_t> with_odd_host;
    std::int64_t idle_for_good = 0;    ///< of StatusSection::idle, overtaken or blocked
    std::int64_t cleanable_marks = 0;  ///< that clean-marks would take
    std::vector<std::string> leaked;   ///< addresses of locks that look leaked
    CheckItem clocks{CheckName::clocks, true, "", std::nullopt};
};

/// Every check of a status, those of --ask where masters were asked, in the order of CheckName:
/// what was found, and the command to run next where one fails. No hint advises to start a master
/// while anything is in doubt. `status`: all but its checks.
std::vector<CheckItem> status_checks(const StatusSection& status, const StatusFindings& found,
                                     const StatusOptions& options);

}  // namespace dsfailover
