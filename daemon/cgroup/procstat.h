/* SPDX-License-Identifier: Apache-2.0 */
/* The two fields of /proc/PID/stat that tell one process from another. */
#ifndef CGROUP_PROCSTAT_H
#define CGROUP_PROCSTAT_H

#include <stdint.h>
#include <sys/types.h>

struct procstat {
    pid_t parent;
    uint64_t start_ticks; /* since boot */
};

/* Parses the text of the file; the name of a program may hold blanks, parentheses and newlines. Returns 0 or
 * -EINVAL (ret untouched). */
int procstat_parse(const char *text, struct procstat *ret);

/* Reads it. Returns 0, -ESRCH, or -errno (ret untouched). */
int procstat_read(pid_t pid, struct procstat *ret);

#endif
