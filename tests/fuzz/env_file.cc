#include "config/env_file.h"

#include <algorithm>

#include "base/error.h"
#include "config/ds_variables.h"
#include "config/shell_expansion.h"
#include "config/shell_words.h"
#include "fuzz.h"

namespace dsfailover {
namespace {

std::optional<std::string> environment(std::string_view name) {
    if (name == "HOME") return "/home/ds";
    return std::nullopt;
}

void try_file(std::string_view text) {
    const InputFile file(text);
    const auto read =
        unless_refused<UsageError>([&] { return EnvFile(file.path(), environment, "--ds-env"); });
    if (!read) return;
    const DsVariables variables(environment, *read);
    for (const std::string& name : read->read_names()) {
        require(EnvFile::is_read(name), "only what is of use is read");
        const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
        require(read->find(name)->line >= 1 && read->find(name)->line <= lines,
                "an assignment stands on a line of the file");
        variables.get(name);
    }
}

void try_expansion(std::string_view text) {
    std::string set;
    const ShellVariables variables = {
        [&](std::string_view name) { return environment(name); },
        [&](std::string_view, const std::string& value) { set = value; }};
    for (const EnvDialect dialect : {EnvDialect::shell, EnvDialect::list})
        unless_refused<NeedsShell>([&] { return expand(text, dialect, variables); });
    if (text.find('\'') != std::string_view::npos) return;
    const std::string quoted = "'" + std::string(text) + "'";
    require(expand(quoted, EnvDialect::shell, variables) == text, "quotes keep what is in them");
    require(shell_group_length(quoted) == quoted.size(), "quotes end where they end");
    const auto commands = shell_commands("A=" + quoted, "file");
    require(commands.size() == 1 && commands[0].words.size() == 1 &&
                commands[0].words[0].raw == "A=" + quoted,
            "what is in quotes is one word");
}

}  // namespace

void try_input(std::string_view text) {
    try_file(text);
    try_file("#!/bin/bash\n" + std::string(text));
    try_expansion(text);
}

}  // namespace dsfailover
