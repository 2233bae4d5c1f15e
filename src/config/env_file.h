#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/option_values.h"

namespace dsfailover {

/// What a file of environment variables sets: DolphinScheduler's dolphinscheduler_env.sh, docker's
/// .env, systemd's EnvironmentFile. It is read and never run.
class EnvFile {
  public:
    struct Assignment {
        std::string value;  ///< empty: set to nothing, or unset
        std::size_t line = 0;
    };

    /// Reads the file. `option` is for the message where it cannot be read. Values see the lines
    /// before them, and `environment`. A file with `export` and the like, or named *.sh, is read as
    /// a shell script; any other as a list of NAME=VALUE lines, where '&', ';' and blanks are part
    /// of a value.
    /// Throws UsageError naming the file, and the line of a quote that is never closed.
    EnvFile(const std::string& file, const Environment& environment, std::string_view option);

    const std::string& file() const { return file_; }
    /// nullptr: the file does not set it.
    const Assignment* find(std::string_view name) const;
    /// One for each assignment of a variable of is_read() that only a shell could evaluate, or that
    /// does not reach the masters as it stands; with file and line, and without values.
    const std::vector<std::string>& warnings() const { return warnings_; }

    /// Whether dsfailover looks at this variable of DolphinScheduler's.
    static bool is_read(std::string_view name);
    /// The variables of is_read() that it sets.
    std::vector<std::string> read_names() const;

  private:
    friend class EnvScript;

    std::string file_;
    std::map<std::string, Assignment, std::less<>> assignments_;
    std::vector<std::string> warnings_;
};

}  // namespace dsfailover
