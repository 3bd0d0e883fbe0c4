/* SPDX-License-Identifier: Apache-2.0 */
/* A first-in first-out queue of child records, linked through the records themselves. A record is in it once
 * at most. */
#ifndef LAUNCHER_QUEUE_H
#define LAUNCHER_QUEUE_H

struct child;

struct child_queue {
    struct child *first, *last; /* borrowed from the table */
};

/* Appends; nothing happens for a record that is in it already. */
void queue_add(struct child_queue *q, struct child *c);

/* Takes one out, wherever it stands; nothing happens for a record that is in no queue. */
void queue_remove(struct child_queue *q, struct child *c);

/* Takes all out. */
void queue_clear(struct child_queue *q);

#endif
