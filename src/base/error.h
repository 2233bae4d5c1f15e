#pragma once

#include <stdexcept>
#include <string>

namespace dsfailover {

/// The program's exit statuses, as documented in docs/behaviour.md.
enum class ExitCode : int {
    done = 0,
    failed = 1,
    usage = 2,
    needs_person = 3,
    refused = 4,
    lock_unavailable = 5,
    environment = 6,
    check_failed = 7,
    interrupted = 130,
    terminated = 143,
};

/// An error an operator can act on. what() names the thing, the endpoint and the way out;
/// exit_code() says how the program ends if nobody handles it.
class Error : public std::runtime_error {
  public:
    Error(ExitCode exit_code, const std::string& message)
        : std::runtime_error(message), exit_code_(exit_code) {}
    ExitCode exit_code() const noexcept { return exit_code_; }

  private:
    ExitCode exit_code_;
};

/// Exit 2: bad arguments or configuration; nothing was contacted or changed.
class UsageError : public Error {
  public:
    explicit UsageError(const std::string& message) : Error(ExitCode::usage, message) {}
};

/// Exit 6: unreachable, not of one cluster, unknown schema, impossible clock; nothing written.
class EnvironmentError : public Error {
  public:
    explicit EnvironmentError(const std::string& message) : Error(ExitCode::environment, message) {}
};

/// Exit 4: the server is alive or came back.
class RefusedError : public Error {
  public:
    explicit RefusedError(const std::string& message) : Error(ExitCode::refused, message) {}
};

/// Exit 5: a failover lock was not acquired, or was lost before a commit.
class LockError : public Error {
  public:
    explicit LockError(const std::string& message) : Error(ExitCode::lock_unavailable, message) {}
};

}  // namespace dsfailover
