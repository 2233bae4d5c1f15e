#include "base/pace.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"

namespace dsfailover {
namespace {

constexpr Millis kQuietAtFirst{1000};
constexpr Millis kBetweenLines{10'000};
constexpr Millis kOnOneLine{100};

}  // namespace

Millis Pace::running() const { return Millis(std::max<EpochMs>(0, now_ms() - began_)); }

bool Pace::is_due() {
    const EpochMs now = now_ms();
    if (began_ == 0) began_ = now;
    const Millis between = progress_is_one_line() ? kOnOneLine : kBetweenLines;
    if (running() < kQuietAtFirst || now - told_ < between.count()) return false;
    told_ = now;
    return true;
}

std::string Pace::rate(std::int64_t done, std::int64_t of) const {
    const std::int64_t per_second = done * 1000 / std::max<std::int64_t>(1, running().count());
    if (per_second <= 0) return {};
    return fmt::format(", {}/s, {} s left", per_second,
                       (std::max(of, done) - done + per_second - 1) / per_second);
}

}  // namespace dsfailover
