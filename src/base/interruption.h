#pragma once

#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace dsfailover {

/// Thrown by wait_for and check_interruption once SIGINT, SIGTERM or SIGHUP arrived. Not derived
/// from Error: nothing but the end of the run may catch it.
class Interrupted {
  public:
    explicit Interrupted(int signal) : signal_(signal) {}
    /// 130 for SIGINT, 143 for SIGTERM and SIGHUP.
    ExitCode exit_code() const noexcept;

  private:
    int signal_;
};

/// Makes SIGINT, SIGTERM and SIGHUP set a flag that the functions below look at; a SIGINT or
/// SIGTERM that comes second ends the process at once. SIGHUP stays ignored where it is (nohup);
/// SIGPIPE is ignored. Call once, first thing in main.
void install_signal_handlers();

/// Whether a signal arrived.
bool interruption_requested() noexcept;

/// Throws Interrupted if a signal arrived. Called between transactions, never inside one.
void check_interruption();

/// Sleeps, and throws Interrupted as soon as a signal arrives.
void wait_for(Millis duration);

}  // namespace dsfailover
