#include "coordinator/parallel_failover.h"

#include <exception>
#include <future>
#include <system_error>

#include "base/interruption.h"
#include "base/log.h"

namespace dsfailover {

void ParallelFailover::run(const Work& work, EpochMs stamp) {
    WorkflowFailover here(
        context_,
        [&] {
            const std::lock_guard lock(confirming_);
            work.confirm();
        },
        work.also, work.done);
    for (;;) {
        check_interruption();
        const auto chunk = work.next();
        if (chunk.empty()) return;
        std::vector<WorkflowInstance> beside;
        if (!work.in_turn && !work.also) beside = work.next();
        if (!beside.empty() && connect() && run_both(here, work, chunk, beside, stamp)) continue;
        here.run(chunk, stamp);
        if (beside.empty()) continue;
        check_interruption();
        here.run(beside, stamp);
    }
}

bool ParallelFailover::connect() {
    if (second_) return true;
    if (alone_ || context_.database.dialect() == Dialect::sqlite) return false;
    try {
        second_ = context_.database.open_another();
    } catch (const DatabaseError& error) {
        spdlog::info("going on with one connection: {}", error.what());
        alone_ = true;
    }
    return !alone_;
}

// False, and nothing done, when there is no thread to be had.
bool ParallelFailover::run_both(WorkflowFailover& here, const Work& work,
                                const std::vector<WorkflowInstance>& chunk,
                                const std::vector<WorkflowInstance>& beside, EpochMs stamp) {
    const RunContext context{context_.registry, *second_,       context_.schema,
                             context_.zone,     context_.audit, context_.report};
    std::vector<WorkflowFailoverResult> results;
    WorkflowFailover there(
        context,
        [&] {
            const std::lock_guard lock(confirming_);
            work.confirm();
        },
        {}, [&](const WorkflowFailoverResult& result) { results.push_back(result); });
    std::future<void> running;
    try {
        running = std::async(std::launch::async, [&] { there.run(beside, stamp); });
    } catch (const std::system_error&) {
        alone_ = true;
        second_.reset();
        return false;
    }
    std::exception_ptr problem;
    const auto remember = [&](const std::function<void()>& step) {
        try {
            step();
        } catch (...) {
            if (!problem) problem = std::current_exception();
        }
    };
    remember([&] { here.run(chunk, stamp); });
    remember([&] { running.get(); });
    for (const WorkflowFailoverResult& result : results) work.done(result);
    if (problem) std::rethrow_exception(problem);
    return true;
}

}  // namespace dsfailover
