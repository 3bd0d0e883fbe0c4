/* SPDX-License-Identifier: Apache-2.0 */
/* Control files of one group; what to write into them is decided elsewhere. */
#include "cgroup/group.h"

#include "base/attr.h"
#include "base/fd.h"
#include "cgroup/counters.h"
#include "cgroup/procstat.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reading or writing a file of a group that is gone gives ENODEV, opening it ENOENT: one meaning. */
static int gone(int error) {
    return error == -ENODEV ? -ENOENT : error;
}

static bool is_file_name(const char *file) {
    return file[0] != '\0' && file[0] != '.' && !strchr(file, '/');
}

static int open_file(int dirfd, const char *file) {
    if (!is_file_name(file))
        return -EINVAL;
    int fd = openat(dirfd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
    return fd < 0 ? gone(-errno) : fd;
}

ssize_t group_read(int dirfd, const char *file, char *buf, size_t size) {
    AUTO_FD int fd = open_file(dirfd, file);
    if (fd < 0)
        return fd;
    ssize_t n = fd_pread_text(fd, buf, size);
    return n < 0 ? gone((int)n) : n;
}

int group_write(int dirfd, const char *file, const char *value) {
    return is_file_name(file) ? gone(fd_write_file_at(dirfd, file, value)) : -EINVAL;
}

static uint64_t read_single(int dirfd, const char *file) {
    char text[64];
    return group_read(dirfd, file, text, sizeof(text)) < 0 ? UINT64_MAX : counter_single(text);
}

static uint64_t read_keyed(int dirfd, const char *file, const char *key) {
    char text[2048];
    return group_read(dirfd, file, text, sizeof(text)) < 0 ? UINT64_MAX : counter_keyed(text, key);
}

uint64_t group_oom_kills(int dirfd) {
    return read_keyed(dirfd, "memory.events", "oom_kill");
}

uint64_t group_counter(int dirfd, const char *file, const char *key) {
    return key ? read_keyed(dirfd, file, key) : read_single(dirfd, file);
}

void group_read_stats(int dirfd, struct group_stats *ret) {
    char text[16384];
    bool has_cpu = group_read(dirfd, "cpu.stat", text, sizeof(text)) >= 0;
    ret->cpu_usec = has_cpu ? counter_keyed(text, "usage_usec") : UINT64_MAX;
    ret->cpu_user_usec = has_cpu ? counter_keyed(text, "user_usec") : UINT64_MAX;
    ret->cpu_system_usec = has_cpu ? counter_keyed(text, "system_usec") : UINT64_MAX;

    ret->memory_bytes = read_single(dirfd, "memory.current");
    ret->memory_peak_bytes = read_single(dirfd, "memory.peak");
    ret->oom_kills = group_oom_kills(dirfd);
    ret->tasks = read_single(dirfd, "pids.current");
    ret->tasks_peak = read_single(dirfd, "pids.peak");
    ret->tasks_limit_hits = read_keyed(dirfd, "pids.events", "max");

    bool has_io = group_read(dirfd, "io.stat", text, sizeof(text)) >= 0;
    ret->io_read_bytes = has_io ? counter_io_sum(text, "rbytes") : UINT64_MAX;
    ret->io_write_bytes = has_io ? counter_io_sum(text, "wbytes") : UINT64_MAX;
}

int group_is_populated(int dirfd) {
    char text[256];
    ssize_t n = group_read(dirfd, "cgroup.events", text, sizeof(text));
    if (n < 0)
        return (int)n;
    uint64_t populated = counter_keyed(text, "populated");
    return populated > 1 ? -EBADMSG : (int)populated;
}

int group_kill(int dirfd) {
    return group_write(dirfd, "cgroup.kill", "1");
}

int group_freeze(int dirfd, bool frozen) {
    return group_write(dirfd, "cgroup.freeze", frozen ? "1" : "0");
}

/* Lines of pids read piece by piece, because there may be many. */
struct pid_reader {
    uint64_t pid; /* of the line being read */
    bool in_line, bad;
    pid_t *ret;
    size_t max, n;
};

static void feed(struct pid_reader *p, const char *piece, size_t len) {
    for (size_t i = 0; i < len && !p->bad; i++) {
        char c = piece[i];
        if (c >= '0' && c <= '9') {
            p->pid = p->pid * 10 + (uint64_t)(c - '0');
            p->in_line = true;
            p->bad = p->pid > INT_MAX;
        } else if (c == '\n') {
            /* 0: a process outside of our pid namespace */
            if (p->in_line && p->pid > 0 && p->n++ < p->max)
                p->ret[p->n - 1] = (pid_t)p->pid;
            p->pid = 0;
            p->in_line = false;
        } else {
            p->bad = true;
        }
    }
}

ssize_t group_read_procs(int dirfd, pid_t *ret, size_t max) {
    AUTO_FD int fd = open_file(dirfd, "cgroup.procs");
    if (fd < 0)
        return fd;
    struct pid_reader p = {.ret = ret, .max = max};
    for (;;) {
        char piece[4096];
        ssize_t n = read(fd, piece, sizeof(piece));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return gone(-errno);
        if (n == 0)
            return p.bad ? -EBADMSG : (ssize_t)p.n;
        feed(&p, piece, (size_t)n);
    }
}

/* All pids, however many. Returns their number and an array owned by the caller, or -errno. */
static ssize_t read_all_procs(int dirfd, pid_t **ret) {
    for (size_t size = 64;;) {
        AUTO_FREE pid_t *pids = calloc(size, sizeof(*pids));
        if (!pids)
            return -ENOMEM;
        ssize_t n = group_read_procs(dirfd, pids, size);
        if (n < 0)
            return n;
        if ((size_t)n <= size) {
            *ret = TAKE_PTR(pids);
            return n;
        }
        size = (size_t)n * 2; /* they multiply while we look */
    }
}

static int compare_pids(const void *a, const void *b) {
    pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;
    return (x > y) - (x < y);
}

int group_find_main(int dirfd, pid_t *ret_pid, uint64_t *ret_start_ticks) {
    AUTO_FREE pid_t *pids = NULL;
    ssize_t n = read_all_procs(dirfd, &pids);
    if (n < 0)
        return (int)n;
    qsort(pids, (size_t)n, sizeof(*pids), compare_pids);

    /* A process with its parent outside comes before any with its parent inside. When all parents are inside,
     * which only a race can show, the oldest will do. */
    pid_t best = 0;
    uint64_t best_ticks = 0;
    bool best_outside = false;
    for (size_t i = 0; i < (size_t)n; i++) {
        struct procstat s;
        if (procstat_read(pids[i], &s) < 0)
            continue;
        bool outside = !bsearch(&s.parent, pids, (size_t)n, sizeof(*pids), compare_pids);
        bool better = outside != best_outside ? outside : s.start_ticks < best_ticks;
        if (best == 0 || better) {
            best = pids[i];
            best_ticks = s.start_ticks;
            best_outside = outside;
        }
    }
    if (best == 0)
        return -ESRCH;
    *ret_pid = best;
    *ret_start_ticks = best_ticks;
    return 0;
}

int process_start_ticks(pid_t pid, uint64_t *ret) {
    struct procstat s;
    int r = procstat_read(pid, &s);
    if (r == 0)
        *ret = s.start_ticks;
    return r;
}
