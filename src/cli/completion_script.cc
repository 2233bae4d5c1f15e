#include <fmt/format.h>

#include "base/error.h"
#include "base/nearest.h"
#include "cli/completion.h"
#include "config/url.h"

namespace dsfailover {
namespace {

// bash cuts the line at ':' and '=' too, so that "127.0.1.1:5678" is three of its words: they are
// put together again, and what stands before the last cut is taken off the candidates.
constexpr std::string_view kBash =
    R"(# bash completion for dsfailover, made by: dsfailover completion bash
# Source it, or install it as /usr/share/bash-completion/completions/dsfailover.

_dsfailover() {
    local line=${COMP_LINE:0:COMP_POINT} words word typed candidate
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    word=${words[-1]}
    typed=
    [[ $word == *[:=]* && $COMP_WORDBREAKS == *[:=]* ]] && typed=${word%"${word##*[:=]}"}
    COMPREPLY=()
    while IFS=$'\t' read -r candidate _; do
        if [[ $candidate == :files ]]; then
            compopt -o filenames 2> /dev/null
            while IFS= read -r candidate; do
                COMPREPLY+=("$candidate")
            done < <(compgen -f -- "${word#--*=}")
        else
            COMPREPLY+=("${candidate#"$typed"}")
        fi
    done < <(command "${words[0]}" __complete "${words[@]:1}" 2> /dev/null)
}

complete -F _dsfailover dsfailover
)";

constexpr std::string_view kZsh = R"(#compdef dsfailover
# zsh completion for dsfailover, made by: dsfailover completion zsh
# Install it as _dsfailover in a folder of $fpath.

local line candidate files=
local -a typed described plain
typed=("${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}")
for line in "${(@f)$(command ${(Q)words[1]} __complete "${typed[@]}" 2> /dev/null)}"; do
    [[ -z $line ]] && continue
    if [[ $line == :files ]]; then
        files=1
        continue
    fi
    candidate=${line%%$'\t'*}
    if [[ $line == *$'\t'* ]]; then
        described+=("${candidate//:/\\:}:${line#*$'\t'}")
    else
        plain+=("$candidate")
    fi
done
(( ${#described} )) && _describe -V 'dsfailover' described
(( ${#plain} )) && compadd -S '' -a plain
if [[ -n $files ]]; then
    compset -P '--*='
    _files
fi
)";

constexpr std::string_view kFish =
    R"(# fish completion for dsfailover, made by: dsfailover completion fish
# Install it in ~/.config/fish/completions or /usr/share/fish/vendor_completions.d.

function __dsfailover_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in (command $words[1] __complete $words[2..-1] 2> /dev/null)
        if test "$line" = ':files'
            __fish_complete_path (string replace -r -- '^--[a-z-]+=' '' $words[-1])
        else
            echo $line
        end
    end
end

complete -c dsfailover -f -a '(__dsfailover_complete)'
)";

}  // namespace

std::string completion_script(std::string_view shell) {
    if (shell == "bash") return std::string(kBash);
    if (shell == "zsh") return std::string(kZsh);
    if (shell == "fish") return std::string(kFish);
    constexpr std::string_view kShells[] = {"bash", "zsh", "fish"};
    throw UsageError(fmt::format("'{}' must be {}{}", shown_url(shell), either_of(kShells),
                                 did_you_mean(shell, kShells)));
}

}  // namespace dsfailover
