#!/bin/sh
# cage_test.sh: tests cage.sh under each POSIX shell there is, and article/* as root on overlayfs over a loop-mounted btrfs
# host, in namespaces of its own. A line for each case that fails; the last line is "N passed, N failed".
set -eu
here=$(cd "$(dirname "$0")" && pwd)

# is NAME EXPECTED ACTUAL
is() {
	if [ "$2" = "$3" ]; then echo pass >>"$results"; return; fi
	echo fail >>"$results"
	printf '%s: %s: expected [%s], got [%s]\n' "$kind" "$1" "$2" "$3"
}
# refuses WORDS COMMAND...: status 1, WORDS on stderr, nothing on stdout
refuses() {
	words=$1 status=0
	shift
	said=$("$@" 2>&1 >"$tmp/stdout") || status=$?
	case $said in *"$words"*) said=$words ;; esac
	is "$*" "1 $words " "$status $said $(cat "$tmp/stdout")"
}
# bytes NAME EXPECTED: of the file "conf", for \NNN as printf takes it
bytes() {
	# shellcheck disable=SC2059 # a format is what it is
	is "$1" "$(printf "$2" | od -An -c)" "$(od -An -c <conf)"
}
dialect() { LC_ALL=C sed -ne "s/[[:space:]]*#.*\$//; s/^$1=\(.*\)\$/\1/p" conf; }
# reads CONTENT KEY: cage_get and the sed line of the dialect give the same bytes
reads() {
	# shellcheck disable=SC2059
	printf "$1" >conf
	is "get $2 of $1" "$(dialect "$2" | od -An -c)" "$(cage_get conf "$2" | od -An -c)"
}
# writes CONTENT KEY VALUE EXPECTED
writes() {
	# shellcheck disable=SC2059
	printf "$1" >conf
	cage_set conf "$2" "$3"
	bytes "set $2 to $3 in $1" "$4"
	is "set $2 to $3: alone" conf "$(ls)"
}
# cage UUID LETTER LINE...: a cage by hand
cage() {
	mkdir -p "$data/$1.$2/root"
	echo "uuid=$1" >"$data/$1.$2/cage.conf"
	dir=$data/$1.$2
	shift 2
	for line do echo "$line" >>"$dir/cage.conf"; done
}
id_of() { echo "$1$1$1$1$1$1$1$1-0000-4000-8000-000000000000"; }
layers() { cage_layers "$(id_of "$1")" | sed 's|.*/\(.\)[^/]*/root$|\1|' | paste -sd ' ' -; }

conf_cases() {
	mkdir "$tmp/c"
	cd "$tmp/c"
	for content in 'a=1\nb=2\n' 'a=1' 'a=1\na=2\n' 'a=x # y\n' ' a=1\na =1\na= 1 \n' 'a=#\n' 'a=\n' '#a=1\n' 'a=b=c#d#e\n' \
		'a=\343\201\202\377\201\n' 'a=1\r\n' 'a=x\ty\t# z' '' '\n\na=1\n\n' 'aa=1\n'; do
		reads "$content" a
	done
	refuses 'no such file' cage_get missing a
	refuses 'letters, digits' cage_get conf 'a.*'
	writes 'x\na=1\nb=2\n' a 3 'x\na=3\nb=2\n'
	writes '# c\n  odd = 1\na=1 \t # why # not\nz' a '&\1|/' '# c\n  odd = 1\na=&\\1|/ \t # why # not\nz'
	writes 'a=old words\t# c' a あ 'a=あ\t# c'
	writes 'a=#c\n' a v 'a=v#c\n'
	writes 'a= #c\n' a 'two words' 'a=two words #c\n'
	writes 'a=1' a 2 'a=2'
	writes 'a=1 ' a '2 ' 'a=2 '
	writes 'b=\377\201\r\na=1\n' a '' 'b=\377\201\r\na=\n'
	writes 'b=1\n' a 2 'b=1\na=2\n'
	writes 'b=1' a 2 'b=1\na=2'
	writes '' a 2 'a=2\n'
	writes 'aa=1\n a=1\n' a 2 'aa=1\n a=1\na=2\n'
	writes 'memo=\n' memo "one
two#3$(printf '\r')\\n" 'memo=one\\ntwo\\x233\\x0d\\n\n'
	printf 'a=1\nb=1 # c\na=2\n' >conf
	refuses 'lines 1 3' cage_set conf a 3
	refuses 'hold a #' cage_set conf b '1#2'
	refuses 'hold a newline' cage_set conf b '1
'
	refuses 'carriage return' cage_set conf b "$(printf '\r')"
	refuses 'blanks at the end' cage_set conf b 'x '
	bytes 'refusals change nothing' 'a=1\nb=1 # c\na=2\n'
	is 'refusals leave no sibling' conf "$(ls)"
	chmod 640 conf
	ln -s "$tmp/c/conf" "$tmp/link"
	cage_set "$tmp/link" b 2
	is 'mode and link kept' '640 yes' "$(stat -c %a conf) $([ -L "$tmp/link" ] && echo yes)"
}

find_cases() {
	data=$tmp/data
	echo "data=$data" >"$tmp/cage.conf"
	CAGE_CONF=$tmp/cage.conf
	is data "$data" "$(cage_data)"
	is 'setting, default' /.snapshots "$(cage_setting snapshots /.snapshots)"
	CAGE_CONF=$tmp/none
	refuses 'no such file' cage_data
	CAGE_CONF=$tmp/cage.conf
	echo data=relative >"$CAGE_CONF"
	refuses 'not an absolute path' cage_data
	CAGE_CONF=''
	for name in none conf cage.conf; do # an empty tmpfs is there
		mkdir -p /etc/opt/cage
		[ "$name" = none ] || echo "data=/by/$name" >"/etc/opt/cage/$name"
		is "data, $name" "$([ "$name" = none ] && echo /var/opt/cage || echo "/by/$name")" "$(cage_data)"
	done
	rm -r /etc/opt/cage
	CAGE_CONF=$tmp/cage.conf
	echo "data=$data" >"$CAGE_CONF"
	cage 00000000-0000-0000-0000-000000000000 r name=host_1 root=root
	cage "$(id_of a)" r name=web root=root base="$(id_of b)"
	cage "$(id_of b)" r name='two words' root=root
	cage "$(id_of c)" w name=web mountpoint=mnt base="$(id_of a)"
	cage "$(id_of d)" w name=aaaa mountpoint=/srv/x base="$(id_of b)"
	is 'by host' "$data/00000000-0000-0000-0000-000000000000.r" "$(cage_dir host)"
	is 'by uuid' "$data/$(id_of a).r" "$(cage_dir "$(id_of a)")"
	is 'by prefix' "$data/$(id_of b).r" "$(cage_dir bbbb)"
	is 'by name' "$data/$(id_of b).r" "$(cage_dir 'two words')"
	is 'a name beats a prefix' "$data/$(id_of d).w" "$(cage_dir aaaa)"
	refuses "$(id_of c).w" cage_dir web
	refuses 'cannot find' cage_dir bbb
	refuses 'cannot find' cage_dir '*'
	refuses 'cannot find' cage_dir ''
	refuses 'cannot find' cage_dir "$(id_of B)"
	is mountpoint "$data/$(id_of c).w/mnt" "$(cage_mountpoint cccc)"
	is 'mountpoint, absolute' /srv/x "$(cage_mountpoint dddd)"
	refuses 'mountpoint=' cage_mountpoint bbbb
	cage "$(id_of a)" w
	refuses "$(id_of a).w" cage_dir "$(id_of a)"
	cage "$(id_of b)" w
	refuses both cage_dir 'two words'
}

layer_cases() {
	data=$tmp/layers
	echo "data=$data" >"$CAGE_CONF"
	cage "$(id_of 1)" r root=root
	cage "$(id_of a)" r root=root base="$(id_of 1)"
	cage "$(id_of b)" r root=root base="$(id_of 1)"
	cage "$(id_of c)" r root=root base="$(id_of a):$(id_of b)"
	cage "$(id_of d)" r root=root base="$(id_of b):$(id_of a)"
	cage "$(id_of e)" r root=root base="$(id_of f)"
	cage "$(id_of f)" r root=root base="$(id_of e)"
	cage "$(id_of 2)" w base="$(id_of a):$(id_of b)"
	cage "$(id_of 3)" w base="$(id_of c):$(id_of d)"
	cage "$(id_of 4)" w base="$(id_of c):$(id_of b)"
	cage "$(id_of 5)" w base="$(id_of 2)"
	cage "$(id_of 6)" w base="$(id_of 9)"
	cage "$(id_of 7)" w base=
	cage "$(id_of 8)" w base="$(id_of c):"
	is 'layers of a base' '1' "$(layers 1)"
	is diamond 'a b 1' "$(layers 2)"
	is 'diamond, second form' 'c a b 1' "$(layers 4)"
	is 'no C3 order' 'c d b a 1' "$(layers 3 2>/dev/null)"
	is 'no C3 order, said' 'cage_layers: warning' "$(cage_layers "$(id_of 3)" 2>&1 >/dev/null | cut -c1-20)"
	refuses "$(id_of e) -> $(id_of f) -> $(id_of e): a cycle" cage_layers "$(id_of e)"
	refuses "$(id_of 5) -> $(id_of 2): a .w cannot be a base" cage_layers "$(id_of 5)"
	refuses "$(id_of 6) -> $(id_of 9): no such cage" cage_layers "$(id_of 6)"
	refuses "$(id_of 7): it has none" cage_layers "$(id_of 7)"
	refuses "$(id_of 8) -> : not a uuid" cage_layers "$(id_of 8)"
	rmdir "$data/$(id_of 1).r/root"
	mkdir "$data/real"
	ln -s "$data/real" "$data/$(id_of 1).r/root"
	is 'real paths' "$data/real" "$(cage_layers "$(id_of 1)")"
	rmdir "$data/$(id_of b).r/root"
	ln -s "$data/real" "$data/$(id_of b).r/root"
	is 'a directory of two bases' "$data/$(id_of a).r/root $data/real" "$(cage_layers "$(id_of 2)" | paste -sd ' ' -)"
	rmdir "$data/real"
	refuses "$(id_of 2) -> $(id_of a) -> $(id_of 1): $data/$(id_of 1).r/root is no directory" cage_layers "$(id_of 2)"
}

# runs LINES EXPECTED: of a unit with LINES in [Service]; show puts each word in brackets
runs() {
	printf '[Unit]\nExecStart=no\n[Service]\n%s\n[Install]\nExecStart=no\n' "$1" >"$tmp/unit"
	is "run $1" "$2" "$(PATH=$tmp:$PATH cage_exec_start "$tmp/unit")"
}
# shellcheck disable=SC2016,SC1003 # the text of a unit stands as it is
exec_cases() {
	printf '#!/bin/sh\nprintf "[%%s]" "$@"\n' >"$tmp/show"
	chmod +x "$tmp/show"
	runs "ExecStart=$tmp/show -g 'daemon on; master_process on;'" '[-g][daemon on; master_process on;]'
	runs "  ExecStart =  show \"a 'b'\" c\"d e\"f ''" "[a 'b'][cd ef][]"
	runs 'ExecStart=show a \
# no
  b \
	c' '[a][b][c]'
	runs 'ExecStart=@-+!show argv0 50%% $$HOME' '[50%][$HOME]'
	runs 'ExecStart=:show $HOME * `id` $(id) ;x' '[$HOME][*][`id`][$(id)][;x]'
	runs 'ExecStart=show \\ \" \sx \; あ "\"b"' '[\]["][ x][;][あ]["b]'
	runs 'ExecStart=no
ExecStart=
ExecStart=show last' '[last]'
	runs 'ExecStart=-false' ''
	runs 'ExecStart=-exit 3' '' 2>/dev/null
	while IFS='|' read -r words line; do
		printf '[Service]\n%s\n' "$line" >"$tmp/unit"
		refuses "$words" cage_exec_start "$tmp/unit"
	done <<-'___'
		the specifier %i|ExecStart=true %i
		variables|ExecStart=true ${X}
		variables|ExecStart=true $X
		several commands|ExecStart=true ; true
		not closed|ExecStart=true 'a
		the escape \q|ExecStart=true \q
		none in [Service]|ExecStart=
		none in [Service]|Exec=true
		no command|ExecStart=-
	___
	printf '[Service]\nExecStart=true\nExecStart=true\n' >"$tmp/unit"
	refuses 'more than one' cage_exec_start "$tmp/unit"
	is 'status of the command' 1 "$(printf '[Service]\nExecStart=false\n' >"$tmp/unit" && cage_exec_start "$tmp/unit" || echo $?)"
	is 'inside, oneself' yes "$(cage_inside $$ && echo yes)"
	is 'inside, nobody' no "$(cage_inside 0 || echo no)"
}

# host_tree: what a host needs for the start script below and for ls
host_tree() {
	for program in sh ls cat sleep sed stat mkdir; do
		file=$(readlink -f "$(command -v "$program")")
		mkdir -p "$host/bin"
		cp "$file" "$host/bin/$program"
		ldd "$file" | sed -n 's/.*[[:space:]]\(\/[^ ]*\) (0x.*/\1/p' | while read -r lib; do
			mkdir -p "$host${lib%/*}"
			cp -L "$lib" "$host$lib"
		done
	done
	mkdir "$host/proc" "$host/sys" "$host/dev"
	mkdir -m 1777 "$host/tmp"
}
article() {
	script=$1
	shift
	"$here/article/$script" "$@"
}

# story DATA: the article's story on a data directory inside the host
story() {
	host=$tmp/host data=$1 kind="article, $1"
	truncate -s 0 "$tmp/image"
	truncate -s 256M "$tmp/image"
	mkfs.btrfs -q "$tmp/image" >/dev/null 2>&1
	mkdir -p "$host"
	mount -o loop "$tmp/image" "$host"
	host_tree
	mkdir -p "$data"
	echo one >"$host/version"
	printf 'data=%s\nhost=%s\nsnapshots=%s\n' "$data" "$host" "$host/.snapshots" >"$tmp/cage.conf"
	export CAGE_CONF="$tmp/cage.conf"
	nil=$data/00000000-0000-0000-0000-000000000000.r

	first=$(article snapshot 'first note' 2>/dev/null)
	is 'snapshot: link' "$first" "$(readlink "$nil/root")"
	is 'snapshot: read-only' ro=true "$(btrfs property get "$first" ro)"
	is 'snapshot: note' 'first note' "$(cat "${first%.ss}.txt")"
	is 'snapshot: name' "host_$(basename "$first" .ss)" "$(cage_get "$nil/cage.conf" name)"
	is 'snapshot: mode' 700 "$(stat -c %a "$host/.snapshots")"

	web=$(umask 077 && article new web)
	dir=$data/$web.w
	is 'new: modes' 'mnt 755,root 755,root/dev 755,root/proc 755,root/sys 755,root/tmp 1777,work 700' \
		"$(cd "$dir" && stat -c '%n %a' mnt root root/dev root/proc root/sys root/tmp work | paste -sd, -)"
	is 'new: conf' 'uuid name memo base root work mountpoint start stop' "$(sed 's/=.*//' "$dir/cage.conf" | paste -sd ' ' -)"
	cat >"$dir/go" <<-'___'
		#!/bin/sh
		. "$CAGE_LIB/cage.sh"
		cage_inside $$ && echo "$CAGE_NAME $(cat /version) $(ls -A "$CAGE_LIB")"
		sleep 60 &
	___
	printf '#!/bin/sh\necho stopping; exit 3\n' >"$dir/halt"
	chmod +x "$dir/go" "$dir/halt"
	cage_set "$dir/cage.conf" start go
	cage_set "$dir/cage.conf" stop halt
	is 'up: prints' "$dir/mnt" "$(umask 077 && article up web)"
	is 'up: mounts' 'overlay,dev devtmpfs,dev/shm tmpfs,proc proc,sys sysfs,tmp tmpfs' \
		"$(cd "$dir/mnt" && for m in . dev dev/shm proc sys tmp; do echo "$m $(findmnt -no FSTYPE -M "$PWD/${m#.}")"; done | sed 's/^\. //' | paste -sd, -)"
	is 'up: start script' "web one cage.sh start" "$(paste -sd ' ' "$dir/log")"
	is 'up: nothing left in /tmp' '' "$(ls -A "$dir/mnt/tmp")"
	is 'up: nobody can look' '0 one' "$(chroot --userspec=65534:65534 "$dir/mnt" /bin/ls / >/dev/null; echo $?) $(chroot --userspec=65534:65534 "$dir/mnt" /bin/cat /version)"
	is 'up: sees no cages' '' "$(find "$dir/mnt/${data#"$host/"}" "$dir/mnt/.snapshots" -mindepth 1)"
	refuses 'something is mounted' article up web
	refuses 'is mounted' article rm web
	echo two >"$dir/mnt/version"
	article down "$web" >/dev/null 2>&1
	is 'down: mounts' '' "$(findmnt -rno TARGET | sed -n "\|/$web|p")"
	is 'down: stop script' stopping "$(tail -n 1 "$dir/log")"
	is 'down: processes' '' "$(for p in /proc/[0-9]*; do readlink "$p/root" | sed -n "\|/$web|p"; done 2>/dev/null)"
	is 'down: work kept' two "$(cat "$dir/root/version")"
	is 'down: host untouched' one "$(cat "$host/version")"
	printf '#!/bin/sh\necho no; exit 3\n' >"$dir/go"
	is 'up: start fails' '1 ' "$(article up web >/dev/null 2>&1 || echo $?) $(findmnt -rno TARGET | sed -n "\|/$web|p")"

	a=$(id_of a) b=$(id_of b)
	cage "$a" r root=root base="${nil##*/}"
	cage "$b" r root=root base="${nil##*/}"
	sed -i 's/\.r$//' "$data/$a.r/cage.conf" "$data/$b.r/cage.conf"
	echo a | tee "$data/$a.r/root/both" >"$data/$a.r/root/a"
	echo b | tee "$data/$b.r/root/both" >"$data/$b.r/root/b"
	bases=$(article new two "$a:$b:host")
	article up "$bases" >/dev/null
	is 'bases: top wins' 'a a b one' "$(cd "$data/$bases.w/mnt" && cat both a b version | paste -sd ' ' -)"
	article down "$bases" >/dev/null 2>&1
	refuses 'stands on it' article rm "$a"

	sed -i 's/^name=/# mine\n&/' "$nil/cage.conf"
	echo moved >"$host/version"
	second=$(article snapshot 2>/dev/null)
	is 'host moves: link' "$second" "$(readlink "$nil/root")"
	is 'host moves: conf' "# mine,name=host_$(basename "$second" .ss)" "$(sed -n '/^#/p; /^name/p' "$nil/cage.conf" | paste -sd, -)"
	is 'host moves: a snapshot keeps' one "$(cat "$first/version")"
	new=$(article new)
	is 'host moves: default name' "cage-$(echo "$new" | cut -c1-8)" "$(cage_get "$data/$new.w/cage.conf" name)"
	article up "$new" >/dev/null
	is 'host moves: a new cage' moved "$(cat "$data/$new.w/mnt/version")"
	article down "$new" >/dev/null 2>&1
	for cage in web "$bases" "$new" "$a"; do article rm "$cage"; done
	is 'rm: left' "$(printf '%s\n' "${nil##*/}" "$b.r" | sort)" "$(ls "$data")"
	umount "$host"
}

case ${1:-} in
'')
	[ "$(id -u)" = 0 ] || { echo 'cage_test.sh: cannot mount: not root' >&2; exit 1; }
	scratch=$(mktemp -d)
	status=0
	# the processes too are in a namespace: what a failed case leaves ends with it, and no kill reaches the host
	unshare -m --propagation private --pid --fork --kill-child --mount-proc "$0" run "$scratch" || status=$?
	rmdir "$scratch"
	exit "$status" ;;
run)
	tmp=$2 results=$2/results kind=''
	trap 'status=$?; [ "$kind" = end ] || { echo "$kind: ended half-way"; exit 1; }; exit "$status"' EXIT
	mount -t tmpfs tmpfs "$tmp"
	mkdir "$tmp/etc" "$tmp/etcwork"
	mount -t overlay overlay -o "lowerdir=/etc,upperdir=$tmp/etc,workdir=$tmp/etcwork" /etc
	mkdir -p /etc/opt
	mount -t tmpfs tmpfs /etc/opt
	for shell in dash bash 'busybox sh' sh; do
		command -v "${shell% sh}" >/dev/null || continue
		mkdir "$tmp/scratch"
		status=0
		$shell "$0" functions "$tmp/scratch" "$shell" || status=$?
		kind=$shell
		is 'ran to its end' 0 "$status"
		cat "$tmp/scratch/results" >>"$results"
		rm -r "$tmp/scratch"
	done
	# shellcheck source=/dev/null
	. "$here/cage.sh"
	story "$tmp/host/var/opt/cage"
	story "$tmp/host/a b,c:d\\e/籠"
	kind=end
	passed=$(sed -n '/pass/p' "$results" | wc -l) failed=$(sed -n '/fail/p' "$results" | wc -l)
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ] ;;
functions)
	tmp=$2 kind=$3 results=$2/results CAGE_CONF=''
	# shellcheck source=/dev/null
	. "$here/cage.sh"
	conf_cases
	find_cases
	layer_cases
	exec_cases ;;
esac
