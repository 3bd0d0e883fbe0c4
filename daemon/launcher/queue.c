/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of records; does not know what they wait for. */
#include "launcher/queue.h"

#include "launcher/children.h"

void queue_add(struct child_queue *q, struct child *c) {
    if (c->is_queued)
        return;
    c->is_queued = true;
    c->next_in_queue = NULL;
    if (q->first)
        q->last->next_in_queue = c;
    else
        q->first = c;
    q->last = c;
}

void queue_remove(struct child_queue *q, struct child *c) {
    if (!c->is_queued)
        return;
    struct child **p = &q->first, *before = NULL;
    while (*p && *p != c) {
        before = *p;
        p = &(*p)->next_in_queue;
    }
    if (*p)
        *p = c->next_in_queue;
    if (q->last == c)
        q->last = before;
    c->next_in_queue = NULL;
    c->is_queued = false;
}

void queue_clear(struct child_queue *q) {
    while (q->first)
        queue_remove(q, q->first);
}
