package applets

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"cage/applets/internal/kernel"
	"cage/applets/internal/plan"
	"cage/applets/internal/store"
)

const (
	// resolvConf is lent to a cage whose own is a link to nowhere.
	resolvConf = "/etc/resolv.conf"
	// resolvLink is the same inside, relative to the root of a cage.
	resolvLink = "etc/resolv.conf"
)

// checkScript refuses a start or stop script that cannot run.
func checkScript(c *store.Cage, key, value string) error {
	if value == "" || filepath.IsAbs(value) {
		return nil // an absolute one is looked up inside, when the cage is up
	}
	path := filepath.Join(c.Dir, value)
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return withHint(kernel.Cannot("run the "+key+" script", path, err), "cage.conf(5): %s=", key)
	case !info.Mode().IsRegular():
		return fmt.Errorf("cannot run the %s script %s: it is not a file", key, path)
	case info.Mode()&0o111 == 0:
		return withHint(fmt.Errorf("cannot run the %s script %s: it is not executable", key, path), "chmod +x %s", path)
	}
	return nil
}

// runScript runs a start or stop script inside the cage, copied to a directory
// that is taken away after, however it ended. What it said is shown when it failed.
func (s *session) runScript(c *store.Cage, key, value string, limit time.Duration) error {
	put, script, clean := s.scriptOf(c, key, value)
	if err := s.carryOut(put); err != nil {
		return err
	}
	script.Log, script.Limit, script.Stop = filepath.Join(c.Dir, "log"), limit, s.signals
	var atWork *kernel.Lock
	if key == "stop" && !s.dryRun {
		atWork, _ = kernel.LockDir(c.Work, false) // for awaitStop, which without it waits for nobody
	}
	err := s.carryOut(plan.Plan{script})
	atWork.Unlock()
	s.showOutput(err)
	return errors.Join(s.hintListener(err), s.carryOut(plan.Plan{clean}))
}

// awaitStop waits for a stop script that another command runs.
func awaitStop(c *store.Cage) {
	if lock, err := kernel.LockDir(c.Work, true); err == nil {
		lock.Unlock()
	}
}

// scriptOf returns what runs a start or stop script inside the cage, without a
// log: its copy in a fresh directory in the cage's /tmp, with cage.sh beside it,
// the run, and the removal of that directory.
func (s *session) scriptOf(c *store.Cage, key, value string) (put plan.Plan, script *plan.Script, clean *plan.Remove) {
	lib := "/tmp/cage." + store.NewUUID()[:8]
	outside := c.Mountpoint + lib
	put = plan.Plan{&plan.Mkdir{Path: outside, Mode: 0o700}}
	if !filepath.IsAbs(value) {
		put = append(put, &plan.Copy{From: filepath.Join(c.Dir, value), To: outside + "/" + value, Mode: 0o755})
		value = lib + "/" + value
	}
	if functions := filepath.Join(s.store.Tool, "lib/cage.sh"); exists(functions) {
		put = append(put, &plan.Copy{From: functions, To: outside + "/cage.sh", Mode: 0o644})
	}
	script = &plan.Script{
		What: "the " + key + " script of " + c.Label(),
		Root: c.Mountpoint,
		Path: value,
		Env: override([]string{
			"PATH=" + execPath + ":" + s.store.Tool + "/bin",
			"HOME=/root",
			"TERM=" + environ("TERM", "dumb"),
			"LANG=" + environ("LANG", "C.UTF-8"),
		}, c.Env, []string{
			"CAGE_UUID=" + c.UUID,
			"CAGE_NAME=" + c.Name,
			"CAGE_MOUNTPOINT=" + c.Mountpoint,
			"CAGE_LIB=" + lib,
		}),
		Cgroup: cgroupOf(c),
	}
	return put, script, &plan.Remove{Path: outside}
}

// showOutput prints what a script that failed had said.
func (s *session) showOutput(err error) {
	var failed *plan.ScriptError
	if !errors.As(err, &failed) {
		return
	}
	log, err := os.Open(failed.Log)
	if err != nil {
		return
	}
	defer log.Close()
	if _, err := log.Seek(failed.From, io.SeekStart); err == nil {
		io.Copy(s.stderr, log)
	}
}
