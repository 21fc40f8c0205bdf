package applets

import (
	"slices"
	"strings"

	"cage/applets/internal/store"
)

const execPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// showName makes a bash whose prompt has no room for the name of a chroot, as it
// has on Debian, put it in front. It holds no name itself: a prompt is expanded, and
// what a variable brings into it is not again.
const showName = `PROMPT_COMMAND=case $PS1 in *debian_chroot*) ;; *) PS1='(${debian_chroot}) '$PS1 ;; esac`

// environment is what a command inside begins with, and a login shell besides:
// nothing of the caller's but the terminal's type and, where the root directory
// has it, the locale; what the cage's conf sets, and then own settings, override it.
func environment(c *store.Cage, a account, login bool, own []string) []string {
	env := []string{
		"PATH=" + execPath,
		"HOME=" + a.home,
		"USER=" + a.name,
		"LOGNAME=" + a.name,
		"SHELL=" + a.shell,
		"TERM=" + environ("TERM", "dumb"),
		"LANG=" + localeInside(),
	}
	if login {
		env = append(env, showName)
	}
	return override(env, c.Env, []string{
		"CAGE_UUID=" + c.UUID,
		"CAGE_NAME=" + c.Name,
		"debian_chroot=" + oneLine(c.Label()),
	}, own)
}

// override puts settings, KEY=VALUE each, in the place of others of their key: of
// two a program may take either.
func override(env []string, settings ...[]string) []string {
	for _, set := range slices.Concat(settings...) {
		key, _, _ := strings.Cut(set, "=")
		env = slices.DeleteFunc(env, func(old string) bool { return strings.HasPrefix(old, key+"=") })
		env = append(env, set)
	}
	return env
}

// valueOf returns the value of a key in an environment.
func valueOf(env []string, key string) string {
	for _, set := range env {
		if value, ok := strings.CutPrefix(set, key+"="); ok {
			return value
		}
	}
	return ""
}
