#include "base/log.h"

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/error.h"

namespace dsfailover {

namespace {

using namespace std::string_view_literals;

constexpr std::array kLevels = {
    std::pair{"trace"sv, spdlog::level::trace}, std::pair{"debug"sv, spdlog::level::debug},
    std::pair{"info"sv, spdlog::level::info},   std::pair{"warn"sv, spdlog::level::warn},
    std::pair{"error"sv, spdlog::level::err},   std::pair{"off"sv, spdlog::level::off},
};

}  // namespace

void set_up_logging(std::string_view level) {
    const auto found = std::find_if(kLevels.begin(), kLevels.end(),
                                    [&](const auto& known) { return known.first == level; });
    if (found == kLevels.end()) {
        throw UsageError(fmt::format(
            "'{}' is no log level: give trace, debug, info, warn, error or off", level));
    }
    auto logger = std::make_shared<spdlog::logger>(
        "dsfailover", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    logger->set_level(found->second);
    logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        "%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v", spdlog::pattern_time_type::utc));
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
}

}  // namespace dsfailover
