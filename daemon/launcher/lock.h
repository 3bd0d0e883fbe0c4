/* SPDX-License-Identifier: Apache-2.0 */
/* One launcher for each root: a lock on <run>/launcher.lock, which also notes who the daemon is, so that the
 * next launcher can end an orphan that hangs. */
#ifndef LAUNCHER_LOCK_H
#define LAUNCHER_LOCK_H

#include "base/reason.h"

#include <stdint.h>
#include <sys/types.h>

struct lock_note {
    pid_t daemon_pid; /* 0: none */
    uint64_t daemon_start_ticks;
};

/* Takes the lock. Returns its descriptor (owned by the caller) and what the last holder noted, or -errno with
 * words
 * (-EBUSY: another launcher runs). */
int lock_take(const char *run_folder, struct lock_note *ret_last, struct reason *reason);

/* Notes us and the daemon. Returns 0 or -errno. */
int lock_write(int lock_fd, pid_t daemon_pid);

/* Pure: reads such a note. Whatever is not one gives no daemon. */
void lock_parse(const char *text, pid_t *ret_holder, struct lock_note *ret);

/* Waits for the noted daemon to end, and kills it when it does not. */
void lock_end_daemon(const struct lock_note *note, int patience_msec);

#endif
