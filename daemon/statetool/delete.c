/* SPDX-License-Identifier: Apache-2.0 */
/* Deletes trees; the choice of the tree is its caller's. */
#include "statetool/delete.h"

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 64 /* each level holds one descriptor */

struct walk {
    dev_t device;
    struct reason *reason;
    /* Called for each entry that is no directory; returns 0 or -errno. */
    int (*on_file)(struct walk *w, int dirfd, const char *name);
    bool removes;
};

static void close_folder(DIR **d) {
    if (*d)
        closedir(*d);
}

static int on_directory(struct walk *w, int parent, const char *name, int depth);

static bool is_dots(const char *name) {
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int walk_entries(struct walk *w, int fd, int depth) {
    CLEANUP(close_folder) DIR *d = fdopendir(fd);
    if (!d) {
        int r = -errno;
        fd_close(fd);
        return r;
    }
    for (;;) {
        errno = 0;
        struct dirent *e = readdir(d);
        if (!e)
            return errno ? -errno : 0;
        if (is_dots(e->d_name))
            continue;
        struct stat st;
        if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
            if (errno == ENOENT)
                continue;
            return reason_set(w->reason, -errno, "%s: %m", e->d_name);
        }
        int r = S_ISDIR(st.st_mode) ? on_directory(w, dirfd(d), e->d_name, depth)
                                    : w->on_file(w, dirfd(d), e->d_name);
        if (r < 0)
            return r;
    }
}

static int on_directory(struct walk *w, int parent, const char *name, int depth) {
    struct stat st;
    if (depth >= DEPTH_MAX)
        return reason_set(w->reason, -ELOOP, "%s: more than %d folders deep", name, DEPTH_MAX);
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == EACCES && w->removes && fchmodat(parent, name, 0700, 0) == 0)
        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return reason_set(w->reason, -errno, "%s: %m", name);
    if (fstat(fd, &st) < 0 || st.st_dev != w->device) {
        fd_close(fd);
        return reason_set(w->reason, -EXDEV, "%s: another file system is mounted there; unmount it first",
                          name);
    }
    if (w->removes && (st.st_mode & 0700) != 0700)
        (void)fchmod(fd, 0700); /* whoever may not is told at the first file */
    int r = walk_entries(w, fd, depth + 1);
    if (r < 0 || !w->removes)
        return r;
    if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return reason_set(w->reason, -errno, "%s: %m", name);
    return 0;
}

static int check_lock(struct walk *w, int dirfd, const char *name) {
    if (strcmp(name, ".lock") != 0 && strcmp(name, "LOCK") != 0)
        return 0;
    AUTO_FD int fd = openat(dirfd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return 0; /* no regular file, or none that a program could have locked */
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
        return 0;
    return reason_set(w->reason, -EBUSY, "%s is locked by process %d; stop it first", name, (int)lock.l_pid);
}

static int remove_file(struct walk *w, int dirfd, const char *name) {
    if (unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
        return reason_set(w->reason, -errno, "%s: %m", name);
    return 0;
}

static int walk_from(struct walk *w, int dirfd) {
    struct stat st;
    if (fstat(dirfd, &st) < 0)
        return reason_set(w->reason, -errno, "The state directory: %m");
    w->device = st.st_dev;
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return reason_set(w->reason, -errno, "The state directory: %m");
    return walk_entries(w, fd, 0);
}

int delete_check_locks(int dirfd, struct reason *reason) {
    struct walk w = {.reason = reason, .on_file = check_lock};
    int r = walk_from(&w, dirfd);
    /* Whatever else is wrong is found, and said, when it is deleted. */
    return r == -EBUSY ? r : 0;
}

int delete_contents(int dirfd, struct reason *reason) {
    int r = delete_check_locks(dirfd, reason);
    if (r < 0)
        return r;
    struct walk w = {.reason = reason, .on_file = remove_file, .removes = true};
    return walk_from(&w, dirfd);
}
