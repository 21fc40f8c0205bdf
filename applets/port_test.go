package applets

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestTakenPorts reads what servers say, as they say it.
func TestTakenPorts(t *testing.T) {
	for text, want := range map[string][]int{
		"nginx: [emerg] bind() to 127.0.0.1:80 failed (98: Address already in use)": {80},
		"2026/11/26 12:22:31 [emerg] 1#1: bind() to [::]:443 failed (98: Address already in use)\n" +
			"nginx: [emerg] still could not bind()": {443},
		"nginx: [emerg] bind() to unix:/run/80.sock failed (98: Address already in use)":                            nil,
		"OSError: [Errno 98] Address already in use":                                                                nil,
		"OSError: [Errno 98] error while attempting to bind on address ('127.0.0.1', 8080): address already in use": {8080},
		"2026-11-26 12:22:31.5 UTC [9] LOG:  could not bind IPv4 address \"127.0.0.1\": Address already in use\n2026-11-26 12:22:31.5 UTC [9] HINT:  Is another postmaster already running on port 5432? If not, wait a few seconds and retry.": {5432},
		"2026-11-26 12:22:31.5 UTC [9] LOG:  could not bind IPv6 address \"::1\": Address already in use\nHINT:  Is another postmaster already running on port 5432?":                                                                           {5432},
		"7:M 26 Nov 2026 12:22:31.505 # Warning: Could not create server TCP listening socket *:6379: bind: Address already in use\n" +
			"7:M 26 Nov 2026 12:22:31.505 # Failed listening on port 6379 (tcp), aborting.": {6379, 6379},
		"(98)Address already in use: AH00072: make_sock: could not bind to address [::]:8080\nno listening sockets available, shutting down": {8080},
		"Error: listen EADDRINUSE: address already in use :::3000":                                                                           {3000},
		"main.go:22: listen tcp :8081: bind: address already in use":                                                                         {8081, 22},
		"Bind to port 22 on 0.0.0.0 failed: Address already in use.":                                                                         {22},
		"Can't start server: Bind on TCP/IP port: Address already in use\nDo you already have another mysqld server running on port: 3306 ?": {3306},
		"starting on port 8000\nserving\nhttpd: bind: Address already in use\n":                                                              {8000},
		"port 8000 is fine\n1\n2\nhttpd: bind: Address already in use\n":                                                                     nil,
		"bind 127.0.0.1:99999: address already in use":                                                                                       nil,
		"listening on 127.0.0.1:80\nport 80":                                                                                                 nil,
		"":                                                                                                                                   nil,
	} {
		if got := takenPorts(text); !slices.Equal(got, want) {
			t.Errorf("takenPorts of %q = %v, want %v", text, got, want)
		}
	}
}

// TestPortTaken names who has the port that a start script found taken: the
// host's, or another cage's, and nobody who does not listen or was not in the way.
func TestPortTaken(t *testing.T) {
	w := plainWorld(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	uuid := w.must(t, "cage-new", "--name", "web", "--base", "base", "--set", "start=start")
	refused := func(said, hint string) {
		t.Helper()
		script := fmt.Sprintf("#!/bin/sh\necho '%s'\nexit 1\n", said)
		ok(t, os.WriteFile(filepath.Join(w.data, uuid+".w/start"), []byte(script), 0o755))
		cmd := w.command(t, "cage-up", "web")
		out, _ := cmd.CombinedOutput()
		want := said + "\ncage-up: cannot run the start script of web: exit status 1\n" + hint
		if string(out) != want || cmd.ProcessState.ExitCode() != 1 {
			t.Errorf("cage-up: %s\nwant: %s", out, want)
		}
	}
	comm, err := os.ReadFile("/proc/self/comm")
	ok(t, err)
	defer os.WriteFile("/proc/self/comm", comm, 0o644)
	ok(t, os.WriteFile("/proc/self/comm", []byte("plays\x1b[7m"), 0o644)) // with the terminal
	refused(fmt.Sprintf("bind() to 0.0.0.0:%d failed (98: Address already in use)", port),
		fmt.Sprintf("cage-up: hint: port %d is taken by %d plays\\x1b[7m, on the host\n", port, os.Getpid()))
	refused(fmt.Sprintf("bind() to 0.0.0.0:%d failed (13: Permission denied)", port), "")
	l.Close()
	refused(fmt.Sprintf("bind() to 0.0.0.0:%d failed (98: Address already in use)", port), "") // said in an earlier run, too

	w.must(t, "cage-new", "--name", "other", "--base", "base")
	w.must(t, "cage-up", "other")
	mnt := filepath.Join(w.data, "*.w/mnt") // of the one that is up
	found, err := filepath.Glob(mnt + "/proc/self")
	ok(t, err)
	server := begin(t, strings.TrimSuffix(found[0], "/proc/self"), "/", fmt.Sprintf("echo; exec busybox nc -l -p %d", port))
	sh(t, `until grep -qs ":$(printf %04X $1) .* 0A " /proc/net/tcp /proc/net/tcp6; do [ -e /proc/$2 ]; done`, fmt.Sprint(port), server)
	refused(fmt.Sprintf("listen tcp :%d: bind: address already in use", port),
		fmt.Sprintf("cage-up: hint: port %d is taken by %s busybox, in the cage other\n", port, server))
	w.down(t, "other")
}
