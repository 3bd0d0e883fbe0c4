/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc and a pidfd tell about one process. Nothing here allocates. */
#ifndef LAUNCHER_PROC_H
#define LAUNCHER_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_stat {
    char state; /* 'Z' once it has exited and nobody has waited for it */
    pid_t ppid, session;
    uint64_t start_ticks; /* since boot */
    int wait_status;      /* as from wait(); meaningful for 'Z' only, and 0 for whoever may not see it */
};

/* Returns 0, -ESRCH for a pid that is none, or another -errno; ret is untouched on failure. */
int proc_read_stat(pid_t pid, struct proc_stat *ret);

/* Parses the text of a stat file. Returns 0 or -EBADMSG. */
int proc_parse_stat(const char *text, struct proc_stat *ret);

/* The effective uid. Returns 0, -ESRCH or another -errno. */
int proc_read_uid(pid_t pid, uint32_t *ret);

/* The pid that a pidfd means in our namespace; 0 when it has gone. Returns 0 or -errno. */
int proc_pidfd_pid(int pidfd, pid_t *ret);

/* The exit status of a process that is not our child, through a pidfd opened before it exited (Linux 6.15 or
 * later). Returns 0 and a status as from wait(), -ENODATA while it is not reaped, -EOPNOTSUPP where the
 * kernel cannot tell. */
int proc_pidfd_exit(int pidfd, int *ret_wait_status);

/* True if the environment that the process was started with has exactly this entry ("NAME=value"). */
bool proc_environ_has(pid_t pid, const char *entry);

#endif
