/* SPDX-License-Identifier: Apache-2.0 */
/* Hogs of the page cache, of writes, of syncs and of the file system's metadata. What they write has no name,
 * so that nothing stays behind when they are killed; only cache keeps its file. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lifecycle.h"
#include "meter.h"
#include "skhog.h"

#define CHUNK      (1024 * 1024)
#define WRITE_SPAN ((off_t)512 * CHUNK) /* a writer starts over at the front of its file */
#define SYNC_SIZE  4096

static int failed(const char *what, const char *path) {
    fprintf(stderr, "skhog: cannot %s '%s': %s\n", what, path, strerror(errno));
    return EXIT_FAILURE;
}

/* A nameless file in dir, or negative errno. */
static int file_without_name(const char *dir) {
    char path[PATH_MAX];

    int fd = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
        return fd < 0 ? -errno : fd;
    if (snprintf(path, sizeof(path), "%s/skhog.XXXXXX", dir) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    unlink(path);
    return fd;
}

static int cache_fill(int fd, uint64_t size, const char *buffer) {
    struct stat status;

    if (fstat(fd, &status) < 0)
        return -1;
    for (off_t at = status.st_size - status.st_size % CHUNK; at < (off_t)size; at += CHUNK)
        if (pwrite(fd, buffer, CHUNK, at) != CHUNK)
            return -1;
    return 0;
}

int hog_cache(const struct hog_arguments *arguments) {
    static char buffer[CHUNK];
    uint64_t size;

    if (life_parse_size(arguments->text[1], &size) < 0 || size < CHUNK) {
        fprintf(stderr, "skhog: cache: '%s' is not a size of at least 1M\n", arguments->text[1]);
        return EXIT_FAILURE;
    }
    int fd = open(arguments->text[0], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return failed("open", arguments->text[0]);
    memset(buffer, 's', sizeof(buffer));
    if (cache_fill(fd, size, buffer) < 0)
        return failed("fill", arguments->text[0]);
    off_t at = 0;
    do {
        if (pread(fd, buffer, CHUNK, at) < 0)
            return failed("read", arguments->text[0]);
        at = at + CHUNK >= (off_t)size ? 0 : at + CHUNK;
    } while (meter_tick(arguments->meter, 1));
    close(fd);
    return EXIT_SUCCESS;
}

static int write_loop(const struct hog_arguments *arguments, size_t size, off_t span, bool sync) {
    static char buffer[CHUNK];
    int fd = file_without_name(arguments->text[0]);
    off_t at = 0;

    if (fd < 0) {
        errno = -fd;
        return failed("make a file in", arguments->text[0]);
    }
    memset(buffer, 's', sizeof(buffer));
    do {
        if (pwrite(fd, buffer, size, at) < 0 || (sync && fdatasync(fd) < 0)) {
            if (errno != ENOSPC && errno != EDQUOT && errno != EINTR)
                return failed("write in", arguments->text[0]);
            arguments->meter->refused++;
            at = -(off_t)size;
        }
        at = (at + (off_t)size) % span;
    } while (meter_tick(arguments->meter, 1));
    close(fd);
    return EXIT_SUCCESS;
}

int hog_write(const struct hog_arguments *arguments) {
    return write_loop(arguments, CHUNK, WRITE_SPAN, false);
}

int hog_fsync(const struct hog_arguments *arguments) {
    return write_loop(arguments, SYNC_SIZE, 64 * SYNC_SIZE, true);
}

int hog_meta(const struct hog_arguments *arguments) {
    char name[64];
    int dir = open(arguments->text[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (dir < 0)
        return failed("open", arguments->text[0]);
    snprintf(name, sizeof(name), "skhog.meta.%d", (int)getpid());
    do {
        int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        if (fd < 0)
            return failed("create a file in", arguments->text[0]);
        close(fd);
        if (unlinkat(dir, name, 0) < 0)
            return failed("remove a file in", arguments->text[0]);
    } while (meter_tick(arguments->meter, 1));
    close(dir);
    return EXIT_SUCCESS;
}
