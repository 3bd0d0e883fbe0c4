/* SPDX-License-Identifier: Apache-2.0 */
/* How starts turned out, and how processes ended. */
#ifndef LAUNCHER_REAP_H
#define LAUNCHER_REAP_H

#include <stdbool.h>

struct launcher;
struct child;
struct rusage;
struct spawn_failure;

/* Waits for every child that has exited. Pids of no record are orphans of instances, which we inherit as
 * their subreaper: they are only waited for. */
void reap_all(struct launcher *l);

/* The pipe of a start has something to say. */
void reap_pipe(struct launcher *l, struct child *c);

/* Takes the result of a start out of its pipe. Returns 0 (it runs, or has run), 1 (it failed: *ret_failure,
 * which may be NULL, is filled and the record is gone), -EAGAIN (not known yet). */
int reap_settle_start(struct launcher *l, struct child *c, struct spawn_failure *ret_failure);

/* Notes the exit of a record's process; wait_status as from wait(), usage NULL when unknown. */
void reap_note_exit(struct launcher *l, struct child *c, bool is_known, int wait_status,
                    const struct rusage *usage);

/* Frees a record, with everything that points to it. */
void reap_forget(struct launcher *l, struct child *c);

#endif
