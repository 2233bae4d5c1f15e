# bash completion for dsfailover, made by: dsfailover completion bash
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
