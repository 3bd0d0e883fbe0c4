/* SPDX-License-Identifier: Apache-2.0 */
/* Thread and queues; what is written is decided elsewhere. */
#include "registry/writer.h"

#include "base/clock.h"
#include "base/fd.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define REST_AFTER_USEC (20 * USEC_PER_SEC)
#define QUEUED_MAX      100000

/* One write: enough for thousands of records to share a sync, and about one write buffer. */
#define GROUP_MAX       4096
#define GROUP_BYTES_MAX ((size_t)1 << 20)

struct writer {
    pthread_t thread;
    int done_fd; /* eventfd: `done` is not empty */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;  /* `pending`, `ending` or `rest_usec` changed, or the database was woken */
    struct list pending, done;
    size_t queued; /* in both lists and in the thread's hands */
    bool ending;
    uint64_t rest_usec;
    struct reason last;

    pthread_mutex_t db_lock; /* guards the database; never taken with `lock` held */
    struct db *db;           /* owned */
};

/* Waits for something to do; lets the database rest when nothing comes. Called and returns with the lock
 * held. */
static void wait_for_work(struct writer *w) {
    uint64_t idle_since = clock_monotonic_usec();
    bool rested = false;
    while (list_is_empty(&w->pending) && !w->ending) {
        uint64_t deadline = usec_add(idle_since, w->rest_usec);
        if (rested || deadline == USEC_NEVER) {
            pthread_cond_wait(&w->wake, &w->lock);
            idle_since = clock_monotonic_usec();
            rested = false;
            continue;
        }
        struct timespec until = {.tv_sec = (time_t)(deadline / USEC_PER_SEC),
                                 .tv_nsec = (long)(deadline % USEC_PER_SEC * 1000)};
        if (pthread_cond_timedwait(&w->wake, &w->lock, &until) != ETIMEDOUT)
            continue;
        pthread_mutex_unlock(&w->lock);
        pthread_mutex_lock(&w->db_lock);
        db_rest(w->db);
        pthread_mutex_unlock(&w->db_lock);
        malloc_trim(0);
        rested = true;
        pthread_mutex_lock(&w->lock);
    }
}

/* Moves the commits at the head of the queue that may share one write, or a single scan. Lock held. */
static void take_group(struct writer *w, struct list *to) {
    size_t n = 0, bytes = 0;
    LIST_EACH(&w->pending, node) {
        struct job *j = LIST_ENTRY(node, struct job, node);
        bool alone = !j->batch;
        size_t more = alone ? 0 : j->batch->len;
        if (n > 0 && (alone || n == GROUP_MAX || bytes + more > GROUP_BYTES_MAX))
            return;
        list_remove(node);
        list_append(to, node);
        n++;
        bytes += more;
        if (alone)
            return;
    }
}

static void run_commits(struct writer *w, struct list *group, struct reason *why) {
    const struct registry_batch *batches[GROUP_MAX];
    size_t n = 0;
    bool sync = false;
    LIST_EACH(group, node) {
        const struct job *j = LIST_ENTRY(node, struct job, node);
        batches[n++] = j->batch;
        sync = sync || j->sync;
    }
    int r = db_write(w->db, batches, n, sync, why);
    LIST_EACH(group, node)
    LIST_ENTRY(node, struct job, node)->error = r;
}

struct visit {
    struct search *search;
    int result;
};

static bool visit_entry(void *userdata, const char *key, const void *value, size_t len) {
    struct visit *v = userdata;
    v->result = search_add(v->search, key, value, len);
    return v->result == 0;
}

static void run_scan(struct writer *w, struct job *j, struct reason *why) {
    struct db_range range = {
        .prefix = j->search->prefix, .after = j->search->after, .descending = j->search->newest_first};
    struct visit v = {.search = j->search};
    int r = db_iterate(w->db, &range, visit_entry, &v, why);
    if (r == 0 && v.result < 0)
        r = reason_set(why, v.result,
                       v.result == -E2BIG
                           ? "A scan of the registry found more than 64 MiB; ask for less at a time"
                           : "Out of memory in a scan of the registry");
    if (r < 0)
        search_clear(j->search);
    j->error = r;
}

static void run_group(struct writer *w, struct list *group, struct reason *why) {
    struct job *first = LIST_ENTRY(group->next, struct job, node);
    pthread_mutex_lock(&w->db_lock);
    if (first->search)
        run_scan(w, first, why);
    else
        run_commits(w, group, why);
    pthread_mutex_unlock(&w->db_lock);
}

static void hand_back(struct writer *w, struct list *group, const struct reason *why) {
    pthread_mutex_lock(&w->lock);
    bool was_empty = list_is_empty(&w->done);
    LIST_EACH(group, node) {
        list_remove(node);
        list_append(&w->done, node);
    }
    if (why->error < 0)
        w->last = *why;
    if (was_empty) {
        uint64_t one = 1;
        ssize_t n = write(w->done_fd, &one, sizeof(one));
        (void)n; /* a full counter is readable too */
    }
    pthread_mutex_unlock(&w->lock);
}

static void *run(void *userdata) {
    struct writer *w = userdata;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        wait_for_work(w);
        if (list_is_empty(&w->pending))
            break;
        struct list group = LIST_INIT(group);
        take_group(w, &group);
        pthread_mutex_unlock(&w->lock);

        struct reason why = {0};
        run_group(w, &group, &why);
        hand_back(w, &group, &why);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* Signals are for the main thread only, so the new one is born with all of them blocked. */
static int start_thread(struct writer *w) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&w->thread, NULL, run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0)
        pthread_setname_np(w->thread, "registry");
    return -error;
}

static void init_locks(struct writer *w) {
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&w->lock, NULL);
    pthread_mutex_init(&w->db_lock, NULL);
}

static void destroy(struct writer *w) {
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    pthread_mutex_destroy(&w->db_lock);
    fd_close(w->done_fd);
    free(w);
}

int writer_start(struct db *db, struct writer **ret) {
    struct writer *w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    list_init(&w->pending);
    list_init(&w->done);
    init_locks(w);
    w->rest_usec = REST_AFTER_USEC;
    w->db = db;
    w->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    int r = w->done_fd < 0 ? -errno : start_thread(w);
    if (r < 0) {
        destroy(w);
        return r;
    }
    *ret = w;
    return 0;
}

void writer_stop(struct writer *w) {
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->ending = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    job_free_all(&w->done);
    db_free(w->db);
    destroy(w);
}

int writer_fd(const struct writer *w) {
    return w->done_fd;
}

void writer_set_rest(struct writer *w, uint64_t after_usec) {
    pthread_mutex_lock(&w->lock);
    w->rest_usec = after_usec;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

void writer_explain(struct writer *w, struct reason *ret) {
    pthread_mutex_lock(&w->lock);
    *ret = w->last;
    pthread_mutex_unlock(&w->lock);
}

int writer_submit(struct writer *w, struct job *j) {
    int r = 0;
    pthread_mutex_lock(&w->lock);
    if (w->queued >= QUEUED_MAX) {
        r = -EBUSY;
    } else {
        list_append(&w->pending, &j->node);
        w->queued++;
        pthread_cond_signal(&w->wake);
    }
    pthread_mutex_unlock(&w->lock);
    return r;
}

void writer_take_done(struct writer *w, struct list *to) {
    uint64_t count;
    pthread_mutex_lock(&w->lock);
    ssize_t n = read(w->done_fd, &count, sizeof(count));
    (void)n; /* nothing was finished */
    LIST_EACH(&w->done, node) {
        list_remove(node);
        list_append(to, node);
        w->queued--;
    }
    pthread_mutex_unlock(&w->lock);
}

int writer_iterate(struct writer *w, const struct db_range *range, db_visit_fn visit, void *userdata,
                   struct reason *why) {
    pthread_mutex_lock(&w->db_lock);
    int r = db_iterate(w->db, range, visit, userdata, why);
    pthread_mutex_unlock(&w->db_lock);

    pthread_mutex_lock(&w->lock);
    pthread_cond_signal(&w->wake); /* it is awake now and wants to rest again */
    pthread_mutex_unlock(&w->lock);
    return r;
}
