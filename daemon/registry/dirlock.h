/* SPDX-License-Identifier: Apache-2.0 */
/* One owner per folder: a lock on a file in it, which the kernel drops when the owner dies. */
#ifndef REGISTRY_DIRLOCK_H
#define REGISTRY_DIRLOCK_H

#include <sys/types.h>

/* Locks `name` in the folder, made if missing. Returns 0 and the fd that holds the lock (owned by the
 * caller), -EBUSY and the holder's pid (0 when the kernel does not tell it), or another -errno. */
int dirlock_take(int dirfd, const char *name, int *ret_fd, pid_t *ret_holder);

/* Who holds a lock on `name`. Returns its pid, or 0 when nobody does or it cannot be told. A process's own
 * locks are not seen, and asking from the process that holds one would drop it. */
pid_t dirlock_holder(int dirfd, const char *name);

#endif
