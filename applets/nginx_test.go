package applets

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The two servers: the distribution's, and one with a conf of its own.
const (
	listen    = `mkdir -p "$1/root/etc/nginx/sites-available"; sed -e "s/listen 80 /listen 127.0.0.1:$2 /" -e '/listen \[::\]/d' "$TREE/etc/nginx/sites-available/default" >"$1/root/etc/nginx/sites-available/default"`
	secondary = `echo "pid /run/second.pid; user www-data; events {} http { server { listen 127.0.0.1:$2; root /var/www/html; index index.nginx-debian.html; } }" >"$1/root/etc/nginx/second.conf"`
)

// nginxHost is a host whose cages stand on a tree that has nginx.
func nginxHost(t *testing.T) *testHost {
	t.Helper()
	return treeHost(t, "nginx")
}

// treeHost is a host with a base of one of testbed's trees, of the same name.
func treeHost(t *testing.T, name string) *testHost {
	t.Helper()
	ownMounts(t)
	trees, err := exec.Command("../scripts/testbed").Output()
	if err != nil {
		t.Fatalf("testbed: %v", err)
	}
	h := newTestHost(t, "/", t.TempDir())
	for tree := range strings.FieldsSeq(string(trees)) {
		if filepath.Base(tree) == name {
			h.env = append(h.env, "TREE="+tree)
		}
	}
	h.sh(t, `cage-new --name "$1" --ro "$TREE"`, name)
	return h
}

// freePort is one that nobody listens on now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// get asks the server on a port of this machine for its page.
func get(port string) (string, error) {
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Get("http://127.0.0.1:" + port + "/")
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	return strings.TrimSuffix(string(body), "\n"), err
}

// TestNginx: started by the start script, by chroot, and by both, cage-down ends
// it, and nothing else of the host.
func TestNginx(t *testing.T) {
	for _, c := range []struct {
		name, options string
		byHand        bool
		servers       int
	}{
		{"script", `--start "$TOOL/scripts/examples/nginx/start"`, false, 1},
		{"script and stop", `--start "$TOOL/scripts/examples/nginx/start" --stop "$TOOL/scripts/examples/nginx/stop"`, false, 1},
		{"hand", ``, true, 1},
		{"both", `--start "$TOOL/scripts/examples/nginx/start"`, true, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := nginxHost(t)
			before := fmt.Sprint(mountLines(t))
			uuid := h.sh(t, `cage-new --name web --base nginx `+c.options)
			first, second := freePort(t), freePort(t)
			h.sh(t, listen, h.cage(uuid), first)
			h.sh(t, secondary, h.cage(uuid), second)
			ports := []string{second}
			if c.options != "" {
				ports = []string{first, second}[:c.servers]
			}
			canaries := []string{begin(t, "", "/", "echo; exec sleep 60"), begin(t, "", h.data, "echo; exec sleep 60"), begin(t, "", h.cage(uuid), "echo; exec sleep 60")}

			h.sh(t, `cage-up web`)
			if c.byHand {
				h.sh(t, `chroot "$1" nginx -c /etc/nginx/second.conf >/dev/null 2>&1`, h.mnt(uuid))
			}
			page := h.sh(t, `cat "$1/var/www/html/index.nginx-debian.html"`, h.mnt(uuid))
			for _, port := range ports {
				if got, err := get(port); err != nil || got != page {
					t.Errorf("port %s answers %.80q, %v", port, got, err)
				}
			}
			pids := strings.Fields(h.sh(t, `for pid in $(pgrep -x nginx); do [ "/proc/$pid/root/" -ef "$1" ] && echo $pid; done`, h.mnt(uuid)))
			if len(pids) < 2*len(ports) { // a master and a worker each
				t.Errorf("inside run %q", pids)
			}

			h.sh(t, `cage-down web`)
			gone(t, pids...)
			for _, pid := range canaries {
				if !lives(pid) {
					t.Errorf("canary %s was killed", pid)
				}
			}
			for _, port := range ports {
				if _, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
					t.Errorf("port %s is open", port)
				}
			}
			h.state(t, "web", "down")
			if after := fmt.Sprint(mountLines(t)); after != before {
				t.Errorf("mounts before %s\nand after %s", before, after)
			}
		})
	}
}

// TestNginxPortTaken: an nginx that finds its port taken is told by whom.
func TestNginxPortTaken(t *testing.T) {
	h := nginxHost(t)
	uuid := h.sh(t, `cage-new --name web --base nginx --start "$TOOL/scripts/examples/nginx/start"`)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	defer l.Close()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	h.sh(t, listen, h.cage(uuid), port)
	h.refused(t, `cage-up web`, "98: Address already in use", fmt.Sprintf("cage-up: hint: port %s is taken by %d ", port, os.Getpid()))
	h.state(t, "web", "down")
}
