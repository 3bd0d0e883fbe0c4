/* SPDX-License-Identifier: Apache-2.0 */
/* One start: clone3 straight into the group, the steps of the new process, exec.
 *
 * The launcher does not wait for the new process: between giving up root and exec it belongs to its tenant,
 * who may stop it, or let the exec hang on a file system of his own. So what happened comes through a pipe:
 * its end without a word means that exec worked (the pipe is close-on-exec), a struct spawn_failure that it
 * did not. */
#ifndef LAUNCHER_SPAWN_H
#define LAUNCHER_SPAWN_H

#include "launcher/steps.h"
#include "wire/msg.h"

#include <sys/types.h>

struct spawned {
    pid_t pid;
    int pidfd, pipe; /* owned by the caller */
};

/* Starts. cgroup_fd and log_fd are -EBADF where there is none, and stay the caller's. Returns 0, or -errno
 * with *ret_failure filled (and nothing started). */
int spawn_start(const struct spawn_host *host, const struct msg_spawn *m, int cgroup_fd, int log_fd,
                struct spawned *ret, struct spawn_failure *ret_failure);

/* Reads the result from the pipe, without blocking. Returns 0 when exec worked, 1 and a failure when not,
 * -EAGAIN when it is not known yet. */
int spawn_result(int pipe, struct spawn_failure *ret);

/* clone3, into a group if cgroup_fd is one, with a pidfd if ret_pidfd is not NULL. As fork() otherwise: 0 in
 * the new process, its pid in the old one, or -errno. */
pid_t spawn_clone(int cgroup_fd, int *ret_pidfd);

#endif
