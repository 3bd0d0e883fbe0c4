/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that another launcher started: found by the daemon in their group, or handed to us with a pidfd.
 */
#ifndef LAUNCHER_ADOPT_H
#define LAUNCHER_ADOPT_H

#include <stdint.h>
#include <sys/types.h>

struct launcher;
struct child;
struct msg_adopt;

/* A process in a group. Returns 0, or -errno: -EPERM for a group that is none of ours, -ESRCH when no such
 * process is in it, -EEXIST when the start is known with another pid, -ENOSPC for a full table. */
int adopt_from_group(struct launcher *l, const struct msg_adopt *m, int cgroup_fd);

/* A pidfd, which is owned by the launcher from here on, also on failure. start_ticks 0: read them. A process
 * that has gone becomes a record of its exit. Returns 0 or -errno. */
int adopt_pidfd(struct launcher *l, uint64_t start_id, uint64_t start_ticks, int pidfd);

/* A watched pidfd says that its process has ended. */
void adopt_ended(struct launcher *l, struct child *c);

/* Takes over the descriptors that the service manager has kept (LISTEN_FDS). Returns how many. */
int adopt_from_service_manager(struct launcher *l);

/* Takes over from an orphaned daemon, if one answers on the old handover socket. Returns how many. */
int adopt_from_daemon(struct launcher *l);

#endif
