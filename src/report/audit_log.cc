#include "report/audit_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/version.h"
#include "base/whoami.h"
#include "report/json_writer.h"

namespace dsfailover {
struct AuditLog::File {
    File(const std::string& file, std::string_view of_command) : name(file), command(of_command) {}
    ~File() {
        if (descriptor >= 0) ::close(descriptor);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    [[noreturn]] void fail(const char* doing, int error) {
        told = true;
        throw Error(ExitCode::failed,
                    std::string("audit log ") + name + ": cannot " + doing + ": " +
                        std::strerror(error) +
                        "; nothing more was begun, and the report tells all that was changed");
    }

    /// Hands the line to the system as a whole, so that two runs that append to one file do not mix
    /// theirs.
    void append() {
        for (std::string_view left = line; !left.empty();) {
            const ssize_t written = ::write(descriptor, left.data(), left.size());
            if (written >= 0) {
                left.remove_prefix(static_cast<std::size_t>(written));
            } else if (errno != EINTR) {
                failure = errno;
                return;
            }
        }
    }

    /// A line: what all have, then what `rest(json)` adds.
    void add(std::string_view kind, std::string_view action, auto rest) {
        // What follows a missing line would look as if nothing were missing.
        if (failure != 0) return;
        line.clear();
        JsonWriter json(line);
        json.begin_object(JsonWriter::Style::inline_);
        json.field("at", format_rfc3339(now_ms()));
        json.field("command", command);
        json.field("kind", kind);
        json.field("action", action);
        rest(json);
        json.end_object();
        line += '\n';
        append();
    }

    std::string name;
    std::string command;
    bool begun = false;
    int descriptor = -1;
    int failure = 0;    // errno of the first write that failed
    bool told = false;  // somebody heard of it
    std::string line;
};

AuditLog::AuditLog() = default;
AuditLog::AuditLog(AuditLog&&) noexcept = default;
AuditLog& AuditLog::operator=(AuditLog&&) noexcept = default;

AuditLog::AuditLog(const std::string& file, std::string_view command)
    : file_(std::make_unique<File>(file, command)) {
    file_->descriptor =
        ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file_->descriptor < 0 && errno == ELOOP)
        throw UsageError("--audit-log " + file +
                         ": it is a symbolic link; give the file that is meant");
    if (file_->descriptor < 0)
        throw UsageError("--audit-log " + file +
                         ": cannot open it for appending: " + std::strerror(errno));
}

AuditLog::~AuditLog() = default;

void AuditLog::begin(const Run& run) {
    if (!file_) return;
    file_->begun = true;
    file_->add("run", "began", [&](JsonWriter& json) {
        const auto texts = [&](std::string_view name, const std::vector<std::string>& list) {
            json.key(name).begin_array(JsonWriter::Style::inline_);
            for (const std::string& text : list) json.value(text);
            json.end_array();
        };
        json.field("user", user_name());
        json.field("host", host_name());
        json.field("process_id", static_cast<std::int64_t>(getpid()));
        json.field("version", kVersion);
        texts("arguments", run.arguments);
        texts("options", run.options);
        if (!run.registry.empty()) json.field("registry", run.registry);
        if (!run.database.empty()) json.field("database", run.database);
    });
}

void AuditLog::end(std::string_view outcome, int exit_code) {
    if (!file_ || !file_->begun) return;
    file_->add("run", "ended", [&](JsonWriter& json) {
        json.field("outcome", outcome);
        json.field("exit_code", static_cast<std::int64_t>(exit_code));
    });
}

void AuditLog::write(const Entry& entry) {
    wrote_ = true;
    if (!file_) return;
    file_->add(entry.kind, entry.action, [&](JsonWriter& json) {
        if (!entry.address.empty()) json.field("address", entry.address);
        if (entry.id) json.field("id", entry.id);
        if (entry.command_id) json.field("command_id", entry.command_id);
        if (!entry.path.empty()) json.field("path", entry.path);
        if (!entry.value.empty()) json.field("value", entry.value);
    });
}

void AuditLog::check() {
    if (file_ && file_->failure != 0) file_->fail("write it", file_->failure);
}

void AuditLog::flush() {
    if (!file_ || file_->told) return;
    check();
    // A pipe or a terminal cannot be synchronized, which is no fault.
    if (::fsync(file_->descriptor) != 0 && errno != EINVAL && errno != EROFS)
        file_->fail("flush it to disk", errno);
}

}  // namespace dsfailover
