# Completion of cage and its applets for fish(1). The name of a cage may be any text of one line: fish quotes it, and
# nothing evaluates it.

function __cage_names
    command cage --names 2>/dev/null
    echo host
end

# A list with colons, the first on top.
function __cage_bases
    set -l done (string match -r '^.*[:=]' -- (commandline -ct))
    set done (string replace -r '^--base=' '' -- "$done")
    printf '%s\n' "$done"(__cage_names)
end

function __cage_keys
    printf '%s\n' name= memo= start= stop= bind= tmpfs= env= root= work= mountpoint=
end

function __cage_filters
    printf '%s\n' state={up,half,down,base,broken} {name,base}=(__cage_names)
    printf '%s\n' name= uuid= state= base= memo= start= stop= bind= tmpfs= env=
end

function __cage_stamps
    command cage snapshot --list -q 2>/dev/null
end

# Whether the cursor is at an operand of the applet, from that number to that; an option is where the next operand would be.
function __cage_at -a applet from to
    set -l words (commandline -opc)
    string match -qr '(^|/)cage$' -- "$words[1]"; and set -e words[1]
    string match -qr "(^|[/-])$applet\$" -- "$words[1]"; or return
    set -l number 1
    set -l value
    for word in $words[2..-1]
        if set -q value[1]
            set -e value
        else if contains -- $word -m --note --name --memo --base --start --stop --set --ro --time -u --user -w --workdir -E --filter --delete --keep
            set value next
        else if test $word = -t; and contains -- $applet up down
            set value next
        else if not string match -q -- '-*' $word
            set number (math $number + 1)
        end
    end
    test $number -ge $from -a $number -le $to
end

# For both ways to call the applet.
function __cage_complete -a applet from to
    complete -c cage-$applet -n "__cage_at $applet $from $to" $argv[4..-1]
    complete -c cage -n "__cage_at $applet $from $to" $argv[4..-1]
end

function __cage_applet -a applet usage
    complete -c cage -f -n __fish_use_subcommand -a $applet -d $usage
    complete -c cage-$applet -f
    switch $applet
        case snapshot new ls check
        case run
            __cage_complete run 1 1 -a '(__fish_complete_command)'
            __cage_complete run 2 99 -F
        case exec
            __cage_complete exec 1 1 -a '(__cage_names)'
            __cage_complete exec 2 2 -a '(__fish_complete_command)'
            __cage_complete exec 3 99 -F
        case info logs clone
            __cage_complete $applet 1 1 -a '(__cage_names)'
        case set
            __cage_complete set 1 1 -a '(__cage_names)'
            __cage_complete set 2 99 -F -a '(__cage_keys)'
        case rebase
            __cage_complete rebase 1 1 -a '(__cage_names)'
            __cage_complete rebase 2 2 -a '(__cage_bases)'
        case '*'
            __cage_complete $applet 1 99 -a '(__cage_names)'
    end
end

# The first operand of exec and run ends their options.
function __cage_option -a applet
    if contains -- $applet exec run
        __cage_complete $applet 1 1 $argv[2..-1]
    else
        __cage_complete $applet 1 99 $argv[2..-1]
    end
end

complete -c cage -f
complete -c cage -n __fish_use_subcommand -l list -d 'print the names of the applets'
complete -c cage -n __fish_use_subcommand -s h -l help -d 'show help'
complete -c cage -n __fish_use_subcommand -s V -l version -d 'print the version'

__cage_applet snapshot 'take a read-only snapshot of the host for cages to stand on'
__cage_option snapshot -s m -l note -x -d 'keep NOTE beside the snapshot'
__cage_option snapshot -l live -d 'let cages stand on the host itself, without a snapshot'
__cage_option snapshot -l list -d 'list snapshots and who stands on them; -q: stamps alone'
__cage_option snapshot -l delete -x -a '(__cage_stamps)' -d 'delete the snapshot STAMP; may be given again'
__cage_option snapshot -l keep -x -d 'delete all but the newest N and used ones'
__cage_option snapshot -s n -l dry-run -d 'print the commands for one cage, change nothing'
__cage_option snapshot -s v -l verbose -d 'print each command while doing it'
__cage_option snapshot -s q -l quiet -d 'print no notes and warnings'
__cage_option snapshot -s h -l help -d 'show help'
__cage_option snapshot -s V -l version -d 'print the version'

__cage_applet new 'make a cage'
__cage_option new -l name -x -d 'call it NAME'
__cage_option new -l memo -x -d 'note TEXT in its conf'
__cage_option new -l base -x -a '(__cage_bases)' -d 'stand on REF[:REF], the first on top'
__cage_option new -l start -r -F -d 'copy FILE as its start script'
__cage_option new -l stop -r -F -d 'copy FILE as its stop script'
__cage_option new -l set -x -a '(__cage_keys)' -d 'put KEY=VALUE into its conf'
__cage_option new -l ro -x -a '(__fish_complete_directories)' -d 'make a base of the directory DIR'
__cage_option new -s f -l force -d 'stand on another subvolume of the same btrfs all the same'
__cage_option new -s n -l dry-run -d 'print the commands for one cage, change nothing'
__cage_option new -s v -l verbose -d 'print each command while doing it'
__cage_option new -s q -l quiet -d 'print no notes and warnings'
__cage_option new -s h -l help -d 'show help'
__cage_option new -s V -l version -d 'print the version'

__cage_applet run 'make a cage, bring it up and run a command in it'
__cage_option run -l rm -d 'throw the cage away when the command has ended'
__cage_option run -l name -x -d 'call the cage NAME'
__cage_option run -l base -x -a '(__cage_bases)' -d 'stand on REF[:REF], the first on top'
__cage_option run -l set -x -a '(__cage_keys)' -d 'put KEY=VALUE into its conf, such as bind=DIR'
__cage_option run -s u -l user -x -a '(__fish_complete_users)' -d 'be USER[:GROUP] of the cage'
__cage_option run -s w -l workdir -x -a '(__fish_complete_directories)' -d 'start in DIR inside'
__cage_option run -s E -x -d 'put KEY=VALUE into the environment; may be given again'
__cage_option run -s t -l tty -d 'give it a terminal of the cage\'s own'
__cage_option run -s v -l verbose -d 'print each command while doing it'
__cage_option run -s q -l quiet -d 'print no notes and warnings'
__cage_option run -s h -l help -d 'show help'
__cage_option run -s V -l version -d 'print the version'

__cage_applet up 'mount cages and run their start scripts'
__cage_option up -s t -l time -x -d 'end a start script after SECONDS'
__cage_option up -l foreground -d 'be the start script\'s parent and exit as it does'
__cage_option up -l rebase -d 'other lower directories than last time are meant'
__cage_option up -s n -l dry-run -d 'print the commands for one cage, change nothing'
__cage_option up -s v -l verbose -d 'print each command while doing it'
__cage_option up -s q -l quiet -d 'print no notes and warnings'
__cage_option up -s h -l help -d 'show help'
__cage_option up -s V -l version -d 'print the version'

__cage_applet exec 'run a command inside a cage that is up'
__cage_option exec -s U -l up -d 'bring the cage up first, where it is not'
__cage_option exec -s u -l user -x -a '(__fish_complete_users)' -d 'be USER[:GROUP] of the cage'
__cage_option exec -s w -l workdir -x -a '(__fish_complete_directories)' -d 'start in DIR inside'
__cage_option exec -s E -x -d 'put KEY=VALUE into the environment; may be given again'
__cage_option exec -s t -l tty -d 'give it a terminal of the cage\'s own'
__cage_option exec -s q -l quiet -d 'print no notes and warnings'
__cage_option exec -s h -l help -d 'show help'
__cage_option exec -s V -l version -d 'print the version'

__cage_applet ls 'list the cages and their states'
__cage_option ls -s s -l size -d 'add what the upper directory takes on the disk'
__cage_option ls -s t -l tree -d 'draw which cage stands on which'
__cage_option ls -l dot -d 'the same for graphviz'
__cage_option ls -l json -d 'print one array, for programs'
__cage_option ls -l filter -x -a '(__cage_filters)' -d 'only with KEY=VALUE: name, uuid, state or one of the conf'
__cage_option ls -s q -l quiet -d 'print the uuids alone'
__cage_option ls -s h -l help -d 'show help'
__cage_option ls -s V -l version -d 'print the version'

__cage_applet info 'say all there is to know of a cage'
__cage_option info -l json -d 'print one object, for programs'
__cage_option info -s q -l quiet -d 'print no notes and warnings'
__cage_option info -s h -l help -d 'show help'
__cage_option info -s V -l version -d 'print the version'

__cage_applet set 'change what a cage\'s conf says'
__cage_option set -s e -l edit -d 'edit the whole conf, which is checked before it is taken'
__cage_option set -s n -l dry-run -d 'print the commands for one cage, change nothing'
__cage_option set -s v -l verbose -d 'print each command while doing it'
__cage_option set -s q -l quiet -d 'print no notes and warnings'
__cage_option set -s h -l help -d 'show help'
__cage_option set -s V -l version -d 'print the version'

__cage_applet logs 'print what a cage\'s scripts said'
__cage_option logs -s f -l follow -d 'go on with what is said from now on, until interrupted'
__cage_option logs -s q -l quiet -d 'print no notes and warnings'
__cage_option logs -s h -l help -d 'show help'
__cage_option logs -s V -l version -d 'print the version'

__cage_applet clone 'copy a cage that is down'
__cage_option clone -l name -x -d 'call the copy NAME'
__cage_option clone -l memo -x -d 'note TEXT in its conf'
__cage_option clone -s f -l force -d 'stand on another subvolume of the same btrfs all the same'
__cage_option clone -s n -l dry-run -d 'print the commands for one cage, change nothing'
__cage_option clone -s v -l verbose -d 'print each command while doing it'
__cage_option clone -s q -l quiet -d 'print no notes and warnings'
__cage_option clone -s h -l help -d 'show help'
__cage_option clone -s V -l version -d 'print the version'

__cage_applet rebase 'let a cage stand on other bases'
__cage_option rebase -s f -l force -d 'do it although files hide the base\'s or inode numbers repeat'
__cage_option rebase -s n -l dry-run -d 'print the commands for one cage, change nothing'
__cage_option rebase -s v -l verbose -d 'print each command while doing it'
__cage_option rebase -s q -l quiet -d 'print no notes and warnings'
__cage_option rebase -s h -l help -d 'show help'
__cage_option rebase -s V -l version -d 'print the version'

__cage_applet down 'stop what runs in cages and unmount them'
__cage_option down -s t -l time -x -d 'give SECONDS to end before killing'
__cage_option down -s a -l all -d 'all that are not down, the last mounted first'
__cage_option down -s f -l force -d 'end the host\'s processes that hold it busy, too'
__cage_option down -s n -l dry-run -d 'print the commands for one cage, change nothing'
__cage_option down -s v -l verbose -d 'print each command while doing it'
__cage_option down -s q -l quiet -d 'print no notes and warnings'
__cage_option down -s h -l help -d 'show help'
__cage_option down -s V -l version -d 'print the version'

__cage_applet rm 'remove cages'
__cage_option rm -s f -l force -d 'take a cage down first, and ask nothing'
__cage_option rm -s y -l yes -d 'ask nothing'
__cage_option rm -s n -l dry-run -d 'print the commands for one cage, change nothing'
__cage_option rm -s v -l verbose -d 'print each command while doing it'
__cage_option rm -s q -l quiet -d 'print no notes and warnings'
__cage_option rm -s h -l help -d 'show help'
__cage_option rm -s V -l version -d 'print the version'

__cage_applet check 'find what is not as it should be, and repair it'
__cage_option check -l repair -d 'do what repairs without losing anything'
__cage_option check -s q -l quiet -d 'print no notes and warnings'
__cage_option check -s h -l help -d 'show help'
__cage_option check -s V -l version -d 'print the version'
