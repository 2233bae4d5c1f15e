#include "coordinator/worker/worker_announcement.h"

#include <chrono>

#include "base/interruption.h"
#include "base/log.h"
#include "base/polling.h"
#include "coordinator/marks/failover_marks.h"
#include "registry/living_servers.h"
#include "registry/paths.h"

namespace dsfailover {

namespace {

constexpr Millis kHold{2000};
constexpr Millis kComeBack{30'000};

// A worker whose node went with our session registers again with its next heartbeat.
bool comes_back(Registry& registry, const std::string& address) {
    return poll({now_ms() + kComeBack.count(), Millis(500)},
                [&] { return read_server(registry, paths::kWorkers, address, false).has_value(); });
}

}  // namespace

AnnouncementResult announce_departure(const RunContext& context, const std::string& address,
                                      const ProcessIdentity& incarnation,
                                      const std::function<void()>& made) {
    AnnouncementResult result;
    result.incarnation = incarnation;
    if (const auto mark = context.registry.get(mark_path(address, incarnation)))
        result.mark_version = mark->version;
    const std::string path = server_path(paths::kWorkers, address);
    auto announcement = context.registry.announce(
        path, departing_worker_heartbeat(address, incarnation.startup_time, incarnation.process_id,
                                         now_ms()));
    if (!announcement) {
        const bool lives =
            read_server(context.registry, paths::kWorkers, address, false).has_value();
        result.kind =
            lives ? AnnouncementResult::Kind::worker_lives : AnnouncementResult::Kind::leftover;
        return result;
    }
    made();
    log_info("announcing the departure of the worker {}", address);
    context.audit.write({"announcement", "made", address, std::nullopt, std::nullopt, path, ""});
    wait_for(kHold);
    if (!announcement->withdraw()) {
        result.kind = AnnouncementResult::Kind::worker_registered;
        result.back_again = comes_back(context.registry, address);
    }
    return result;
}

bool acknowledged(Registry& registry, const std::string& address,
                  const AnnouncementResult& announcement) {
    const auto mark = registry.get(mark_path(address, announcement.incarnation));
    return mark && mark->version != announcement.mark_version;
}

}  // namespace dsfailover
