/* SPDX-License-Identifier: Apache-2.0 */
/* Life of jobs; who runs them and when is the writer's business. */
#include "registry/job.h"

#include <errno.h>
#include <stdlib.h>

struct job *job_new_commit(struct registry_batch *b, bool sync, registry_done_fn done, void *userdata) {
    struct job *j = calloc(1, sizeof(*j));
    if (!j)
        return NULL;
    list_init(&j->node);
    j->batch = b;
    j->sync = sync;
    j->done = done;
    j->userdata = userdata;
    return j;
}

int job_new_scan(const struct registry_scan *what, registry_scan_fn done, void *userdata, struct job **ret) {
    struct job *j = job_new_commit(NULL, false, NULL, userdata);
    if (!j)
        return -ENOMEM;
    int r = search_new(what, done, &j->search);
    if (r < 0) {
        job_free(j);
        return r;
    }
    *ret = j;
    return 0;
}

void job_free(struct job *j) {
    if (!j)
        return;
    registry_batch_free(j->batch);
    search_free(j->search);
    free(j);
}

void job_free_all(struct list *jobs) {
    LIST_EACH(jobs, node) {
        list_remove(node);
        job_free(LIST_ENTRY(node, struct job, node));
    }
}

void job_report(const struct job *j) {
    if (j->search)
        j->search->done(j->userdata, j->error, j->search->entries, j->search->n);
    else if (j->done)
        j->done(j->userdata, j->error);
}
