#pragma once

#include <cstdint>
#include <span>

namespace dsfailover {

/// Numbers that follow from a seed, the same on every machine (SplitMix64).
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15U + 0x1234567U) {}

    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31);
    }
    /// From `least` to `most`, both included.
    std::int64_t between(std::int64_t least, std::int64_t most) {
        return least +
               static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(most - least + 1));
    }
    /// True in `count` of `of` cases.
    bool chance(std::int64_t count, std::int64_t of) { return between(1, of) <= count; }
    template <typename T, std::size_t N>
    const T& one_of(const T (&choices)[N]) {
        return choices[next() % N];
    }

  private:
    std::uint64_t state_;
};

}  // namespace dsfailover
