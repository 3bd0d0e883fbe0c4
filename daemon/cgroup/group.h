/* SPDX-License-Identifier: Apache-2.0 */
/* One group by its directory fd: who is in it, what it used, its end. A group that was removed meanwhile
 * gives -ENOENT. */
#ifndef CGROUP_GROUP_H
#define CGROUP_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Counters of a group; UINT64_MAX where the kernel or the controller does not offer one. */
struct group_stats {
    uint64_t cpu_usec, cpu_user_usec, cpu_system_usec;
    uint64_t memory_bytes, memory_peak_bytes;
    uint64_t tasks, tasks_peak;
    uint64_t oom_kills, tasks_limit_hits;
    uint64_t io_read_bytes, io_write_bytes; /* over all devices */
};

/* One counter: the number of a file, or the one behind `key` in a file of lines. UINT64_MAX where there is
 * none. */
uint64_t group_counter(int dirfd, const char *file, const char *key);

void group_read_stats(int dirfd, struct group_stats *ret);

/* 1 when any process is in the group or below, 0 when none, or -errno. */
int group_is_populated(int dirfd);

/* How many times the out-of-memory killer took a process; UINT64_MAX where this is not counted. */
uint64_t group_oom_kills(int dirfd);

/* Pids in the group itself; returns how many there are (may be more than `max`), or -errno. */
ssize_t group_read_procs(int dirfd, pid_t *ret, size_t max);

/* Kills every process in the group at once (cgroup.kill, Linux 5.14). Returns 0 or -errno; -ENOENT on older
 * kernels. */
int group_kill(int dirfd);

/* Freezes or thaws the group; it has happened when cgroup.events says so. Returns 0 or -errno. */
int group_freeze(int dirfd, bool frozen);

/* Reads one control file into buf. Returns its length or -errno (-ENOENT as below, -EFBIG). */
ssize_t group_read(int dirfd, const char *file, char *buf, size_t size);

/* Writes one control file. Returns 0 or -errno; -ENOENT: the controller or the kernel does not have it. */
int group_write(int dirfd, const char *file, const char *value);

/* Which process of a group is the main one, when nobody remembers: the oldest of those whose parent is
 * outside of the group. Reads /proc. Returns 0 and its pid and start ticks (field 22 of /proc/PID/stat),
 * -ESRCH for an empty group, or -errno. */
int group_find_main(int dirfd, pid_t *ret_pid, uint64_t *ret_start_ticks);

/* Field 22 of /proc/PID/stat. Returns 0, -ESRCH, or -errno. */
int process_start_ticks(pid_t pid, uint64_t *ret);

#endif
