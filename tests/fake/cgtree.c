/* SPDX-License-Identifier: Apache-2.0 */
/* Folders and files; imitates no behaviour of the kernel. */
#include "fake/cgtree.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int fake_cgtree_make(struct fake_cgtree *ret, const char *controllers, const struct fake_file *files,
                     size_t n) {
    struct fake_cgtree t = {.root = {.mode = CGROOT_UNIFIED}};
    const char *parent =
        access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; /* in memory if there is such a place */
    snprintf(t.path, sizeof(t.path), "%s/streamkeeper-fake-XXXXXX", parent);
    if (!mkdtemp(t.path))
        return -errno;
    t.dirfd = open(t.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (t.dirfd < 0)
        return -errno;
    snprintf(t.root.path, sizeof(t.root.path), "%s", t.path);
    snprintf(t.root.controllers, sizeof(t.root.controllers), "%s", controllers);
    for (size_t i = 0; i < n; i++) {
        int r = fake_cgtree_write(&t, files[i].group, files[i].file, files[i].text);
        if (r < 0) {
            fake_cgtree_remove(&t);
            return r;
        }
    }
    *ret = t;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void fake_cgtree_remove(struct fake_cgtree *t) {
    t->dirfd = fd_close(t->dirfd);
    nftw(t->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int fake_cgtree_group(const struct fake_cgtree *t, const char *group) {
    const char *path = group[0] ? group : ".";
    int r = group[0] ? fd_mkdir_p_at(t->dirfd, path, 0755) : 0;
    if (r < 0)
        return r;
    int fd = openat(t->dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int fake_cgtree_write(const struct fake_cgtree *t, const char *group, const char *file, const char *text) {
    AUTO_FD int dirfd = fake_cgtree_group(t, group);
    if (dirfd < 0)
        return dirfd;
    AUTO_FD int fd = openat(dirfd, file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    /* Never empty in between: longer text first, then the cut. */
    size_t len = strlen(text);
    if (write(fd, text, len) != (ssize_t)len || ftruncate(fd, (off_t)len) < 0)
        return -errno;
    return 0;
}

ssize_t fake_cgtree_read(const struct fake_cgtree *t, const char *group, const char *file, char *buf,
                         size_t size) {
    AUTO_FD int dirfd = fake_cgtree_group(t, group);
    if (dirfd < 0)
        return dirfd;
    AUTO_FD int fd = openat(dirfd, file, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd_pread_text(fd, buf, size);
}
