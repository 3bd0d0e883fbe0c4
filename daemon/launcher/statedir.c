/* SPDX-License-Identifier: Apache-2.0 */
/* Makes and removes state directories; never looks at what tenants keep in them. */
#include "launcher/statedir.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PARENT_MODE 0711 /* tenants pass through, and do not list each other */
#define LEAF_MODE   0700

static int open_directory(int dirfd, const char *name) {
    int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
    return fd < 0 ? -errno : fd;
}

/* Most starts find it there. */
static int open_or_make(int dirfd, const char *name, mode_t mode) {
    int fd = open_directory(dirfd, name);
    if (fd != -ENOENT)
        return fd;
    if (mkdirat(dirfd, name, mode) < 0 && errno != EEXIST)
        return -errno;
    return open_directory(dirfd, name);
}

static int open_parent(int dirfd, const char *name, bool make) {
    AUTO_FD int fd = make ? open_or_make(dirfd, name, PARENT_MODE) : open_directory(dirfd, name);
    if (fd < 0)
        return fd;
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_uid != geteuid())
        return -EPERM;
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return -EACCES;
    return TAKE_FD(fd);
}

/* A directory that is still ours was made by us just now, or by us before a crash: nobody else can make one
 * here. */
static int give_to(int fd, uid_t uid, gid_t gid) {
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_uid != uid) {
        if (st.st_uid != geteuid())
            return -EPERM;
        if (fchown(fd, uid, gid) < 0)
            return -errno;
    }
    if ((st.st_mode & 07777) != LEAF_MODE && fchmod(fd, LEAF_MODE) < 0)
        return -errno;
    return 0;
}

int statedir_open(int state_fd, const char *tenant, const char *app, uint32_t number, uid_t uid, gid_t gid) {
    char leaf[16];
    snprintf(leaf, sizeof(leaf), "%u", number);
    AUTO_FD int tenant_fd = open_parent(state_fd, tenant, true);
    if (tenant_fd < 0)
        return tenant_fd;
    AUTO_FD int app_fd = open_parent(tenant_fd, app, true);
    if (app_fd < 0)
        return app_fd;
    AUTO_FD int fd = open_or_make(app_fd, leaf, LEAF_MODE);
    if (fd < 0)
        return fd;
    int r = give_to(fd, uid, gid);
    return r < 0 ? r : TAKE_FD(fd);
}

static int remove_directory(int dirfd, const char *name) {
    if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return 0;
    return errno == EEXIST ? -ENOTEMPTY : -errno;
}

int statedir_remove(int state_fd, const char *tenant, const char *app, uint32_t number) {
    char leaf[16];
    snprintf(leaf, sizeof(leaf), "%u", number);
    AUTO_FD int tenant_fd = open_parent(state_fd, tenant, false);
    if (tenant_fd < 0)
        return tenant_fd == -ENOENT ? 0 : tenant_fd;
    AUTO_FD int app_fd = open_parent(tenant_fd, app, false);
    if (app_fd < 0)
        return app_fd == -ENOENT ? 0 : app_fd;
    int r = remove_directory(app_fd, leaf);
    if (r < 0)
        return r;
    if (remove_directory(tenant_fd, app) == 0)
        (void)remove_directory(state_fd, tenant);
    return 0;
}
