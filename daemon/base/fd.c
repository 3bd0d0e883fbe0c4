/* SPDX-License-Identifier: Apache-2.0 */
/* File descriptors and small whole files; knows nothing of what is in them. */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int fd_close(int fd) {
    if (fd >= 0) {
        int saved = errno;
        close(fd);
        errno = saved;
    }
    return -EBADF;
}

static int change_flags(int fd, int get, int set, int flag, bool on) {
    int flags = fcntl(fd, get);
    if (flags < 0)
        return -errno;
    int wanted = on ? (flags | flag) : (flags & ~flag);
    if (wanted != flags && fcntl(fd, set, wanted) < 0)
        return -errno;
    return 0;
}

int fd_set_cloexec(int fd, bool on) {
    return change_flags(fd, F_GETFD, F_SETFD, FD_CLOEXEC, on);
}

int fd_set_nonblock(int fd, bool on) {
    return change_flags(fd, F_GETFL, F_SETFL, O_NONBLOCK, on);
}

int fd_read_file_at(int dirfd, const char *path, size_t max, char **ret_text, size_t *ret_len) {
    AUTO_FD int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;

    AUTO_FREE char *text = NULL;
    size_t size = 0, len = 0;
    for (;;) {
        if (len + 1 >= size) {
            size = size ? size * 2 : 4096;
            char *grown = realloc(text, size);
            if (!grown)
                return -ENOMEM;
            text = grown;
        }
        ssize_t n = read(fd, text + len, size - len - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        len += (size_t)n;
        if (len > max)
            return -EFBIG;
    }
    text[len] = '\0';
    if (ret_len)
        *ret_len = len;
    *ret_text = TAKE_PTR(text);
    return 0;
}

ssize_t fd_pread_text(int fd, char *buf, size_t size) {
    size_t len = 0;
    while (len < size) {
        ssize_t n = pread(fd, buf + len, size - len, (off_t)len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0) {
            buf[len] = '\0';
            return (ssize_t)len;
        }
        len += (size_t)n;
    }
    return -EFBIG;
}

int fd_write_file_at(int dirfd, const char *path, const char *text) {
    AUTO_FD int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
    if (fd < 0)
        return -errno;
    size_t len = strlen(text);
    ssize_t n;
    do
        n = write(fd, text, len);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    return (size_t)n == len ? 0 : -EIO;
}

static int write_all(int fd, const char *text, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text += n;
        len -= (size_t)n;
    }
    return 0;
}

int fd_replace_file_at(int dirfd, const char *path, const char *text, mode_t mode) {
    char temporary[PATH_MAX];
    int n = snprintf(temporary, sizeof(temporary), "%s.new", path);
    if (n < 0 || (size_t)n >= sizeof(temporary))
        return -ENAMETOOLONG;

    if (unlinkat(dirfd, temporary, 0) < 0 && errno != ENOENT)
        return -errno;
    AUTO_FD int fd = openat(dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return -errno;
    int r = fchmod(fd, mode) < 0 ? -errno : write_all(fd, text, strlen(text));
    if (r == 0 && renameat(dirfd, temporary, dirfd, path) < 0)
        r = -errno;
    if (r < 0)
        unlinkat(dirfd, temporary, 0);
    return r;
}

int fd_mkdir_p_at(int dirfd, const char *path, mode_t mode) {
    char part[PATH_MAX];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof(part))
        return len ? -ENAMETOOLONG : -EINVAL;
    while (len > 1 && path[len - 1] == '/') /* a slash at the end would follow a link */
        len--;

    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && i != len)
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdirat(dirfd, part, mode) < 0 && errno != EEXIST)
            return -errno;
    }
    struct stat st;
    if (fstatat(dirfd, part, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}
