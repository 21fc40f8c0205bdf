#compdef cage cage-snapshot cage-new cage-run cage-up cage-exec cage-ls cage-info cage-set cage-logs cage-clone cage-rebase cage-down cage-rm cage-check
# Completion of cage and its applets for zsh(1). The name of a cage may be any text of one line: compadd quotes it,
# and nothing evaluates it.

_cage_names() {
	local -a names
	names=(host ${(f)"$(command cage --names 2>/dev/null)"})
	_wanted cages expl cage compadd -a names
}

# A list with colons, the first on top.
_cage_bases() {
	compset -P '*:'
	_cage_names
}

# KEY=VALUE; the value of most keys is a file or near to one.
_cage_keys() {
	local expl
	if compset -P '*='; then
		_files
	else
		_wanted keys expl key compadd -S '' -- name= memo= start= stop= bind= tmpfs= env= root= work= mountpoint=
	fi
}

_cage_filters() {
	local expl
	if compset -P '(name|base)='; then
		_cage_names
	elif compset -P 'state='; then
		_wanted states expl state compadd -- up half down base broken
	else
		_wanted keys expl key compadd -S '' -- name= uuid= state= base= memo= start= stop= bind= tmpfs= env=
	fi
}

_cage_stamps() {
	local expl
	_wanted stamps expl stamp compadd -- ${(f)"$(command cage snapshot --list -q 2>/dev/null)"}
}

_cage_applets() {
	local -a applets=(
		'snapshot:take a read-only snapshot of the host for cages to stand on'
		'new:make a cage'
		'run:make a cage, bring it up and run a command in it'
		'up:mount cages and run their start scripts'
		'exec:run a command inside a cage that is up'
		'ls:list the cages and their states'
		'info:say all there is to know of a cage'
		'set:change what a cage'\''s conf says'
		'logs:print what a cage'\''s scripts said'
		'clone:copy a cage that is down'
		'rebase:let a cage stand on other bases'
		'down:stop what runs in cages and unmount them'
		'rm:remove cages'
		'check:find what is not as it should be, and repair it'
	)
	_describe -t applets applet applets
}

_cage() {
	local curcontext=$curcontext applet=${service#cage-} expl
	local -a options operands=('*:cage:_cage_names')
	if [[ $service == cage ]]; then
		if (( CURRENT == 2 )); then
			_arguments '(- *)--list[print the names of the applets]' '(- *)'{-h,--help}'[show help]' \
				'(- *)'{-V,--version}'[print the version]' ':applet:_cage_applets'
			return
		fi
		applet=${words[2]#cage-}
		shift words
		(( CURRENT-- ))
	fi
	case $applet in
	(snapshot)
		options=(
			'(--note -m)'{--note=,-m+}'[keep NOTE beside the snapshot]:note: '
			'--live[let cages stand on the host itself, without a snapshot]'
			'--list[list snapshots and who stands on them; -q\: stamps alone]'
			'*--delete=[delete the snapshot STAMP; may be given again]:stamp:_cage_stamps'
			'--keep=[delete all but the newest N and used ones]:number: '
			'(--dry-run -n)'{--dry-run,-n}'[print the commands for one cage, change nothing]'
			'(--verbose -v)'{--verbose,-v}'[print each command while doing it]'
			'(--quiet -q)'{--quiet,-q}'[print no notes and warnings]'
			'(- *)'{--help,-h}'[show help]'
			'(- *)'{--version,-V}'[print the version]'
		)
		;;
	(new)
		options=(
			'--name=[call it NAME]:name: '
			'--memo=[note TEXT in its conf]:text: '
			'--base=[stand on REF\[\:REF\], the first on top]:base:_cage_bases'
			'--start=[copy FILE as its start script]:file:_files'
			'--stop=[copy FILE as its stop script]:file:_files'
			'*--set=[put KEY=VALUE into its conf]:key=value:_cage_keys'
			'--ro=[make a base of the directory DIR]:directory:_files -/'
			'(--force -f)'{--force,-f}'[stand on another subvolume of the same btrfs all the same]'
			'(--dry-run -n)'{--dry-run,-n}'[print the commands for one cage, change nothing]'
			'(--verbose -v)'{--verbose,-v}'[print each command while doing it]'
			'(--quiet -q)'{--quiet,-q}'[print no notes and warnings]'
			'(- *)'{--help,-h}'[show help]'
			'(- *)'{--version,-V}'[print the version]'
		)
		;;
	(run)
		options=(
			'--rm[throw the cage away when the command has ended]'
			'--name=[call the cage NAME]:name: '
			'--base=[stand on REF\[\:REF\], the first on top]:base:_cage_bases'
			'*--set=[put KEY=VALUE into its conf, such as bind=DIR]:key=value:_cage_keys'
			'(--user -u)'{--user=,-u+}'[be USER\[\:GROUP\] of the cage]:user:_users'
			'(--workdir -w)'{--workdir=,-w+}'[start in DIR inside]:directory:_files -/'
			'*-E+[put KEY=VALUE into the environment; may be given again]:key=value: '
			'(--tty -t)'{--tty,-t}'[give it a terminal of the cage'\''s own]'
			'(--verbose -v)'{--verbose,-v}'[print each command while doing it]'
			'(--quiet -q)'{--quiet,-q}'[print no notes and warnings]'
			'(- *)'{--help,-h}'[show help]'
			'(- *)'{--version,-V}'[print the version]'
		)
		;;
	(up)
		options=(
			'(--time -t)'{--time=,-t+}'[end a start script after SECONDS]:seconds: '
			'--foreground[be the start script'\''s parent and exit as it does]'
			'--rebase[other lower directories than last time are meant]'
			'(--dry-run -n)'{--dry-run,-n}'[print the commands for one cage, change nothing]'
			'(--verbose -v)'{--verbose,-v}'[print each command while doing it]'
			'(--quiet -q)'{--quiet,-q}'[print no notes and warnings]'
			'(- *)'{--help,-h}'[show help]'
			'(- *)'{--version,-V}'[print the version]'
		)
		;;
	(exec)
		options=(
			'(--up -U)'{--up,-U}'[bring the cage up first, where it is not]'
			'(--user -u)'{--user=,-u+}'[be USER\[\:GROUP\] of the cage]:user:_users'
			'(--workdir -w)'{--workdir=,-w+}'[start in DIR inside]:directory:_files -/'
			'*-E+[put KEY=VALUE into the environment; may be given again]:key=value: '
			'(--tty -t)'{--tty,-t}'[give it a terminal of the cage'\''s own]'
			'(--quiet -q)'{--quiet,-q}'[print no notes and warnings]'
			'(- *)'{--help,-h}'[show help]'
			'(- *)'{--version,-V}'[print the version]'
		)
		;;
	(ls)
		options=(
			'(--size -s)'{--size,-s}'[add what the upper directory takes on the disk]'
			'(--tree -t)'{--tree,-t}'[draw which cage stands on which]'
			'--dot[the same for graphviz]'
			'--json[print one array, for programs]'
			'*--filter=[only with KEY=VALUE\: name, uuid, state or one of the conf]:filter:_cage_filters'
			'(--quiet -q)'{--quiet,-q}'[print the uuids alone]'
			'(- *)'{--help,-h}'[show help]'
			'(- *)'{--version,-V}'[print the version]'
		)
		;;
	(info)
		options=(
			'--json[print one object, for programs]'
			'(--quiet -q)'{--quiet,-q}'[print no notes and warnings]'
			'(- *)'{--help,-h}'[show help]'
			'(- *)'{--version,-V}'[print the version]'
		)
		;;
	(set)
		options=(
			'(--edit -e)'{--edit,-e}'[edit the whole conf, which is checked before it is taken]'
			'(--dry-run -n)'{--dry-run,-n}'[print the commands for one cage, change nothing]'
			'(--verbose -v)'{--verbose,-v}'[print each command while doing it]'
			'(--quiet -q)'{--quiet,-q}'[print no notes and warnings]'
			'(- *)'{--help,-h}'[show help]'
			'(- *)'{--version,-V}'[print the version]'
		)
		;;
	(logs)
		options=(
			'(--follow -f)'{--follow,-f}'[go on with what is said from now on, until interrupted]'
			'(--quiet -q)'{--quiet,-q}'[print no notes and warnings]'
			'(- *)'{--help,-h}'[show help]'
			'(- *)'{--version,-V}'[print the version]'
		)
		;;
	(clone)
		options=(
			'--name=[call the copy NAME]:name: '
			'--memo=[note TEXT in its conf]:text: '
			'(--force -f)'{--force,-f}'[stand on another subvolume of the same btrfs all the same]'
			'(--dry-run -n)'{--dry-run,-n}'[print the commands for one cage, change nothing]'
			'(--verbose -v)'{--verbose,-v}'[print each command while doing it]'
			'(--quiet -q)'{--quiet,-q}'[print no notes and warnings]'
			'(- *)'{--help,-h}'[show help]'
			'(- *)'{--version,-V}'[print the version]'
		)
		;;
	(rebase)
		options=(
			'(--force -f)'{--force,-f}'[do it although files hide the base'\''s or inode numbers repeat]'
			'(--dry-run -n)'{--dry-run,-n}'[print the commands for one cage, change nothing]'
			'(--verbose -v)'{--verbose,-v}'[print each command while doing it]'
			'(--quiet -q)'{--quiet,-q}'[print no notes and warnings]'
			'(- *)'{--help,-h}'[show help]'
			'(- *)'{--version,-V}'[print the version]'
		)
		;;
	(down)
		options=(
			'(--time -t)'{--time=,-t+}'[give SECONDS to end before killing]:seconds: '
			'(--all -a)'{--all,-a}'[all that are not down, the last mounted first]'
			'(--force -f)'{--force,-f}'[end the host'\''s processes that hold it busy, too]'
			'(--dry-run -n)'{--dry-run,-n}'[print the commands for one cage, change nothing]'
			'(--verbose -v)'{--verbose,-v}'[print each command while doing it]'
			'(--quiet -q)'{--quiet,-q}'[print no notes and warnings]'
			'(- *)'{--help,-h}'[show help]'
			'(- *)'{--version,-V}'[print the version]'
		)
		;;
	(rm)
		options=(
			'(--force -f)'{--force,-f}'[take a cage down first, and ask nothing]'
			'(--yes -y)'{--yes,-y}'[ask nothing]'
			'(--dry-run -n)'{--dry-run,-n}'[print the commands for one cage, change nothing]'
			'(--verbose -v)'{--verbose,-v}'[print each command while doing it]'
			'(--quiet -q)'{--quiet,-q}'[print no notes and warnings]'
			'(- *)'{--help,-h}'[show help]'
			'(- *)'{--version,-V}'[print the version]'
		)
		;;
	(check)
		options=(
			'--repair[do what repairs without losing anything]'
			'(--quiet -q)'{--quiet,-q}'[print no notes and warnings]'
			'(- *)'{--help,-h}'[show help]'
			'(- *)'{--version,-V}'[print the version]'
		)
		;;
	esac
	case $applet in
	(snapshot|new|ls|check) operands=() ;;
	(info|logs|clone) operands=('1:cage:_cage_names') ;;
	(set) operands=('1:cage:_cage_names' '*:key=value:_cage_keys') ;;
	(rebase) operands=('1:cage:_cage_names' '2:base:_cage_bases') ;;
	(exec) operands=(-A '-*' '1:cage:_cage_names' '*:::command:_normal') ;;
	(run) operands=(-A '-*' '*::command:_normal') ;;
	esac
	_arguments -s -S $operands $options
}

_cage "$@"
