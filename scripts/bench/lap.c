/* lap: runs rivals side by side and writes down how long each command took.
 *
 *	lap ROUNDS SPEC >LAPS
 *
 * A line of SPEC is	rival | operation | command [&& command]...
 * in words parted by blanks, without quoting. Every round visits every rival, each a turn later in the next
 * round, and does its operations in the order of the file, so that noise hits all alike. An operation
 * whose name begins with - is done and not timed. {i} stands for the number of the round, {id} for
 * the line that the rival's operation `new` printed last. The first two rounds are not written down.
 *
 * A line of LAPS is	operation <tab> rival <tab> round <tab> milliseconds
 * Who fails is out: what it said goes to standard error, `failed` in place of the milliseconds to LAPS,
 * and the exit status is 1.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WARMUP = 2, STEPS = 200, RIVALS = 40, WORDS = 64 };
static struct rival { const char *name; char id[128]; int out; } rivals[RIVALS];
static struct step { struct rival *rival; const char *operation, *command; } steps[STEPS];
static int nsteps, nrivals, said; /* said: what a command prints */
static posix_spawn_file_actions_t files;
extern char **environ;

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static struct rival *rival(const char *name)
{
	int i;
	for (i = 0; i < nrivals && strcmp(rivals[i].name, name); i++)
		;
	if (i == RIVALS)
		errx(2, "cannot take %s: too many rivals", name);
	if (i == nrivals)
		rivals[nrivals++].name = name;
	return &rivals[i];
}

static void read_spec(const char *file)
{
	char *line = 0, name[64], operation[64];
	size_t size = 0;
	int at;
	FILE *f = fopen(file, "r");
	if (!f)
		err(2, "cannot read %s", file);
	for (; getline(&line, &size, f) > 0; nsteps++) {
		line[strcspn(line, "\n")] = 0;
		if (nsteps == STEPS || sscanf(line, "%63[^|]| %63[^|]| %n", name, operation, &at) != 2)
			errx(2, "cannot read %s: %s", file, line);
		name[strcspn(name, " ")] = 0;
		operation[strlen(operation) - 1] = 0;
		steps[nsteps] = (struct step){ rival(strdup(name)), strdup(operation), strdup(line + at) };
	}
	free(line);
	fclose(f);
}

/* spawn runs one command; its output lands in said. */
static int spawn(char **words)
{
	pid_t pid;
	int status;
	if ((errno = posix_spawnp(&pid, words[0], &files, 0, words, environ))) {
		dprintf(said, "cannot run %s: %s\n", words[0], strerror(errno));
		return 127;
	}
	waitpid(pid, &status, 0);
	return status;
}

/* run does a step and returns how long it took, or a negative number. */
static double run(const struct step *s, int round)
{
	static char text[1 << 16];
	char *words[WORDS], *to = text;
	int n = 0, status = 0;
	for (const char *from = s->command; *from;)
		if (!strncmp(from, "{i}", 3))
			to += sprintf(to, "%d", round), from += 3;
		else if (!strncmp(from, "{id}", 4))
			to = stpcpy(to, s->rival->id), from += 4;
		else
			*to++ = *from++;
	*to = 0;
	if (ftruncate(said, 0) || lseek(said, 0, SEEK_SET))
		err(2, "cannot empty a memfd");
	double start = now();
	for (char *word = strtok(text, " "); !status; word = strtok(0, " "))
		if (word && strcmp(word, "&&")) {
			if (n == WORDS - 1)
				errx(2, "cannot run %s: too many words", s->command);
			words[n++] = word;
		} else {
			words[n] = 0;
			n = 0;
			status = spawn(words);
			if (!word)
				break;
		}
	return status ? -1 : now() - start;
}

static void tell_failure(const struct step *s)
{
	char buf[4096];
	ssize_t n = pread(said, buf, sizeof buf, 0);
	fprintf(stderr, "lap: %s is out: cannot do %s: %s\n%.*s", s->rival->name, s->operation, s->command, (int)(n > 0 ? n : 0), buf);
}

/* keep_id keeps the last line of what a command printed. */
static void keep_id(struct rival *r)
{
	char buf[4096], *line;
	ssize_t n = pread(said, buf, sizeof buf - 1, 0);
	buf[n > 0 ? n : 0] = 0;
	if (n > 0 && buf[n - 1] == '\n')
		buf[n - 1] = 0;
	line = strrchr(buf, '\n');
	snprintf(r->id, sizeof r->id, "%.127s", line ? line + 1 : buf);
}

/* visit lets a rival do its operations once. */
static void visit(struct rival *r, int round)
{
	for (struct step *s = steps; s < steps + nsteps && !r->out; s++) {
		if (s->rival != r)
			continue;
		double ms = run(s, round);
		const char *operation = s->operation + (*s->operation == '-');
		if (ms < 0) {
			tell_failure(s);
			printf("%s\t%s\t%d\tfailed\n", operation, r->name, round);
			r->out = 1;
		} else if (operation == s->operation && round >= WARMUP) {
			printf("%s\t%s\t%d\t%.4f\n", operation, r->name, round, ms);
		}
		if (!strcmp(operation, "new"))
			keep_id(r);
	}
}

int main(int argc, char **argv)
{
	int rounds, out = 0;
	if (argc != 3 || (rounds = atoi(argv[1])) < 1)
		errx(2, "usage: lap ROUNDS SPEC");
	read_spec(argv[2]);
	if ((said = memfd_create("said", MFD_CLOEXEC)) < 0)
		err(2, "cannot make a memfd");
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, said, 1);
	posix_spawn_file_actions_adddup2(&files, said, 2);
	for (int round = 0; round < rounds + WARMUP; round++)
		for (int i = 0; i < nrivals; i++)
			visit(&rivals[(i + round) % nrivals], round);
	for (int i = 0; i < nrivals; i++)
		out |= rivals[i].out;
	return out;
}
