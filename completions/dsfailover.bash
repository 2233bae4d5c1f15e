# bash completion for dsfailover. Source it, or install it as
# /usr/share/bash-completion/completions/dsfailover.

# File names may have blanks in them.
_dsfailover_files() {
    mapfile -t COMPREPLY < <(compgen -f -- "$1")
    compopt -o filenames 2>/dev/null
}

_dsfailover() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local every="--config --format --log-level --quiet --no-progress --help"
    local cluster="--registry --database --database-password-file --ds-home --ds-env
        --ds-config --no-ds-env --profile
        --registry-user --registry-password-file --registry-ca --registry-cert --registry-key
        --time-zone"
    local failover="--grace --in-doubt --lock-timeout --no-lock --primary --limit
        --dry-run --wait --no-rehost --ask --ask-timeout --ask-limit --items --audit-log"
    local command= group= i
    COMPREPLY=()

    for ((i = 1; i < COMP_CWORD; ++i)); do
        case ${COMP_WORDS[i]} in
            -*) ;;
            sandbox) group=sandbox ;;
            *) command=${COMP_WORDS[i]}; break ;;
        esac
    done

    # bash hands "--format=json" over in three words.
    [[ $word == '=' ]] && word=
    [[ $previous == '=' ]] && previous=${COMP_WORDS[COMP_CWORD - 2]}

    case $previous in
        --format) COMPREPLY=($(compgen -W 'json table' -- "$word")); return ;;
        --log-level)
            COMPREPLY=($(compgen -W 'trace debug info warn error off' -- "$word")); return ;;
        --as)
            local states='running pause stop'
            [[ $command == finish ]] && states='failure stop'
            COMPREPLY=($(compgen -W "$states" -- "$word")); return ;;
        --ask) COMPREPLY=($(compgen -W 'doubtful all none' -- "$word")); return ;;
        --profile) COMPREPLY=($(compgen -W 'postgresql mysql' -- "$word")); return ;;
        --registry)
            COMPREPLY=($(compgen -W 'zookeeper:// etcd:// etcds:// jdbc' -- "$word")); return ;;
        --database)
            COMPREPLY=($(compgen -W 'sqlite: postgresql:// mysql:// jdbc:' -- "$word")); return ;;
        --ds-home | --ds-env | --ds-config | --config | --audit-log | --*-file | --registry-ca | --registry-cert | \
            --registry-key)
            _dsfailover_files "$word"; return ;;
        --in-doubt | --time-zone | --registry-user | --address | --items | --limit | \
            --process-id | --*-time | --*-timeout | --grace | --wait | --older-than | \
            --unclaimed-after | \
            --idle | --ask-limit)
            return ;;
    esac

    local words=
    case $group$command in
        '')
            words="failover-master failover-worker failover-workflow global clean-marks list-marks
                status explain requeue finish rehost config sandbox --help --version" ;;
        sandbox) words="create serve show --help" ;;
        sandboxcreate | sandboxserve | sandboxshow)
            if [[ $word != -* ]]; then
                _dsfailover_files "$word"
                return
            fi
            words=$every
            [[ $command == serve ]] && words="${words/--format /} --hear-departures" ;;
        failover-master)
            words="--startup-time --process-id --event-time --fence --fence-timeout $failover $cluster
                $every" ;;
        failover-worker)
            words="--startup-time --process-id --event-time --redispatch --no-announce --fence
                --fence-timeout $failover $cluster $every" ;;
        failover-workflow)
            words="--unclaimed-after $failover $cluster $every" ;;
        global) words="--event-time $failover $cluster $every" ;;
        clean-marks) words="--older-than --primary --dry-run --items --audit-log $cluster $every" ;;
        list-marks) words="--older-than --address --items $cluster $every" ;;
        status) words="--check --ask --ask-timeout --ask-limit --items $cluster $every" ;;
        explain) words="--ask --ask-timeout --items $cluster $every" ;;
        requeue)
            words="--unclaimed-after --as --lock-timeout --primary --dry-run --limit --wait --items --audit-log
                $cluster $every" ;;
        finish)
            words="--as --idle --tasks --lock-timeout --primary --dry-run --ask --ask-timeout --ask-limit --items
                --audit-log $cluster $every" ;;
        rehost)
            words="--lock-timeout --limit --primary --dry-run --ask-timeout --ask-limit --items --audit-log
                $cluster $every" ;;
        config)
            words="--grace --fence-timeout --lock-timeout --limit --wait --unclaimed-after
                --older-than --items --audit-log $cluster $every" ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}

complete -F _dsfailover dsfailover
