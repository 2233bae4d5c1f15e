#include "coordinator/failover/master_target.h"

#include <fmt/format.h>

#include <exception>
#include <utility>

namespace dsfailover {

MasterTarget::MasterTarget(FailoverTarget wanted, const Server* living, std::size_t items)
    : address(std::move(wanted.address)),
      process(wanted.process),
      watch(std::move(wanted.watch)),
      only(std::move(wanted.only)),
      by_start(wanted.by_start),
      lives(living != nullptr),
      fenced(wanted.fence && wanted.fence->stopped),
      record(address, items, by_answer() ? SkipReason::unanswered : SkipReason::in_doubt) {
    section().fence = std::move(wanted.fence);
    section().alive = lives;
    if (living) section().startup_time = living_since = living->startup_time;
}

void MasterTarget::end(Outcome outcome) {
    stage = Stage::ended;
    section().outcome = outcome;
}

void stop(const RunContext& context, MasterTarget& target, ExitCode code, Outcome outcome,
          const std::string& message) {
    // Two chunks of it may meet the same end.
    if (!target.is_watched()) return;
    target.end(outcome);
    context.fail(code, message);
}

void stop_on_error(const RunContext& context, MasterTarget& target,
                   const std::function<void()>& work) {
    try {
        work();
    } catch (const LockError& error) {
        stop(context, target, error.exit_code(), Outcome::failed, error.what());
    } catch (const RefusedError& error) {
        stop(context, target, error.exit_code(), Outcome::refused, error.what());
    } catch (const RegistryError& error) {
        if (error.kind() != RegistryError::Kind::session_lost) throw;
        stop(context, target, ExitCode::lock_unavailable, Outcome::failed,
             fmt::format("{} The lock of {} went with the session: what was not committed was "
                         "rolled back, no mark was "
                         "written. Run the command again.",
                         error.what(), target.address));
    }
}

void stop_on_error(const RunContext& context, std::span<MasterTarget* const> targets,
                   const std::function<void()>& work) {
    try {
        work();
    } catch (const RegistryError&) {
        const std::exception_ptr problem = std::current_exception();
        for (MasterTarget* target : targets)
            stop_on_error(context, *target, [&] { std::rethrow_exception(problem); });
        if (targets.empty()) throw;
    }
}

}  // namespace dsfailover
