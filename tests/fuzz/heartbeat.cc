#include "fuzz.h"
#include "registry/living_servers.h"

namespace dsfailover {

void try_input(std::string_view text) {
    Node node;
    node.name = "127.0.1.5:5678";
    node.value = text;
    const Server server = parse_heartbeat(node);
    require(server.problem.empty() == server.startup_time.has_value(),
            "a heartbeat says since when the server lives, or has a problem");
    describe_start(server);
    if (!server.startup_time || !server.process_id || !server.report_time) return;
    constexpr std::int64_t kMost = INT64_MAX / 1000;
    for (const std::int64_t time : {*server.startup_time, *server.report_time})
        require(-kMost <= time && time <= kMost, "a time fits as microseconds");
    node.value = departing_worker_heartbeat(node.name, *server.startup_time, *server.process_id,
                                            *server.report_time);
    const Server again = parse_heartbeat(node);
    require(again.startup_time == server.startup_time && again.process_id == server.process_id &&
                again.report_time == server.report_time,
            "our own heartbeats say what they were told");
}

}  // namespace dsfailover
