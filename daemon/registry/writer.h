/* SPDX-License-Identifier: Apache-2.0 */
/* The registry's thread: takes requests in order, writes those that wait together, gives them back. */
#ifndef REGISTRY_WRITER_H
#define REGISTRY_WRITER_H

#include "registry/db.h"
#include "registry/job.h"

struct writer;

/* Starts the thread; the database is taken on success. Returns 0 or -errno. */
int writer_start(struct db *db, struct writer **ret);

/* Lets it finish what is queued, ends it and frees all, the database too. NULL is fine. */
void writer_stop(struct writer *w);

int writer_fd(const struct writer *w);
void writer_set_rest(struct writer *w, uint64_t after_usec);
void writer_explain(struct writer *w, struct reason *ret);

/* Queues the request. Returns 0 (it is taken), or -EBUSY. */
int writer_submit(struct writer *w, struct job *j);

/* Moves what is finished to the end of the list, in the order of submission. */
void writer_take_done(struct writer *w, struct list *to);

/* Visits a range in the calling thread, while the writer's waits. */
int writer_iterate(struct writer *w, const struct db_range *range, db_visit_fn visit, void *userdata,
                   struct reason *why);

#endif
