#pragma once

#include <cstddef>

namespace dsfailover {

/// What a report is printed for, where a person reads it.
struct Screen {
    std::size_t width = 100;  ///< columns
    bool colour = false;
    bool utc = true;  ///< times in UTC; else in this machine's zone, with the offset
};

}  // namespace dsfailover
