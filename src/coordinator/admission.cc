#include "coordinator/admission.h"

#include <fmt/format.h>

#include "coordinator/cluster_check.h"
#include "coordinator/fence.h"

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
    if (living.startup_time == process->startup_time) {
        return fmt::format(
            "The {} {} is alive and is the very process named ({}): nothing was failed over. If it "
            "hangs, --fence makes "
            "it stop itself first.",
            kind, living.address, who);
    }
    return "";
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
        "any more, or writes none "
        "of them. The mark was removed again, nothing was failed over. End the process on its "
        "machine, then run "
        "failover again.",
        living.address, fence.path, format_duration(time_limit));
}

// The cluster after a server was fenced, or for a dry run as if it had been.
FirstLook look_without(const RunContext& context, FirstLook look, const std::string& address,
                       const FailoverOptions& options) {
    if (!options.dry_run) {
        look.at = now_ms();
        look.servers = read_servers(context.registry, true);
        check_clocks(context, look.servers);
        return look;
    }
    const auto is_it = [&](const Server& server) { return server.address == address; };
    std::erase_if(look.servers.masters, is_it);
    std::erase_if(look.servers.workers, is_it);
    return look;
}

}  // namespace

std::string refuse_or_fence(const RunContext& context, std::string_view folder,
                            FailoverTarget& target, FirstLook& look,
                            const FailoverOptions& options) {
    const bool is_master = folder == paths::kMasters;
    const auto living_one = [&] {
        return is_master ? look.servers.master(target.address)
                         : look.servers.worker(target.address);
    };
    const Server* living = living_one();
    if (!living) return "";
    if (!is_to_be_fenced(*living, target.process, options)) {
        return refusal(*living, target.process, is_master);
    }
    target.process = ProcessIdentity{*living->startup_time, *living->process_id};
    if (options.dry_run) {
        context.warn(
            fmt::format("{} would be fenced: its exact mark with the value 0 makes it stop itself.",
                        target.address));
    } else {
        target.fence =
            fence(context.registry, context.audit, folder, *living, options.fence_timeout);
        if (!target.fence->stopped) return unfenced(*living, *target.fence, options.fence_timeout);
    }
    look = look_without(context, look, target.address, options);
    // What a supervisor started meanwhile is another process, or one that cannot be told.
    living = living_one();
    return living && !living->startup_time ? refusal(*living, target.process, is_master) : "";
}

}  // namespace dsfailover
