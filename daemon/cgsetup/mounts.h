/* SPDX-License-Identifier: Apache-2.0 */
/* Where cgroup v2 is mounted, and which group a process is in. */
#ifndef CGSETUP_MOUNTS_H
#define CGSETUP_MOUNTS_H

#include <stddef.h>

struct cgroup_mount {
    char path[256]; /* mount point */
    char root[256]; /* which group of the hierarchy is mounted there; "/" but in containers */
};

/* Pure: finds the first cgroup2 line in the text of /proc/PID/mountinfo, one at /sys/fs/cgroup before others.
 * Returns 0 or -ENOENT. */
int mounts_parse(const char *mountinfo, struct cgroup_mount *ret);

/* Pure: the cgroup v2 path ("/a/b") in the text of /proc/PID/cgroup. Returns 0, -ENOENT, -ENAMETOOLONG. */
int mounts_parse_cgroup(const char *text, char *ret_path, size_t size);

/* Both for the calling process; `ret_group` is a path below the mount point, "" for its top. Returns 0 or
 * -errno. */
int mounts_find(struct cgroup_mount *ret);
int mounts_own_group(const struct cgroup_mount *m, char *ret_group, size_t size);

#endif
