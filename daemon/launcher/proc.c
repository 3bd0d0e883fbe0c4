/* SPDX-License-Identifier: Apache-2.0 */
/* Reads /proc and pidfds; decides nothing about the processes it reads. */
#include "launcher/proc.h"

#include "base/fd.h"
#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* From the kernel's include/uapi/linux/pidfd.h, which is newer than the headers we are built with. */
struct kernel_pidfd_info {
    uint64_t mask;
    uint64_t cgroupid;
    uint32_t pid, tgid, ppid;
    uint32_t ids[8];
    int32_t exit_code;
};

#define KERNEL_PIDFD_GET_INFO  _IOWR(0xFF, 11, struct kernel_pidfd_info)
#define KERNEL_PIDFD_INFO_EXIT (UINT64_C(1) << 3)

_Static_assert(sizeof(struct kernel_pidfd_info) == 64, "first published size of the kernel's struct");

/* Field numbers of /proc/PID/stat as in proc(5); the name in parentheses is field 2. */
enum {
    STAT_FIRST_NUMBER = 4,
    STAT_PPID = 4,
    STAT_SESSION = 6,
    STAT_START_TIME = 22,
    STAT_EXIT_CODE = 52,
};

int proc_parse_stat(const char *text, struct proc_stat *ret) {
    const char *p = strrchr(text, ')'); /* the name may hold anything, also ')' and blanks */
    if (!p || p[1] != ' ' || p[2] == '\0' || p[3] != ' ')
        return -EBADMSG;
    struct proc_stat s = {.state = p[2]};
    p += 3;
    int field = STAT_FIRST_NUMBER;
    for (; *p == ' ' && field <= STAT_EXIT_CODE; field++) {
        char *end;
        long long v = strtoll(p, &end, 10);
        unsigned long long u = v < 0 ? 0 : strtoull(p, &end, 10);
        if (end == p)
            break;
        if (field == STAT_PPID)
            s.ppid = (pid_t)v;
        else if (field == STAT_SESSION)
            s.session = (pid_t)v;
        else if (field == STAT_START_TIME)
            s.start_ticks = u;
        else if (field == STAT_EXIT_CODE)
            s.wait_status = (int)v;
        p = end;
    }
    if (field <= STAT_START_TIME)
        return -EBADMSG;
    *ret = s;
    return 0;
}

static int open_of(pid_t pid, const char *name) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    return fd;
}

int proc_read_stat(pid_t pid, struct proc_stat *ret) {
    char text[1024];
    AUTO_FD int fd = open_of(pid, "stat");
    if (fd < 0)
        return fd;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    if (n < 0)
        return -errno;
    text[n] = '\0';
    return proc_parse_stat(text, ret);
}

int proc_read_uid(pid_t pid, uint32_t *ret) {
    char path[64];
    struct stat st;
    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    if (stat(path, &st) < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    *ret = st.st_uid;
    return 0;
}

int proc_pidfd_pid(int pidfd, pid_t *ret) {
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
    AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = fd_pread_text(fd, text, sizeof(text));
    if (n < 0)
        return (int)n;
    const char *line = strstr(text, "\nPid:");
    if (!line)
        return -EINVAL; /* not a pidfd */
    long pid = strtol(line + strlen("\nPid:"), NULL, 10);
    *ret = pid > 0 ? (pid_t)pid : 0;
    return 0;
}

int proc_pidfd_exit(int pidfd, int *ret_wait_status) {
    struct kernel_pidfd_info info = {.mask = KERNEL_PIDFD_INFO_EXIT};
    if (ioctl(pidfd, KERNEL_PIDFD_GET_INFO, &info) < 0)
        return -EOPNOTSUPP;
    if (!(info.mask & KERNEL_PIDFD_INFO_EXIT))
        return -ENODATA;
    *ret_wait_status = info.exit_code;
    return 0;
}

bool proc_environ_has(pid_t pid, const char *entry) {
    char block[4096];
    size_t len = strlen(entry), matched = 0;
    bool at_start = true;
    AUTO_FD int fd = open_of(pid, "environ");
    if (fd < 0)
        return false;
    ssize_t n;
    while ((n = read(fd, block, sizeof(block))) > 0)
        for (ssize_t i = 0; i < n; i++) {
            /* `matched` bytes of this entry fit so far, if at_start still holds. */
            if (block[i] == '\0') {
                if (at_start && matched == len)
                    return true;
                at_start = true;
                matched = 0;
            } else if (at_start && matched < len && block[i] == entry[matched]) {
                matched++;
            } else {
                at_start = false;
            }
        }
    return false;
}
