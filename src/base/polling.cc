#include "base/polling.h"

#include <algorithm>

#include "base/interruption.h"

namespace dsfailover {

bool poll(const Polling& polling, const std::function<bool()>& look,
          const std::function<void(std::int64_t)>& progress) {
    for (EpochMs told = 0;;) {
        if (look()) return true;
        const EpochMs now = now_ms();
        if (now >= polling.until) return false;
        if (progress && now - told >= polling.progress.count()) {
            told = now;
            progress((polling.until - now + 999) / 1000);
        }
        wait_for(std::min(polling.step, Millis(polling.until - now)));
    }
}

}  // namespace dsfailover
