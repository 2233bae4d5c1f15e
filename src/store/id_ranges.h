#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <span>
#include <vector>

namespace dsfailover {

/// Ids from `first` to `last`, both included.
struct IdRange {
    std::int64_t first = 0;
    std::int64_t last = 0;
};

/// A set of ids that mostly follow one another, kept as ranges.
class IdRanges {
  public:
    /// `ids` in ascending order, each once.
    void add(std::span<const std::int64_t> ids) {
        for (std::size_t begin = 0, end = 0; begin < ids.size(); begin = end) {
            for (end = begin + 1; end < ids.size() && ids[end] == ids[end - 1] + 1;) ++end;
            add(IdRange{ids[begin], ids[end - 1]});
        }
    }

    /// The ranges of at least `least` ids that end behind `after`, at most `most` of them, the
    /// newest first.
    std::vector<IdRange> long_ones(std::int64_t after, std::int64_t least, std::size_t most) const {
        std::vector<IdRange> found;
        for (auto range = ranges_.rbegin(); range != ranges_.rend() && found.size() < most;
             ++range) {
            if (range->second <= after) break;
            if (range->second - range->first + 1 >= least)
                found.push_back({range->first, range->second});
        }
        return found;
    }

    /// Forgets the ranges that end at `last` or before.
    void forget_up_to(std::int64_t last) {
        while (!ranges_.empty() && ranges_.begin()->second <= last) ranges_.erase(ranges_.begin());
    }

  private:
    // Takes the ranges beside it in.
    void add(IdRange range) {
        auto next = ranges_.upper_bound(range.first);
        if (next != ranges_.begin()) {
            const auto before = std::prev(next);
            if (before->second >= range.first - 1) {
                range.first = before->first;
                range.last = std::max(range.last, before->second);
                ranges_.erase(before);
            }
        }
        while (next != ranges_.end() && next->first <= range.last + 1) {
            range.last = std::max(range.last, next->second);
            next = ranges_.erase(next);
        }
        ranges_.emplace(range.first, range.last);
    }

    std::map<std::int64_t, std::int64_t> ranges_;  // first -> last
};

}  // namespace dsfailover
