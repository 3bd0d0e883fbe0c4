/* SPDX-License-Identifier: Apache-2.0 */
/* The child table; starts and ends no process. */
#include "launcher/children.h"

#include "base/fd.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

static unsigned id_bucket(uint64_t id) {
    return (unsigned)((id ^ id >> 32) & (CHILDREN_BUCKETS - 1));
}

static unsigned pid_bucket(pid_t pid) {
    return (unsigned)pid & (CHILDREN_BUCKETS - 1);
}

static struct child *take_free(struct children *t) {
    struct child *c = t->free;
    if (c)
        t->free = c->next_free;
    else if (t->high < CHILDREN_MAX)
        c = &t->records[t->high++];
    return c;
}

int children_add(struct children *t, uint64_t start_id, struct child **ret) {
    if (children_by_id(t, start_id))
        return -EEXIST;
    struct child *c = take_free(t);
    if (!c)
        return -ENOSPC;
    struct child **bucket = &t->by_id[id_bucket(start_id)];
    *c = (struct child){.start_id = start_id,
                        .state = CHILD_STARTING,
                        .pidfd = -EBADF,
                        .pipe = -EBADF,
                        .next_by_id = *bucket};
    *bucket = c;
    t->count++;
    *ret = c;
    return 0;
}

static void unlink_pid(struct children *t, struct child *c) {
    struct child **p = &t->by_pid[pid_bucket(c->pid)];
    while (*p && *p != c)
        p = &(*p)->next_by_pid;
    if (*p)
        *p = c->next_by_pid;
    c->next_by_pid = NULL;
}

void children_keep_from_forks(struct children *t) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = ((uintptr_t)t->records + page - 1) & ~(page - 1);
    uintptr_t end = (uintptr_t)(t->records + CHILDREN_MAX) & ~(page - 1);
    (void)madvise((void *)first, end - first, MADV_DONTFORK);
}

void children_set_instance(struct child *c, const char *tenant, const char *app, uint32_t number) {
    if (!text_is_name(tenant) || !text_is_name(app))
        return;
    (void)text_format(c->tenant, sizeof(c->tenant), "%s", tenant);
    (void)text_format(c->app, sizeof(c->app), "%s", app);
    c->number = number;
}

void children_set_pid(struct children *t, struct child *c, pid_t pid) {
    if (c->pid > 0)
        unlink_pid(t, c);
    c->pid = pid;
    if (pid <= 0)
        return;
    struct child **bucket = &t->by_pid[pid_bucket(pid)];
    c->next_by_pid = *bucket;
    *bucket = c;
}

void children_remove(struct children *t, struct child *c) {
    children_set_pid(t, c, 0);
    struct child **p = &t->by_id[id_bucket(c->start_id)];
    while (*p && *p != c)
        p = &(*p)->next_by_id;
    if (*p)
        *p = c->next_by_id;
    c->pidfd = fd_close(c->pidfd);
    c->pipe = fd_close(c->pipe);
    *c = (struct child){.state = CHILD_FREE, .pidfd = -EBADF, .pipe = -EBADF, .next_free = t->free};
    t->free = c;
    t->count--;
}

struct child *children_by_id(const struct children *t, uint64_t start_id) {
    struct child *c = t->by_id[id_bucket(start_id)];
    while (c && c->start_id != start_id)
        c = c->next_by_id;
    return c;
}

struct child *children_by_pid(const struct children *t, pid_t pid) {
    struct child *c = pid > 0 ? t->by_pid[pid_bucket(pid)] : NULL;
    while (c && c->pid != pid)
        c = c->next_by_pid;
    return c;
}

struct child *children_next(struct children *t, unsigned *i) {
    while (*i < t->high) {
        struct child *c = &t->records[(*i)++];
        if (c->state != CHILD_FREE)
            return c;
    }
    return NULL;
}
