/* SPDX-License-Identifier: Apache-2.0 */
/* One thread for work on files that may be slow: jobs run there in the order they were given, their ends come
 * back to the loop. */
#ifndef ADAPTERS_WORKER_H
#define ADAPTERS_WORKER_H

typedef struct sd_event sd_event;
struct worker;

/* `run` is called in the thread, `done` in the loop's; done frees what the job owns. After worker_free
 * neither is called, except that `done` gets cancelled != 0 for every job that has not come back. */
struct worker_job {
    struct worker_job *next; /* the worker's */
    void (*run)(struct worker_job *job);
    void (*done)(struct worker_job *job, int cancelled);
};

int worker_new(sd_event *loop, struct worker **ret);
void worker_free(struct worker *w); /* waits for the job that runs */
/* Takes the job. Returns 0, or -EBUSY when 1000 wait already (the job stays the caller's). */
int worker_give(struct worker *w, struct worker_job *job);

#endif
