package applets

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// completionFiles has, for each shell, where the words are in its file: what
// surrounds those of one applet, and one word.
var completionFiles = []struct {
	name         string
	begin, end   string // NAME is the applet's
	option       string
	applets      string // the line or lines that hold the commands
	appletPrefix string // of a command there
}{
	{"cage.bash", "\n\tNAME) options='", "'", `\S+`, `complete -F _cage cage (.*)`, "cage-"},
	{"cage.zsh", "\n\t(NAME)\n", ";;", `[{'*,(](--?\w[\w-]*)`, `#compdef cage (.*)`, "cage-"},
	{"cage.fish", "\n__cage_applet NAME ", "\n\n", ` -[sl] [\w-]+`, `(?m)^__cage_applet (\S+)`, ""},
}

// TestCompletionWords holds the completion of each shell to the applets and their flags.
func TestCompletionWords(t *testing.T) {
	for _, f := range completionFiles {
		text := readCompletion(t, f.name) + "\n\n"
		var wantApplets, applets []string
		for _, line := range regexp.MustCompile(f.applets).FindAllStringSubmatch(text, -1) {
			applets = append(applets, strings.Fields(line[1])...)
		}
		for _, a := range table() {
			wantApplets = append(wantApplets, f.appletPrefix+a.name)
			_, words, _ := strings.Cut(text, strings.ReplaceAll(f.begin, "NAME", a.name))
			words, _, _ = strings.Cut(words, f.end)
			words = regexp.MustCompile(`\[[^]]*\]`).ReplaceAllString(words, "") // descriptions
			var want, got []string
			for _, flag := range flagsOf(a) {
				for _, name := range flag.Names() {
					want = append(want, dash(name))
				}
			}
			for _, found := range regexp.MustCompile(f.option).FindAllStringSubmatch(words, -1) {
				word := found[len(found)-1]
				if short, ok := strings.CutPrefix(word, " -s "); ok {
					word = "-" + short
				} else if long, ok := strings.CutPrefix(word, " -l "); ok {
					word = "--" + long
				}
				got = append(got, word)
			}
			sameWords(t, "scripts/completion/"+f.name+", cage-"+a.name, got, want)
		}
		sameWords(t, "scripts/completion/"+f.name+", applets", applets, wantApplets)
	}
}

// sameWords says which words are missing and which are too many.
func sameWords(t *testing.T, where string, got, want []string) {
	t.Helper()
	in := func(list []string) func(string) bool {
		return func(word string) bool { return slices.Contains(list, word) }
	}
	if missing := slices.DeleteFunc(slices.Clone(want), in(got)); len(missing) > 0 {
		t.Errorf("%s: missing: %s", where, strings.Join(missing, " "))
	}
	if wrong := slices.DeleteFunc(slices.Clone(got), in(want)); len(wrong) > 0 {
		t.Errorf("%s: there is no %s", where, strings.Join(wrong, " "))
	}
}

func dash(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

func readCompletion(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("../scripts/completion/" + name)
	ok(t, err)
	if regexp.MustCompile(`\beval\b`).Match(data) {
		t.Errorf("%s has an eval", name)
	}
	return string(data)
}

// oddNames are cages whose names a shell could read in other ways.
var oddNames = []string{
	"web", "we b", `a 'b' "c" $(touch evil) ` + "`touch evil`" + ` \ end`, "A:B=C@D", "*?[x]#&;|<>(){}^", "~root", "naïve 鳥", "-dash",
}

// completions are what is typed before the tab, and the arguments of the command then.
var completions = []struct {
	typed string
	want  []string
}{
	{`cage-up web`, []string{"web"}},
	{`cage-up we\ `, []string{"we b"}},
	{`cage-up 'we `, []string{"we b"}},
	{`cage-up "we `, []string{"we b"}},
	{`cage-up a`, []string{oddNames[2]}},
	{`cage-up a\ \'b`, []string{oddNames[2]}},
	{`cage-up 'a `, []string{oddNames[2]}},
	{`cage-up "a `, []string{oddNames[2]}},
	{`cage-up A`, []string{"A:B=C@D"}},
	{`cage-up A:B`, []string{"A:B=C@D"}},
	{`cage-up A:B=C@`, []string{"A:B=C@D"}},
	{`cage-up \*`, []string{oddNames[4]}},
	{`cage-up '*?[`, []string{oddNames[4]}},
	{`cage-up \~`, []string{"~root"}},
	{`cage-up na`, []string{"naïve 鳥"}},
	{`cage-up web hos`, []string{"web", "host"}},
	{`cage-up -- -d`, []string{"--", "-dash"}},
	{`cage-up --fore`, []string{"--foreground"}},
	{`cage-up -t 3 A`, []string{"-t", "3", "A:B=C@D"}},
	{`cage up --time 3 A`, []string{"up", "--time", "3", "A:B=C@D"}},
	{`cage up A`, []string{"up", "A:B=C@D"}},
	{`cage snap`, []string{"snapshot"}},
	{`cage-new --base web:na`, []string{"--base", "web:naïve 鳥"}},
	{`cage-new --base`, []string{"--base"}},
	{`cage-new --base na`, []string{"--base", "naïve 鳥"}},
	{`cage-exec A`, []string{"A:B=C@D"}},
	{`cage-exec -u roo`, []string{"-u", "root"}},
	{`cage-exec -u root A`, []string{"-u", "root", "A:B=C@D"}},
	{`cage-exec web cage-li`, []string{"web", "cage-list"}},
	{`cage-exec web cat nam`, []string{"web", "cat", "names"}},
	{`cage-run --rm cage-li`, []string{"--rm", "cage-list"}},
	{`cage run cat nam`, []string{"run", "cat", "names"}},
	{`cage-run --base web:na`, []string{"--base", "web:naïve 鳥"}},
	{`cage-rebase A`, []string{"A:B=C@D"}},
	{`cage-rebase web web:na`, []string{"web", "web:naïve 鳥"}},
	{`cage-set A`, []string{"A:B=C@D"}},
	{`cage-set web tm`, []string{"web", "tmpfs="}},
	{`cage-set web memo=x tm`, []string{"web", "memo=x", "tmpfs="}},
	{`cage-set web bind=nam`, []string{"web", "bind=names"}},
	{`cage-new --set tm`, []string{"--set", "tmpfs="}},
	{`cage-ls --filter state=u`, []string{"--filter", "state=up"}},
	{`cage-ls --filter=state=u`, []string{"--filter=state=up"}},
	{`cage-ls --filter base=na`, []string{"--filter", "base=naïve 鳥"}},
	{`cage-snapshot --delete 2017`, []string{"--delete", "20170616223103"}},
}

// completionPlace makes a directory with the commands to complete, which print
// their arguments, and a `cage --names` of the odd names.
func completionPlace(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	ok(t, os.WriteFile(dir+"/names", []byte(strings.Join(oddNames, "\n")+"\n"), 0o644))
	script := `#!/bin/sh
case $1 in
--names) exec cat names ;;
--list) exec cage-list ;;
snapshot) [ "$2 $3" = '--list -q' ] && exec echo 20170616223103 ;;
esac
printf '[%s]' "$@" >said
echo fin""ished
`
	list := "#!/bin/sh\ncat list\n"
	names, commands := "", []string{"cage"}
	for _, a := range table() {
		names += a.name + "\n"
		commands = append(commands, "cage-"+a.name)
	}
	ok(t, os.WriteFile(dir+"/list", []byte(names), 0o644))
	ok(t, os.Mkdir(dir+"/bin", 0o755))
	ok(t, os.WriteFile(dir+"/bin/cage-list", []byte(list), 0o755))
	for _, name := range commands {
		ok(t, os.WriteFile(dir+"/bin/"+name, []byte(script), 0o755))
	}
	files, err := filepath.Abs("../scripts/completion")
	ok(t, err)
	ok(t, os.Symlink(files, dir+"/completion"))
	ok(t, os.Mkdir(dir+"/site", 0o755))
	ok(t, os.Symlink(files+"/cage.zsh", dir+"/site/_cage"))
	return dir
}

func TestCompletionBash(t *testing.T) {
	typeAndTab(t, []string{"bash", "--noprofile", "--norc", "-i"}, "source completion/cage.bash")
}

func TestCompletionZsh(t *testing.T) {
	typeAndTab(t, []string{"zsh", "-f", "-i"}, "fpath=($PWD/site $fpath); autoload -Uz compinit; compinit -D -u")
}

// typeAndTab types each line into a shell on a terminal, then a tab and a newline.
func typeAndTab(t *testing.T, shell []string, prepare string) {
	if _, err := exec.LookPath(shell[0]); err != nil {
		t.Skip(err)
	}
	dir := completionPlace(t)
	x, cmd := newScreen(t), exec.Command(shell[0], shell[1:]...)
	cmd.Dir, cmd.Env = dir, completionEnv(dir)
	x.start(t, cmd)
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	x.press(t, prepare+"; echo rea\"\"dy\n")
	x.read(t, "ready")
	for _, c := range completions {
		ok(t, os.WriteFile(dir+"/said", nil, 0o644))
		x.press(t, c.typed+"\t\n")
		shown := x.read(t, "finished")
		said, err := os.ReadFile(dir + "/said")
		ok(t, err)
		if want := "[" + strings.Join(c.want, "][") + "]"; string(said) != want {
			t.Errorf("%s TAB calls it with %s, want %s\n%q", c.typed, said, want, shown)
		}
	}
	if exists(dir + "/evil") {
		t.Error("a name was evaluated")
	}
}

// TestCompletionFish asks fish for what it would offer; to quote that, and to read
// an escaped asterisk, is its own affair.
func TestCompletionFish(t *testing.T) {
	dir := completionPlace(t)
	for _, c := range completions {
		if strings.HasSuffix(c.typed, `\*`) {
			continue
		}
		cmd := exec.Command("fish", "--no-config", "-c", "source completion/cage.fish; complete -C $argv[1]", c.typed)
		cmd.Dir, cmd.Env, cmd.Stderr = dir, completionEnv(dir), os.Stderr
		out, err := cmd.Output()
		ok(t, err)
		var offers []string
		for line := range strings.Lines(string(out)) {
			offer, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			offers = append(offers, offer)
		}
		if want := c.want[len(c.want)-1]; !slices.Contains(offers, want) {
			t.Errorf("%s: fish offers %q, want %q among them", c.typed, offers, want)
		}
	}
	if exists(dir + "/evil") {
		t.Error("a name was evaluated")
	}
}

func completionEnv(dir string) []string {
	return []string{"PATH=" + dir + "/bin:" + os.Getenv("PATH"), "HOME=" + dir, "TERM=dumb", "LC_ALL=C.UTF-8", "PS1=$ ", "HISTFILE="}
}
