/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever asks for something: known to the kernel, not claimed. */
#ifndef MANAGER_CALLER_H
#define MANAGER_CALLER_H

#include <stddef.h>
#include <sys/types.h>

struct caller {
    uid_t uid;
    gid_t gid;
    pid_t pid;
    const gid_t *groups; /* supplementary; borrowed */
    size_t n_groups;
};

#endif
