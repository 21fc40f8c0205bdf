# shellcheck shell=bash
# Completion of cage and its applets for bash(1). The name of a cage may be any text of one line: it is compared and
# quoted here, and never evaluated.

# _cage_options APPLET: the words that are options of it.
_cage_options() {
	case $1 in
	snapshot) options='--note -m --live --list --delete --keep --dry-run -n --verbose -v --quiet -q --help -h --version -V' ;;
	new) options='--name --memo --base --start --stop --set --ro --force -f --dry-run -n --verbose -v --quiet -q --help -h --version -V' ;;
	run) options='--rm --name --base --set --user -u --workdir -w -E --tty -t --verbose -v --quiet -q --help -h --version -V' ;;
	up) options='--time -t --foreground --rebase --dry-run -n --verbose -v --quiet -q --help -h --version -V' ;;
	exec) options='--up -U --user -u --workdir -w -E --tty -t --quiet -q --help -h --version -V' ;;
	ls) options='--size -s --tree -t --dot --json --filter --quiet -q --help -h --version -V' ;;
	info) options='--json --quiet -q --help -h --version -V' ;;
	set) options='--edit -e --dry-run -n --verbose -v --quiet -q --help -h --version -V' ;;
	logs) options='--follow -f --quiet -q --help -h --version -V' ;;
	clone) options='--name --memo --force -f --dry-run -n --verbose -v --quiet -q --help -h --version -V' ;;
	rebase) options='--force -f --dry-run -n --verbose -v --quiet -q --help -h --version -V' ;;
	down) options='--time -t --all -a --force -f --dry-run -n --verbose -v --quiet -q --help -h --version -V' ;;
	rm) options='--force -f --yes -y --dry-run -n --verbose -v --quiet -q --help -h --version -V' ;;
	check) options='--repair --quiet -q --help -h --version -V' ;;
	*) options= ;;
	esac
}

# _cage_values APPLET OPTION: what it takes for a value; it fails where it takes none.
_cage_values() {
	case $1:$2 in
	*:--base) kind=bases ;;
	*:--start | *:--stop) kind=files ;;
	*:--ro | *:--workdir | exec:-w | run:-w) kind=directories ;;
	*:--user | exec:-u | run:-u) kind=users ;;
	*:--set) kind=keys ;;
	*:--filter) kind=filters ;;
	*:--delete) kind=stamps ;;
	*:--note | *:-m | *:--name | *:--memo | *:--keep | *:--time | up:-t | down:-t | *:-E) kind=text ;;
	*) return 1 ;;
	esac
}

# _cage_operands APPLET N: what its operand N is.
_cage_operands() {
	case $1:$2 in
	exec:1 | info:1 | set:1 | logs:1 | clone:1 | rebase:1 | up:* | down:* | rm:*) kind=names ;;
	exec:2 | run:1) kind=commands ;;
	exec:* | run:*) kind=files ;;
	set:*) kind=keys ;;
	rebase:2) kind=bases ;;
	*) kind=nothing ;;
	esac
}

# _cage_split reads the line up to the cursor: words are as the shell will have them, the last one is to be completed;
# of that, readline keeps the first `kept` characters and replaces the rest, which is in the quotes `quote`.
_cage_split() {
	local line=${COMP_LINE:0:COMP_POINT} word='' c i
	words=() quote='' kept=0
	for ((i = 0; i < ${#line}; i++)); do
		c=${line:i:1}
		if [[ $c == "$quote" ]]; then
			quote='' kept=${#word}
		elif [[ $c == \\ && $quote != \' && ($quote == '' || ${line:i+1:1} == [\\\"\$\`]) ]]; then
			i=$((i + 1)) word+=${line:i:1}
		elif [[ $quote ]]; then
			word+=$c
		elif [[ $c == [\'\"] ]]; then
			quote=$c kept=${#word}
		elif [[ $c == [[:blank:]] ]]; then
			if ((i)) && [[ ${line:i-1:1} != [[:blank:]] || $word ]]; then words+=("$word"); fi
			word='' kept=0
		else
			if [[ $c == @ ]]; then kept=${#word}; fi # which readline replaces too
			word+=$c
			if [[ $c != @ && $COMP_WORDBREAKS == *"$c"* ]]; then kept=${#word}; fi
		fi
	done
	words+=("$word")
}

# _cage_offer PREFIX WORD...: those that begin with it, as readline is to type them.
_cage_offer() {
	local prefix=$1 word
	shift
	for word; do
		[[ $word == "$prefix"* ]] || continue
		word=${word:kept}
		case $quote in
		\') word=${word//\'/\'\\\'\'} ;;
		\") word=${word//\\/\\\\} word=${word//\"/\\\"} word=${word//\$/\\\$} word=${word//\`/\\\`} ;;
		*) if [[ $word ]]; then printf -v word %q "$word"; fi ;;
		esac
		COMPREPLY+=("$word")
	done
}

_cage() {
	local words quote kept options kind applet i n=0 ended='' list
	COMPREPLY=()
	_cage_split
	applet=${words[0]##*/}
	if [[ $applet == cage ]]; then
		if [[ ${#words[@]} == 2 ]]; then
			mapfile -t list < <(command cage --list 2>/dev/null)
			_cage_offer "${words[1]}" "${list[@]}" --list --help -h --version -V
			return
		fi
		words=("${words[@]:1}") applet=${words[0]}
	fi
	applet=${applet#cage-}
	for ((i = 1; i < ${#words[@]}; i++)); do
		kind=''
		if [[ ! $ended && ${words[i]} == -- ]]; then
			ended=1
		elif [[ ! $ended && ${words[i]} == -?* ]]; then
			kind=options
			if _cage_values "$applet" "${words[i]%%=*}"; then # its value is here, or the next word
				if [[ ${words[i]} != *=* ]]; then i=$((i + 1)); fi
				if ((i == ${#words[@]})); then kind=options; fi
			fi
		else
			n=$((n + 1))
			_cage_operands "$applet" $n
			if [[ $applet == exec || $applet == run ]]; then ended=1; fi
		fi
	done
	_cage_reply
}

# _cage_reply fills in what the last word is, of the kind that is there.
_cage_reply() {
	local word=${words[${#words[@]}-1]} option='' value list=()
	if [[ $kind == options || $word == -- ]]; then
		_cage_options "$applet"
		read -ra list <<<"$options"
		_cage_offer "$word" "${list[@]}"
		return
	fi
	if [[ $word == --*=* && $kind != names ]]; then option=${word%%=*}=; fi
	value=${word#"$option"}
	if [[ $kind == filters && $value == @(name|base)=* ]]; then kind=bases; fi # names behind a =
	case $kind in
	names | bases)
		mapfile -t list < <(command cage --names 2>/dev/null)
		list+=(host)
		if [[ $kind == bases ]]; then list=("${list[@]/#/"${value%"${value##*[:=]}"}"}"); fi
		;;
	stamps) mapfile -t list < <(command cage snapshot --list -q 2>/dev/null) ;;
	users) mapfile -t list < <(compgen -u) ;;
	commands) mapfile -t list < <(compgen -c -- "$word") ;;
	keys) list=(name= memo= start= stop= bind= tmpfs= env= root= work= mountpoint=) ;;
	filters) list=(name= uuid= state={up,half,down,base,broken} base= memo= start= stop= bind= tmpfs= env=) ;;
	directories) compopt -o dirnames ;;
	esac
	_cage_offer "$word" "${list[@]/#/"$option"}"
	if [[ $kind == files || ($kind == keys && $value == *=*) || ($kind == commands && $word == */*) ]]; then
		compopt -o bashdefault -o default
	elif [[ ${COMPREPLY[*]} == *= ]]; then
		compopt -o nospace # the value comes
	fi
}

complete -F _cage cage cage-snapshot cage-new cage-run cage-up cage-exec cage-ls cage-info cage-set cage-logs cage-clone cage-rebase cage-down cage-rm cage-check
