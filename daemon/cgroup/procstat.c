/* SPDX-License-Identifier: Apache-2.0 */
/* Reads /proc; knows nothing of groups. */
#include "cgroup/procstat.h"

#include "base/fd.h"
#include "base/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { FIELD_PARENT = 4, FIELD_START = 22 };

/* Copies field `wanted`, counted from 1, of a text whose first field is number `first`. */
static int copy_field(const char *text, int first, int wanted, char *buf, size_t size) {
    const char *at = text + strspn(text, " ");
    for (int field = first; field < wanted; field++) {
        at += strcspn(at, " \n");
        at += strspn(at, " ");
    }
    size_t len = strcspn(at, " \n");
    if (len == 0 || len >= size)
        return -EINVAL;
    memcpy(buf, at, len);
    buf[len] = '\0';
    return 0;
}

int procstat_parse(const char *text, struct procstat *ret) {
    const char *end_of_name = strrchr(text, ')');
    char parent[16], start[24];
    uint32_t parent_pid;
    uint64_t ticks;
    if (!end_of_name || copy_field(end_of_name + 1, 3, FIELD_PARENT, parent, sizeof(parent)) < 0 ||
        copy_field(end_of_name + 1, 3, FIELD_START, start, sizeof(start)) < 0 ||
        parse_u32(parent, &parent_pid) < 0 || parent_pid > INT_MAX || parse_u64(start, &ticks) < 0)
        return -EINVAL;
    *ret = (struct procstat){.parent = (pid_t)parent_pid, .start_ticks = ticks};
    return 0;
}

int procstat_read(pid_t pid, struct procstat *ret) {
    char path[32], text[1024];
    if (pid <= 0)
        return -ESRCH;
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    ssize_t n = fd_pread_text(fd, text, sizeof(text));
    if (n < 0)
        return (int)n;
    return n == 0 ? -ESRCH : procstat_parse(text, ret);
}
