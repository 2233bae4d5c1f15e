#pragma once

#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace dsfailover {

/// Thrown by wait_for and check_interruption once SIGINT or SIGTERM arrived. Not derived from
/// Error: nothing but the end of the run may catch it.
class Interrupted {
  public:
    explicit Interrupted(int signal) : signal_(signal) {}
    /// 130 for SIGINT, 143 for SIGTERM.
    ExitCode exit_code() const noexcept;

  private:
    int signal_;
};

/// Makes SIGINT and SIGTERM set a flag that the functions below look at; a second signal of either
/// kind ends the process at once. Ignores SIGPIPE. Call once, first thing in main.
void install_signal_handlers();

/// Whether a signal arrived.
bool interruption_requested() noexcept;

/// Throws Interrupted if a signal arrived. Called between transactions, never inside one.
void check_interruption();

/// Sleeps, and throws Interrupted as soon as a signal arrives.
void wait_for(Millis duration);

}  // namespace dsfailover
