package applets

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const nilUUID = "00000000-0000-0000-0000-000000000000"

// story is the article's: a snapshot, a cage on it, up, down and away, each step
// by cage or by hand.
type story struct {
	*testHost
	hand     func(step int) bool
	snapshot string
	uuid     string
	inmate   string // pid
}

// TestEachStepByHandOrByCage plays the story in all 32 ways. Whoever did a step,
// the outcome is the same, and cage goes on from there.
func TestEachStepByHandOrByCage(t *testing.T) {
	host := btrfsHost(t)
	for i := range 32 {
		hand := func(step int) bool { return i>>step&1 == 1 }
		name := "by-"
		for step := range 5 {
			name += map[bool]string{false: "c", true: "h"}[hand(step)]
		}
		t.Run(name, func(t *testing.T) {
			s := &story{testHost: newTestHost(t, host, filepath.Join(host, name)), hand: hand}
			s.takeSnapshot(t)
			s.makeCage(t)
			s.bringUp(t)
			s.takeDown(t)
			s.remove(t)
		})
	}
}

// do does a step.
func (s *story) do(t *testing.T, step int, name, operands string) string {
	t.Helper()
	if s.hand(step) {
		return s.sh(t, `"$HAND/`+name+`" `+operands)
	}
	return s.sh(t, `cage-`+name+` `+operands)
}

func (s *story) takeSnapshot(t *testing.T) {
	operands := `-m 'as it was'`
	if s.hand(0) {
		operands = `'as it was'`
	}
	s.snapshot = s.do(t, 0, "snapshot", operands)
	stamp := strings.TrimSuffix(filepath.Base(s.snapshot), ".ss")
	if !regexp.MustCompile(`^\d{14}$`).MatchString(stamp) || filepath.Dir(s.snapshot) != s.snapshots {
		t.Errorf("the snapshot is %s", s.snapshot)
	}
	s.want(t, `btrfs property get `+s.snapshot+` ro; cat "$SNAPSHOTS"/*.txt; cat "$SNAPSHOTS"/*.ss/etc/marker`, "ro=true\nas it was\nhost")
	s.want(t, `find "$DATA" "$SNAPSHOTS" -maxdepth 2 ! -path '*.ss/*' ! -name '*.ss' -printf '%y %m %P %l\n' | sort`, fmt.Sprintf(`
d 700  
d 700  
d 755 %s.r 
f 644 %[1]s.r/cage.conf 
f 644 %[2]s.txt 
l 777 %[1]s.r/root %[3]s`, nilUUID, stamp, s.snapshot))
	date := s.sh(t, `stamp=$1; date --rfc-3339=seconds -d "${stamp:0:8} ${stamp:8:2}:${stamp:10:2}:${stamp:12}"`, stamp)
	s.want(t, `cat "$DATA"/*.r/cage.conf`, fmt.Sprintf("uuid=%s\nname=host_%s\nmemo=a snapshot of the host, %s\nroot=root", nilUUID, stamp, date))
	s.state(t, nilUUID, "base")
}

func (s *story) makeCage(t *testing.T) {
	operands := `--name bird`
	if s.hand(1) {
		operands = `bird`
	}
	s.uuid = s.do(t, 1, "new", operands)
	combination := filepath.Base(s.dir)
	s.want(t, `cd "$DATA/`+s.uuid+`.w"; find -path './work/*' -prune -o -printf '%y %m %u %g %P\n' | sort`, fmt.Sprintf(`
d 1777 root root root/tmp
d 700 root root root/%s/data
d 700 root root root/%[1]s/snapshots
d 700 root root work
d 755 root root 
d 755 root root mnt
d 755 root root root
d 755 root root root/%[1]s
d 755 root root root/dev
d 755 root root root/proc
d 755 root root root/sys
f 644 root root cage.conf`, combination))
	s.want(t, `cd "$DATA/`+s.uuid+`.w/root"; getfattr -R -d -m '^trusted.overlay.opaque$' .`, fmt.Sprintf(`
# file: %s/data
trusted.overlay.opaque="y"

# file: %[1]s/snapshots
trusted.overlay.opaque="y"`, combination))
	s.want(t, `sed 's/^memo=the cage, 20..-..-.. ..:..:..[-+]..:..$/memo=M/' "$DATA/`+s.uuid+`.w/cage.conf"`, fmt.Sprintf(
		"uuid=%s\nname=bird\nmemo=M\nbase=%s\nroot=root\nwork=work\nmountpoint=mnt\nstart=\nstop=", s.uuid, nilUUID))
	s.isDown(t)
}

func (s *story) bringUp(t *testing.T) {
	mnt := s.mnt(s.uuid)
	if got := s.do(t, 2, "up", s.uuid); got != mnt {
		t.Errorf("up prints %s", got)
	}
	s.want(t, `findmnt -Rrno TARGET,SOURCE,FSTYPE "$DATA/`+s.uuid+`.w/mnt" | sed "s|^$DATA/`+s.uuid+`.w/||" | grep -v devpts | sort`, `
mnt overlay overlay
mnt/dev dev devtmpfs
mnt/dev/shm tmpfs tmpfs
mnt/proc proc proc
mnt/sys sys sysfs
mnt/tmp tmpfs tmpfs`)
	if got, want := lowerOf(t, mnt), inode(t, s.snapshot); got != want {
		t.Errorf("it stands on %s, want %s", got, want)
	}
	// It is a copy of the host that does not see the cages, and keeps its writes.
	s.want(t, `cd "$DATA/`+s.uuid+`.w/mnt"; cat etc/marker; ls -A .`+s.data+` .`+s.snapshots+` 2>/dev/null || :; stat -c %F dev/null
echo mine >etc/marker; cat "$HOST/etc/marker" ../root/etc/marker; ls -A "${PWD}/`+filepath.Base(s.dir)+`/data"`, "host\ncharacter special file\nhost\nmine")
	s.state(t, s.uuid, "up")
	s.want(t, `cage-up bird 2>&1`, "cage-up: bird is up already\n"+mnt)
	s.refused(t, `cage-rm bird`, "cannot remove bird: it is up", "hint: cage-down bird")
	s.want(t, `cage-exec bird cat /etc/marker`, "mine")
	s.inmate = begin(t, mnt, "/", "echo; exec sleep 60")
}

func (s *story) takeDown(t *testing.T) {
	canary := begin(t, "", s.cage(s.uuid), "echo; exec sleep 60")
	s.do(t, 3, "down", s.uuid)
	if lives(s.inmate) || !lives(canary) {
		t.Errorf("the process inside lives: %v, the one beside: %v", lives(s.inmate), lives(canary))
	}
	s.isDown(t)
	s.want(t, `cat "$DATA/`+s.uuid+`.w/root/etc/marker"`, "mine")
	s.want(t, `ls -A "$DATA/`+s.uuid+`.w/mnt"`, "")
	s.want(t, `cage-down bird 2>&1`, "cage-down: bird is down already")
}

func (s *story) remove(t *testing.T) {
	s.do(t, 4, "rm", s.uuid)
	cgroup := s.sh(t, `ls -d /sys/fs/cgroup/{,unified/}cage/$1 2>/dev/null || :`, s.uuid)
	if s.hand(4) {
		s.sh(t, `[ -z "$1" ] || rmdir "$1"`, cgroup)
	} else if cgroup != "" {
		t.Errorf("the cgroup is left: %s", cgroup)
	}
	s.want(t, `ls -A "$DATA"; cat "$SNAPSHOTS"/*.ss/etc/marker`, nilUUID+".r\nhost")
	s.state(t, s.uuid, "")
	s.refused(t, `cage-up `+s.uuid, "cannot find")
	if _, err := os.Stat(s.snapshot); err != nil {
		t.Error(err)
	}
}

// isDown says that the cage is there, and nothing of it is mounted.
func (s *story) isDown(t *testing.T) {
	t.Helper()
	s.state(t, s.uuid, "down")
	if points := s.points(t); len(points) > 0 {
		t.Errorf("mounted: %q", points)
	}
}
