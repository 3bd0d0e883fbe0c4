/* SPDX-License-Identifier: Apache-2.0 */
/* How a start turned out, and the end of its record. */
#ifndef LAUNCHER_STARTS_H
#define LAUNCHER_STARTS_H

struct launcher;
struct child;
struct spawn_failure;

/* Takes the result of a start out of its pipe. Returns 0 (it runs, or has run), 1 (it failed: *ret_failure,
 * which may be NULL, is filled and the record is gone), -EAGAIN (not known yet). */
int starts_settle(struct launcher *l, struct child *c, struct spawn_failure *ret_failure);

/* Frees a record, with everything that points to it. */
void starts_forget(struct launcher *l, struct child *c);

#endif
