/* SPDX-License-Identifier: Apache-2.0 */
/* Readiness messages, stop signals and whole-file replacement for the sample programs; libc only, no policy.
 */
#include "lifecycle.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

int life_notify(const char *format, ...) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char text[512];

    if (!path || !*path)
        return 0;
    size_t length = strlen(path);
    if (length >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
        return -EINVAL;
    memcpy(address.sun_path, path, length);
    if (path[0] == '@')
        address.sun_path[0] = '\0';

    va_list args;
    va_start(args, format);
    int size = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (size < 0 || (size_t)size >= sizeof(text))
        return -EMSGSIZE;

    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    socklen_t address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    ssize_t sent =
        sendto(fd, text, (size_t)size, MSG_NOSIGNAL, (const struct sockaddr *)&address, address_size);
    int error = sent < 0 ? -errno : 1;
    close(fd);
    return error;
}

int life_stop_fd(void) {
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

bool life_stopping(int stop_fd, int timeout_ms) {
    struct pollfd item = {.fd = stop_fd, .events = POLLIN};

    return poll(&item, 1, timeout_ms) > 0;
}

int life_write_file(const char *path, const char *text) {
    char temporary[PATH_MAX];
    size_t length = strlen(text);

    if (snprintf(temporary, sizeof(temporary), "%s.new.%d", path, (int)getpid()) >= (int)sizeof(temporary))
        return -ENAMETOOLONG;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    ssize_t written = write(fd, text, length);
    int error = written < 0 ? -errno : (size_t)written != length ? -EIO : 0;
    close(fd);
    if (error == 0 && rename(temporary, path) < 0)
        error = -errno;
    if (error < 0)
        unlink(temporary);
    return error;
}

/* Returns 1 when the line was read, 0 when the file is not there yet or empty, negative errno otherwise. */
static int line_read(const char *path, char *ret_line, unsigned size) {
    char text[1024];
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    ssize_t length = read(fd, text, sizeof(text) - 1);
    int error = length < 0 ? -errno : 0;
    close(fd);
    if (error < 0 || length == 0)
        return error;
    text[length] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (strlen(text) + 1 > size)
        return -E2BIG;
    memcpy(ret_line, text, strlen(text) + 1);
    return 1;
}

int life_wait_line(const char *path, int timeout_ms, int stop_fd, char *ret_line, unsigned size) {
    char folder[PATH_MAX];
    uint64_t deadline = life_now_usec() + (uint64_t)timeout_ms * 1000;
    const char *slash = strrchr(path, '/');

    if (snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".") >=
        (int)sizeof(folder))
        return -ENAMETOOLONG;
    int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch < 0)
        return -errno;
    int result = inotify_add_watch(watch, folder, IN_MOVED_TO | IN_CLOSE_WRITE) < 0 ? -errno : 0;
    while (result == 0) {
        struct pollfd items[] = {{.fd = watch, .events = POLLIN}, {.fd = stop_fd, .events = POLLIN}};
        char events[4096];
        uint64_t now = life_now_usec();

        result = line_read(path, ret_line, size);
        if (result != 0)
            break;
        if (now >= deadline)
            result = -ETIMEDOUT;
        else if (poll(items, 2, (int)((deadline - now) / 1000) + 1) < 0 && errno != EINTR)
            result = -errno;
        else if (items[1].revents)
            result = -ECANCELED;
        else if (items[0].revents && read(watch, events, sizeof(events)) < 0 && errno != EAGAIN)
            result = -errno;
    }
    close(watch);
    return result > 0 ? 0 : result;
}

uint64_t life_now_usec(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

int life_parse_size(const char *text, uint64_t *ret_value) {
    static const char suffixes[] = "KMG";
    char *end;

    if (*text < '0' || *text > '9')
        return -EINVAL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno)
        return -ERANGE;
    if (*end) {
        const char *suffix = strchr(suffixes, *end);
        if (!suffix || end[1])
            return -EINVAL;
        int shift = 10 * (int)(suffix - suffixes + 1);
        if (value > (UINT64_MAX >> shift))
            return -ERANGE;
        value <<= shift;
    }
    *ret_value = value;
    return 0;
}
