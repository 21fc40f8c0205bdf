# shellcheck shell=bash disable=SC2154 # sourced by bench, whose variables these are
# rivals.sh: who runs against cage. life_NAME prints the lines of a spec (lap.c) for the steps of a life, run_NAME
# that of a whole life in one command. Who has not a step prints no line for it.
rivals=(schroot podman systemd-nspawn bwrap crun lxc)

present() {
	case $1 in
	floor | cage | article) ;;
	lxc) command -v lxc-execute >/dev/null ;;
	*) command -v "$1" >/dev/null ;;
	esac
}

# absent OPERATION RIVAL WHY: a row of the table
absent() { printf '%s\t%s\t-\t%s\n' "$@" >>"$laps"; }

life_floor() {
	local dir="$scratch/ext4/floor/{i}.w"
	cat <<-END
		floor | new | $bin/floor new $dir
		floor | up | $bin/floor up $dir $scratch/ext4/lower
		floor | down | $bin/floor down $dir
		floor | rm | $bin/floor rm $dir
	END
}
run_floor() { echo "floor | run | $bin/floor life $scratch/ext4/floor/{i}.w $scratch/ext4/lower"; }

life_cage() {
	cat <<-END
		cage | new | $bin/cage-new --set start=/bin/true
		cage | up | $bin/cage-up {id}
		cage | down | $bin/cage-down {id}
		cage | rm | $bin/cage-rm {id}
	END
}
run_cage() { echo "cage | run | $bin/cage-run --rm /bin/true"; }

life_article() {
	cat <<-END
		article | new | $article/new
		article | up | $article/up {id} && chroot $scratch/ext4/data/{id}.w/mnt /bin/true
		article | down | $article/down {id}
		article | rm | $article/rm {id}
	END
}

prepare_rivals() {
	local dir=$scratch/ext4/rivals
	mount -t tmpfs tmpfs /run # where they note what runs
	mkdir -p /run/lock "$dir"/{upper,work,merged,lxc}
	# for those that mount no overlay: they do less than cage, and have it done for them
	mount -t overlay -o "lowerdir=$scratch/ext4/debian,upperdir=$dir/upper,workdir=$dir/work" overlay "$dir/merged"
	if present schroot; then prepare_schroot "$dir"; fi
	if present crun; then
		mkdir "$dir/crun"
		crun spec -b "$dir/crun"
		sed -i -e 's/"terminal": true/"terminal": false/' -e 's,^\([[:blank:]]*\)"sh"$,\1"/bin/true",' \
			-e "s,\"path\": \"rootfs\",\"path\": \"$dir/merged\"," "$dir/crun/config.json"
	fi
	printf '%s\n' "lxc.rootfs.path = overlay:$scratch/ext4/debian:$dir/lxc/delta" 'lxc.net.0.type = none' >"$dir/lxc.conf"
	podman="podman --root $dir/podman --runroot /run/podman --cgroup-manager=cgroupfs"
	container="--cgroups=disabled --network=host --log-driver=none"
}

prepare_schroot() {
	mkdir -p "$1"/schroot/{session,mount,unpack,union/overlay,union/underlay} "$1/chroot.d"
	mount --bind "$1/schroot" /var/lib/schroot
	mount --bind "$1/chroot.d" /etc/schroot/chroot.d
	printf '%s\n' '[bench]' type=directory "directory=$scratch/ext4/debian" union-type=overlay profile=minimal users=root \
		>"$1/chroot.d/bench"
}

life_schroot() {
	cat <<-END
		schroot | up | schroot -b -c bench -n s{i} && schroot -r -c s{i} -d / -- /bin/true
		schroot | down | schroot -e -c s{i}
	END
}
run_schroot() { echo 'schroot | run | schroot -c bench -d / -- /bin/true'; }

life_podman() {
	cat <<-END
		podman | new | $podman create --name p{i} $container --rootfs $scratch/ext4/debian:O sleep 1000
		podman | up | $podman start p{i} && $podman exec p{i} /bin/true
		podman | down | $podman stop -t 0 p{i}
		podman | rm | $podman rm p{i}
	END
}
run_podman() { echo "podman | run | $podman run --rm $container --rootfs $scratch/ext4/debian:O /bin/true"; }

life_systemd-nspawn() { :; }
run_systemd-nspawn() {
	echo "systemd-nspawn | run | systemd-nspawn -q --register=no --keep-unit --volatile=overlay -D $scratch/ext4/debian /bin/true"
}

life_bwrap() { :; }
run_bwrap() { echo "bwrap | run | bwrap --bind $scratch/ext4/rivals/merged / --proc /proc --dev /dev --tmpfs /tmp /bin/true"; }

life_crun() { :; }
run_crun() { echo "crun | run | crun --cgroup-manager=disabled run -b $scratch/ext4/rivals/crun b{i}"; }

life_lxc() { :; }
run_lxc() { echo "lxc | run | lxc-execute -P $scratch/ext4/rivals/lxc -n b{i} -f $scratch/ext4/rivals/lxc.conf -- /bin/true"; }

versions_of_rivals() {
	local rival command
	for rival in "${rivals[@]}"; do
		present "$rival" || continue
		command=$rival
		[ "$rival" != lxc ] || command=lxc-execute
		printf ', %s %s' "$rival" "$("$command" --version | grep -om1 '[0-9][0-9.]*[0-9]' | head -n 1)"
	done
}
