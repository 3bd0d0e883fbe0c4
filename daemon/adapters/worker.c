/* SPDX-License-Identifier: Apache-2.0 */
/* The thread of worker.h. All signals are blocked in it. */
#include "adapters/worker.h"
#include "base/attr.h"
#include "base/fd.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#define WAITING_MAX 1000

struct queue {
    struct worker_job *first, **last;
};

struct worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct queue given, finished;
    unsigned waiting;
    bool end;
    int event_fd; /* owned */
    sd_event_source *source;
};

static void queue_init(struct queue *q) {
    *q = (struct queue){.last = &q->first};
}

static void queue_add(struct queue *q, struct worker_job *job) {
    job->next = NULL;
    *q->last = job;
    q->last = &job->next;
}

static struct worker_job *queue_take(struct queue *q) {
    struct worker_job *job = q->first;
    if (!job)
        return NULL;
    q->first = job->next;
    if (!q->first)
        q->last = &q->first;
    return job;
}

static void *work(void *userdata) {
    struct worker *w = userdata;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        struct worker_job *job = w->end ? NULL : queue_take(&w->given);
        if (!job && w->end)
            break;
        if (!job) {
            pthread_cond_wait(&w->wake, &w->lock);
            continue;
        }
        w->waiting--;
        pthread_mutex_unlock(&w->lock);
        job->run(job);
        pthread_mutex_lock(&w->lock);
        queue_add(&w->finished, job);
        eventfd_write(w->event_fd, 1);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void hand_back(struct worker *w, struct queue *q, int cancelled) {
    for (;;) {
        pthread_mutex_lock(&w->lock);
        struct worker_job *job = queue_take(q);
        pthread_mutex_unlock(&w->lock);
        if (!job)
            return;
        job->done(job, cancelled);
    }
}

static int on_finished(sd_event_source *source ATTR_UNUSED, int fd, uint32_t events ATTR_UNUSED,
                       void *userdata) {
    struct worker *w = userdata;
    eventfd_t n;
    eventfd_read(fd, &n);
    hand_back(w, &w->finished, 0);
    return 0;
}

int worker_new(sd_event *loop, struct worker **ret) {
    struct worker *w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    queue_init(&w->given);
    queue_init(&w->finished);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    w->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int r =
        w->event_fd < 0 ? -errno : sd_event_add_io(loop, &w->source, w->event_fd, EPOLLIN, on_finished, w);
    if (r >= 0) {
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        r = -pthread_create(&w->thread, NULL, work, w);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (r < 0) {
        sd_event_source_disable_unref(w->source);
        fd_close(w->event_fd);
        free(w);
        return r;
    }
    sd_event_source_set_description(w->source, "file worker");
    *ret = w;
    return 0;
}

void worker_free(struct worker *w) {
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->end = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    hand_back(w, &w->finished, 1);
    hand_back(w, &w->given, 1);
    sd_event_source_disable_unref(w->source);
    fd_close(w->event_fd);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->wake);
    free(w);
}

int worker_give(struct worker *w, struct worker_job *job) {
    pthread_mutex_lock(&w->lock);
    int r = w->waiting >= WAITING_MAX ? -EBUSY : 0;
    if (r == 0) {
        w->waiting++;
        queue_add(&w->given, job);
        pthread_cond_signal(&w->wake);
    }
    pthread_mutex_unlock(&w->lock);
    return r;
}
