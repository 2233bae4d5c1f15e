#include "config/value_sources.h"

#include <fmt/format.h>

namespace dsfailover {
namespace {

enum class Kind { option, dsfailovers, dolphinschedulers };

Kind kind_of(Source source) {
    if (source == Source::command_line) return Kind::option;
    return is_dolphinschedulers(source) ? Kind::dolphinschedulers : Kind::dsfailovers;
}

}  // namespace

bool is_dolphinschedulers(Source source) { return source >= Source::ds_env_file; }

SourceOrder::SourceOrder(const OptionValues& options) {
    for (const char* name : {"ds-home", "ds-env", "ds-config"}) {
        const OptionValue* given = find(options, name);
        place_is_named_ =
            place_is_named_ || (given != nullptr && given->source == Source::command_line);
    }
}

int SourceOrder::rank(Source source) const {
    constexpr int kBehindAll = 100;
    const bool moves_back = place_is_named_ && kind_of(source) == Kind::dsfailovers;
    return static_cast<int>(source) + (moves_back ? kBehindAll : 0);
}

std::optional<OptionValue> SourceOrder::first(const OptionValue* own,
                                              const std::optional<OptionValue>& ds) const {
    if (own == nullptr) return ds;
    return ds && before(ds->source, own->source) ? ds : *own;
}

std::optional<std::string> mixed_sources_warning(const OptionValue& database,
                                                 const OptionValue& registry) {
    if (kind_of(database.source) == kind_of(registry.source)) return std::nullopt;
    return fmt::format(
        "database and registry are from different places, {} and {}: see that they belong to one "
        "cluster (`dsfailover config` shows them)",
        database.origin, registry.origin);
}

}  // namespace dsfailover
