#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/time.h"
#include "simulation/seed.h"

using namespace dsfailover;

namespace {

constexpr std::size_t kShown = 60;       // lines of a failing seed's history
constexpr std::uint64_t kEnough = 4000;  // seeds that reach everything there is

constexpr std::uint64_t kRepeated = 100;  // one of so many is simulated twice

struct Options {
    std::uint64_t from = 1, seeds = 10'000;
    double hours = 0;  // 0: no limit
    bool one = false;  // the whole history of one seed
};

Options read(int argc, char** argv) {
    Options options;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string name = argv[i];
        const std::uint64_t value = std::strtoull(argv[i + 1], nullptr, 10);
        if (name == "--seeds") {
            options.seeds = value;
        } else if (name == "--from") {
            options.from = value;
        } else if (name == "--hours") {
            options.hours = std::strtod(argv[i + 1], nullptr);
        } else if (name == "--seed") {
            options = {value, 1, 0, true};
        } else {
            fmt::print(stderr, "simulation [--from N] [--seeds N] [--hours H] | --seed N\n");
            std::exit(2);
        }
    }
    return options;
}

void show(std::uint64_t seed, const SeedResult& result, std::size_t lines) {
    fmt::print("seed {} (again with: scripts/simulate --seed {})\n", seed, seed);
    const std::size_t size = result.history.size();
    for (std::size_t i = size > lines ? size - lines : 0; i < size; ++i)
        fmt::print("{}\n", result.history[i]);
    for (const std::string& violation : result.violations) fmt::print("VIOLATED {}\n", violation);
}

// Returns whether all that can happen to a call happened to one.
bool tell_reached(const Reached& reached) {
    bool all = true;
    for (int i = 0; i < kCalls; ++i) {
        const auto call = static_cast<Call>(i);
        std::string line;
        const auto count = [&](Fault fault) {
            const auto found = reached.find({call, fault});
            const std::uint64_t times = found == reached.end() ? 0 : found->second;
            line += fmt::format("  {} {}", to_string(fault), times);
            if (times == 0) all = false;
        };
        count(Fault::none);
        for (const Fault fault : possible(call)) count(fault);
        fmt::print("  {:<14}{}\n", to_string(call), line);
    }
    return all;
}

void tell_runs(const Tally& tally) {
    for (const auto& [command, outcomes] : tally.runs) {
        std::string line;
        for (const auto& [outcome, times] : outcomes)
            line += fmt::format("  {} {}", outcome, times);
        fmt::print("  {:<18}{}\n", command, line);
    }
}

}  // namespace

/// The simulation: seeds one after the other. Exit status 1 where one violates an invariant, or
/// something that can happen never did.
int main(int argc, char** argv) {
    const Options options = read(argc, argv);
    set_up_logging({.level = "error"});
    if (!options.one) set_up_logging({.level = "off"});
    ConnectionPool first(Release::v3_3_0), later(Release::later);
    const auto simulate_one = [&](std::uint64_t seed, Tally& counted) {
        return seed % 3 == 0 ? simulate(seed, later, Release::later, counted)
                             : simulate(seed, first, Release::v3_3_0, counted);
    };
    Tally tally;
    std::map<std::string, std::vector<std::uint64_t>> failed;
    std::uint64_t done = 0;
    const auto began = std::chrono::steady_clock::now();
    const auto took = [&] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    };
    for (std::uint64_t seed = options.from; done < options.seeds; ++seed, ++done) {
        if (options.hours > 0 && took() > options.hours * 3600) break;
        SeedResult result = simulate_one(seed, tally);
        // What cannot be had again is of no use.
        Tally again;
        if (done % kRepeated == 0 && simulate_one(seed, again).history != result.history)
            result.violations.emplace_back("not repeatable: the same seed went another way");
        bool is_new = false;
        for (const std::string& violation : result.violations) {
            auto& seeds = failed[violation.substr(0, violation.find(':'))];
            is_new = is_new || seeds.empty();
            if (seeds.empty() || seeds.back() != seed) seeds.push_back(seed);
        }
        if (options.one)
            show(seed, result, result.history.size());
        else if (is_new)
            show(seed, result, kShown);
    }
    fmt::print("{} seeds in {:.1f} s, {} turns\n", done, took(), tally.turns);
    fmt::print("Runs, by command and outcome:\n");
    tell_runs(tally);
    fmt::print("Calls, and what happened to them:\n");
    const bool all_reached = tell_reached(tally.reached);
    for (const auto& [invariant, seeds] : failed) {
        fmt::print("VIOLATED {} in {} of {} seeds:", invariant, seeds.size(), done);
        for (std::size_t i = 0; i < seeds.size() && i < 8; ++i) fmt::print(" {}", seeds[i]);
        fmt::print("\n");
    }
    if (!all_reached && done >= kEnough) fmt::print("Something that can happen never did.\n");
    return failed.empty() && (all_reached || done < kEnough) ? 0 : 1;
}
