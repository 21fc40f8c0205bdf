/* floor: the least that a program can do for a cage, in raw system calls.
 *
 *	floor new DIR			its directories and conf
 *	floor up DIR LOWER		its mounts, then /bin/true inside
 *	floor down DIR			the mounts go
 *	floor rm DIR			the directories go
 *	floor life DIR LOWER		all four in one process
 *	floor snap HOST SNAPSHOTS DATA STAMP
 *
 * LOWER is a file with a lower directory a line, as in a cage's own `lower`. What cage makes durable is
 * made durable here, with the same number of fsync(2), but in `life`, which leaves nothing behind.
 * There is no lock, no conf read, no probe and no look at the mounts: what those cost is the distance.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char host_uuid[] = "00000000-0000-0000-0000-000000000000";
static int durable = 1;

static char *path(const char *dir, const char *name)
{
	char *s;
	if (asprintf(&s, "%s/%s", dir, name) < 0)
		err(1, "cannot name %s", name);
	return s;
}

static void sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		err(1, "cannot sync %s", dir);
	close(fd);
}

/* create makes a file whose content, not yet its name, is on the disk. */
static void create(const char *dir, const char *name, const char *text)
{
	char *p = path(dir, name);
	int fd = open(p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	ssize_t size = strlen(text);
	if (fd < 0 || write(fd, text, size) != size || (durable && fsync(fd)))
		err(1, "cannot write %s", p);
	close(fd);
	free(p);
}

/* move renames within a directory and makes that durable. */
static void move(const char *dir, const char *from, const char *to)
{
	char *a = path(dir, from), *b = path(dir, to);
	if (rename(a, b))
		err(1, "cannot rename %s to %s", a, b);
	if (durable)
		sync_dir(dir);
	free(a);
	free(b);
}

static void new_cage(const char *dir)
{
	static const char *const below[] = { "", "mnt", "work", "root", "root/proc", "root/sys", "root/dev", "root/tmp",
		"root/usr", "root/usr/sbin" };
	char conf[512], *data = strdup(dir), *sbin = path(dir, "root/usr/sbin");
	for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
		char *p = path(dir, below[i]);
		if (mkdir(p, 0755))
			err(1, "cannot make %s", p);
		free(p);
	}
	snprintf(conf, sizeof conf, "uuid=%.36s\nname=the_cage\nmemo=the cage\nbase=%s\n"
		"root=root\nwork=work\nmountpoint=mnt\nstart=\nstop=\n", strrchr(dir, '/') + 1, host_uuid);
	create(sbin, "policy-rc.d", "#!/bin/sh\nexit 101\n"); /* the base is a Debian */
	create(dir, "cage.conf", conf);
	free(sbin);
	*strrchr(data, '/') = 0;
	if (durable)
		sync_dir(data);
	free(data);
}

static const struct { const char *type, *source, *at; } inside[] = {
	{ "proc", "proc", "proc" }, { "sysfs", "sys", "sys" }, { "devtmpfs", "dev", "dev" },
	{ "tmpfs", "tmpfs", "dev/shm" }, { "tmpfs", "tmpfs", "tmp" },
};
enum { INSIDE = sizeof inside / sizeof *inside };

static void set(int fs, const char *key, const char *value)
{
	if (fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0))
		err(1, "cannot set %s=%s", key, value);
}

/* The overlay by fsopen(2): mount(2) ends at a page of layers, and is no faster. */
static void up(const char *dir, const char *lower)
{
	static char text[1 << 20];
	char *mnt = path(dir, "mnt"), *root = path(dir, "root"), *work = path(dir, "work");
	FILE *f = fopen(lower, "r");
	if (!f)
		err(1, "cannot read %s", lower);
	text[fread(text, 1, sizeof text - 1, f)] = 0;
	fclose(f);
	create(dir, ".lower.new", text);
	move(dir, ".lower.new", "lower");

	int fs = fsopen("overlay", FSOPEN_CLOEXEC), m;
	for (char *layer = strtok(text, "\n"); layer; layer = strtok(0, "\n"))
		set(fs, "lowerdir+", layer);
	set(fs, "upperdir", root);
	set(fs, "workdir", work);
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, 0, 0, 0) || (m = fsmount(fs, FSMOUNT_CLOEXEC, 0)) < 0 ||
		move_mount(m, "", AT_FDCWD, mnt, MOVE_MOUNT_F_EMPTY_PATH))
		err(1, "cannot mount the overlay on %s", mnt);
	close(m);
	close(fs);
	for (int i = 0; i < INSIDE; i++) {
		char *p = path(mnt, inside[i].at);
		if (mount(inside[i].source, p, inside[i].type, 0, 0))
			err(1, "cannot mount %s on %s", inside[i].type, p);
		free(p);
	}
	free(mnt), free(root), free(work);
}

static void run_true(const char *dir)
{
	char *const argv[] = { "/bin/true", 0 }, *const envp[] = { "PATH=/usr/bin:/bin", 0 };
	char *mnt = path(dir, "mnt");
	int status;
	pid_t p = vfork();
	if (!p) {
		if (!chroot(mnt) && !chdir("/"))
			execve(argv[0], argv, envp);
		_exit(126);
	}
	if (p < 0 || waitpid(p, &status, 0) != p || status)
		errx(1, "cannot run true in %s", mnt);
	free(mnt);
}

static void down(const char *dir)
{
	char *mnt = path(dir, "mnt");
	for (int i = INSIDE; i-- > 0;) {
		char *p = path(mnt, inside[i].at);
		if (umount2(p, 0))
			err(1, "cannot unmount %s", p);
		free(p);
	}
	if (umount2(mnt, 0))
		err(1, "cannot unmount %s", mnt);
	free(mnt);
}

static void rm(int at, const char *name, dev_t dev)
{
	struct stat st;
	struct dirent *e;
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		err(1, "cannot open %s", name);
	if (dev && st.st_dev != dev)
		errx(1, "cannot remove %s: it is another filesystem", name);
	DIR *d = fdopendir(fd);
	while ((e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (e->d_type == DT_DIR)
			rm(fd, e->d_name, st.st_dev);
		else if (unlinkat(fd, e->d_name, 0))
			err(1, "cannot remove %s", e->d_name);
	}
	closedir(d);
	if (unlinkat(at, name, AT_REMOVEDIR))
		err(1, "cannot remove %s", name);
}

/* The snapshot, its note and the host's first cage, each seen whole or not at all. */
static void snap(const char *host, const char *snapshots, const char *data, const char *stamp)
{
	char hidden[64], final[64], note[64], cage[64], *dir;
	struct btrfs_ioctl_vol_args_v2 args = { .fd = open(host, O_RDONLY | O_DIRECTORY), .flags = BTRFS_SUBVOL_RDONLY };
	snprintf(hidden, sizeof hidden, ".%s.ss.new", stamp);
	snprintf(final, sizeof final, "%s.ss", stamp);
	snprintf(note, sizeof note, "%s.txt", stamp);
	snprintf(cage, sizeof cage, "%s.r", host_uuid);
	strcpy(args.name, hidden);
	if (ioctl(open(snapshots, O_RDONLY | O_DIRECTORY), BTRFS_IOC_SNAP_CREATE_V2, &args))
		err(1, "cannot snapshot %s", host);
	create(snapshots, ".note.new", "the snapshot of the host environment\n");
	move(snapshots, ".note.new", note);
	move(snapshots, hidden, final);
	dir = path(data, ".host.new");
	if (mkdir(dir, 0755) || symlink(path(snapshots, final), path(dir, "root")))
		err(1, "cannot make %s", dir);
	create(dir, "cage.conf", "uuid=00000000-0000-0000-0000-000000000000\nname=host\nmemo=a snapshot of the host\nroot=root\n");
	move(data, ".host.new", cage);
}

int main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[1] : "", *dir = argv[2];
	umask(022);
	if (!strcmp(verb, "new") && argc == 3)
		new_cage(dir);
	else if (!strcmp(verb, "up") && argc == 4)
		up(dir, argv[3]), run_true(dir);
	else if (!strcmp(verb, "down") && argc == 3)
		down(dir);
	else if (!strcmp(verb, "rm") && argc == 3)
		rm(AT_FDCWD, dir, 0);
	else if (!strcmp(verb, "life") && argc == 4)
		durable = 0, new_cage(dir), up(dir, argv[3]), run_true(dir), down(dir), rm(AT_FDCWD, dir, 0);
	else if (!strcmp(verb, "snap") && argc == 6)
		snap(dir, argv[3], argv[4], argv[5]);
	else
		errx(2, "usage: see the top of floor.c");
	return 0;
}
