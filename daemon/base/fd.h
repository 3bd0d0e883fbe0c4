/* SPDX-License-Identifier: Apache-2.0 */
/* File descriptors: an empty one is -EBADF, every one is close-on-exec from birth. */
#ifndef BASE_FD_H
#define BASE_FD_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Closes fd if it is one (>= 0), keeps errno. Returns -EBADF, to be stored back. */
int fd_close(int fd);

static inline void cleanup_fd(int *fd) {
    fd_close(*fd);
}

#define AUTO_FD CLEANUP(cleanup_fd)

/* Moves an fd out of its owner, which is left -EBADF. */
#define TAKE_FD(fd)        \
    __extension__({        \
        int taken_ = (fd); \
        (fd) = -9;         \
        taken_;            \
    })

/* Sets or clears close-on-exec. Returns 0 or -errno. */
int fd_set_cloexec(int fd, bool on);

/* Sets or clears O_NONBLOCK. Returns 0 or -errno. */
int fd_set_nonblock(int fd, bool on);

/* Reads the whole of a small file into a NUL-terminated malloc'ed buffer (owned by the caller).
 * `path` is relative to dirfd (AT_FDCWD allowed). At most `max` bytes, else -EFBIG.
 * Returns 0 or -errno; outputs are untouched on failure; ret_len may be NULL. */
int fd_read_file_at(int dirfd, const char *path, size_t max, char **ret_text, size_t *ret_len);

/* Reads an already open file from its start with pread into buf (NUL-terminated).
 * Returns the length, or -errno; -EFBIG if it does not fit in size - 1 bytes. */
ssize_t fd_pread_text(int fd, char *buf, size_t size);

/* Opens (O_WRONLY|O_CLOEXEC|O_NOFOLLOW), writes the text in one write, closes. Made for kernel control files.
 * Returns 0 or -errno (a short write is -EIO). */
int fd_write_file_at(int dirfd, const char *path, const char *text);

/* Writes a file by temporary name and rename, so that a reader never sees half of it. The mode is exact.
 * Returns 0 or -errno; on failure the old file is untouched. */
int fd_replace_file_at(int dirfd, const char *path, const char *text, mode_t mode);

/* mkdir -p below dirfd with the given mode for what it makes; existing folders are left alone and symbolic
 * links are not followed in the last component. Returns 0 or -errno. */
int fd_mkdir_p_at(int dirfd, const char *path, mode_t mode);

#endif
