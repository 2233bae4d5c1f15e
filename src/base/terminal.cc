#include "base/terminal.h"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace dsfailover {
namespace {

constexpr std::size_t kNarrowest = 40;
constexpr std::size_t kWithoutTerminal = 100;

std::optional<std::size_t> from_environment() {
    const char* text = std::getenv("COLUMNS");
    if (text == nullptr) return std::nullopt;
    const std::string_view digits(text);
    std::size_t columns = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), columns);
    if (error != std::errc() || end != digits.data() + digits.size() || columns == 0)
        return std::nullopt;
    return columns;
}

std::size_t from_terminal() {
    for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) {
        winsize size{};
        if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    }
    return kWithoutTerminal;
}

}  // namespace

bool is_terminal(int descriptor) { return isatty(descriptor) == 1; }

bool are_one_terminal(int a, int b) {
    struct stat first {
    }, second{};
    return is_terminal(a) && is_terminal(b) && fstat(a, &first) == 0 && fstat(b, &second) == 0 &&
           first.st_rdev == second.st_rdev;
}

std::size_t terminal_width() {
    return std::max(kNarrowest, from_environment().value_or(from_terminal()));
}

}  // namespace dsfailover
