/* SPDX-License-Identifier: Apache-2.0 */
/* Record locks, because the kernel tells their holder's pid. */
#include "registry/dirlock.h"

#include "base/attr.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static pid_t holder_of(int fd) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK || lock.l_pid < 0)
        return 0;
    return lock.l_pid;
}

int dirlock_take(int dirfd, const char *name, int *ret_fd, pid_t *ret_holder) {
    AUTO_FD int fd = openat(dirfd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    if (fd < 0)
        return -errno;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_SETLK, &lock) < 0) {
        if (errno != EAGAIN && errno != EACCES)
            return -errno;
        *ret_holder = holder_of(fd);
        return -EBUSY;
    }
    *ret_fd = TAKE_FD(fd);
    return 0;
}

pid_t dirlock_holder(int dirfd, const char *name) {
    AUTO_FD int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    return fd < 0 ? 0 : holder_of(fd);
}
