#include "report/audit_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "report/json_writer.h"

namespace dsfailover {
namespace {

constexpr std::size_t kBufferSize = 1 << 16;

}  // namespace

struct AuditLog::File {
    File(const std::string& file, std::string_view of_command) : name(file), command(of_command) {}
    ~File() {
        if (descriptor >= 0) ::close(descriptor);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    [[noreturn]] void fail(const char* doing) const {
        throw Error(ExitCode::failed, std::string("audit log ") + name + ": cannot " + doing +
                                          ": " + std::strerror(errno) +
                                          "; what this run changed is in its report");
    }

    /// Hands whole lines to the system, so that two runs that append to one file do not mix theirs.
    void drain() {
        std::size_t done = 0;
        while (done < buffer.size()) {
            const ssize_t written = ::write(descriptor, buffer.data() + done, buffer.size() - done);
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) {
                buffer.erase(0, done);
                fail("write");
            }
            done += static_cast<std::size_t>(written);
        }
        buffer.clear();
    }

    std::string name;
    std::string command;
    int descriptor = -1;
    std::string buffer;
};

AuditLog::AuditLog() = default;
AuditLog::AuditLog(AuditLog&&) noexcept = default;
AuditLog& AuditLog::operator=(AuditLog&&) noexcept = default;

AuditLog::AuditLog(const std::string& file, std::string_view command)
    : file_(std::make_unique<File>(file, command)) {
    file_->descriptor = ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file_->descriptor < 0)
        throw UsageError("--audit-log " + file +
                         ": cannot open it for appending: " + std::strerror(errno));
}

AuditLog::~AuditLog() {
    if (!file_) return;
    try {
        file_->drain();
    } catch (const Error&) {
        // The run ended without flush(), which is where a caller hears of this.
    }
}

void AuditLog::write(const Entry& entry) {
    if (!file_) return;
    JsonWriter json(file_->buffer);
    json.begin_object(JsonWriter::Style::inline_);
    json.field("at", format_rfc3339(now_ms()));
    json.field("command", file_->command);
    json.field("kind", entry.kind);
    json.field("action", entry.action);
    if (!entry.address.empty()) json.field("address", entry.address);
    if (entry.id) json.field("id", entry.id);
    if (entry.command_id) json.field("command_id", entry.command_id);
    if (!entry.path.empty()) json.field("path", entry.path);
    if (!entry.value.empty()) json.field("value", entry.value);
    json.end_object();
    file_->buffer += '\n';
    if (file_->buffer.size() >= kBufferSize) file_->drain();
}

void AuditLog::flush() {
    if (!file_) return;
    file_->drain();
    // A pipe or a terminal cannot be synchronized, which is no fault.
    if (::fsync(file_->descriptor) != 0 && errno != EINVAL && errno != EROFS)
        file_->fail("flush it to disk");
}

}  // namespace dsfailover
