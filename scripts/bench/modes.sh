# shellcheck shell=bash disable=SC2154 # sourced by bench, whose variables these are
# modes.sh: what each mode of bench lets the rivals do.

# script NAME: makes a program of standard input, for a spec knows no quoting
script() {
	cat >"$scratch/$1"
	chmod 755 "$scratch/$1"
}

# Each step of a life, by all; and the whole of one in one command.
mode_life() {
	local rival
	prepare_rivals
	for rival in floor cage article "${rivals[@]}"; do
		if present "$rival"; then "life_$rival"; fi
	done | measure
	files | measure
	for rival in floor cage "${rivals[@]}"; do
		if present "$rival"; then "run_$rival"; fi
	done | measure
	mode_snapshot
	for rival in "${rivals[@]}"; do
		present "$rival" || absent 'every step' "$rival" 'not installed: no claim'
	done
}

# down and rm of a cage in which 20 000 files were just written
files() {
	local rival mnt
	script fill <<-'END'
		#!/bin/bash
		mkdir "$1/files" && head -c 2000000 /dev/zero | split -a 4 -b 100 - "$1/files/"
	END
	for rival in floor cage article; do
		mnt="$scratch/ext4/data/{id}.w/mnt"
		[ $rival != floor ] || mnt="$scratch/ext4/floor/{i}.w/mnt"
		"life_$rival" | sed -e 's/| \(new\|up\) |/| -\1 |/' -e 's/| \(down\|rm\) |/| \1, 20 000 files |/' \
			-e "s,.*| -up |.*,&\n$rival | -fill | $scratch/fill $mnt,"
	done
}

# The first snapshot of a host, again and again: on btrfs, with the cages beside it.
mode_snapshot() {
	local top=$scratch/btrfs host
	host=$("$source/scripts/testbed" btrfs "$scratch/btrfs.img" "$top" "$scratch/ext4/debian")
	mkdir -m 0700 "$top/data" "$top/snapshots"
	sync -f "$top"
	printf '%s\n' "tool=$scratch/ext4/opt" "data=$top/data" "host=$host" "snapshots=$top/snapshots" >"$top/cage.conf"
	script forget <<-END
		#!/bin/sh
		btrfs subvolume delete $top/snapshots/*.ss && rm -rf $top/snapshots/*.txt $top/data/*.r
	END
	CAGE_CONF=$top/cage.conf measure <<-END
		floor | snapshot | $bin/floor snap $host $top/snapshots $top/data {i}
		floor | -forget | $scratch/forget
		cage | snapshot | $bin/cage-snapshot
		cage | -forget | $scratch/forget
		article | snapshot | $article/snapshot
		article | -forget | $scratch/forget
		btrfs | snapshot | btrfs subvolume snapshot -r $host $top/snapshots/{i}.ss
		btrfs | -forget | $scratch/forget
	END
}

# Prints the spec of standard input with ", TEXT" after the name of each timed operation.
among() { sed "s/ | \([a-z][^|]*\) | / | \1, $1 | /"; }

# others N: lets N other cages be up, by cage
others() {
	local more=() i
	for ((i = ${#cages[@]}; i < $1; i++)); do more+=("$("$bin/cage-new")"); done
	[ ${#more[@]} = 0 ] || "$bin/cage-up" "${more[@]}" >/dev/null
	cages+=("${more[@]}")
}

# {id} is what `new` printed, so that keeps its name and is not timed.
mode_scale() {
	local n cages=()
	for n in 0 10 100 1000; do
		others $n
		{ life_floor && life_cage && life_article; } | sed 's/| new |/| -new |/' | among "$n others up" | measure
	done
}

# A cage on N bases, each a directory of its own; the lowest is the Debian.
mode_layers() {
	local n base=host list=$scratch/ext4/lower dir
	for ((n = 1; n <= 500; n++)); do
		case $n in
		1 | 10 | 50 | 100 | 200 | 400 | 500)
			cp "$list" "$list.$n"
			{ life_floor && life_cage; } | sed -e "s,/lower\$,/lower.$n," -e "s/cage-new/cage-new --base $base/" \
				-e 's/| \(new\|down\|rm\) |/| -\1 |/' | among "$n layers" | measure
			;;
		esac
		dir=$scratch/ext4/layers/$n
		mkdir -p "$dir/layers"
		echo "$n" >"$dir/layers/$n"
		base=$("$bin/cage-new" --ro "$dir"):$base
		sed -i "1i $dir" "$list"
	done
}

# Five processes inside, started by the start script, or by hand and in no cgroup.
mode_kill() {
	local n
	script five <<-'END'
		#!/bin/sh
		for i in 1 2 3 4 5; do sleep 1000 & done
	END
	cp "$scratch/five" "$scratch/ext4/debian/five"
	for n in 5 500 2000; do
		while [ "$(jobs -pr | wc -l)" -lt $n ]; do sleep 1000 & done
		{
			life_cage | sed 's,=/bin/true,=/five,'
			life_cage | sed -e 's/^cage/cage-by-hand/' -e 's, --set.*,,' -e "s,cage-up {id},& \&\& chroot $scratch/ext4/data/{id}.w/mnt /five,"
			life_article | sed 's,/bin/true,/five,'
		} | sed 's/| \(new\|up\|rm\) |/| -\1 |/' | among "$n processes of the host" | measure
	done
	jobs -pr | xargs kill
}

# usage: slab of the kernel, and used blocks and inodes of the disk
usage() {
	sync -f "$scratch/ext4"
	echo "$(awk '/^(Slab|Percpu|KernelStack):/ { n += $2 } END { print n }' /proc/meminfo) $(stat -f -c '%b %f %S %c %d' "$scratch/ext4" |
		awk '{ print ($1 - $2) * $3 / 1024, $4 - $5 }')"
}

# Others use the kernel's memory meanwhile, so the least of several rounds is the most honest.
mode_memory() {
	local round cages=() before made up n=200
	say "unit: of a cage"
	for ((round = 0; round < rounds; round++)); do
		before=$(usage)
		for ((i = 0; i < n; i++)); do cages+=("$("$bin/cage-new")"); done
		made=$(usage)
		"$bin/cage-up" "${cages[@]}" >/dev/null
		up=$(usage)
		echo "$before $made $up" | awk -v n=$n -v round="$round" 'BEGIN { OFS = "\t" } {
			print "KiB of kernel memory, down", "cage", round, ($4 - $1) / n
			print "KiB of kernel memory, up", "cage", round, ($7 - $1) / n
			print "KiB of disk, down", "cage", round, ($5 - $2) / n
			print "KiB of disk, up", "cage", round, ($8 - $2) / n
			print "inodes of the disk, up", "cage", round, ($9 - $3) / n
		}' >>"$laps"
		"$bin/cage-down" "${cages[@]}"
		"$bin/cage-rm" "${cages[@]}"
		cages=()
	done
}
