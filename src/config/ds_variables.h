#pragma once

#include <optional>
#include <string_view>

#include "config/env_file.h"
#include "config/option_values.h"

namespace dsfailover {

/// The variables that DolphinScheduler's processes have: what their env file assigns, as far as
/// that is read, and otherwise our environment.
class DsVariables {
  public:
    DsVariables(Environment environment, std::optional<EnvFile> file = {})
        : environment_(std::move(environment)), file_(std::move(file)) {}

    /// The value with its place, "FILE:12: NAME" or "NAME". A variable that the file sets to
    /// nothing counts as none, whatever the environment has.
    std::optional<OptionValue> get(std::string_view name) const;

    /// The active Spring profiles: SPRING_PROFILES_ACTIVE, or the env file's DATABASE, which the
    /// start scripts make the profile.
    std::optional<OptionValue> profiles() const;

  private:
    Environment environment_;
    std::optional<EnvFile> file_;
};

}  // namespace dsfailover
