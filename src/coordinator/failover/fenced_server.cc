#include "coordinator/failover/fenced_server.h"

#include <fmt/format.h>

#include <string>

#include "base/log.h"
#include "store/workflow_instance_store.h"

namespace dsfailover {

namespace {

/// What the run that fenced a server left undone: nobody else does it now.
struct FencedServer {
    const RunContext& context;
    const std::string& address;
    bool is_master;

    /// Whether the fence took effect, and the run ended before its work was done.
    bool is_left() const {
        const Report& report = context.report;
        if (report.worker) {
            return report.worker->outcome != Outcome::partial &&
                   left(report.worker->fence, report.worker->mark, report.worker->outcome);
        }
        if (!report.masters) return false;
        for (const MasterSection& section : *report.masters) {
            const bool none_done = section.workflows.done == 0 && section.workflows.left > 0;
            const bool stopped = section.outcome != Outcome::partial || none_done;
            if (section.address == address)
                return stopped && left(section.fence, section.mark, section.outcome);
        }
        return false;
    }

    /// Says so before all else. Throws nothing, whatever happened to the database.
    void tell(const std::optional<ProcessIdentity>& process) const noexcept try {
        context.report.problems.insert(
            context.report.problems.begin(),
            {ExitCode::failed,
             fmt::format("{} was stopped by this run; {} nobody's now. Go on with: dsfailover "
                         "failover-{} {}{}",
                         address, what_is_left(), is_master ? "master" : "worker", address,
                         process ? fmt::format(" --startup-time {} --process-id {}",
                                               process->startup_time, process->process_id)
                                 : "")});
    } catch (...) {
        log_error("{} was stopped by this run, which did nothing more", address);
    }

  private:
    static bool left(const std::optional<FenceInfo>& fence, const std::optional<MarkInfo>& mark,
                     Outcome outcome) {
        const bool ended = outcome == Outcome::failed || outcome == Outcome::refused ||
                           outcome == Outcome::interrupted || outcome == Outcome::partial;
        return fence && fence->stopped && ended && !(mark && mark->written);
    }

    std::string what_is_left() const {
        const auto are = [](std::int64_t count, std::string_view what) {
            return count == 1 ? fmt::format("its 1 {} is", what)
                              : fmt::format("its {} {}s are", count, what);
        };
        if (!is_master) return are(context.report.worker->selected, "task");
        try {
            std::int64_t count = 0;
            WorkflowInstanceStore(context.store())
                .scan_unfinished({&address, 1}, [&](const WorkflowInstance&) { ++count; });
            return are(count, "workflow");
        } catch (...) {
            return "its workflows are";
        }
    }
};

}  // namespace

void with_fence(const RunContext& context, bool is_master, const FailoverTarget& target,
                const std::function<void()>& run) {
    const FencedServer server{context, target.address, is_master};
    try {
        run();
    } catch (...) {
        if (server.is_left()) server.tell(target.process);
        throw;
    }
    if (server.is_left()) server.tell(target.process);
}

}  // namespace dsfailover
