/* SPDX-License-Identifier: Apache-2.0 */
/* A group of our own in this host's cgroup v2 tree, with processes in it, for what only the kernel can show.
 */
#ifndef LIVE_H
#define LIVE_H

#include "base/cgroot.h"

#include <sys/types.h>

struct live {
    struct cgroot root; /* mode hybrid: no controllers asked for */
    int dirfd;
};

/* Makes the group <v2 mount>/streamkeeper-unit-test-<pid>-<n>. Returns 0, or -errno with the reason on stdout
 * as a line "skip: ...". */
int live_make(struct live *ret);

/* Kills what is in it and removes it with all below. */
void live_remove(struct live *l);

enum live_child { LIVE_WAITS, LIVE_SPINS, LIVE_FORKS /* a child and a grandchild whose parent ended */ };

/* Starts a process in the group; it is there when this returns. Returns its pid, or -errno. */
pid_t live_spawn(int group_fd, enum live_child what);

#endif
