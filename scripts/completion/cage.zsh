#compdef cage cage-snapshot cage-new cage-up cage-exec cage-ls cage-down cage-rm cage-check
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

_cage_applets() {
	local -a applets=(
		'snapshot:take a read-only snapshot of the host for cages to stand on'
		'new:make a cage'
		'up:mount cages and run their start scripts'
		'exec:run a command inside a cage that is up'
		'ls:list the cages and their states'
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
			'(--dry-run -n)'{--dry-run,-n}'[print the commands for one cage and change nothing]'
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
			'--base=[let it stand on REF\[\:REF\], the first on top]:base:_cage_bases'
			'--start=[copy FILE as its start script]:file:_files'
			'--stop=[copy FILE as its stop script]:file:_files'
			'*--set=[put KEY=VALUE into its conf]:key=value: '
			'--ro=[make a base of the directory DIR]:directory:_files -/'
			'(--force -f)'{--force,-f}'[stand on another subvolume of the same btrfs all the same]'
			'(--dry-run -n)'{--dry-run,-n}'[print the commands for one cage and change nothing]'
			'(--verbose -v)'{--verbose,-v}'[print each command while doing it]'
			'(--quiet -q)'{--quiet,-q}'[print no notes and warnings]'
			'(- *)'{--help,-h}'[show help]'
			'(- *)'{--version,-V}'[print the version]'
		)
		;;
	(up)
		options=(
			'(--time -t)'{--time=,-t+}'[end the start script, and with it the cage, after SECONDS]:seconds: '
			'--foreground[stay as the parent of the start script of one cage, and exit as it does]'
			'--rebase[stand on other lower directories than last time, and mean it]'
			'(--dry-run -n)'{--dry-run,-n}'[print the commands for one cage and change nothing]'
			'(--verbose -v)'{--verbose,-v}'[print each command while doing it]'
			'(--quiet -q)'{--quiet,-q}'[print no notes and warnings]'
			'(- *)'{--help,-h}'[show help]'
			'(- *)'{--version,-V}'[print the version]'
		)
		;;
	(exec)
		options=(
			'(--quiet -q)'{--quiet,-q}'[print no notes and warnings]'
			'(- *)'{--help,-h}'[show help]'
			'(- *)'{--version,-V}'[print the version]'
		)
		;;
	(ls)
		options=(
			'(--quiet -q)'{--quiet,-q}'[print the uuids alone]'
			'(- *)'{--help,-h}'[show help]'
			'(- *)'{--version,-V}'[print the version]'
		)
		;;
	(down)
		options=(
			'(--time -t)'{--time=,-t+}'[wait SECONDS for the stop script, and for processes before killing them]:seconds: '
			'(--all -a)'{--all,-a}'[every cage that is not down, the one mounted last first]'
			'(--force -f)'{--force,-f}'[end processes of the host that hold the cage busy, too]'
			'(--dry-run -n)'{--dry-run,-n}'[print the commands for one cage and change nothing]'
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
			'(--dry-run -n)'{--dry-run,-n}'[print the commands for one cage and change nothing]'
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
	(snapshot|new|ls) operands=() ;;
	(exec) operands=('1:cage:_cage_names' '*::command:_normal') ;;
	esac
	_arguments -s -S $options $operands
}

_cage "$@"
