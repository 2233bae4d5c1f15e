# fish completion for dsfailover, made by: dsfailover completion fish
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
