#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "base/time.h"
#include "database/database_settings.h"
#include "database/idle_time.h"

namespace dsfailover {

/// Cuts a connection off when an answer does not come in time. A client library waits for the rest
/// of an answer for ever (libpq), or as long as something comes of it now and then (libmariadb).
class Watchdog {
  public:
    /// `socket` is the connection's, and outlives this; `limit` is for each answer.
    Watchdog(int socket, Millis limit);
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

    /// Something is asked, or a part of the answer came: the rest has to come within the limit.
    void expect_answer() { set_deadline(Clock::now() + limit_); }
    void answered() { set_deadline(std::nullopt); }
    /// Whether it cut the connection off; for good, then.
    bool has_ended_session() const { return struck_; }
    /// What to tell of that.
    std::string what_happened() const { return "no answer within " + format_duration(limit_); }

  private:
    using Clock = std::chrono::steady_clock;

    void set_deadline(std::optional<Clock::time_point> deadline);
    void watch();

    const int socket_;
    const Millis limit_;
    std::mutex mutex_;
    std::condition_variable leaving_changed_;
    bool leaving_ = false;
    std::optional<Clock::time_point> deadline_;
    std::atomic<bool> struck_ = false;
    std::thread thread_;
};

/// How long an answer may take: the server's own limit should be the first to strike, since it says
/// what happened.
Millis answer_limit(const DatabaseSettings& settings);

/// While it lives, the server has to answer.
class AnswerTime {
  public:
    AnswerTime(Watchdog& watchdog, IdleTime& idle) : watchdog_(watchdog), idle_(idle) {
        watchdog_.expect_answer();
    }
    ~AnswerTime() {
        watchdog_.answered();
        idle_.answered();
    }
    AnswerTime(const AnswerTime&) = delete;
    AnswerTime& operator=(const AnswerTime&) = delete;

  private:
    Watchdog& watchdog_;
    IdleTime& idle_;
};

}  // namespace dsfailover
