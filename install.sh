#!/bin/sh
# Builds cage and installs it. Everything lives in /opt/cage; outside are
# links to it, the manual pages and, where there is none, the configuration.
# /opt/cage/doc/installed lists what was installed, so that --uninstall takes
# away that and nothing else.
set -eu
umask 022

usage() {
	cat <<'EOF'
usage: ./install.sh [--demo | --uninstall | --help]
  (nothing)    build and install cage; again: upgrade it
  --demo       the same, installing what is missing first, then play the main
               job on this machine, from snapshot to removal (scripts/demo)
  --uninstall  take away what was installed; cages and configuration stay
DESTDIR=/DIR in the environment installs below /DIR, and needs no root.
EOF
}

die() {
	echo "install.sh: $1" >&2
	exit "${2:-1}"
}

# pkg_install 'APT...' PACMAN DNF APK installs a package under the distribution's
# name for it; for apt the first of several names that it knows.
pkg_install() {
	if command -v apt-get >/dev/null; then
		apt-get -qq update
		for name in $1; do
			if apt-cache show "$name" >/dev/null 2>&1; then break; fi
		done
		echo "installing $name"
		DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$name" </dev/null
	elif command -v pacman >/dev/null; then
		echo "installing $2"
		pacman -S --noconfirm --needed "$2"
	elif command -v dnf >/dev/null; then
		echo "installing $3"
		dnf -q install -y "$3"
	elif command -v apk >/dev/null; then
		echo "installing $4"
		apk -q add "$4"
	else
		die "cannot install $2: none of apt-get, pacman, dnf, apk is here"
	fi
}

# find_go sets $go to a Go that can build this. `go version` is asked in the
# source, where a Go from 1.21 on switches to the version that go.mod names.
find_go() {
	for go in go /usr/local/go/bin/go /usr/lib/go-1.*/bin/go; do
		version=$(cd "$src" && "$go" version 2>/dev/null) || continue
		version=${version#go version go1.}
		[ "${version%%[!0-9]*}" -ge 24 ] 2>/dev/null && return
	done
	return 1
}

# need_demo installs what the build or scripts/demo misses.
need_demo() {
	# Some releases have a Go too old as golang-go and a newer one by its number.
	find_go || pkg_install 'golang-1.24-go golang-go' go golang go
	command -v bash >/dev/null || pkg_install bash bash bash bash
	command -v ps >/dev/null || pkg_install procps procps-ng procps-ng procps
	# 9123683e is btrfs (statfs(2)): the demo deletes the snapshot it took.
	[ "$(stat -f -c %t "${CAGE_DEMO_HOST:-/}")" != 9123683e ] || command -v btrfs >/dev/null ||
		pkg_install btrfs-progs btrfs-progs btrfs-progs btrfs-progs
}

# build leaves the program in $tmp/cage. CGO and VCS stamping are off: the one
# for a static binary, the other because git refuses root a user's checkout.
# purego leaves out the assembly of hashes that the modules bring and nobody calls. Where a call more costs nothing
# that can be measured nothing is inlined (-l), for a smaller program.
build() {
	find_go || die "cannot build: no Go 1.24 or newer; get one by
  Debian, Ubuntu  apt-get install golang-go (or golang-1.24-go)
  Arch            pacman -S go
  Fedora          dnf install golang
  Alpine          apk add go
or unpack https://go.dev/dl/ to /usr/local/go"
	version=$(git -C "$src" describe --tags --always 2>/dev/null) || version=dev
	echo "building cage $version with $go"
	(cd "$src" && CGO_ENABLED=0 "$go" build -trimpath -buildvcs=false \
		-tags urfave_cli_no_docs,urfave_cli_no_suggest,purego \
		-gcflags='cage/...=-l' -gcflags=fmt=-l -gcflags=reflect=-l -gcflags='text/...=-l' \
		-ldflags "-s -w -X cage/applets.version=$version" -o "$tmp/cage" .)
}

# put MODE FILE PATH installs by rename: a running program keeps its file.
put() {
	install -d "$dest${3%/*}"
	install -m "$1" "$2" "$dest$3.new"
	mv -f "$dest$3.new" "$dest$3"
	echo "$3" >>"$tmp/installed"
}

# link TARGET PATH
link() {
	install -d "$dest${2%/*}"
	[ "$(readlink "$dest$2")" = "$1" ] || ln -sfn "$1" "$dest$2"
	echo "$2" >>"$tmp/installed"
}

# ours PATH: is it a link to cage?
ours() {
	case $(readlink "$dest$1") in
	cage | /opt/cage/bin/*) ;;
	*) return 1 ;;
	esac
}

# claim PATH: what stands at a link's place and is no link to cage is somebody's.
claim() {
	[ -e "$dest$1" ] || [ -L "$dest$1" ] || return 0
	ours "$1" || die "cannot link $dest$1: it exists and is not cage's"
}

install_files() {
	names=$("$tmp/cage" --list)
	claim /usr/local/bin/cage
	for name in $names; do
		claim "/opt/cage/bin/cage-$name"
		claim "/usr/local/bin/cage-$name"
	done
	put 755 "$tmp/cage" /opt/cage/bin/cage
	link /opt/cage/bin/cage /usr/local/bin/cage
	for name in $names; do
		link cage "/opt/cage/bin/cage-$name"
		link "/opt/cage/bin/cage-$name" "/usr/local/bin/cage-$name"
	done
	put 644 "$src/scripts/cage.sh" /opt/cage/lib/cage.sh
	for file in "$src"/scripts/examples/*/*; do
		put 755 "$file" "/opt/cage/lib/examples/${file#"$src"/scripts/examples/}"
	done
	for file in "$src"/README*.md; do put 644 "$file" "/opt/cage/doc/${file##*/}"; done
	for file in "$src"/man/*.[58] "$src"/man/ja/*.8; do
		page=${file#"$src"/man/} section=${file##*.}
		put 644 "$file" "/opt/cage/doc/$page"
		case $page in
		*/*) put 644 "$file" "/usr/local/share/man/${page%/*}/man$section/${page##*/}" ;;
		*) put 644 "$file" "/usr/local/share/man/man$section/$page" ;;
		esac
	done
	put 644 "$src/scripts/cage@.service" "$units/cage@.service"
	put 644 "$src/scripts/cage.service" "$units/cage.service"
	put 644 "$src/scripts/cage.mount.conf" "$units/var-opt-cage-.mount.d/cage.conf"
	complete=/usr/local/share
	put 644 "$src/scripts/completion/cage.bash" "$complete/bash-completion/completions/cage"
	put 644 "$src/scripts/completion/cage.zsh" "$complete/zsh/site-functions/_cage"
	put 644 "$src/scripts/completion/cage.fish" "$complete/fish/vendor_completions.d/cage.fish"
	for name in $names; do # bash and fish look for a file by the name of the command
		link cage "$complete/bash-completion/completions/cage-$name"
		link cage.fish "$complete/fish/vendor_completions.d/cage-$name.fish"
	done
	# What the last version had and this one has not.
	if [ -f "$dest$list" ]; then grep -vxFf "$tmp/installed" "$dest$list" | remove; fi
	put 644 "$tmp/installed" "$list"
}

# remove takes away the paths of standard input; what became of a link and is
# no link to cage now is somebody's.
remove() {
	while read -r path; do
		case $path in
		/usr/local/bin/* | /opt/cage/bin/cage-*) ours "$path" || continue ;;
		esac
		rm -f "$dest$path"
	done
}

# tell_systemd lets a systemd that runs here know what came or went.
tell_systemd() {
	[ -z "$dest" ] && [ -d /run/systemd/system ] || return 0
	systemctl daemon-reload
}

# warn_of_sudo: where sudo has a PATH of its own (sudoers(5), secure_path), it may be without /usr/local/bin.
warn_of_sudo() {
	path=$(LC_ALL=C sudo -V 2>/dev/null | sed -n "s/^Value to override user's \$PATH with: //p")
	case :$path: in
	:: | *:/usr/local/bin:*) ;;
	*) echo "sudo looks for commands in $path only: type sudo /usr/local/bin/cage-up, or add /usr/local/bin to secure_path with visudo" ;;
	esac
}

# configure writes the configuration where there is none, and makes the data directory.
configure() {
	etc=$dest/etc/opt/cage
	conf=$etc/cage.conf
	[ -e "$conf" ] || [ ! -e "$etc/conf" ] || conf=$etc/conf
	if [ ! -e "$conf" ]; then
		install -d "$etc"
		printf 'tool=/opt/cage\ndata=/var/opt/cage\n' >"$conf"
	fi
	data=$(LC_ALL=C sed -ne 's/[[:space:]]*#.*$//; s/^data=\(.*\)$/\1/p' "$conf")
	data=$dest${data:-/var/opt/cage}
	# A copy of the host keeps its old setuid programs: for root alone.
	[ -d "$data" ] || install -d -m 0700 "$data"
	echo "configuration in $conf, cages in $data"
	index=$dest/etc/updatedb.conf
	if [ -f "$index" ] && ! grep '^[[:space:]]*PRUNEPATHS' "$index" | grep -qF "${data#"$dest"}"; then
		echo "updatedb would index every cage and snapshot: see PRUNEPATHS in man cage, and $index"
	fi
}

uninstall() {
	[ -f "$dest$list" ] || die "cannot uninstall: no $dest$list, so nothing was installed by this script"
	remove <"$dest$list"
	rm -f "$dest$list"
	rmdir "$dest$units/var-opt-cage-.mount.d" 2>/dev/null || :
	tell_systemd
	find "$dest/opt/cage" -depth -type d -empty -delete
	echo "cage is removed from $dest/opt/cage and $dest/usr/local; cages and configuration are left as they were"
}

src=$(cd "$(dirname "$0")" && pwd)
dest=${DESTDIR-}
list=/opt/cage/doc/installed
units=/usr/local/lib/systemd/system
[ $# -le 1 ] || { usage >&2; exit 2; }
case ${1-} in
'' | --demo | --uninstall) ;;
-h | --help) usage; exit 0 ;;
*) usage >&2; exit 2 ;;
esac
case $dest in '' | /*) ;; *) die "cannot install below $dest: DESTDIR is not an absolute path" 2 ;; esac
[ -z "$dest" ] || [ "${1-}" != --demo ] || die "cannot play the demo below DESTDIR: it runs what is installed" 2
[ -n "$dest" ] || [ "$(id -u)" -eq 0 ] ||
	die "cannot install to /opt and /usr/local: not root; type: sudo ./install.sh${1:+ $1} (or set DESTDIR=/DIR)"

if [ "${1-}" = --uninstall ]; then
	uninstall
	exit
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
if [ "${1-}" = --demo ]; then need_demo; fi
build
install_files
configure
tell_systemd
echo "cage $version is in $dest/opt/cage, its commands in $dest/usr/local/bin; begin with: man cage"
if [ -d /run/systemd/system ]; then
	echo "at boot: systemctl enable --now cage@NAME; stop scripts of all cages at shutdown: systemctl enable --now cage"
fi
warn_of_sudo
[ "${1-}" = --demo ] || exit 0
# In this process, so that a signal to it is one to the demo.
rm -rf "$tmp"
trap - EXIT HUP INT TERM
PATH=/opt/cage/bin:$PATH exec "$src/scripts/demo"
