#include "database/watchdog.h"

#include <sys/socket.h>

namespace dsfailover {

namespace {

// It looks now and then, so that a statement need not wake up its thread.
constexpr Millis kLookEvery{250};

constexpr Millis kLonger{5000};  // than the server's own limit

}  // namespace

Millis answer_limit(const DatabaseSettings& settings) {
    return settings.statement_timeout + kLonger;
}

Watchdog::Watchdog(int socket, Millis limit) : socket_(socket), limit_(limit) {
    thread_ = std::thread(&Watchdog::watch, this);
}

Watchdog::~Watchdog() {
    {
        const std::lock_guard guard(mutex_);
        leaving_ = true;
    }
    leaving_changed_.notify_all();
    thread_.join();
}

void Watchdog::set_deadline(std::optional<Clock::time_point> deadline) {
    const std::lock_guard guard(mutex_);
    deadline_ = deadline;
}

void Watchdog::watch() {
    std::unique_lock guard(mutex_);
    while (!leaving_changed_.wait_for(guard, kLookEvery, [this] { return leaving_; })) {
        if (!deadline_ || Clock::now() < *deadline_) continue;
        struck_ = true;
        deadline_.reset();
        shutdown(socket_, SHUT_RDWR);
    }
}

}  // namespace dsfailover
