/* SPDX-License-Identifier: Apache-2.0 */
/* Log files as log_file.h describes; runs in the file worker's thread. */
#include "adapters/log_file.h"
#include "base/fd.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK (64 * 1024)

static int open_log(int dirfd, const char *name, int flags, struct stat *ret) {
    int fd = openat(dirfd, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    if (fstat(fd, ret) == 0 && S_ISREG(ret->st_mode))
        return fd;
    fd_close(fd);
    return -EINVAL;
}

/* Copies from the offset to the end of the file, at most so many bytes: whoever floods it does not end. */
static int copy_rest(int from, int to, off_t offset, uint64_t max_bytes) {
    char buf[BLOCK];
    while (max_bytes > 0) {
        ssize_t n = pread(from, buf, (size_t)MIN(max_bytes, (uint64_t)sizeof(buf)), offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        for (ssize_t at = 0; at < n;) {
            ssize_t w = write(to, buf + at, (size_t)(n - at));
            if (w < 0 && errno != EINTR)
                return -errno;
            at += MAX(w, 0);
        }
        offset += n;
        max_bytes -= (uint64_t)n;
    }
    return 0;
}

static int shift(int dirfd, const char *name, uint32_t keep) {
    char older[300], newer[300];
    for (uint32_t i = keep; i > 1; i--) {
        if (text_format(older, sizeof(older), "%s.%u", name, i) < 0 ||
            text_format(newer, sizeof(newer), "%s.%u", name, i - 1) < 0)
            return -ENAMETOOLONG;
        if (renameat(dirfd, newer, dirfd, older) < 0 && errno != ENOENT)
            return -errno;
    }
    return 0;
}

int log_file_rotate(int dirfd, const char *name, uint64_t max_bytes, uint32_t keep) {
    struct stat st;
    AUTO_FD int from = open_log(dirfd, name, O_RDWR, &st);
    if (from < 0)
        return from == -ENOENT ? 0 : from;
    if ((uint64_t)st.st_size <= max_bytes)
        return 0;
    char first[300];
    int r = text_format(first, sizeof(first), "%s.1", name);
    r = r < 0 || keep == 0 ? r : shift(dirfd, name, keep);
    if (r >= 0 && keep > 0) {
        AUTO_FD int to = openat(dirfd, first, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
        off_t offset = st.st_size - (off_t)max_bytes; /* a flood is cut to its last part */
        r = to < 0 ? -errno : copy_rest(from, to, offset, 2 * max_bytes);
    }
    /* Also when the copy failed (a full disk): a log that is too large must not grow on. */
    if (ftruncate(from, 0) < 0)
        return -errno;
    return r < 0 ? r : 1;
}

/* Where a reader stands: f:INODE:OFFSET:ROTATION. The inode stays over a rotation, and the file may have
 * grown beyond the offset again, so the time of the last rotation tells whether the offset still means
 * anything. */
struct place {
    uint64_t inode, offset, rotation;
};

static bool parse_cursor(const char *cursor, struct place *ret) {
    int end = 0;
    return sscanf(cursor, "f:%" SCNx64 ":%" SCNx64 ":%" SCNx64 "%n", &ret->inode, &ret->offset,
                  &ret->rotation, &end) == 3 &&
           cursor[end] == '\0';
}

static void print_cursor(const struct place *at, struct log_text *ret) {
    snprintf(ret->cursor, sizeof(ret->cursor), "f:%" PRIx64 ":%" PRIx64 ":%" PRIx64, at->inode, at->offset,
             at->rotation);
}

/* When NAME.1 was last written; 0: there is none. */
static uint64_t last_rotation(int dirfd, const char *name) {
    char first[300];
    struct stat st;
    if (text_format(first, sizeof(first), "%s.1", name) < 0 ||
        fstatat(dirfd, first, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    return (uint64_t)st.st_mtim.tv_sec * UINT64_C(1000000000) + (uint64_t)st.st_mtim.tv_nsec;
}

/* Where the last `lines` lines begin, looking back LOG_READ_MAX bytes at most; a line that begins before that
 * is left out, unless there is no other. */
static int find_tail(int fd, uint64_t size, uint32_t lines, uint64_t *ret) {
    uint64_t low = size > LOG_READ_MAX ? size - LOG_READ_MAX : 0, at = size, first = low;
    uint32_t seen = 0;
    char buf[BLOCK];
    while (at > low) {
        size_t n = (size_t)MIN(at - low, (uint64_t)sizeof(buf));
        ssize_t got = pread(fd, buf, n, (off_t)(at - n));
        if (got < 0)
            return -errno;
        for (size_t i = (size_t)got; i > 0; i--) {
            if (buf[i - 1] != '\n' || at - n + i == size)
                continue;
            first = at - n + i;
            if (++seen == lines) {
                *ret = first;
                return 0;
            }
        }
        at -= n;
    }
    *ret = low > 0 ? first : 0;
    return 0;
}

int log_file_read(int dirfd, const char *name, const char *cursor, uint32_t lines, struct log_text *ret) {
    struct place at = {0};
    if (cursor[0] && !parse_cursor(cursor, &at))
        return -EINVAL;
    struct stat st;
    uint64_t rotation = last_rotation(dirfd, name); /* before the file: one too old is seen the next time */
    AUTO_FD int fd = open_log(dirfd, name, O_RDONLY, &st);
    if (fd == -ENOENT) {
        *ret = (struct log_text){0};
        print_cursor(&(struct place){0}, ret);
        return 0;
    }
    if (fd < 0)
        return fd;
    uint64_t size = (uint64_t)st.st_size;
    int r = 0;
    if (!cursor[0])
        r = lines ? find_tail(fd, size, lines, &at.offset) : (at.offset = size, 0);
    else if (at.inode != st.st_ino || at.offset > size || at.rotation != rotation)
        at.offset = 0;
    if (r < 0)
        return r;
    size_t want = (size_t)MIN(size - at.offset, (uint64_t)LOG_READ_MAX);
    AUTO_FREE char *data = malloc(want + 1);
    if (!data)
        return -ENOMEM;
    ssize_t got = pread(fd, data, want, (off_t)at.offset);
    if (got < 0)
        return -errno;
    /* With a cursor only whole lines, so that none is given in two parts; but a line that fills a whole
     * answer is cut. */
    char *last = memrchr(data, '\n', (size_t)got);
    size_t len = !cursor[0]            ? (size_t)got
                 : last                ? (size_t)(last + 1 - data)
                 : got == LOG_READ_MAX ? (size_t)got
                                       : 0;
    *ret = (struct log_text){.data = TAKE_PTR(data), .len = len};
    print_cursor(&(struct place){st.st_ino, at.offset + len, rotation}, ret);
    return 0;
}
