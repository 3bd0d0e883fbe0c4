/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's user, from /etc/passwd and /etc/group alone: no name service is loaded into a root process. */
#ifndef LAUNCHER_USERS_H
#define LAUNCHER_USERS_H

#include "streamkeeper/wire.h"

#include <stddef.h>
#include <stdint.h>

struct user {
    char name[64]; /* "" for a bare number that has no name */
    uint32_t uid, gid;
    size_t n_groups;
    uint32_t groups[SK_WIRE_GROUPS_MAX]; /* with gid among them */
};

/* By name or number. Returns 0, -ENOENT for a name that is none (a number needs no entry: its gid is then the
 * same number), -E2BIG for too many groups, or another -errno. */
int user_find(const char *name, struct user *ret);

#endif
