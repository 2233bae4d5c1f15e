#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/error.h"
#include "base/terminal_text.h"

namespace dsfailover {

namespace {

using namespace std::string_view_literals;

constexpr std::array kLevels = {
    std::pair{"trace"sv, spdlog::level::trace}, std::pair{"debug"sv, spdlog::level::debug},
    std::pair{"info"sv, spdlog::level::info},   std::pair{"warn"sv, spdlog::level::warn},
    std::pair{"error"sv, spdlog::level::err},   std::pair{"off"sv, spdlog::level::off},
};

class Logger : public spdlog::logger {
  public:
    Logger(spdlog::sink_ptr sink, bool progress)
        : spdlog::logger("dsfailover", std::move(sink)), progress_(progress) {}

  protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        if (message.level == spdlog::level::info && !progress_) return;
        const std::string text =
            printable(std::string_view(message.payload.data(), message.payload.size()));
        spdlog::details::log_msg shown = message;
        shown.payload = text;
        spdlog::logger::sink_it_(shown);
    }

  private:
    bool progress_;
};

}  // namespace

void set_up_logging(std::string_view level, bool progress) {
    const auto found = std::find_if(kLevels.begin(), kLevels.end(),
                                    [&](const auto& known) { return known.first == level; });
    if (found == kLevels.end()) {
        throw UsageError(fmt::format(
            "'{}' is no log level: give trace, debug, info, warn, error or off", level));
    }
    auto logger =
        std::make_shared<Logger>(std::make_shared<spdlog::sinks::stderr_color_sink_mt>(), progress);
    logger->set_level(found->second);
    logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        "%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v", spdlog::pattern_time_type::utc));
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
}

}  // namespace dsfailover
