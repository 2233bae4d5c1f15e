#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace dsfailover {

/// --audit-log: one JSON line per workflow, task or mark as it is committed, between a line that
/// says who began the run and one that says how it ended. It is told of every
/// write of a run, file or not, so that it is also the one place that knows whether there was any.
class AuditLog {
  public:
    /// Writes nowhere.
    AuditLog();
    /// Opens `file` for appending, creating it with mode 0600. Throws UsageError naming the file,
    /// also if it is a symbolic link: its lines would go where somebody else says.
    explicit AuditLog(const std::string& file, std::string_view command);
    ~AuditLog();
    AuditLog(AuditLog&&) noexcept;
    AuditLog& operator=(AuditLog&&) noexcept;

    struct Run {
        std::string registry, database;  ///< endpoints, without secrets; empty: none
        std::vector<std::string> arguments;
        std::vector<std::string> options;  ///< "--grace 0s"; without secrets
    };
    /// The first line of the run. A write that fails is kept for check().
    void begin(const Run& run);
    /// The last line, if there was a first one.
    void end(std::string_view outcome, int exit_code);

    struct Entry {
        std::string_view kind;  ///< "workflow", "task", "mark", "stamp", "command"
        std::string_view
            action;  ///< "failed_over", "redispatched", "written", "removed", "requeued"
        std::string_view address;        ///< of the server concerned; may be empty
        std::optional<std::int64_t> id;  ///< workflow instance or task instance
        std::optional<std::int64_t> command_id;
        std::string_view path;   ///< registry path; may be empty
        std::string_view value;  ///< mark value, stamp, previous state; may be empty
    };
    /// Appends one line and hands it to the system at once: it outlives a killed run. Never throws
    /// for the file's sake: what was committed must be counted. A write that fails is kept for
    /// check(), and later lines are dropped.
    void write(const Entry& entry);
    /// A write without an answer: whether it took effect is not known.
    void may_have_written() { wrote_ = true; }
    /// Whether the run wrote anything, or may have: exit status 6 promises that it did not.
    bool wrote() const { return wrote_; }
    /// Throws Error(failed) once a write failed. To be called before something new is begun.
    void check();
    /// Brings the lines to the disk (fsync). Called at the end of a run, errors and interruption
    /// included. Throws Error(failed), unless check() has thrown already.
    void flush();

  private:
    struct File;
    std::unique_ptr<File> file_;
    bool wrote_ = false;
};

}  // namespace dsfailover
