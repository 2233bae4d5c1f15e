#include "coordinator/failover/admission.h"

#include <fmt/format.h>

#include "base/address.h"
#include "coordinator/clock_check.h"
#include "coordinator/failover/failover_lock.h"
#include "coordinator/marks/fence.h"
#include "registry/paths.h"
#include "store/workflow_instance_store.h"

namespace dsfailover {

namespace {

// Why a living server is not failed over; empty if another process than the one named lives there.
std::string refusal(const Server& living, const std::optional<ProcessIdentity>& process,
                    bool is_master) {
    const char* kind = is_master ? "master" : "worker";
    if (!living.startup_time) {
        return fmt::format(
            "The {} {} is registered, and {}: it counts as alive. Nothing was failed over.", kind,
            living.address, living.problem);
    }
    const std::string who =
        fmt::format("startup time {} ({}), process id {}", *living.startup_time,
                    format_rfc3339(*living.startup_time), living.process_id.value_or(0));
    if (!process) {
        return fmt::format(
            "The {} {} is alive ({}): nothing was failed over. If it was restarted and {}, name "
            "the old process with "
            "--startup-time and --process-id{}.",
            kind, living.address, who, is_master ? "old workflows hang" : "old tasks hang",
            is_master ? ", or use the command global" : "");
    }
    if (living.startup_time != process->startup_time) return "";
    if (living.process_id && living.process_id != process->process_id) {
        return fmt::format(
            "The {} {} is alive ({}): it has the startup time named, but not the process id {}. "
            "Nothing was failed over. If this is the process meant, name it with its own process "
            "id.",
            kind, living.address, who, process->process_id);
    }
    return fmt::format(
        "The {} {} is alive and is the very process named ({}): nothing was failed over. If it "
        "hangs, --fence makes "
        "it stop itself first.",
        kind, living.address, who);
}

// With --fence: whether the living server is meant to be stopped. With an identity only that very
// process is.
bool is_to_be_fenced(const Server& living, const std::optional<ProcessIdentity>& process,
                     const FailoverOptions& options) {
    if (!options.fence || !living.startup_time || !living.process_id) return false;
    return !process || (process->startup_time == *living.startup_time &&
                        process->process_id == *living.process_id);
}

std::string unfenced(const Server& living, const FenceInfo& fence, Millis time_limit) {
    return fmt::format(
        "{} was fenced by its mark {} and did not stop within {}: it does not even send heartbeats "
        "any more, or writes none of them. {}, nothing was failed over. End the process on its "
        "machine, then run failover again.",
        living.address, fence.path, format_duration(time_limit),
        fence.standing ? fmt::format("Its mark with the value {} stands since before and was left",
                                     *fence.standing)
                       : "The mark was removed again");
}

// What would end the run later must show while the server still lives, or it dies for nothing.
std::optional<Refusal> check_before_fence(const RunContext& context, const FirstLook& look,
                                          const std::string& address, bool is_master,
                                          std::optional<EpochMs> event_time) {
    const EpochMs clock = latest_clock(context.database);
    WorkflowInstanceStore(context.store())
        .scan_unfinished({}, [&](const WorkflowInstance& instance) {
            if (instance.host && is_address(*instance.host))
                check_start_time(context, instance, clock);
        });
    if (!is_master || event_time || !activity_lags(context, look.servers, look.activity))
        return std::nullopt;
    return Refusal{
        ExitCode::needs_person,
        fmt::format("The timestamps of the newest rows lie so far behind that --time-zone may be "
                    "wrong: {} was not fenced, and nothing was failed over. Check the zone; on a "
                    "quiet cluster give --event-time.",
                    address)};
}

// The cluster after a server was fenced, or for a dry run as if it had been.
void look_without(const RunContext& context, FirstLook& look, const std::string& address,
                  const FailoverOptions& options) {
    look.servers.remove(address);
    if (options.dry_run) {
        if (look.inquiry) look.inquiry->leave_out(address);
        return;
    }
    look.at = now_ms();
    look.servers = read_servers(context.registry, true);
    look.clock_difference = check_clocks(context, look.servers);
}

}  // namespace

std::optional<Refusal> refuse_or_fence(const RunContext& context, std::string_view folder,
                                       FailoverTarget& target, FirstLook& look,
                                       std::optional<EpochMs> event_time,
                                       const FailoverOptions& options) {
    const bool is_master = folder == paths::kMasters;
    const auto living_one = [&] {
        return is_master ? look.servers.master(target.address)
                         : look.servers.worker(target.address);
    };
    const auto refused = [](std::string why) -> std::optional<Refusal> {
        if (why.empty()) return std::nullopt;
        return Refusal{ExitCode::refused, std::move(why)};
    };
    const Server* living = living_one();
    if (!living) return std::nullopt;
    if (!is_to_be_fenced(*living, target.process, options)) {
        return refused(refusal(*living, target.process, is_master));
    }
    if (auto why = check_before_fence(context, look, target.address, is_master, event_time))
        return why;
    if (is_master) {
        LockOutlook lock = lock_after_fence(context, *living, options, look.inquiry.get());
        const std::string problem =
            lock.problem.empty() ? ""
                                 : fmt::format("{} {} {}.", lock.problem, target.address,
                                               options.dry_run ? "would not be fenced then"
                                                               : "was not fenced, nothing was "
                                                                 "failed over");
        if (!problem.empty() && !options.dry_run)
            return Refusal{ExitCode::lock_unavailable, problem};
        if (!problem.empty()) context.warn(problem);
        target.watch = std::move(lock.watch);
    }
    target.process = ProcessIdentity{*living->startup_time, *living->process_id};
    if (options.dry_run) {
        context.warn(
            fmt::format("{} would be fenced: its exact mark with the value 0 makes it stop itself.",
                        target.address));
    } else {
        fence(context.registry, context.audit, folder, *living, options.fence_timeout,
              target.fence.emplace());
        if (!target.fence->stopped)
            return refused(unfenced(*living, *target.fence, options.fence_timeout));
    }
    look_without(context, look, target.address, options);
    // What a supervisor started meanwhile is another process, or one that cannot be told.
    living = living_one();
    const bool another =
        living && living->startup_time && living->startup_time != target.process->startup_time;
    return living && !another ? refused(refusal(*living, target.process, is_master)) : std::nullopt;
}

}  // namespace dsfailover
