// Package kernel is the only room that speaks to Linux beyond package os:
// mounts, what is mounted, btrfs, processes, locks, chroot, and removal that
// never crosses a mount. It knows no cages, prints nothing and never exits.
package kernel
