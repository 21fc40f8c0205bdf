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

function __cage_applet -a applet usage
    complete -c cage -f -n __fish_use_subcommand -a $applet -d $usage
    complete -c cage-$applet -f
    switch $applet
        case snapshot new ls
        case exec # the command after the cage is completed like any file
            complete -c cage-exec -f -n '__cage_operand 1' -a '(__cage_names)'
            complete -c cage-exec -F -n 'not __cage_operand 1'
            complete -c cage -f -n '__fish_seen_subcommand_from exec; and __cage_operand 2' -a '(__cage_names)'
            complete -c cage -F -n '__fish_seen_subcommand_from exec; and not __cage_operand 2'
        case '*'
            complete -c cage-$applet -a '(__cage_names)'
            complete -c cage -n "__fish_seen_subcommand_from $applet" -a '(__cage_names)'
    end
end

# Whether the word at the cursor is the one of that number that is no option.
function __cage_operand -a number
    test (count (string match -v -- '-*' (commandline -opc))) -eq $number
end

function __cage_option -a applet
    complete -c cage-$applet $argv[2..-1]
    complete -c cage -n "__fish_seen_subcommand_from $applet" $argv[2..-1]
end

complete -c cage -f
complete -c cage -n __fish_use_subcommand -l list -d 'print the names of the applets'
complete -c cage -n __fish_use_subcommand -s h -l help -d 'show help'
complete -c cage -n __fish_use_subcommand -s V -l version -d 'print the version'

__cage_applet snapshot 'take a read-only snapshot of the host for cages to stand on'
__cage_option snapshot -s m -l note -x -d 'keep NOTE beside the snapshot'
__cage_option snapshot -l live -d 'let cages stand on the host itself, without a snapshot'
__cage_option snapshot -s n -l dry-run -d 'print the commands for one cage and change nothing'
__cage_option snapshot -s v -l verbose -d 'print each command while doing it'
__cage_option snapshot -s q -l quiet -d 'print no notes and warnings'
__cage_option snapshot -s h -l help -d 'show help'
__cage_option snapshot -s V -l version -d 'print the version'

__cage_applet new 'make a cage'
__cage_option new -l name -x -d 'call it NAME'
__cage_option new -l memo -x -d 'note TEXT in its conf'
__cage_option new -l base -x -a '(__cage_bases)' -d 'let it stand on REF[:REF], the first on top'
__cage_option new -l start -r -F -d 'copy FILE as its start script'
__cage_option new -l stop -r -F -d 'copy FILE as its stop script'
__cage_option new -l set -x -d 'put KEY=VALUE into its conf'
__cage_option new -l ro -x -a '(__fish_complete_directories)' -d 'make a base of the directory DIR'
__cage_option new -s f -l force -d 'stand on another subvolume of the same btrfs all the same'
__cage_option new -s n -l dry-run -d 'print the commands for one cage and change nothing'
__cage_option new -s v -l verbose -d 'print each command while doing it'
__cage_option new -s q -l quiet -d 'print no notes and warnings'
__cage_option new -s h -l help -d 'show help'
__cage_option new -s V -l version -d 'print the version'

__cage_applet up 'mount cages and run their start scripts'
__cage_option up -s t -l time -x -d 'end the start script, and with it the cage, after SECONDS'
__cage_option up -l foreground -d 'stay as the parent of the start script of one cage, and exit as it does'
__cage_option up -l rebase -d 'stand on other lower directories than last time, and mean it'
__cage_option up -s n -l dry-run -d 'print the commands for one cage and change nothing'
__cage_option up -s v -l verbose -d 'print each command while doing it'
__cage_option up -s q -l quiet -d 'print no notes and warnings'
__cage_option up -s h -l help -d 'show help'
__cage_option up -s V -l version -d 'print the version'

__cage_applet exec 'run a command inside a cage that is up'
__cage_option exec -s q -l quiet -d 'print no notes and warnings'
__cage_option exec -s h -l help -d 'show help'
__cage_option exec -s V -l version -d 'print the version'

__cage_applet ls 'list the cages and their states'
__cage_option ls -s q -l quiet -d 'print the uuids alone'
__cage_option ls -s h -l help -d 'show help'
__cage_option ls -s V -l version -d 'print the version'

__cage_applet down 'stop what runs in cages and unmount them'
__cage_option down -s t -l time -x -d 'wait SECONDS for the stop script, and for processes before killing them'
__cage_option down -s a -l all -d 'every cage that is not down, the one mounted last first'
__cage_option down -s f -l force -d 'end processes of the host that hold the cage busy, too'
__cage_option down -s n -l dry-run -d 'print the commands for one cage and change nothing'
__cage_option down -s v -l verbose -d 'print each command while doing it'
__cage_option down -s q -l quiet -d 'print no notes and warnings'
__cage_option down -s h -l help -d 'show help'
__cage_option down -s V -l version -d 'print the version'

__cage_applet rm 'remove cages'
__cage_option rm -s f -l force -d 'take a cage down first, and ask nothing'
__cage_option rm -s y -l yes -d 'ask nothing'
__cage_option rm -s n -l dry-run -d 'print the commands for one cage and change nothing'
__cage_option rm -s v -l verbose -d 'print each command while doing it'
__cage_option rm -s q -l quiet -d 'print no notes and warnings'
__cage_option rm -s h -l help -d 'show help'
__cage_option rm -s V -l version -d 'print the version'

__cage_applet check 'find what is not as it should be, and repair it'
__cage_option check -l repair -d 'do what repairs without losing anything'
__cage_option check -s q -l quiet -d 'print no notes and warnings'
__cage_option check -s h -l help -d 'show help'
__cage_option check -s V -l version -d 'print the version'
