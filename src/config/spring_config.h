#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/ds_variables.h"

namespace dsfailover {

/// DolphinScheduler's configuration as Spring would see it: the variables of its processes, and
/// below them application.yaml with its documents and profiles.
class SpringConfig {
  public:
    /// Variables alone.
    explicit SpringConfig(DsVariables variables) : variables_(std::move(variables)) {}

    /// Reads an application.yaml. `profiles`: names separated by commas; empty: those of
    /// SPRING_PROFILES_ACTIVE, of the env file's DATABASE (which the start scripts make the
    /// profile) or, in the file, of spring.profiles.active. Documents marked for a profile
    /// (spring.config.activate.on-profile, spring.profiles) count only when it is active; later
    /// documents win. Throws UsageError naming the file, with the line where it is not YAML, and
    /// where `profiles` choose none of the documents marked for one and are not those that the file
    /// itself names; a warning if it is a variable that does.
    SpringConfig(const std::string& file, std::string_view profiles, DsVariables variables);

    /// The value of a property, by its name with dashes ("registry.zookeeper.connect-string").
    /// A variable has it as REGISTRY_ZOOKEEPER_CONNECT_STRING or
    /// REGISTRY_ZOOKEEPER_CONNECTSTRING, the file also in camel case. ${NAME:default} is replaced
    /// from the variables and from the file. The origin is "FILE:LINE: NAME", or a variable of our
    /// environment. Empty values and null count as none.
    /// Throws UsageError naming file and property for a placeholder without a value.
    std::optional<OptionValue> get(std::string_view property) const;

    void warn(std::string message) { warnings_.push_back(std::move(message)); }
    const std::vector<std::string>& warnings() const { return warnings_; }

  private:
    struct Property {
        std::string value;
        std::string name;  ///< as written
        std::size_t line = 0;
    };

    /// Throws for more placeholders than any value has: they refer to each other.
    std::string resolved(std::string_view text, const std::string& where) const;
    /// `left`: how many placeholders the value may have yet.
    std::string resolve(std::string_view text, const std::string& where, int& left) const;
    std::string placeholder(std::string_view body, const std::string& where, int& left) const;
    std::optional<OptionValue> variable(std::string_view property) const;

    DsVariables variables_;
    std::string file_;
    std::vector<std::string> warnings_;
    std::map<std::string, Property, std::less<>> properties_;  ///< by canonical name
};

/// Whether a profile expression ("mysql", "mysql | postgresql", "!(a & b)") holds. Throws
/// UsageError for one that cannot be understood.
bool profile_expression_holds(std::string_view expression,
                              const std::vector<std::string>& active_profiles);

}  // namespace dsfailover
