#include "base/clock.h"

#include <thread>
#include <utility>

namespace dsfailover {

namespace {

Clock* in_use = nullptr;

}  // namespace

void use_clock(Clock* clock) { in_use = clock; }

Clock* clock_in_use() { return in_use; }

EpochMs now_ms() {
    if (in_use != nullptr) return in_use->now();
    return std::chrono::duration_cast<Millis>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

void wait_uninterrupted(Millis duration) {
    if (in_use != nullptr) return in_use->wait(duration);
    std::this_thread::sleep_for(duration);
}

std::future<void> run_beside(std::function<void()> work) {
    // Where no thread can be started, the default does without.
    if (in_use == nullptr) return std::async(std::move(work));
    return std::async(std::launch::deferred, std::move(work));
}

}  // namespace dsfailover
