#include "coordinator/failover/workflow_spool.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <type_traits>

#include "base/error.h"

namespace dsfailover {

namespace {

template <typename Number>
void append(std::string& record, Number number) {
    static_assert(std::is_trivially_copyable_v<Number>);
    record.append(reinterpret_cast<const char*>(&number), sizeof number);
}

void append(std::string& record, const std::optional<StoredTime>& time) {
    append(record, static_cast<std::uint8_t>(time ? time->text.size() + 1 : 0));
    if (!time) return;
    record += time->text;
    append(record, time->instants);
    append(record, time->local_us);
    append(record, time->instant_us);
}

void append(std::string& record, const std::optional<int>& number) {
    append(record, static_cast<std::uint8_t>(number ? 1 : 0));
    if (number) append(record, *number);
}

void append(std::string& record, const std::string& text) {
    append(record, static_cast<std::uint8_t>(text.size()));
    record += text;
}

template <typename Number>
Number take_number(const char*& at) {
    Number number;
    std::memcpy(&number, at, sizeof number);
    at += sizeof number;
    return number;
}

std::optional<StoredTime> take_time(const char*& at) {
    const auto length = take_number<std::uint8_t>(at);
    if (length == 0) return std::nullopt;
    StoredTime time;
    time.text.assign(at, length - 1U);
    at += length - 1;
    time.instants = take_number<InstantRange>(at);
    time.local_us = take_number<std::int64_t>(at);
    time.instant_us = take_number<std::int64_t>(at);
    return time;
}

std::optional<int> take_optional(const char*& at) {
    if (take_number<std::uint8_t>(at) == 0) return std::nullopt;
    return take_number<int>(at);
}

std::string take_text(const char*& at) {
    const auto length = take_number<std::uint8_t>(at);
    at += length;
    return std::string(at - length, length);
}

void encode(const WorkflowInstance& instance, std::string& record) {
    record.clear();
    append(record, instance.id);
    append(record, static_cast<std::uint8_t>(instance.state));
    append(record, instance.command_type);
    append(record, instance.start_time);
    append(record, instance.restart_time);
    append(record, instance.version);
    append(record, static_cast<std::uint8_t>(instance.is_child));
}

WorkflowInstance decode(const std::string& record, const std::string& host) {
    const char* at = record.data();
    WorkflowInstance instance;
    instance.host = host;
    instance.id = take_number<std::int64_t>(at);
    instance.state = take_number<std::uint8_t>(at);
    instance.command_type = take_optional(at);
    instance.start_time = take_time(at);
    instance.restart_time = take_time(at);
    instance.version = take_text(at);
    instance.is_child = take_number<std::uint8_t>(at) != 0;
    return instance;
}

[[noreturn]] void fail(const char* what) {
    throw Error(
        ExitCode::failed,
        fmt::format("cannot {} a temporary file for the list of workflows: {}. Make room there, "
                    "or set TMPDIR to a folder with room.",
                    what, std::strerror(errno)));
}

std::FILE* nameless_file() {
    const char* folder = ::getenv("TMPDIR");
    std::string name = fmt::format("{}/dsfailover-XXXXXX", folder && *folder ? folder : "/tmp");
    const int descriptor = ::mkstemp(name.data());
    if (descriptor < 0) fail("make");
    ::unlink(name.c_str());
    return ::fdopen(descriptor, "w+");
}

}  // namespace

void WorkflowSpool::add(const WorkflowInstance& instance) {
    encode(instance, record_);
    append(buffer_, static_cast<std::uint8_t>(record_.size()));
    buffer_ += record_;
    ++size_;
    if (buffer_.size() > buffer_bytes_) spill();
}

void WorkflowSpool::spill() {
    if (!file_) file_.reset(nameless_file());
    if (std::fwrite(buffer_.data(), 1, buffer_.size(), file_.get()) != buffer_.size())
        fail("write");
    buffer_.clear();
}

bool WorkflowSpool::read_record(std::string& record) {
    if (file_) {
        const int length = getc_unlocked(file_.get());  // nobody else reads it
        if (length == EOF) {
            if (std::ferror(file_.get())) fail("read");
            return false;
        }
        record.resize(static_cast<std::size_t>(length));
        if (fread_unlocked(record.data(), 1, record.size(), file_.get()) != record.size())
            fail("read");
        return true;
    }
    if (buffer_read_ == buffer_.size()) return false;
    const auto length = static_cast<std::uint8_t>(buffer_[buffer_read_]);
    record.assign(buffer_, buffer_read_ + 1, length);
    buffer_read_ += 1U + length;
    return true;
}

std::vector<WorkflowInstance> WorkflowSpool::take(std::size_t count, const std::string& host) {
    if (!reading_ && file_) {
        spill();
        if (std::fflush(file_.get()) != 0) fail("write");
        std::rewind(file_.get());
    }
    reading_ = true;
    std::vector<WorkflowInstance> instances;
    std::string record;
    while (instances.size() < count && read_record(record))
        instances.push_back(decode(record, host));
    return instances;
}

}  // namespace dsfailover
