#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <memory>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "base/terminal.h"
#include "base/terminal_text.h"

namespace dsfailover {

namespace {

using namespace std::string_view_literals;

constexpr std::array kLevels = {
    std::pair{"trace"sv, spdlog::level::trace}, std::pair{"debug"sv, spdlog::level::debug},
    std::pair{"info"sv, spdlog::level::info},   std::pair{"warn"sv, spdlog::level::warn},
    std::pair{"error"sv, spdlog::level::err},   std::pair{"off"sv, spdlog::level::off},
};

spdlog::level::level_enum level_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warn:
            return spdlog::level::warn;
        case LogLevel::error:
            break;
    }
    return spdlog::level::err;
}

/// The line of a terminal that progress is written over and over.
class ProgressLine {
  public:
    void use(bool used) {
        clear();
        used_ = used;
    }
    bool is_used() const { return used_; }
    void show(const std::string& text) {
        const std::lock_guard lock(mutex_);
        // Cut, since a terminal would wrap it, and the part above could not be written over.
        std::cerr << "\r\x1b[K" << cut_to_columns(text, terminal_width() - 1) << std::flush;
        shown_ = true;
    }
    void clear() {
        const std::lock_guard lock(mutex_);
        if (shown_) std::cerr << "\r\x1b[K" << std::flush;
        shown_ = false;
    }

  private:
    std::mutex mutex_;
    bool used_ = false;
    bool shown_ = false;
};

ProgressLine& progress_line() {
    static ProgressLine line;
    return line;
}

class Logger : public spdlog::logger {
  public:
    Logger(spdlog::sink_ptr sink, bool progress)
        : spdlog::logger("dsfailover", std::move(sink)), progress_(progress) {}

  protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        const bool is_progress = message.level == spdlog::level::info;
        if (is_progress && !progress_) return;
        const std::string text =
            printable(std::string_view(message.payload.data(), message.payload.size()));
        if (is_progress && progress_line().is_used()) return progress_line().show(text);
        progress_line().clear();
        spdlog::details::log_msg shown = message;
        shown.payload = text;
        spdlog::logger::sink_it_(shown);
    }

  private:
    bool progress_;
};

}  // namespace

void set_up_logging(const LogSettings& settings) {
    const auto found = std::find_if(kLevels.begin(), kLevels.end(), [&](const auto& known) {
        return known.first == settings.level;
    });
    if (found == kLevels.end())
        throw UsageError(
            fmt::format("'{}' is not a log level: give trace, debug, info, warn, error or off",
                        settings.level));
    auto logger = std::make_shared<Logger>(
        std::make_shared<spdlog::sinks::stderr_color_sink_mt>(
            settings.colour ? spdlog::color_mode::always : spdlog::color_mode::never),
        settings.progress);
    logger->set_level(found->second);
    logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        "%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v", spdlog::pattern_time_type::utc));
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
    progress_line().use(settings.terminal && settings.progress &&
                        found->second == spdlog::level::info);
}

bool is_logged(LogLevel level) { return spdlog::default_logger_raw()->should_log(level_of(level)); }

void log(LogLevel level, fmt::string_view format, fmt::format_args arguments) {
    if (is_logged(level)) spdlog::log(level_of(level), fmt::vformat(format, arguments));
}

bool progress_is_one_line() { return progress_line().is_used(); }

void clear_progress() { progress_line().clear(); }

}  // namespace dsfailover
