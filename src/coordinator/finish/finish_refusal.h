#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/time.h"
#include "report/report.h"
#include "report/words.h"

namespace dsfailover {

/// What a person has to know of a workflow instance that is not finished.
struct RefusalDetails {
    std::string holder;
    Millis idle{0};        ///< so long nothing of it must have moved
    std::string problems;  ///< why not every living master answered
    std::span<const std::int64_t> unfinished_children;
    std::span<const std::int64_t> unfinished_parents;
    std::span<const LivingTask> tasks;
};

/// Why it is refused, and the way out, a sentence without its end.
std::string describe_refusal(SkipReason reason, const RefusalDetails& details);

}  // namespace dsfailover
