#pragma once

#include <cstddef>

namespace dsfailover {

/// Whether the descriptor is a terminal.
bool is_terminal(int descriptor);

/// Whether both are, and the same one.
bool are_one_terminal(int a, int b);

/// Columns to print for: COLUMNS, else those of the terminal on stdout or stderr, else 100. At
/// least 40.
std::size_t terminal_width();

}  // namespace dsfailover
