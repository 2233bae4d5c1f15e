#include "report/report.h"

#include <algorithm>

namespace dsfailover {

std::int64_t CommandsInfo::total() const {
    std::int64_t count = 0;
    for (const auto& [type, commands] : by_type) count += commands.count;
    return count;
}

std::int64_t CommandsInfo::unclaimed() const {
    std::int64_t count = 0;
    for (const auto& [type, commands] : by_type) count += commands.unclaimed;
    return count;
}

std::optional<EpochMs> CommandsInfo::oldest_update_time() const {
    std::optional<EpochMs> oldest;
    for (const auto& [type, commands] : by_type) {
        const auto& stored = commands.oldest_update_time;
        if (stored) oldest = std::min(oldest.value_or(*stored), *stored);
    }
    return oldest;
}

CommandsOfType CommandsInfo::failovers() const {
    const auto found = by_type.find(2);
    return found == by_type.end() ? CommandsOfType() : found->second;
}

}  // namespace dsfailover
