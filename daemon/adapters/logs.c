/* SPDX-License-Identifier: Apache-2.0 */
/* The log port: files per instance with rotation, or the journal. Slow work is done by the file worker.
 *
 * A file is watched with a one-shot inotify watch: its first write after a look arms a timer, the timer looks
 * at its size once and renews the watch. So a silent instance costs nothing and a flood costs four looks a
 * second. */
#include "adapters/adapters.h"
#include "adapters/log_file.h"
#include "adapters/log_journal.h"
#include "adapters/worker.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/log.h"
#include "base/text.h"
#include "manager/map.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#define LOOK_AFTER_USEC (250 * USEC_PER_MSEC)

struct log_adapter {
    sd_event *loop;
    struct worker *worker;
    char dir[600];
    int dir_fd;
    uint64_t max_bytes;
    uint32_t keep;
    bool journal;
    int inotify_fd;
    sd_event_source *inotify_source, *timer;
    struct map watches; /* watch descriptor -> watched */
    struct list due;
};

struct watched {
    struct log_adapter *logs;
    struct list due;
    int wd;
    char name[3 * NAME_LEN_MAX]; /* below the log folder */
};

static void look_soon(struct log_adapter *l, struct watched *w) {
    if (list_is_empty(&l->due)) {
        sd_event_source_set_time_relative(l->timer, LOOK_AFTER_USEC);
        sd_event_source_set_enabled(l->timer, SD_EVENT_ONESHOT);
    }
    list_append(&l->due, &w->due);
}

static bool is_too_large(const struct log_adapter *l, const struct watched *w) {
    struct stat st;
    return fstatat(l->dir_fd, w->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && (uint64_t)st.st_size > l->max_bytes;
}

static void add_watch(struct log_adapter *l, struct watched *w) {
    char path[1024];
    if (text_format(path, sizeof(path), "%s/%s", l->dir, w->name) < 0)
        return;
    int wd = inotify_add_watch(l->inotify_fd, path, IN_MODIFY | IN_ONESHOT | IN_DONT_FOLLOW);
    if (wd < 0) {
        free(w); /* the file is gone, or no watch is left: not rotated until its next start */
        return;
    }
    struct watched *old = map_get(&l->watches, (uint64_t)wd);
    if (old && old != w) {
        list_remove(&old->due);
        free(old);
    }
    w->wd = wd;
    if (map_set(&l->watches, (uint64_t)wd, w) < 0) {
        inotify_rm_watch(l->inotify_fd, wd);
        free(w);
    } else if (is_too_large(l, w)) { /* a write between the last look and the watch told nobody */
        map_remove(&l->watches, (uint64_t)wd);
        inotify_rm_watch(l->inotify_fd, wd);
        look_soon(l, w);
    }
}

static void watch_name(struct log_adapter *l, const char *name) {
    struct watched *w = calloc(1, sizeof(*w));
    if (!w || text_format(w->name, sizeof(w->name), "%s", name) < 0) {
        free(w);
        return;
    }
    w->logs = l;
    list_init(&w->due);
    add_watch(l, w);
}

struct rotate_job {
    struct worker_job job;
    struct watched *watched; /* owned while the job is out */
    struct log_adapter *logs;
    int result;
};

static void rotate_run(struct worker_job *job) {
    struct rotate_job *r = CONTAINER_OF(job, struct rotate_job, job);
    r->result = log_file_rotate(r->logs->dir_fd, r->watched->name, r->logs->max_bytes, r->logs->keep);
}

static void rotate_done(struct worker_job *job, int cancelled) {
    struct rotate_job *r = CONTAINER_OF(job, struct rotate_job, job);
    if (r->result < 0 && !cancelled)
        log_errno(LOG_LEVEL_WARNING, r->result, "Failed to rotate the log '%s', it was cut instead",
                  r->watched->name);
    if (cancelled)
        free(r->watched);
    else
        add_watch(r->logs, r->watched);
    free(r);
}

static int look(sd_event_source *source ATTR_UNUSED, uint64_t usec ATTR_UNUSED, void *userdata) {
    struct log_adapter *l = userdata;
    struct list batch = LIST_INIT(batch); /* what is found too large again comes in the next look */
    while (!list_is_empty(&l->due)) {
        struct list *first = l->due.next;
        list_remove(first);
        list_append(&batch, first);
    }
    LIST_EACH(&batch, node) {
        struct watched *w = LIST_ENTRY(node, struct watched, due);
        list_remove(&w->due);
        struct rotate_job *r = is_too_large(l, w) ? calloc(1, sizeof(*r)) : NULL;
        if (r) {
            *r =
                (struct rotate_job){.job = {.run = rotate_run, .done = rotate_done}, .watched = w, .logs = l};
            if (worker_give(l->worker, &r->job) == 0)
                continue;
            free(r);
        }
        add_watch(l, w);
    }
    return 0;
}

static int on_inotify(sd_event_source *source ATTR_UNUSED, int fd, uint32_t events ATTR_UNUSED,
                      void *userdata) {
    struct log_adapter *l = userdata;
    char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t n = read(fd, buf, sizeof(buf));
    for (ssize_t at = 0; at < n;) {
        const struct inotify_event *e = (const struct inotify_event *)(const void *)(buf + at);
        at += (ssize_t)(sizeof(*e) + e->len);
        struct watched *w = e->wd > 0 ? map_get(&l->watches, (uint64_t)e->wd) : NULL;
        if (!w)
            continue;
        map_remove(&l->watches, (uint64_t)e->wd);
        if (!(e->mask & IN_MODIFY)) { /* deleted */
            free(w);
            continue;
        }
        look_soon(l, w);
    }
    return 0;
}

static bool to_journal(void *ctx) {
    const struct log_adapter *l = ctx;
    return l->journal;
}

static int log_name(char *buf, size_t size, const char *tenant, const char *app, uint32_t number) {
    return text_format(buf, size, "%s/%s.%u.log", tenant, app, number);
}

static int open_log(void *ctx, const char *tenant, const char *app, uint32_t number) {
    struct log_adapter *l = ctx;
    char name[3 * NAME_LEN_MAX];
    int r = fd_mkdir_p_at(l->dir_fd, tenant, 0750);
    r = r < 0 ? r : log_name(name, sizeof(name), tenant, app, number);
    if (r < 0)
        return r;
    int fd = openat(l->dir_fd, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return -errno;
    watch_name(l, name);
    return fd;
}

static void forget_log(void *ctx, const char *tenant, const char *app, uint32_t number) {
    struct log_adapter *l = ctx;
    char name[3 * NAME_LEN_MAX], old[3 * NAME_LEN_MAX + 16];
    if (l->journal || log_name(name, sizeof(name), tenant, app, number) < 0)
        return;
    unlinkat(l->dir_fd, name, 0);
    for (uint32_t i = 1; i <= l->keep; i++) {
        snprintf(old, sizeof(old), "%s.%u", name, i);
        unlinkat(l->dir_fd, old, 0);
    }
    unlinkat(l->dir_fd, tenant, AT_REMOVEDIR); /* only if that was the last */
}

struct read_job {
    struct worker_job job;
    struct log_adapter *logs;
    char name[3 * NAME_LEN_MAX], group[3 * NAME_LEN_MAX];
    char cursor[512];
    uint32_t lines;
    log_lines_fn fn;
    void *userdata;
    int result;
    struct log_text text;
    struct log_entries entries;
};

static void read_run(struct worker_job *job) {
    struct read_job *q = CONTAINER_OF(job, struct read_job, job);
    q->result = q->logs->journal ? log_journal_read(q->name, q->group, q->cursor, q->lines, &q->entries)
                                 : log_file_read(q->logs->dir_fd, q->name, q->cursor, q->lines, &q->text);
}

static size_t split_lines(const struct log_text *text, struct log_line **ret) {
    size_t n = 0, size = 1;
    for (size_t i = 0; i < text->len; i++)
        size += text->data[i] == '\n';
    struct log_line *lines = calloc(size, sizeof(*lines));
    for (size_t at = 0; lines && at < text->len;) {
        const char *end = memchr(text->data + at, '\n', text->len - at);
        size_t len = end ? (size_t)(end - text->data) - at : text->len - at;
        lines[n++] = (struct log_line){.text = text->data + at, .len = len};
        at += len + 1;
    }
    *ret = lines;
    return n;
}

static void read_done(struct worker_job *job, int cancelled) {
    struct read_job *q = CONTAINER_OF(job, struct read_job, job);
    struct log_line *lines = NULL;
    size_t n = 0;
    if (!cancelled && q->result >= 0 && !q->logs->journal)
        n = split_lines(&q->text, &lines);
    else if (!cancelled && q->result >= 0) {
        lines = calloc(q->entries.n + 1, sizeof(*lines));
        for (; lines && n < q->entries.n; n++)
            lines[n] = (struct log_line){q->entries.list[n].at_usec, q->entries.list[n].text,
                                         q->entries.list[n].len};
    }
    const char *message =
        q->result == -EACCES || q->result == -EPERM
            ? "the daemon may not read the journal: add its user to the group systemd-journal"
            : strerror(-q->result);
    if (!cancelled)
        q->fn(q->userdata, q->result, q->result < 0 ? message : "", lines, n,
              q->logs->journal ? (q->entries.cursor ? q->entries.cursor : "") : q->text.cursor);
    free(lines);
    free(q->text.data);
    log_entries_free(&q->entries);
    free(q);
}

static int read_log(void *ctx, const char *tenant, const char *app, uint32_t number, const char *cursor,
                    uint32_t lines, log_lines_fn fn, void *userdata) {
    struct log_adapter *l = ctx;
    struct read_job *q = calloc(1, sizeof(*q));
    if (!q)
        return -ENOMEM;
    *q = (struct read_job){
        .job = {.run = read_run, .done = read_done}, .logs = l, .fn = fn, .userdata = userdata};
    q->lines = MIN(lines, 10000U);
    int r = text_format(q->cursor, sizeof(q->cursor), "%s", cursor);
    r = r < 0 ? r : text_format(q->group, sizeof(q->group), "%s/%s.%u", tenant, app, number);
    if (r >= 0)
        r = l->journal ? text_format(q->name, sizeof(q->name), "%s/%s/%u", tenant, app, number)
                       : log_name(q->name, sizeof(q->name), tenant, app, number);
    r = r < 0 ? r : worker_give(l->worker, &q->job);
    if (r < 0)
        free(q);
    return r;
}

/* Instances that outlived a daemon go on writing: their files are watched again. */
static void watch_all(struct log_adapter *l) {
    DIR *top = fdopendir(openat(l->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (struct dirent *tenant; top && (tenant = readdir(top));) {
        if (!text_is_name(tenant->d_name))
            continue;
        int fd = openat(l->dir_fd, tenant->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        for (struct dirent *file; dir && (file = readdir(dir));) {
            char name[2 * NAME_MAX];
            size_t len = strlen(file->d_name);
            if (len < 5 || strcmp(file->d_name + len - 4, ".log") != 0)
                continue;
            snprintf(name, sizeof(name), "%s/%s", tenant->d_name, file->d_name);
            watch_name(l, name);
        }
        if (dir)
            closedir(dir);
    }
    if (top)
        closedir(top);
}

int log_adapter_new(sd_event *loop, const struct paths *paths, const struct daemon_conf *conf, bool journal,
                    struct log_port *ret, struct reason *why) {
    struct log_adapter *l = calloc(1, sizeof(*l));
    if (!l)
        return reason_set(why, -ENOMEM, "out of memory");
    *l = (struct log_adapter){.loop = loop,
                              .max_bytes = conf->log_file_bytes,
                              .keep = conf->log_files,
                              .journal = journal,
                              .inotify_fd = -EBADF};
    list_init(&l->due);
    text_format(l->dir, sizeof(l->dir), "%s", paths->log);
    *ret = (struct log_port){l, to_journal, open_log, forget_log, read_log};
    l->dir_fd = open(l->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (l->dir_fd < 0)
        return reason_set(why, -errno, "cannot open the log folder %s: %s", l->dir, strerror(errno));
    l->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    int r = l->inotify_fd < 0 ? -errno : worker_new(loop, &l->worker);
    r = r < 0 ? r : sd_event_add_io(loop, &l->inotify_source, l->inotify_fd, EPOLLIN, on_inotify, l);
    r = r < 0 ? r : sd_event_add_time(loop, &l->timer, CLOCK_MONOTONIC, 0, 10000, look, l);
    if (r < 0)
        return reason_set(why, r, "cannot watch the log folder: %s", strerror(-r));
    sd_event_source_set_enabled(l->timer, SD_EVENT_OFF);
    sd_event_source_set_description(l->inotify_source, "log writes");
    sd_event_source_set_description(l->timer, "log sizes");
    if (!journal)
        watch_all(l);
    return 0;
}

void log_adapter_free(struct log_port *p) {
    struct log_adapter *l = p->ctx;
    if (!l)
        return;
    worker_free(l->worker);
    LIST_EACH(&l->due, node)
    free(LIST_ENTRY(node, struct watched, due));
    for (size_t i = 0; i < l->watches.size; i++)
        free(l->watches.slots[i].value);
    map_free(&l->watches);
    sd_event_source_disable_unref(l->inotify_source);
    sd_event_source_disable_unref(l->timer);
    fd_close(l->inotify_fd);
    fd_close(l->dir_fd);
    free(l);
    p->ctx = NULL;
}
