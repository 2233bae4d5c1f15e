#include "coordinator/failover_stamps.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "coordinator/failover_marks.h"

namespace dsfailover {

namespace {

constexpr std::size_t kKeptStamps = 64;

std::vector<EpochMs> parse_stamps(const std::string& text, const std::string& what) {
    std::vector<EpochMs> stamps;
    std::size_t begin = 0;
    while (begin <= text.size() && !text.empty()) {
        const auto end = std::min(text.find(',', begin), text.size());
        const auto value = parse_mark_value(std::string_view(text).substr(begin, end - begin));
        if (!value) {
            throw Error(ExitCode::failed,
                        fmt::format("{} holds \"{}\", which is no comma separated list of epoch "
                                    "milliseconds. It tells which workflows dsfailover failed over "
                                    "before; repair it (or delete it if those are all finished).",
                                    what, text.substr(0, 200)));
        }
        stamps.push_back(*value);
        begin = end + 1;
    }
    std::sort(stamps.begin(), stamps.end());
    return stamps;
}

}  // namespace

std::string stamps_path(const std::string& address) {
    return fmt::format("{}/{}", paths::kStamps, address);
}

FailoverStamps read_stamps(Registry& registry, const std::string& address) {
    const std::string path = stamps_path(address);
    const auto node = registry.get(path);
    if (!node) return {};
    return {parse_stamps(node->value, fmt::format("{}: {}", registry.endpoint(), path)),
            node->version};
}

bool add_stamp(Registry& registry, const std::string& address, const FailoverStamps& read,
               EpochMs stamp,
               const std::function<std::vector<EpochMs>(std::span<const EpochMs>)>& carried) {
    std::vector<EpochMs> values = read.values;
    if (values.size() >= kKeptStamps) {
        const std::vector<EpochMs> needed = carried(values);
        auto surplus = values.size() + 1 - kKeptStamps;
        std::erase_if(values, [&](EpochMs value) {
            const bool drop =
                surplus > 0 && std::find(needed.begin(), needed.end(), value) == needed.end();
            if (drop) --surplus;
            return drop;
        });
    }
    values.push_back(stamp);
    const std::string text = fmt::format("{}", fmt::join(values, ","));
    try {
        return registry.put(stamps_path(address), text, read.version);
    } catch (const RegistryError& error) {
        if (error.kind() != RegistryError::Kind::outcome_unknown) throw;
    }
    return read_stamps(registry, address).values == values;
}

}  // namespace dsfailover
