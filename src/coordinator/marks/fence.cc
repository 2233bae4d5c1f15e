#include "coordinator/marks/fence.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/interruption.h"
#include "base/log.h"
#include "base/polling.h"
#include "coordinator/marks/failover_marks.h"
#include "registry/paths.h"

namespace dsfailover {

namespace {

constexpr Millis kFenceStays = std::chrono::hours(24 * 7);

/// The mark with the value 0, taken away again unless it did its work.
class FenceMark {
  public:
    FenceMark(Registry& registry, AuditLog& audit, std::string address, FenceInfo& info)
        : registry_(registry), audit_(audit), address_(std::move(address)), path_(info.path) {
        try {
            ours_ = registry_.put(path_, std::to_string(kFenceValue), "");
        } catch (const RegistryError& error) {
            if (error.kind() != RegistryError::Kind::outcome_unknown) throw;
            audit_.may_have_written();
        }
        if (!ours_) {
            // A fence of a run that was killed is ours as well, and so is one whose answer was
            // lost.
            const auto standing = registry_.get(path_);
            ours_ = standing && parse_mark_value(standing->value) == kFenceValue;
            if (standing && !ours_) info.standing = standing->value;
        }
        if (ours_) log("written");
    }
    ~FenceMark() {
        if (!ours_) return;
        try {
            withdraw();
        } catch (const std::exception& error) {
            log_error("the fence {} could not be removed, remove it by hand: {}", path_,
                      error.what());
        }
    }
    FenceMark(const FenceMark&) = delete;
    FenceMark& operator=(const FenceMark&) = delete;

    void keep() { ours_ = false; }

    /// Throws Error if the mark is ours and cannot be removed.
    void withdraw() {
        if (!ours_) return;
        ours_ = false;
        const auto node = registry_.get(path_);
        if (!node || node->value != std::to_string(kFenceValue)) return;
        Removal removal{path_, node->version, RemoveOutcome::failed, ""};
        registry_.remove({&removal, 1});
        if (removal.outcome == RemoveOutcome::failed) {
            throw Error(
                ExitCode::failed,
                fmt::format(
                    "The fence {} could not be removed: {}. Remove it by hand, or the server "
                    "stops itself when it recovers.",
                    path_, removal.problem));
        }
        log("removed");
    }

  private:
    void log(std::string_view action) {
        audit_.write({"mark", action, address_, std::nullopt, std::nullopt, path_,
                      std::to_string(kFenceValue)});
    }

    Registry& registry_;
    AuditLog& audit_;
    std::string address_;
    std::string path_;
    bool ours_ = false;
};

}  // namespace

void fence(Registry& registry, AuditLog& audit, std::string_view folder, const Server& server,
           Millis time_limit, FenceInfo& info) {
    const auto stopped = [&] {
        const auto living = read_server(registry, folder, server.address, true);
        return !living || (living->startup_time && living->startup_time != server.startup_time);
    };
    fence_until(registry, audit, server.address,
                {*server.startup_time, server.process_id.value_or(0)}, time_limit, stopped, info);
}

void fence_until(Registry& registry, AuditLog& audit, const std::string& address,
                 const ProcessIdentity& process, Millis time_limit,
                 const std::function<bool()>& stopped, FenceInfo& info) {
    info.path = mark_path(address, process);
    FenceMark mark(registry, audit, address, info);
    const auto look = [&] { return info.stopped = stopped(); };
    poll({now_ms() + time_limit.count(), Millis(500)}, look, [&](std::int64_t seconds) {
        log_info("fenced {}, waiting {} s more for it to stop itself", address, seconds);
    });
    if (info.stopped)
        mark.keep();
    else
        mark.withdraw();
}

bool lives_at(const MarkName& mark, const Servers& servers) {
    return servers.master(mark.address) || servers.worker(mark.address);
}

bool is_fence_kept(const MarkName& mark, const Servers& servers, EpochMs now) {
    return lives_at(mark, servers) ||
           (mark.process && now - mark.process->startup_time <= kFenceStays.count());
}

}  // namespace dsfailover
