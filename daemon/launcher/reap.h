/* SPDX-License-Identifier: Apache-2.0 */
/* How processes ended, and starts began. */
#ifndef LAUNCHER_REAP_H
#define LAUNCHER_REAP_H

#include <stdbool.h>

struct launcher;
struct child;
struct rusage;

/* Waits for every child that has exited. Pids of no record are orphans of instances, which we inherit as
 * their subreaper: they are only waited for. */
void reap_all(struct launcher *l);

/* The pipe of a start has something to say. */
void reap_pipe(struct launcher *l, struct child *c);

/* Notes the exit of a record's process; wait_status as from wait(), usage NULL when unknown. */
void reap_note_exit(struct launcher *l, struct child *c, bool is_known, int wait_status,
                    const struct rusage *usage);

#endif
