# fish completion for dsfailover. Install it in ~/.config/fish/completions or
# /usr/share/fish/vendor_completions.d.

set -l commands failover-master failover-worker failover-workflow global clean-marks list-marks status explain requeue finish rehost config sandbox
set -l none "not __fish_seen_subcommand_from $commands"
set -l with_cluster "__fish_seen_subcommand_from failover-master failover-worker failover-workflow global clean-marks list-marks status explain requeue finish rehost config"
set -l any "__fish_seen_subcommand_from failover-master failover-worker failover-workflow global clean-marks list-marks status explain requeue finish rehost config create serve show"
set -l failover "__fish_seen_subcommand_from failover-master failover-worker failover-workflow global"

complete -c dsfailover -f
complete -c dsfailover -s h -l help -d 'Print help and exit'
complete -c dsfailover -n $none -l version -d 'Print the version and exit'

complete -c dsfailover -n $none -a failover-master -d 'Fail over the workflows of a master that is gone'
complete -c dsfailover -n $none -a failover-worker -d 'Get the tasks of a worker that is gone dispatched again'
complete -c dsfailover -n $none -a failover-workflow -d 'Fail over single workflows that no master runs'
complete -c dsfailover -n $none -a global -d 'Fail over every master that is gone or was restarted'
complete -c dsfailover -n $none -a clean-marks -d 'Delete old marks of finished failovers'
complete -c dsfailover -n $none -a list-marks -d 'List the marks of finished failovers'
complete -c dsfailover -n $none -a status -d 'Show servers, what needs failover, stuck workflows, locks and marks'
complete -c dsfailover -n $none -a explain -d 'Say what becomes of single workflows, why, and what to do about them'
complete -c dsfailover -n $none -a requeue -d 'Give workflows stuck in FAILOVER a command again'
complete -c dsfailover -n $none -a finish -d 'End workflows that nobody will end any more'
complete -c dsfailover -n $none -a rehost -d 'Make the master that holds a workflow its host'
complete -c dsfailover -n $none -a config -d 'Show the effective configuration'
complete -c dsfailover -n $none -a sandbox -d 'A cluster in one SQLite file, to rehearse on'
complete -c dsfailover -n '__fish_seen_subcommand_from sandbox; and not __fish_seen_subcommand_from create serve show' -a 'create serve show'
complete -c dsfailover -n '__fish_seen_subcommand_from sandbox; and __fish_seen_subcommand_from create serve show' -F
complete -c dsfailover -n '__fish_seen_subcommand_from sandbox; and __fish_seen_subcommand_from serve' -l hear-departures -d 'Masters notice when a server goes'

# Options of every command
complete -c dsfailover -n $any -l config -r -F -d 'YAML file of options'
complete -c dsfailover -n "$any; and not __fish_seen_subcommand_from serve" -l format -x -a 'json table' -d 'How the report is printed'
complete -c dsfailover -n $any -l log-level -x -a 'trace debug info warn error off' -d 'What is logged on stderr'
complete -c dsfailover -n $any -l quiet -d 'Only errors on stderr'
complete -c dsfailover -n $any -l no-progress -d 'No progress on stderr'

# Where the cluster is
complete -c dsfailover -n $with_cluster -l registry -x -a 'zookeeper:// etcd:// etcds:// jdbc' -d 'Where the servers register'
complete -c dsfailover -n $with_cluster -l database -x -a 'sqlite: postgresql:// mysql:// jdbc:' -d 'Database of the workflows'
complete -c dsfailover -n $with_cluster -l database-password-file -r -F -d 'File that holds the database password'
complete -c dsfailover -n $with_cluster -l ds-home -r -F -d 'DolphinScheduler\'s folder'
complete -c dsfailover -n $with_cluster -l ds-env -r -F -d 'DolphinScheduler\'s env file'
complete -c dsfailover -n $with_cluster -l ds-config -r -F -d 'DolphinScheduler\'s application.yaml'
complete -c dsfailover -n $with_cluster -l no-ds-env -d 'Read no env file that --ds-home or --ds-config find'
complete -c dsfailover -n $with_cluster -l profile -x -a 'postgresql mysql' -d 'Spring profile of application.yaml'
complete -c dsfailover -n $with_cluster -l registry-user -x -d 'ZooKeeper digest user or etcd user'
complete -c dsfailover -n $with_cluster -l registry-password-file -r -F -d 'File that holds the registry password'
complete -c dsfailover -n $with_cluster -l registry-ca -r -F -d 'Certificate authority of etcd\'s TLS'
complete -c dsfailover -n $with_cluster -l registry-cert -r -F -d 'Client certificate for etcd'
complete -c dsfailover -n $with_cluster -l registry-key -r -F -d 'Key of the client certificate'
complete -c dsfailover -n $with_cluster -l time-zone -x -d 'Zone of the database\'s timestamps'

# Of the failover commands
complete -c dsfailover -n '__fish_seen_subcommand_from failover-master failover-worker global' -l event-time -x -d 'When it went'
complete -c dsfailover -n '__fish_seen_subcommand_from failover-master failover-worker failover-workflow global config' -l grace -x -d 'How long a server must stay away to count as gone'
complete -c dsfailover -n $failover -l in-doubt -x -d 'Workflows to fail over although in doubt, or all'
complete -c dsfailover -n '__fish_seen_subcommand_from failover-master failover-worker failover-workflow global requeue finish rehost config' -l lock-timeout -x -d 'How long to wait for the failover locks'
complete -c dsfailover -n $failover -l no-lock -d 'Go on past a leaked lock'

# Of one or some commands
complete -c dsfailover -n '__fish_seen_subcommand_from failover-master failover-worker' -l startup-time -x -d 'Startup time of the process that is gone'
complete -c dsfailover -n '__fish_seen_subcommand_from failover-master failover-worker' -l process-id -x -d 'Process id of the process that is gone'
complete -c dsfailover -n '__fish_seen_subcommand_from failover-master failover-worker' -l fence -d 'First make a living but hung server stop itself'
complete -c dsfailover -n '__fish_seen_subcommand_from failover-master failover-worker config' -l fence-timeout -x -d 'How long --fence waits'
complete -c dsfailover -n '__fish_seen_subcommand_from failover-master failover-worker failover-workflow global requeue rehost config' -l limit -x -d 'At most N workflows in this run'
complete -c dsfailover -n '__fish_seen_subcommand_from failover-master failover-worker failover-workflow global clean-marks requeue finish rehost' -l dry-run -d 'Write nothing, say what would be done'
complete -c dsfailover -n '__fish_seen_subcommand_from failover-master failover-worker failover-workflow global requeue config' -l wait -x -d 'See recovery happen before reporting'
complete -c dsfailover -n '__fish_seen_subcommand_from failover-master failover-worker failover-workflow global clean-marks list-marks status explain requeue finish rehost config' -l items -x -d 'At most N items listed per section'
complete -c dsfailover -n '__fish_seen_subcommand_from failover-master failover-worker failover-workflow global clean-marks requeue finish rehost config' -l audit-log -r -F -d 'Append one JSON line per change'
complete -c dsfailover -n '__fish_seen_subcommand_from failover-master failover-worker failover-workflow global clean-marks requeue finish rehost' -l primary -d 'The database is the primary, although it applies changes of another'
complete -c dsfailover -n '__fish_seen_subcommand_from failover-worker' -l redispatch -d 'Clone the worker\'s tasks for their new master'
complete -c dsfailover -n '__fish_seen_subcommand_from failover-worker' -l no-announce -d 'Do not announce the worker\'s departure'
complete -c dsfailover -n '__fish_seen_subcommand_from clean-marks list-marks config' -l older-than -x -d 'Only marks older than this'
complete -c dsfailover -n '__fish_seen_subcommand_from list-marks' -l address -x -d 'Only marks of this server'
complete -c dsfailover -n '__fish_seen_subcommand_from status' -l check -d 'Exit 7 if something needs a hand'
complete -c dsfailover -n '__fish_seen_subcommand_from status' -l ask -d 'Ask every living master which workflows it holds'
complete -c dsfailover -n '__fish_seen_subcommand_from explain finish' -l ask -x -a 'doubtful all none' -d 'Whether masters and workers are asked'
complete -c dsfailover -n $failover -l no-rehost -d 'With --wait leave the host of what another master holds'
complete -c dsfailover -n '__fish_seen_subcommand_from failover-master failover-worker failover-workflow global' -l ask -x -a 'doubtful all none' -d 'Which workflows the masters are asked about'
complete -c dsfailover -n '__fish_seen_subcommand_from failover-master failover-worker failover-workflow global status explain finish rehost' -l ask-timeout -x -d 'How long a round of questions waits for answers'
complete -c dsfailover -n '__fish_seen_subcommand_from failover-master failover-worker failover-workflow global status finish rehost' -l ask-limit -x -d 'Ask about at most N workflows'
complete -c dsfailover -n '__fish_seen_subcommand_from requeue failover-workflow config' -l unclaimed-after -x -d 'A command waiting longer is taken by nobody'
complete -c dsfailover -n '__fish_seen_subcommand_from requeue' -l as -x -a 'running pause stop' -d 'State to go back to'
complete -c dsfailover -n '__fish_seen_subcommand_from finish' -l as -x -a 'failure stop' -d 'What the workflows become'
complete -c dsfailover -n '__fish_seen_subcommand_from finish' -l idle -x -d 'How long they must have stood still'
complete -c dsfailover -n '__fish_seen_subcommand_from finish' -l tasks -d 'Leave tasks that are alive to themselves'
