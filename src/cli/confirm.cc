#include "cli/confirm.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <iostream>

#include "base/error.h"
#include "base/interruption.h"
#include "base/terminal.h"

namespace dsfailover {
namespace {

constexpr int kPauseMs = 100;  // after which a signal is noticed at the latest

/// A line of stdin without its end; what there is at its end.
std::string read_line() {
    std::string line;
    for (;;) {
        check_interruption();
        pollfd waiting{STDIN_FILENO, POLLIN, 0};
        if (::poll(&waiting, 1, kPauseMs) <= 0) continue;
        char letter = 0;
        if (read(STDIN_FILENO, &letter, 1) <= 0 || letter == '\n') return line;
        line += letter;
    }
}

}  // namespace

bool is_confirmation_wanted(const OptionValues& options) {
    if (!is_set(options, "confirm") || is_set(options, "yes") || is_set(options, "dry-run"))
        return false;
    if (is_terminal(STDIN_FILENO) && is_terminal(STDERR_FILENO)) return true;
    const OptionValue& confirm = *find(options, "confirm");
    if (confirm.source != Source::command_line) return false;
    throw UsageError(
        fmt::format("{}: there is no terminal to ask on; give --yes to answer beforehand",
                    named("confirm", confirm)));
}

bool is_confirmed() {
    std::cerr << "\nDo this? [y/N] " << std::flush;
    std::string answer = read_line();
    std::ranges::transform(answer, answer.begin(), [](unsigned char c) { return std::tolower(c); });
    return answer == "y" || answer == "yes";
}

}  // namespace dsfailover
