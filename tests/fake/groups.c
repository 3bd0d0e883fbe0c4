/* SPDX-License-Identifier: Apache-2.0 */
/* The groups of ports.h. */
#include "base/attr.h"
#include "base/text.h"
#include "fake/ports.h"
#include "fake/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <unistd.h>

struct fake_leaf *fake_leaf(struct fake_ports *p, const char *class, const char *tenant, const char *app,
                            uint32_t number, bool make) {
    struct fake_groups *g = &p->groups;
    for (size_t i = 0; i < g->n; i++) {
        struct fake_leaf *l = &g->leaves[i];
        if (strcmp(l->class, class) || strcmp(l->tenant, tenant) || strcmp(l->app, app) ||
            l->number != number)
            continue;
        if (make && !l->exists) {
            l->exists = true;
            l->usage = (struct group_usage){.memory_peak_bytes = 1000};
        }
        return l;
    }
    if (!make || g->n == FAKE_LEAVES)
        return NULL;
    struct fake_leaf *l = &g->leaves[g->n++];
    *l = (struct fake_leaf){.ports = p, .number = number, .exists = true};
    snprintf(l->class, sizeof(l->class), "%s", class);
    snprintf(l->tenant, sizeof(l->tenant), "%s", tenant);
    snprintf(l->app, sizeof(l->app), "%s", app);
    l->usage = (struct group_usage){.memory_peak_bytes = 1000};
    l->fd = memfd_create("leaf", MFD_CLOEXEC);
    return l;
}

static struct fake_leaf *leaf_of(struct fake_groups *g, int fd) {
    struct stat want, st;
    if (fd < 0 || fstat(fd, &want) < 0)
        return NULL;
    for (size_t i = 0; i < g->n; i++)
        if (fstat(g->leaves[i].fd, &st) == 0 && st.st_ino == want.st_ino && st.st_dev == want.st_dev)
            return &g->leaves[i];
    return NULL;
}

struct fake_leaf *fake_leaf_of(struct fake_ports *p, int fd) {
    return leaf_of(&p->groups, fd);
}

static int later(sd_event_source *source ATTR_UNUSED, void *userdata) {
    struct fake_ports *p = userdata;
    struct fake_groups *g = &p->groups;
    for (size_t i = 0; i < g->n_watches; i++) {
        struct fake_watch w = g->watches[i];
        g->watches[i].empty = g->watches[i].oom = false;
        if (w.oom && g->fn)
            g->fn(g->fn_userdata, w.key, true);
        if (w.empty && g->fn)
            g->fn(g->fn_userdata, w.key, false);
    }
    return 0;
}

static void tell(struct fake_leaf *leaf, bool oom) {
    struct fake_groups *g = &leaf->ports->groups;
    for (size_t i = 0; i < g->n_watches; i++) {
        if (g->watches[i].leaf != leaf)
            continue;
        g->watches[i].oom |= oom;
        g->watches[i].empty |= !oom;
        sd_event_source_set_enabled(g->later, SD_EVENT_ONESHOT);
    }
}

void fake_leaf_add(struct fake_leaf *leaf, int processes) {
    leaf->processes += processes;
    if (leaf->processes <= 0) {
        leaf->processes = 0;
        tell(leaf, false);
    }
}

void fake_leaf_oom(struct fake_leaf *leaf) {
    leaf->usage.oom_kills++;
    tell(leaf, true);
}

void fake_leaf_kill(struct fake_leaf *leaf) {
    struct fake_groups *g = &leaf->ports->groups;
    fake_leaf_add(leaf, -leaf->processes);
    if (g->on_kill)
        g->on_kill(g->on_kill_userdata, leaf);
}

void fake_groups_crash(struct fake_ports *p) {
    p->groups.n_watches = 0;
    p->groups.fn = NULL;
}

static int open_any(void *ctx, const char *class ATTR_UNUSED) {
    struct fake_ports *p = ctx;
    if (p->groups.none)
        return -EOPNOTSUPP;
    int fd = memfd_create(class, MFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int open_tenant(void *ctx, const char *class, const char *tenant) {
    char name[160];
    snprintf(name, sizeof(name), "%s-%s", class, tenant);
    return open_any(ctx, name);
}

static int open_leaf(void *ctx, const struct group_leaf *leaf) {
    struct fake_ports *p = ctx;
    if (p->groups.none)
        return -EOPNOTSUPP;
    if (p->groups.open_fail)
        return p->groups.open_fail;
    struct fake_leaf *l = fake_leaf(p, leaf->class, leaf->tenant, leaf->app, leaf->number, true);
    int fd = l ? fcntl(l->fd, F_DUPFD_CLOEXEC, 0) : -1;
    return fd < 0 ? -EMFILE : fd;
}

static int remove_leaf(void *ctx, const struct group_leaf *leaf) {
    struct fake_leaf *l = fake_leaf(ctx, leaf->class, leaf->tenant, leaf->app, leaf->number, false);
    if (!l || !l->exists)
        return -ENOENT;
    if (l->processes > 0)
        return -EBUSY;
    l->exists = false;
    return 0;
}

static int apply(void *ctx, int dirfd, const struct knob_list *knobs, char *ret_missing, size_t size) {
    struct fake_ports *p = ctx;
    struct fake_leaf *l = leaf_of(&p->groups, dirfd);
    char name[64] = "", link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd);
    ssize_t n = readlink(link, name, sizeof(name) - 1);
    name[n > 0 ? n : 0] = '\0';
    char *to = l ? l->knobs : p->groups.applied;
    size_t room = l ? sizeof(l->knobs) : sizeof(p->groups.applied), at = l ? 0 : strlen(to);
    (void)text_format(to + at, room - at, "%s:", name);
    for (uint32_t i = 0; i < knobs->n; i++) {
        at = strlen(to);
        (void)text_format(to + at, room - at, " %s=%s", knobs->knobs[i].file, knobs->knobs[i].value);
    }
    at = strlen(to);
    (void)text_format(to + at, room - at, "\n");
    snprintf(ret_missing, size, "%s", "");
    return 0;
}

static int populated(void *ctx, int dirfd) {
    struct fake_ports *p = ctx;
    const struct fake_leaf *l = leaf_of(&p->groups, dirfd);
    return l ? l->processes > 0 : -EBADF;
}

static int kill_leaf(void *ctx, int dirfd) {
    struct fake_ports *p = ctx;
    struct fake_leaf *l = leaf_of(&p->groups, dirfd);
    if (!l)
        return -EBADF;
    l->kills++;
    if (!l->unkillable)
        fake_leaf_kill(l);
    return 0;
}

static int find_main(void *ctx, int dirfd, pid_t *ret_pid, uint64_t *ret_ticks) {
    struct fake_ports *p = ctx;
    const struct fake_leaf *l = leaf_of(&p->groups, dirfd);
    if (!l || !l->main_pid)
        return -ENOENT;
    *ret_pid = l->main_pid;
    *ret_ticks = l->main_ticks;
    return 0;
}

static void usage(void *ctx, int dirfd, struct group_usage *ret) {
    struct fake_ports *p = ctx;
    const struct fake_leaf *l = leaf_of(&p->groups, dirfd);
    *ret = l ? l->usage : (struct group_usage){UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
}

static int each_leaf(void *ctx, group_leaf_fn fn, void *userdata) {
    struct fake_ports *p = ctx;
    for (size_t i = 0; i < p->groups.n; i++) {
        struct fake_leaf *l = &p->groups.leaves[i];
        const struct group_leaf leaf = {l->class, l->tenant, l->app, l->number};
        if (l->exists && !p->groups.none)
            fn(userdata, &leaf, l->fd);
    }
    return 0;
}

static int watch(void *ctx, uint64_t key, int dirfd) {
    struct fake_ports *p = ctx;
    struct fake_groups *g = &p->groups;
    struct fake_leaf *l = leaf_of(g, dirfd);
    if (!l || key == 0 || g->n_watches == FAKE_LEAVES)
        return -EINVAL;
    for (size_t i = 0; i < g->n_watches; i++)
        if (g->watches[i].key == key)
            return -EEXIST;
    g->watches[g->n_watches++] = (struct fake_watch){.key = key, .leaf = l};
    return 0;
}

static void unwatch(void *ctx, uint64_t key) {
    struct fake_ports *p = ctx;
    struct fake_groups *g = &p->groups;
    for (size_t i = 0; i < g->n_watches; i++)
        if (g->watches[i].key == key) {
            g->watches[i] = g->watches[--g->n_watches];
            return;
        }
}

static void on_event(void *ctx, group_event_fn fn, void *userdata) {
    struct fake_ports *p = ctx;
    p->groups.fn = fn;
    p->groups.fn_userdata = userdata;
}

void fake_groups_init(struct fake_ports *p) {
    sd_event_add_defer(p->loop, &p->groups.later, later, p);
    sd_event_source_set_enabled(p->groups.later, SD_EVENT_OFF);
    p->ports.group =
        (struct group_port){p,         open_any,  open_tenant, open_leaf, remove_leaf, apply,   populated,
                            kill_leaf, find_main, usage,       each_leaf, watch,       unwatch, on_event};
}

void fake_groups_free(struct fake_ports *p) {
    for (size_t i = 0; i < p->groups.n; i++)
        close(p->groups.leaves[i].fd);
    sd_event_source_disable_unref(p->groups.later);
}
