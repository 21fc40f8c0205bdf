package kernel

import (
	"net"
	"os"
	"os/exec"
	"slices"
	"testing"
)

func TestListening(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 ffff 100 0 0 10 0
   1: 0100007F:1F90 0100007F:8000 01 00000000:00000000 00:00000000 00000000     0        0 12346 1 ffff 20 4 30 10 -1
   2: 0100007F:8000 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 12347 1 ffff 20 4 30 10 -1
   3: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12348 1 ffff
   4: 00000000:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12349 1 ffff 100 0 0 10 0
   5: 00000000:1F90`
	if got, want := listening(table, 8080), []string{"socket:[12345]", "socket:[12348]"}; !slices.Equal(got, want) {
		t.Errorf("listening = %q, want %q", got, want)
	}
	if got := listening(table, 32768); got != nil {
		t.Errorf("listening = %q", got)
	}
}

// TestListener finds a child that holds a listening socket, on either protocol.
func TestListener(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::]:0"} {
		l, err := net.Listen("tcp", address)
		must(err)
		file, err := l.(*net.TCPListener).File()
		must(err)
		cmd := exec.Command("sleep", "1000")
		cmd.ExtraFiles = []*os.File{file}
		must(cmd.Start())
		port := l.Addr().(*net.TCPAddr).Port
		p, taken := Listener(port)
		if !taken || p.PID != cmd.Process.Pid || p.Comm != "sleep" {
			t.Errorf("%s: Listener = %+v, %v; want %d", address, p, taken, cmd.Process.Pid)
		}
		must(cmd.Process.Kill())
		_ = cmd.Wait()
		// held by this process alone, which is passed over
		if p, taken := Listener(port); !taken || p.PID != 0 {
			t.Errorf("%s: Listener = %+v, %v", address, p, taken)
		}
		must(file.Close())
		must(l.Close())
		if p, taken := Listener(port); taken {
			t.Errorf("%s: Listener = %+v, %v after the close", address, p, taken)
		}
	}
}
