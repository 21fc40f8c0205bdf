package applets

import "cage/conf"

// lsJSON is the array of cage-ls --json. What a cage of its kind does not have,
// or what cannot be told, is null.
func lsJSON(list []*listed, size bool) []object {
	all := make([]object, len(list))
	for i, l := range list {
		base, mountpoint, memo := []string{}, "", ""
		if l.cage != nil {
			base, mountpoint, memo = l.cage.Base, l.cage.Mountpoint, conf.Unescape(l.cage.Memo)
		}
		all[i] = object{
			{"uuid", l.UUID},
			{"name", l.name},
			{"state", l.state},
			{"writable", l.Writable},
			{"base", base},
			{"mountpoint", orNull(mountpoint)},
			{"processes", l.processes()},
			{"memo", memo},
			{"error", reasonOf(l.err)},
		}
		if size {
			all[i] = append(all[i], member{"size", l.bytes()})
		}
	}
	return all
}

// processes is how many are inside, or null for what is never up.
func (l *listed) processes() any {
	if !l.mounts {
		return nil
	}
	return len(l.pids)
}

// bytes is the size of the upper directory, or null.
func (l *listed) bytes() any {
	if l.size == nil {
		return nil
	}
	return *l.size
}
