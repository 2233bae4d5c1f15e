#include "base/interruption.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/clock.h"

namespace dsfailover {

namespace {

// Atomic, since the handler may run on another thread than those that look.
std::atomic<int> received_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free);  // or a handler could not use it
// Becomes readable with the first signal and stays so: every wait, on any thread, wakes up.
int wake_up_fd = -1;

extern "C" void on_signal(int signal) {
    const int saved_errno = errno;
    int none = 0;
    received_signal.compare_exchange_strong(none, signal);
    const std::uint64_t wake_ups = 1;
    // Nothing can be done in a handler about a failing write; the flag is set anyway.
    [[maybe_unused]] const auto written = write(wake_up_fd, &wake_ups, sizeof wake_ups);
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
    // Not SIGHUP: of one lost session both the kernel and the shell send it.
    errno = saved_errno;
}

}  // namespace

ExitCode Interrupted::exit_code() const noexcept {
    return signal_ == SIGINT ? ExitCode::interrupted : ExitCode::terminated;
}

void install_signal_handlers() {
    received_signal = 0;
    if (wake_up_fd >= 0) close(wake_up_fd);
    wake_up_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_up_fd < 0) {
        throw Error(ExitCode::failed,
                    std::string("Cannot set up the handling of Ctrl-C: ") + std::strerror(errno));
    }
    struct sigaction action {};
    action.sa_handler = on_signal;
    // All are held back while one is handled, so that the second one meets the default action.
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGINT);
    sigaddset(&action.sa_mask, SIGTERM);
    sigaddset(&action.sa_mask, SIGHUP);
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
    struct sigaction inherited {};
    sigaction(SIGHUP, nullptr, &inherited);
    if (inherited.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
}

bool interruption_requested() noexcept { return received_signal != 0; }

void check_interruption() {
    if (const int signal = received_signal; signal != 0) throw Interrupted(signal);
}

void wait_for(Millis duration) {
    if (Clock* clock = clock_in_use()) {
        clock->wait(duration);
        return check_interruption();
    }
    using Steady = std::chrono::steady_clock;
    const auto start = Steady::now();
    // In whole milliseconds and by the time passed: neither start + duration nor the duration in
    // the clock's own unit need fit into 64 bits.
    for (;;) {
        check_interruption();
        const Millis left = duration - std::chrono::floor<Millis>(Steady::now() - start);
        if (left <= Millis(0)) return;
        pollfd wake_up{wake_up_fd, POLLIN, 0};
        poll(&wake_up, 1, static_cast<int>(std::clamp<Millis::rep>(left.count(), 1, 60'000)));
    }
}

}  // namespace dsfailover
