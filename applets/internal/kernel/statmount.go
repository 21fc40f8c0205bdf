package kernel

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The parts of struct statmount that are asked for (linux/mount.h).
const (
	statmountSBBasic  = 0x01
	statmountMntBasic = 0x02
	statmountRoot     = 0x08
	statmountPoint    = 0x10
	statmountFSType   = 0x20
	statmountMntOpts  = 0x80 // Linux 6.11

	statmountIDs   = statmountMntBasic
	statmountBasic = statmountSBBasic | statmountMntBasic | statmountPoint | statmountFSType
	statmountAll   = statmountBasic | statmountRoot | statmountMntOpts
)

// listmountRoot names the root of the mount namespace to listmount(2).
const listmountRoot = ^uint64(0)

// mntIDReq is struct mnt_id_req in its first version, 24 bytes long.
type mntIDReq struct {
	size, spare uint32
	id, param   uint64
}

// statmount describes the mount with the unique id (statmount(2), Linux 6.8).
// ENODATA says that this kernel did not tell all that was asked for.
func statmount(id, mask uint64) (Mount, error) {
	return statmountInto(make([]byte, 4096), id, mask)
}

// statmountInto is statmount with a buffer to use as long as it is big enough;
// 500 layers with long names need about 100 KiB.
func statmountInto(buf []byte, id, mask uint64) (Mount, error) {
	for {
		req := mntIDReq{size: 24, id: id, param: mask}
		_, _, e := unix.Syscall6(unix.SYS_STATMOUNT, uintptr(unsafe.Pointer(&req)), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0, 0, 0)
		switch {
		case e == 0:
			return parseStatmount(buf, id, mask)
		case e != unix.EOVERFLOW || len(buf) > 1<<20:
			return Mount{}, e
		}
		buf = make([]byte, 8*len(buf))
	}
}

// parseStatmount reads struct statmount: numbers at fixed places, and offsets of
// strings in the part that begins at byte 512.
func parseStatmount(buf []byte, id, mask uint64) (Mount, error) {
	u32 := func(at int) uint32 { return binary.NativeEndian.Uint32(buf[at:]) }
	u64 := func(at int) uint64 { return binary.NativeEndian.Uint64(buf[at:]) }
	got := u64(8)
	str := func(bit uint64, at int) string {
		if got&bit == 0 {
			return ""
		}
		return cString(buf[512+u32(at) : u32(0)])
	}
	m := Mount{
		unique: id,
		Dev:    unix.Mkdev(u32(16), u32(20)),
		Type:   str(statmountFSType, 36),
		ID:     uint64(u32(56)), Parent: uint64(u32(60)),
		Peers:   u64(80),
		Root:    str(statmountRoot, 104),
		Point:   str(statmountPoint, 108),
		Options: str(statmountMntOpts, 4),
	}
	// Only overlays are asked for their options, and they always have some.
	if got&statmountMntBasic == 0 || mask&statmountMntOpts != 0 && m.Type == "overlay" && m.Options == "" {
		return m, unix.ENODATA
	}
	return m, nil
}

// listmount describes the mounts below the one with the unique id, and that one
// too (listmount(2), Linux 6.8). A mount that goes meanwhile is left out.
func listmount(id, mask uint64) (all []Mount, err error) {
	err = eachMount(id, mask, func(m Mount) error {
		all = append(all, m)
		return nil
	})
	return all, err
}

// eachMount calls f with what listmount returns, until it returns an error.
func eachMount(id, mask uint64, f func(Mount) error) error {
	ids, buf := make([]uint64, 512), make([]byte, 4096)
	req := mntIDReq{size: 24, id: id}
	if id != listmountRoot {
		m, err := statmountInto(buf, id, mask)
		if err == nil {
			err = f(m)
		}
		if err != nil {
			return err
		}
	}
	for {
		n, _, e := unix.Syscall6(unix.SYS_LISTMOUNT, uintptr(unsafe.Pointer(&req)), uintptr(unsafe.Pointer(&ids[0])), uintptr(len(ids)), 0, 0, 0)
		if e != 0 {
			return e
		}
		for _, x := range ids[:n] {
			m, err := statmountInto(buf, x, mask)
			if err == unix.ENOENT {
				continue
			}
			if err == nil {
				err = f(m)
			}
			if err != nil {
				return err
			}
		}
		if int(n) < len(ids) {
			return nil
		}
		req.param = ids[n-1]
	}
}
