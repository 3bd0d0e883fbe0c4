/* SPDX-License-Identifier: Apache-2.0 */
/* One job of the registry's thread and, when it comes back, its result. */
#ifndef REGISTRY_JOB_H
#define REGISTRY_JOB_H

#include "base/list.h"
#include "registry/batch.h"
#include "registry/search.h"

struct job {
    struct list node;
    struct registry_batch *batch; /* owned; NULL for a scan */
    bool sync;
    registry_done_fn done;
    struct search *search; /* owned; NULL for a commit */
    void *userdata;
    int error;
};

/* The batch is taken only on success. NULL when out of memory. */
struct job *job_new_commit(struct registry_batch *b, bool sync, registry_done_fn done, void *userdata);

/* As search_new. */
int job_new_scan(const struct registry_scan *what, registry_scan_fn done, void *userdata, struct job **ret);

void job_free(struct job *j);
void job_free_all(struct list *jobs);

/* Calls whom the request concerns with its result. */
void job_report(const struct job *j);

#endif
