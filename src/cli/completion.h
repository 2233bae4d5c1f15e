#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "config/option_values.h"

namespace dsfailover {

/// A word that fits, and what it is; the latter may be empty.
struct Candidate {
    std::string word;
    std::string what;
};

/// What the cluster may be asked for: its servers or workflows that fit at the cursor.
struct LiveWish {
    const Command* command = nullptr;
    std::string_view argument;  ///< "ADDRESS" or "ID"
    GivenOptions options;       ///< those given before it
    std::string begin;          ///< what the words must begin with
    std::string fixed;          ///< goes before each: "--address="
};

/// What may stand where the cursor is.
struct Completion {
    std::vector<Candidate> candidates;
    bool files = false;  ///< the names of files as well
    std::optional<LiveWish> live;
};

/// Completes the last of `words`, which may be empty; the others are what was typed before it,
/// without the program's name. Values are those of the option table. --in-doubt is never completed.
Completion complete(const std::vector<std::string>& words);

/// The words for a shell: each candidate a line, what it is behind a tab; a last line ":files" asks
/// the shell for the names of files.
std::string lines_of(const Completion& completion);

/// The script that makes `shell` (bash, zsh or fish) ask this program. Throws UsageError for
/// another shell.
std::string completion_script(std::string_view shell);

}  // namespace dsfailover
