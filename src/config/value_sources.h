#pragma once

#include <optional>
#include <string>

#include "config/option_values.h"

namespace dsfailover {

/// Which source wins. Usually options, DSFAILOVER_*, dsfailover's own files, and then
/// DolphinScheduler's own: env file, environment, application.yaml. But a place that is named on
/// the command line (--ds-home, --ds-env, --ds-config) is the place: DolphinScheduler's own then go
/// before all that dsfailover has elsewhere.
class SourceOrder {
  public:
    explicit SourceOrder(const OptionValues& options);

    /// Whether `one` wins over `other`.
    bool before(Source source, Source other) const { return rank(source) < rank(other); }

    /// What counts: dsfailover's own setting (nullptr: none) or DolphinScheduler's.
    std::optional<OptionValue> first(const OptionValue* own,
                                     const std::optional<OptionValue>& ds) const;

  private:
    int rank(Source source) const;

    bool place_is_named_ = false;
};

/// Whether it is one of DolphinScheduler's own sources.
bool is_dolphinschedulers(Source source);

/// A warning where the settings of database and registry are of different kinds (options, what else
/// dsfailover has, DolphinScheduler's), since they may lead to different clusters.
std::optional<std::string> mixed_sources_warning(const OptionValue& database,
                                                 const OptionValue& registry);

}  // namespace dsfailover
