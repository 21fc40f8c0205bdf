# shellcheck shell=sh
# cage.sh: the files of cage read and written by shell functions, to be sourced by start and stop scripts and by one's own:
#
#	. /opt/cage/lib/cage.sh		(inside a cage, in its start or stop script: . "$CAGE_LIB/cage.sh")
#
#	cage_get FILE KEY		every value of KEY, one a line, as the sed line of the conf dialect sees it
#	cage_set FILE KEY VALUE		change the one line of KEY, or append it; the rest stays byte for byte
#	cage_setting KEY DEFAULT	an absolute path of cage.conf(5): data, host, snapshots
#	cage_data			the data directory
#	cage_dir REF			the directory of a cage; REF is a uuid, 4 or more first digits of one, a name, host
#	cage_mountpoint REF		where a cage is mounted when it is up
#	cage_layers REF			its lower directories as real paths, top first, one a line (a .r: itself on top)
#	cage_exec_start UNIT-FILE	run the ExecStart= of a systemd unit, without eval
#	cage_inside PID			true when process PID has the root directory of the caller: same cage, or same host
#
# POSIX sh, sed and coreutils (or busybox) are all they need. Each runs in a subshell and leaves no variable behind; on a
# fault it says a sentence on stderr, status 1. Names with two underscores are private.

cage__nl='
'
cage__cr=$(printf '\r')

# cage__die MESSAGE: end the subshell of a function
cage__die() {
	printf '%s\n' "$1" >&2
	exit 1
}

# cage__is_uuid TEXT: canonical form only
cage__is_uuid() {
	case $1 in
	*[!0123456789abcdef-]* | *-*-*-*-*-*) return 1 ;;
	????????-????-????-????-????????????) return 0 ;;
	esac
	return 1
}

# cage__check_key FILE KEY: FILE can be read, and KEY needs no quoting in a regular expression
cage__check_key() {
	[ -f "$1" ] || cage__die "cage: cannot read $1: no such file"
	case $2 in '' | *[!A-Za-z0-9_-]*) cage__die "cage: cannot use the key '$2': letters, digits, _ and - only" ;; esac
}

cage_get() (
	cage__check_key "$1" "$2"
	LC_ALL=C sed -ne "s/[[:space:]]*#.*\$//; s/^$2=\(.*\)\$/\1/p" -- "$1" || exit 1
)

# cage__one FILE KEY: the value of a key that may occur once
cage__one() (
	cage__check_key "$1" "$2"
	# "LINE-NUMBER newline VALUE" for each; the number keeps an empty value from being lost at the end of $()
	value=$(LC_ALL=C sed -ne "/^$2=/{=; s/[[:space:]]*#.*\$//; s/^$2=//p; }" -- "$1") || exit 1
	case $value in *"$cage__nl"*) value=${value#*"$cage__nl"} ;; *) value= ;; esac
	case $value in
	*"$cage__nl"*) cage__die "cage: cannot use $1: $2= occurs on lines $(cage__lines "$1" "$2")" ;;
	*"$cage__cr"*) cage__die "cage: cannot use $1: a carriage return in $2=" ;;
	esac
	printf '%s\n' "$value"
)

# cage__lines FILE KEY: the numbers of the lines of KEY, as "3 5"
cage__lines() (
	LC_ALL=C sed -n "/^$2=/=" -- "$1" | paste -sd ' ' -
)

# The value is taken as the file holds it, so that what cage_get gave can be set again. Only memo has an escape for what
# the dialect cannot hold: there a newline, a # and a carriage return are written as \n, \x23 and \x0d.
cage_set() (
	cage__check_key "$1" "$2"
	file=$(readlink -f -- "$1") key=$2 value=$3
	if [ "$key" = memo ]; then
		value=$(printf '%s\n' "$value" | LC_ALL=C sed -e ':a' -e '$!{N;ba' -e '}' -e "s/\n/\\\\n/g; s/#/\\\\x23/g; s/$cage__cr/\\\\x0d/g")
	fi
	case $value in
	*"#"*) cage__die "cage_set: cannot set $key: a value cannot hold a #" ;;
	*"$cage__nl"*) cage__die "cage_set: cannot set $key: a value cannot hold a newline" ;;
	*"$cage__cr"*) cage__die "cage_set: cannot set $key: a value cannot hold a carriage return" ;;
	esac
	new=$(mktemp "$file.XXXXXX") || exit 1
	trap 'rm -f -- "$new"' EXIT
	cp -p -- "$file" "$new" || exit 1 # for owner and mode
	lines=$(cage__lines "$file" "$key") || exit 1
	case $lines in
	*' '*) cage__die "cage_set: cannot set $key: it occurs on lines $lines of $1" ;;
	'') # what has no final newline is left without one
		if [ -z "$(tail -c 1 -- "$file")" ]; then printf '%s=%s\n' "$key" "$value"; else printf '\n%s=%s' "$key" "$value"; fi >>"$new" ;;
	*)
		text=$(printf '%s\n' "$value" | LC_ALL=C sed 's/[\\&|]/\\&/g')
		# the second form keeps the comment and the blanks before it
		LC_ALL=C sed -e "s|^$key=[^#]*\$|$key=$text|;t" \
			-e "s|^$key=\([^#]*[^#[:space:]]\)\{0,1\}\([[:space:]]*#.*\)\$|$key=$text\2|" -- "$file" >"$new" ;;
	esac || exit 1
	[ "$(cage_get "$new" "$key")" = "$value" ] ||
		cage__die "cage_set: cannot set $key: blanks at the end would be lost before the comment in $1"
	cage__sync "$new" && mv -f -- "$new" "$file" && cage__sync "${file%/*}/"
)

# cage__sync PATH: on disk, or (a sync that knows no operand) everything is
cage__sync() {
	sync -- "$1" 2>/dev/null || sync
}

cage_setting() (
	value=
	if [ -n "${CAGE_CONF:-}" ]; then
		conf=$CAGE_CONF
		[ -f "$conf" ] || cage__die "cage: cannot read CAGE_CONF=$conf: no such file"
	else
		conf=/etc/opt/cage/cage.conf
		[ -f "$conf" ] || conf=/etc/opt/cage/conf
	fi
	if [ -f "$conf" ]; then value=$(cage__one "$conf" "$1") || exit 1; fi
	value=${value:-$2}
	case $value in /*) ;; *) cage__die "cage: cannot use $1=$value of $conf: not an absolute path" ;; esac
	printf '%s\n' "$value"
)

cage_data() (
	cage_setting data /var/opt/cage
)

cage_dir() (
	set +f
	data=$(cage_data) || exit 1
	ref=$1 named='' prefixed='' found=''
	[ "$ref" != host ] || ref=00000000-0000-0000-0000-000000000000
	for dir in "$data"/*.[rw]; do
		uuid=${dir##*/} uuid=${uuid%.?}
		if [ ! -d "$dir" ] || ! cage__is_uuid "$uuid"; then continue; fi
		case $uuid in "$ref"*) prefixed=$prefixed$dir$cage__nl ;; esac
		cage__is_uuid "$ref" || [ "$(cage_get "$dir/cage.conf" name 2>/dev/null)" != "$ref" ] || named=$named$dir$cage__nl
	done
	case $ref in
	'') ;;
	????*) if cage__is_uuid "$ref"; then found=$prefixed; else found=${named:-$prefixed}; fi ;;
	*) found=$named ;;
	esac
	found=${found%"$cage__nl"}
	case $found in
	'') cage__die "cage: cannot find the cage $1: none such in $data" ;;
	*"$cage__nl"*) cage__die "cage: cannot tell which cage $1 is:$cage__nl$found" ;;
	esac
	if [ -e "${found%.?}.r" ] && [ -e "${found%.?}.w" ]; then
		cage__die "cage: cannot use the cage $1: both ${found%.?}.r and .w"
	fi
	printf '%s\n' "$found"
)

cage_mountpoint() (
	dir=$(cage_dir "$1") || exit 1
	point=$(cage__one "$dir/cage.conf" mountpoint) || exit 1
	case $point in
	/*) printf '%s\n' "$point" ;;
	'' | . | .. | */*) cage__die "cage: cannot use mountpoint=$point of $dir: neither a name nor an absolute path" ;;
	*) printf '%s\n' "$dir/$point" ;;
	esac
)

cage_layers() (
	set -f
	dir=$(cage_dir "$1") || exit 1
	self=${dir##*/} self=${self%.?}
	order=$(cage__walk c3 "$dir" "$self") && status=0 || status=$?
	if [ "$status" = 2 ]; then
		echo "cage_layers: warning: the bases of $self contradict each other in order, taken as written" >&2
		order=$(cage__walk written "$dir" "$self") && status=0 || status=$?
	fi
	[ "$status" = 0 ] || exit 1
	IFS=' '
	# shellcheck disable=SC2086 # a list
	set -- $order
	case $dir in *.w) shift ;; esac
	roots=$(for base do cage__root "${dir%/*}/$base.r" "$base" || exit 1; done) || exit 1
	IFS=$cage__nl
	# shellcheck disable=SC2086 # a list
	set -- $roots
	while [ $# -gt 0 ]; do
		root=$1
		shift
		# Only the last of several: as written A:B over one host is A, host, B, host; and two bases have one directory
		# while a cage-snapshot is between its steps.
		case "$cage__nl$*$cage__nl" in *"$cage__nl$root$cage__nl"*) continue ;; esac
		printf '%s\n' "$root"
	done
)

# cage__walk RULE DIR CHAIN: the cage of DIR and all it stands on, a blank after each, in C3 order (status 2: it has
# none) or depth first as written. CHAIN is "A -> B -> UUID", what led to this one, for the message of a fault.
cage__walk() (
	rule=$1 dir=$2 chain=$3 lists=''
	base=$(cage__one "$dir/cage.conf" base) || exit 1
	set --
	if [ -n "$base" ]; then
		IFS=: base=$base: # with a second colon, an empty name at the end is seen
		# shellcheck disable=SC2086 # a list
		set -- $base
		IFS=' '
	fi
	if [ $# = 0 ] && [ "$dir" != "${dir%.w}" ]; then
		cage__die "cage_layers: cannot resolve the bases of $chain: it has none"
	fi
	for base do
		cage__check_base "${dir%/*}" "$base" "$chain"
		list=$(cage__walk "$rule" "${dir%/*}/$base.r" "$chain -> $base") || exit
		lists=$lists$list$cage__nl
	done
	printf '%s ' "${chain##* }"
	if [ "$rule" = written ] || [ $# -lt 2 ]; then
		printf '%s' "$lists" | tr -d '\n'
	else
		cage__merge "$lists$* "
	fi
)

# cage__check_base DATA UUID CHAIN: the last of CHAIN can stand on UUID
cage__check_base() {
	cause=''
	if ! cage__is_uuid "$2"; then cause='not a uuid'
	elif case " $3 " in *" $2 "*) ;; *) false ;; esac then cause='a cycle'
	elif [ -e "$1/$2.w" ]; then cause='a .w cannot be a base'
	elif [ ! -d "$1/$2.r" ]; then cause='no such cage'
	fi
	[ -z "$cause" ] || cage__die "cage_layers: cannot resolve the bases of $3 -> $2: $cause"
	cage__root "$1/$2.r" "$3 -> $2" >/dev/null || exit 1
}

# cage__root DIR CHAIN: the real path of the root of the .r in DIR, the last of CHAIN
cage__root() (
	root=$(cage__one "$1/cage.conf" root) || exit 1
	cause=''
	case $root in
	'' | . | .. | */*) cause="root=$root is not a name" ;;
	*) CDPATH='' cd -P -- "$1/$root" 2>/dev/null || cause="$1/$root is no directory" ;;
	esac
	[ -z "$cause" ] || cage__die "cage_layers: cannot resolve the bases of $2: $cause"
	pwd -P
)

# cage__merge LISTS: C3's merge of lists, one a line, a blank after each word: again and again the first head that stands
# in no tail. In such a text a word after a blank is in a tail, and a word after a newline is a head.
cage__merge() (
	lists=$1 IFS=$cage__nl
	while [ -n "$lists" ]; do
		for list in $lists; do
			head=${list%% *}
			case $lists in *" $head "*) head= ;; *) break ;; esac
		done
		[ -n "$head" ] || exit 2
		printf '%s ' "$head"
		lists=$(printf '%s\n' "$lists" | sed "s/^$head //; /^\$/d")
	done
)

# systemd.service(5) "COMMAND LINES", in the first word the prefixes @ - : + ! (@: argv[0] is dropped, a shell cannot set
# it; + and !: root already). Refused: %-specifiers but %%, $VARIABLES but $$, several commands, escapes but \\ \" \' \; \s
# \t. Drop-ins are not read. A service that stays in the foreground is waited for.
cage_exec_start() (
	line=$(cage__exec_line "$1") || exit 1
	fault="cage_exec_start: cannot run ExecStart= of $1"
	ignore='' argv0='' literal='' quote='' word='' open=''
	while :; do
		case $line in -*) ignore=1 ;; @*) argv0=1 ;; :*) literal=1 ;; [+!]*) ;; *) break ;; esac
		line=${line#?}
	done
	set --
	line="$line "
	while [ -n "$line" ]; do
		char=${line%"${line#?}"} line=${line#?}
		case $quote$char in
		[[:blank:]])
			[ -z "$open" ] || set -- "$@" "$word"
			word='' open=''
			continue ;;
		[\"\']) quote=$char open=1 && continue ;;
		\"\" | \'\') quote='' && continue ;;
		esac
		case $char$line in
		\;[[:blank:]]*) [ -n "$open" ] || cage__die "$fault: several commands" ;;
		\\[\\\"\'\;]*) char=${line%"${line#?}"} line=${line#?} ;;
		\\s*) char=' ' line=${line#?} ;;
		\\t*) char=$(printf '\t') line=${line#?} ;;
		\\*) cage__die "$fault: the escape \\${line%"${line#?}"} is not known here" ;;
		%%*) line=${line#?} ;;
		%*) cage__die "$fault: the specifier %${line%"${line#?}"} is systemd's to fill in" ;;
		\$*) case $literal$line in 1*) ;; \$*) line=${line#?} ;; *) cage__die "$fault: variables are systemd's to fill in" ;; esac ;;
		esac
		word=$word$char open=1
	done
	[ -z "$quote" ] || cage__die "$fault: a $quote is not closed"
	if [ -n "$argv0" ] && [ $# -ge 2 ]; then
		word=$1
		shift 2
		set -- "$word" "$@"
	fi
	[ $# -gt 0 ] || cage__die "$fault: no command"
	# exec, for it never takes a word of the file for a builtin of the shell
	if [ -n "$ignore" ]; then (exec "$@") || :; else exec "$@"; fi
)

# cage__exec_line UNIT-FILE: the text after ExecStart= in [Service], continued lines joined. An empty ExecStart= takes
# back those before it, as systemd has it.
cage__exec_line() (
	[ -f "$1" ] || cage__die "cage_exec_start: cannot read $1: no such file"
	before='' section='' found=''
	while IFS= read -r line || [ -n "$line" ]; do
		line=${line#"${line%%[![:blank:]]*}"}
		case $line in
		[\#\;]*) continue ;; # also between continued lines
		*\\) before="$before${line%?} " && continue ;;
		esac
		line=$before$line before=''
		case $line in \[*) section=$line ;; esac
		case $section${line%%=*} in '[Service]ExecStart' | '[Service]ExecStart'[[:blank:]]*) ;; *) continue ;; esac
		line=${line#*=} line=${line#"${line%%[![:blank:]]*}"}
		[ -z "$line" ] || [ -z "$found" ] || cage__die "cage_exec_start: cannot run ExecStart= of $1: more than one"
		found=$line
	done <"$1"
	[ -n "$found" ] || cage__die "cage_exec_start: cannot find ExecStart= in $1: none in [Service]"
	printf '%s\n' "$found"
)

# By device and inode: what readlink shows of /proc/PID/root is / for a process of the host too.
cage_inside() (
	root=$(stat -Lc %d:%i "/proc/$1/root/" 2>/dev/null) && [ "$root" = "$(stat -Lc %d:%i /)" ]
)
