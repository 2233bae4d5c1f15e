#include "coordinator/failover/parallel_failover.h"

#include <future>
#include <system_error>

#include "base/interruption.h"
#include "base/log.h"
#include "database/sql_dialect.h"

namespace dsfailover {

namespace {

constexpr Millis kSlowAnswer{500};
constexpr std::size_t kWorthSharing = 500;  // instances

std::exception_ptr problem_of(const std::function<void()>& work) {
    try {
        work();
    } catch (...) {
        return std::current_exception();
    }
    return nullptr;
}

// Takes the second half of a chunk that is not small; nullopt for one that is.
std::optional<FailoverChunk> take_half(FailoverChunk& chunk) {
    const std::size_t size = chunk.instances.size();
    if (size < kWorthSharing) return std::nullopt;
    FailoverChunk half = chunk;
    const auto middle = static_cast<std::ptrdiff_t>(size / 2);
    half.instances.erase(half.instances.begin(), half.instances.begin() + middle);
    chunk.instances.erase(chunk.instances.begin() + middle, chunk.instances.end());
    return half;
}

}  // namespace

ParallelFailover::ParallelFailover(const RunContext& context)
    : context_(context), alone_(context.database.dialect().locks_whole_file()) {}

void ParallelFailover::run(const Next& next, bool in_turn) {
    for (;;) {
        check_interruption();
        auto chunk = next();
        if (!chunk) return;
        std::optional<FailoverChunk> beside;
        if (!in_turn && !alone_ && !slow_registry_) {
            beside = next();
            if (!beside && second_) beside = take_half(*chunk);
        }
        if (beside)
            run_both(*chunk, *beside);
        else
            run_here(*chunk);
    }
}

bool ParallelFailover::connect() {
    if (second_) return true;
    try {
        second_ = context_.database.open_another();
    } catch (const DatabaseError& error) {
        log_info("going on with one connection: {}", error.what());
        alone_ = true;
    }
    return !alone_;
}

void ParallelFailover::run_on(Database& database, const FailoverChunk& chunk,
                              const WorkflowFailover::Done& done) {
    const RunContext context{context_.registry,    database,        context_.schema,
                             context_.zone,        context_.audit,  context_.report,
                             context_.zone_is_own, context_.servers};
    const auto confirm = [&] {
        const EpochMs began = now_ms();
        const std::lock_guard lock(confirming_);
        chunk.confirm();
        if (now_ms() - began > kSlowAnswer.count()) slow_registry_ = true;
    };
    WorkflowFailover::Ask ask;
    if (chunk.ask)
        ask = [&](const RunContext& on, std::span<const std::int64_t> ids) {
            const std::lock_guard lock(confirming_);
            return chunk.ask(on, ids);
        };
    WorkflowFailover(context, *chunk.watch,
                     {confirm, ask, chunk.also, done, chunk.held, chunk.read_from})
        .run(chunk.instances, chunk.values);
}

void ParallelFailover::run_here(const FailoverChunk& chunk) {
    const auto problem = problem_of([&] { run_on(context_.database, chunk, chunk.done); });
    if (problem) chunk.failed(problem);
}

// One after the other where there is no second connection, or no thread can be started. The first
// does not wait until that is connected.
void ParallelFailover::run_both(const FailoverChunk& chunk, const FailoverChunk& beside) {
    std::vector<WorkflowFailoverResult> results;  // of `beside`
    std::future<void> running;
    bool ran = false;
    try {
        running = std::async(std::launch::async, [&] {
            if (!connect()) return;
            ran = true;
            run_on(*second_, beside,
                   [&](const WorkflowFailoverResult& result) { results.push_back(result); });
        });
    } catch (const std::system_error&) {
        alone_ = true;
        second_.reset();
    }
    const auto problem = problem_of([&] { run_on(context_.database, chunk, chunk.done); });
    const auto problem_beside =
        running.valid() ? problem_of([&] { running.get(); }) : std::exception_ptr();
    for (const WorkflowFailoverResult& result : results) beside.done(result);
    if (problem) chunk.failed(problem);
    if (problem_beside) return beside.failed(problem_beside);
    if (ran) return;
    check_interruption();
    context_.audit.check();
    run_here(beside);
}

}  // namespace dsfailover
