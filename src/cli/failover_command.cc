#include "cli/failover_command.h"

namespace dsfailover {

std::vector<std::string_view> failover_option_names(std::vector<std::string_view> more) {
    std::vector<std::string_view> names = std::move(more);
    for (const std::string_view name :
         {"grace", "in-doubt", "lock-timeout", "no-lock", "primary", "limit", "dry-run", "wait",
          "no-rehost", "ask", "ask-timeout", "ask-limit", "items", "audit-log"})
        names.push_back(name);
    return names;
}

void name_event(Report& report, std::string type, std::optional<std::string> address,
                const std::optional<ProcessIdentity>& process, std::optional<EpochMs> event_time) {
    EventInfo& event = report.event.emplace();
    event.type = std::move(type);
    event.address = std::move(address);
    event.event_time = event_time;
    if (!process) return;
    event.startup_time = process->startup_time;
    event.process_id = process->process_id;
}

}  // namespace dsfailover
