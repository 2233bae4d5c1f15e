#include "coordinator/failover_stamps.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "coordinator/failover_marks.h"

namespace dsfailover {

namespace {

constexpr std::size_t kKeptStamps = 64;
constexpr EpochMs kUnusedMs = 3'600'000;  // so long nobody waits between stamp and commit

std::optional<std::vector<EpochMs>> parse_stamps(const std::string& text) {
    std::vector<EpochMs> stamps;
    std::size_t begin = 0;
    while (begin <= text.size() && !text.empty()) {
        const auto end = std::min(text.find(',', begin), text.size());
        const auto value = parse_mark_value(std::string_view(text).substr(begin, end - begin));
        if (!value) return std::nullopt;
        stamps.push_back(*value);
        begin = end + 1;
    }
    std::sort(stamps.begin(), stamps.end());
    return stamps;
}

std::string with_stamp(const StampToAdd& stamp, EpochMs clock, const CarriedStamps& carried) {
    std::vector<EpochMs> values = stamp.read->values;
    if (values.size() >= kKeptStamps) {
        const std::vector<EpochMs> needed = carried(stamp.address, values);
        auto surplus = values.size() + 1 - kKeptStamps;
        std::erase_if(values, [&](EpochMs value) {
            const bool drop = surplus > 0 && value < clock - kUnusedMs &&
                              std::find(needed.begin(), needed.end(), value) == needed.end();
            if (drop) --surplus;
            return drop;
        });
    }
    values.push_back(stamp.stamp);
    return fmt::format("{}", fmt::join(values, ","));
}

}  // namespace

std::string stamps_path(const std::string& address) {
    return fmt::format("{}/{}", paths::kStamps, address);
}

std::map<std::string, FailoverStamps> read_all_stamps(Registry& registry,
                                                      const std::vector<std::string>& addresses) {
    std::vector<std::string> paths;
    for (const std::string& address : addresses) paths.push_back(stamps_path(address));
    const std::vector<NodeRead> reads = registry.get_all(paths);
    std::map<std::string, FailoverStamps> stamps;
    for (std::size_t i = 0; i < reads.size(); ++i) {
        const std::string what = fmt::format("{}: {}", registry.endpoint(), paths[i]);
        FailoverStamps& its = stamps[addresses[i]];
        if (!reads[i].problem.empty()) {
            its.problem = fmt::format(
                "{} cannot be read: {}. It tells which workflows dsfailover failed "
                "over before; give the user that wrote it (--registry-user).",
                what, reads[i].problem);
        } else if (reads[i].node) {
            const std::string& text = reads[i].node->value;
            its.version = reads[i].node->version;
            if (auto values = parse_stamps(text)) {
                its.values = std::move(*values);
            } else {
                its.problem = fmt::format(
                    "{} holds \"{}\", which is no comma separated list of epoch "
                    "milliseconds. It tells which workflows dsfailover failed over "
                    "before; repair it (or delete it if those are all finished).",
                    what, text.substr(0, 200));
            }
        }
    }
    return stamps;
}

std::vector<bool> add_stamps(Registry& registry, std::span<const StampToAdd> stamps, EpochMs clock,
                             const CarriedStamps& carried) {
    std::vector<Put> puts;
    for (const StampToAdd& one : stamps) {
        puts.push_back(
            {stamps_path(one.address), with_stamp(one, clock, carried), one.read->version});
    }
    registry.put_all(puts);
    std::vector<bool> added;
    for (const Put& put : puts) {
        if (put.outcome == PutOutcome::unknown) {
            const auto now = registry.get(put.path);
            added.push_back(now && now->value == put.value);
        } else {
            added.push_back(put.outcome == PutOutcome::written);
        }
    }
    return added;
}

}  // namespace dsfailover
