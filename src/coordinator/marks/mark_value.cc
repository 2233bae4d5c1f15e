#include "coordinator/marks/mark_value.h"

#include "base/digits.h"

namespace dsfailover {

// Fits as microseconds, too.
std::optional<EpochMs> parse_mark_value(std::string_view value) { return parse_digits(value, 15); }

}  // namespace dsfailover
