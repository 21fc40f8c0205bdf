package applets

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"cage/applets/internal/kernel"
	"cage/applets/internal/plan"
)

// inUseWords are strerror(3)'s for EADDRINUSE, in lower case.
const inUseWords = "address already in use"

// saidMax is how much of what a script said last is looked through.
const saidMax = 64 << 10

// hintListener adds to the error of a script that found a port taken who has it:
// the cage's network is the host's.
func (s *session) hintListener(err error) error {
	var failed *plan.ScriptError
	if !errors.As(err, &failed) {
		return err
	}
	for _, port := range takenPorts(lastWords(failed)) {
		p, taken := kernel.Listener(port)
		switch {
		case !taken:
		case p.PID == 0:
			return hinted{err, fmt.Sprintf("port %d is taken by a process that cannot be seen from here", port)}
		default:
			return hinted{err, fmt.Sprintf("port %d is taken by %d %s, %s", port, p.PID, p.Comm, s.whereabouts(p))}
		}
	}
	return err
}

// whereabouts says in which cage a process is.
func (s *session) whereabouts(p kernel.Process) string {
	all, _ := s.store.List()
	for _, e := range all {
		c, err := e.Load()
		if err != nil || !c.Writable {
			continue
		}
		if f, err := look(c); err == nil && f.state != down && p.Belongs(f.kernelTree(), cgroupOf(c)) {
			return "in the cage " + c.Label()
		}
	}
	return "on the host"
}

// lastWords returns the end of what a script said.
func lastWords(failed *plan.ScriptError) string {
	log, err := os.Open(failed.Log)
	if err != nil {
		return ""
	}
	defer log.Close()
	info, err := log.Stat()
	if err != nil || info.Size() <= failed.From {
		return ""
	}
	buf := make([]byte, min(info.Size()-failed.From, saidMax))
	n, _ := log.ReadAt(buf, info.Size()-int64(len(buf)))
	return string(buf[:n])
}

// takenPorts returns the ports that a text may mean by addresses in use, the most
// likely first: what stands nearest to the words, and then what lines near them
// call a port.
//
//	nginx: [emerg] bind() to 127.0.0.1:80 failed (98: Address already in use)
//	could not bind IPv4 address "127.0.0.1": Address already in use
//	HINT:  Is another postmaster already running on port 5432? ...
func takenPorts(text string) (ports []int) {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		at := strings.Index(strings.ToLower(line), inUseWords)
		if at < 0 {
			continue
		}
		before := portsIn(line[:at], true)
		slices.Reverse(before)
		ports = append(append(ports, before...), portsIn(line[at:], true)...)
		for _, near := range []int{i + 1, i + 2, i - 1, i - 2} {
			if near >= 0 && near < len(lines) {
				ports = append(ports, portsIn(lines[near], false)...)
			}
		}
	}
	return ports
}

// portsIn returns the numbers in a line that can be ports: after the word port,
// and where addresses are asked for, behind one: 127.0.0.1:80, [::]:80, :80,
// ('127.0.0.1', 80). A time of the day (12:30:01) is none.
func portsIn(line string, addresses bool) (ports []int) {
	const digits = "0123456789"
	for at := 0; ; {
		i := strings.IndexAny(line[at:], digits)
		if i < 0 {
			return ports
		}
		before, rest := line[:at+i], line[at+i:]
		number := rest[:len(rest)-len(strings.TrimLeft(rest, digits))]
		at += i + len(number)
		named := strings.HasSuffix(strings.ToLower(strings.TrimRight(before, " :=#")), "port")
		if !named && !(addresses && endsInAddress(before)) {
			continue
		}
		if port, err := strconv.Atoi(number); err == nil && port > 0 && port < 1<<16 {
			ports = append(ports, port)
		}
	}
}

// endsInAddress tells whether a port can follow.
func endsInAddress(s string) bool {
	s, colon := strings.CutSuffix(s, ":")
	if !colon {
		return strings.HasSuffix(s, "', ")
	}
	if strings.HasSuffix(s, ":") {
		return strings.HasSuffix(s, "::") // :::80, but not the 1 of ::1
	}
	host := s[len(strings.TrimRight(s, "0123456789.")):]
	return host == "" || strings.Contains(host, ".")
}
