package plan

import (
	"fmt"
	"os"
	"strings"

	"cage/applets/internal/kernel"
)

// Lend gives a tree the content of a file of the host at the place where a
// symbolic link of the tree points to and nothing is. Where the link is none, or
// points to something, it does nothing, and neither where the place is in what the
// tree has of the host by a bind mount.
type Lend struct {
	From  string // on the host
	Root  string
	Link  string   // relative to Root
	Binds []string // directories, as the tree sees them
}

func (l *Lend) String() string {
	mark := `"` + kernel.LentMark + `"`
	// Component by component, as readlink -m would, which busybox has not.
	return fmt.Sprintf(`[ ! -L %s ] || chroot %s sh -e -c '
file= todo=${1#/} n=0
while [ -n "$todo" ] && [ $((n += 1)) -le 200 ]; do
  part=${todo%%%%/*}
  case $todo in */*) todo=${todo#*/} ;; *) todo= ;; esac
  case $part in
  "" | .) ;;
  ..) file=${file%%/*} ;;
  *)
    if [ -L "$file/$part" ]; then
      link=$(readlink "$file/$part") todo=$link/$todo
      case $link in /*) file= ;; esac
    else
      file=$file/$part
    fi
    ;;
  esac
done
%sif [ -e "$file" ]; then
  read -r line <"$file" || true
  case $line in %s*) rm "$file" ;; *) exit 0 ;; esac
  rmdir ${line#%s} 2>/dev/null || true
fi
made= dir=${file%%/*}
while [ -n "$dir" ] && [ ! -d "$dir" ]; do made="$made $dir" dir=${dir%%/*}; done
umask 022
mkdir -p "${file%%/*}/"
{ echo %s"$made"; cat; } >"$file"' sh %s <%s`, Quote(l.Root+"/"+l.Link), Quote(l.Root), l.notBelow(), mark, mark, mark, command(append([]string{"/" + l.Link}, l.Binds...)...), Quote(l.From))
}

// notBelow ends the script where the file is below one of the operands behind the link.
func (l *Lend) notBelow() string {
	if len(l.Binds) == 0 {
		return ""
	}
	return `shift
for dir; do case $file in "$dir"/*) exit 0 ;; esac; done
`
}

// Do lends it.
func (l *Lend) Do() error {
	data, err := os.ReadFile(l.From)
	if err != nil {
		return kernel.Cannot("read", l.From, err)
	}
	if err := kernel.Lend(l.Root, l.Link, data, l.Binds); err != nil {
		return kernel.Cannot("write the target of", l.Root+"/"+l.Link, err)
	}
	return nil
}

// TakeBack removes what Lend made.
type TakeBack struct {
	Root string
	Lent kernel.Lent
}

func (t *TakeBack) String() string {
	lines := []string{command("chroot", t.Root, "rm", t.Lent.Path)}
	for _, dir := range t.Lent.Made {
		lines = append(lines, command("chroot", t.Root, "rmdir", "--ignore-fail-on-non-empty", dir))
	}
	return strings.Join(lines, "\n")
}

// Do removes it.
func (t *TakeBack) Do() error {
	if err := t.Lent.TakeBack(t.Root); err != nil {
		return kernel.Cannot("remove", t.Root+t.Lent.Path, err)
	}
	return nil
}
