#include "base/polling.h"

#include <algorithm>

#include "base/interruption.h"
#include "base/log.h"

namespace dsfailover {
namespace {

constexpr Millis kOnOneLine{1000};

/// Between two lines of progress.
Millis between(const Polling& polling) {
    return progress_is_one_line() ? std::min(kOnOneLine, polling.progress) : polling.progress;
}

}  // namespace

bool poll(const Polling& polling, const std::function<bool()>& look,
          const std::function<void(std::int64_t)>& progress) {
    for (EpochMs told = 0;;) {
        if (look()) return true;
        const EpochMs now = now_ms();
        if (now >= polling.until) return false;
        if (progress && now - told >= between(polling).count()) {
            told = now;
            progress((polling.until - now + 999) / 1000);
        }
        wait_for(std::min(polling.step, Millis(polling.until - now)));
    }
}

}  // namespace dsfailover
