/* SPDX-License-Identifier: Apache-2.0 */
/* Turns "this file changed" into what changed, by reading it; what follows from it is decided elsewhere. */
#include "cgroup/watch.h"

#include "base/attr.h"
#include "base/fd.h"
#include "base/list.h"
#include "cgroup/group.h"
#include "cgroup/keymap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

struct leaf {
    uint64_t key;
    int dirfd;                   /* owned */
    int events_watch, oom_watch; /* -1: none */
    uint64_t oom_kills;          /* told so far; UINT64_MAX: not counted */
    struct list node;            /* in cgwatch.leaves */
    struct list unchecked;       /* in cgwatch.unchecked: to be looked at without an event */
};

struct cgwatch {
    cgwatch_fn fn;
    void *userdata; /* borrowed */
    int epoll_fd;   /* what the owner polls: the two below */
    int inotify_fd;
    int check_fd; /* eventfd: `unchecked` is not empty */
    struct list leaves, unchecked;
    struct keymap by_key, by_watch;
};

int cgwatch_fd(const struct cgwatch *w) {
    return w->epoll_fd;
}

static int poll_too(const struct cgwatch *w, int fd) {
    struct epoll_event e = {.events = EPOLLIN};
    return epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

static int open_fds(struct cgwatch *w) {
    w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (w->epoll_fd < 0)
        return -errno;
    w->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (w->inotify_fd < 0)
        return -errno;
    w->check_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (w->check_fd < 0)
        return -errno;
    int r = poll_too(w, w->inotify_fd);
    return r < 0 ? r : poll_too(w, w->check_fd);
}

int cgwatch_new(cgwatch_fn fn, void *userdata, struct cgwatch **ret) {
    struct cgwatch *w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    w->fn = fn;
    w->userdata = userdata;
    w->epoll_fd = w->inotify_fd = w->check_fd = -EBADF;
    list_init(&w->leaves);
    list_init(&w->unchecked);
    int r = open_fds(w);
    if (r < 0) {
        cgwatch_free(w);
        return r;
    }
    *ret = w;
    return 0;
}

/* Takes the leaf out of everything it is in and frees it. */
static void drop(struct cgwatch *w, struct leaf *l) {
    const int watches[] = {l->events_watch, l->oom_watch};
    for (size_t i = 0; i < ARRAY_LEN(watches); i++)
        if (watches[i] >= 0 && keymap_remove(&w->by_watch, (uint64_t)watches[i]))
            inotify_rm_watch(w->inotify_fd, watches[i]);
    list_remove(&l->node);
    list_remove(&l->unchecked);
    fd_close(l->dirfd);
    free(l);
}

void cgwatch_free(struct cgwatch *w) {
    if (!w)
        return;
    LIST_EACH(&w->leaves, node)
    drop(w, LIST_ENTRY(node, struct leaf, node));
    keymap_free(&w->by_key);
    keymap_free(&w->by_watch);
    fd_close(w->check_fd);
    fd_close(w->inotify_fd);
    fd_close(w->epoll_fd);
    free(w);
}

/* Watches one file of the group. Returns 0 or -errno. */
static int watch_file(struct cgwatch *w, struct leaf *l, const char *file, int *ret_watch) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", l->dirfd, file);
    int watch = inotify_add_watch(w->inotify_fd, path, IN_MODIFY | IN_DONT_FOLLOW | IN_MASK_CREATE);
    if (watch < 0)
        return errno == ENODEV ? -ENOENT : -errno;
    int r = keymap_set(&w->by_watch, (uint64_t)watch, l);
    if (r < 0) {
        inotify_rm_watch(w->inotify_fd, watch);
        return r;
    }
    *ret_watch = watch;
    return 0;
}

static int watch_leaf(struct cgwatch *w, struct leaf *l, int dirfd) {
    l->dirfd = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
    if (l->dirfd < 0)
        return -errno;
    int r = watch_file(w, l, "cgroup.events", &l->events_watch);
    if (r == 0)
        r = watch_file(w, l, "memory.events", &l->oom_watch);
    if (r == -ENOENT && l->events_watch >= 0)
        r = 0; /* no memory controller */
    return r < 0 ? r : keymap_set(&w->by_key, l->key, l);
}

/* Has the leaf looked at in the next dispatch. */
static void check_soon(struct cgwatch *w, struct leaf *l) {
    uint64_t one = 1;
    list_remove(&l->unchecked);
    list_append(&w->unchecked, &l->unchecked);
    ssize_t n = write(w->check_fd, &one, sizeof(one));
    (void)n; /* a full counter is readable too */
}

int cgwatch_add(struct cgwatch *w, uint64_t key, int dirfd) {
    if (keymap_get(&w->by_key, key))
        return -EEXIST;
    struct leaf *l = calloc(1, sizeof(*l));
    if (!l)
        return -ENOMEM;
    *l = (struct leaf){.key = key, .dirfd = -EBADF, .events_watch = -1, .oom_watch = -1};
    list_init(&l->node);
    list_init(&l->unchecked);

    int r = watch_leaf(w, l, dirfd);
    if (r < 0) {
        drop(w, l);
        return r;
    }
    list_append(&w->leaves, &l->node);
    l->oom_kills = group_oom_kills(l->dirfd);
    /* Looked at only now, when no change can be missed any more. */
    if (group_is_populated(l->dirfd) != 1)
        check_soon(w, l);
    return 0;
}

void cgwatch_remove(struct cgwatch *w, uint64_t key) {
    struct leaf *l = keymap_remove(&w->by_key, key);
    if (l)
        drop(w, l);
}

/* Reads the leaf's files and tells what they say. The leaf may be gone afterwards: callbacks may remove it.
 */
static void look(struct cgwatch *w, struct leaf *l) {
    uint64_t key = l->key, oom_kills = l->oom_watch >= 0 ? group_oom_kills(l->dirfd) : UINT64_MAX;
    int populated = group_is_populated(l->dirfd);
    bool killed = oom_kills != UINT64_MAX && l->oom_kills != UINT64_MAX && oom_kills > l->oom_kills;
    if (oom_kills != UINT64_MAX)
        l->oom_kills = oom_kills;

    if (killed)
        w->fn(w->userdata, key, CGWATCH_OOM);
    if ((populated == 0 || populated == -ENOENT) && keymap_get(&w->by_key, key))
        w->fn(w->userdata, key, CGWATCH_EMPTY);
}

/* The list is moved away first, so that leaves which callbacks add wait for the next dispatch. */
static void look_at_unchecked(struct cgwatch *w) {
    uint64_t count;
    ssize_t n = read(w->check_fd, &count, sizeof(count));
    (void)n; /* nothing to look at */
    struct list now = LIST_INIT(now);
    while (!list_is_empty(&w->unchecked)) {
        struct list *node = w->unchecked.next;
        list_remove(node);
        list_append(&now, node);
    }
    while (!list_is_empty(&now)) {
        struct leaf *l = LIST_ENTRY(now.next, struct leaf, unchecked);
        list_remove(&l->unchecked);
        look(w, l);
    }
}

static void handle(struct cgwatch *w, const struct inotify_event *e) {
    if (e->mask & IN_Q_OVERFLOW) {
        LIST_EACH(&w->leaves, node)
        check_soon(w, LIST_ENTRY(node, struct leaf, node));
        return;
    }
    struct leaf *l = e->wd < 0 ? NULL : keymap_get(&w->by_watch, (uint64_t)e->wd);
    if (!l)
        return; /* of a watch that was removed */
    if (e->mask & IN_IGNORED) {
        /* The kernel dropped the watch because the file is gone. */
        keymap_remove(&w->by_watch, (uint64_t)e->wd);
        *(l->events_watch == e->wd ? &l->events_watch : &l->oom_watch) = -1;
    }
    look(w, l);
}

/* A group may stand in many events of one reading; looking at it again costs two small reads. */
static void read_events(struct cgwatch *w) {
    char buf[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t n = read(w->inotify_fd, buf, sizeof(buf));
    for (ssize_t at = 0; at < n;) {
        struct inotify_event e;
        memcpy(&e, buf + at, sizeof(e));
        handle(w, &e);
        at += (ssize_t)(sizeof(e) + e.len);
    }
}

void cgwatch_dispatch(struct cgwatch *w) {
    read_events(w);
    look_at_unchecked(w);
}
