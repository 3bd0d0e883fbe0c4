/* SPDX-License-Identifier: Apache-2.0 */
/* The group port on the cgroup tree. */
#include "adapters/adapters.h"
#include "base/attr.h"
#include "base/text.h"
#include "cgroup/group.h"
#include "cgroup/tree.h"
#include "cgroup/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>

struct group_adapter {
    struct cgtree *tree; /* NULL: no groups on this host */
    struct cgwatch *watch;
    sd_event_source *source;
    group_event_fn fn;
    void *userdata;
};

static int open_class(void *ctx, const char *class) {
    struct group_adapter *g = ctx;
    return g->tree ? cgtree_open_class(g->tree, class) : -EOPNOTSUPP;
}

static int open_tenant(void *ctx, const char *class, const char *tenant) {
    struct group_adapter *g = ctx;
    return g->tree ? cgtree_open_tenant(g->tree, class, tenant) : -EOPNOTSUPP;
}

static int open_leaf(void *ctx, const struct group_leaf *leaf) {
    struct group_adapter *g = ctx;
    return g->tree ? cgtree_open_leaf(g->tree, leaf->class, leaf->tenant, leaf->app, leaf->number)
                   : -EOPNOTSUPP;
}

static int remove_leaf(void *ctx, const struct group_leaf *leaf) {
    struct group_adapter *g = ctx;
    return g->tree ? cgtree_remove_leaf(g->tree, leaf->class, leaf->tenant, leaf->app, leaf->number) : 0;
}

/* The kernel refuses cpu.weight in an idle group (EINVAL); that it has been idle before is no fault. */
static bool is_refusal(const struct knob *k, int r, bool idle_group) {
    if (r >= 0)
        return false;
    if (k->optional && (r == -ENOENT || r == -EOPNOTSUPP))
        return false;
    return !(idle_group && strcmp(k->file, "cpu.weight") == 0);
}

static int apply(void *ctx ATTR_UNUSED, int dirfd, const struct knob_list *knobs, char *ret_missing,
                 size_t size) {
    int refused = 0;
    bool idle = false;
    for (uint32_t i = 0; i < knobs->n; i++)
        idle |= strcmp(knobs->knobs[i].file, "cpu.idle") == 0 && strcmp(knobs->knobs[i].value, "1") == 0;
    ret_missing[0] = '\0';
    for (uint32_t i = 0; i < knobs->n; i++) {
        const struct knob *k = &knobs->knobs[i];
        int r = group_write(dirfd, k->file, k->value);
        if (!is_refusal(k, r, idle))
            continue;
        size_t at = strlen(ret_missing);
        text_format(ret_missing + at, size - at, "%s%s=%s (%s)", refused ? ", " : "", k->file, k->value,
                    strerror(-r));
        refused++;
    }
    return refused;
}

static int populated(void *ctx ATTR_UNUSED, int dirfd) {
    return group_is_populated(dirfd);
}

static int kill_group(void *ctx ATTR_UNUSED, int dirfd) {
    return group_kill(dirfd);
}

static int find_main(void *ctx ATTR_UNUSED, int dirfd, pid_t *ret_pid, uint64_t *ret_ticks) {
    return group_find_main(dirfd, ret_pid, ret_ticks);
}

/* Only files that can be there are opened: this is read at every start and for every row of a status. */
static void usage(void *ctx, int dirfd, struct group_usage *ret) {
    const struct group_adapter *g = ctx;
    *ret = (struct group_usage){UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
    if (dirfd < 0 || !g->tree)
        return;
    ret->cpu_usec = group_counter(dirfd, "cpu.stat", "usage_usec");
    if (cgtree_has(g->tree, "memory")) {
        ret->memory_bytes = group_counter(dirfd, "memory.current", NULL);
        ret->memory_peak_bytes = group_counter(dirfd, "memory.peak", NULL);
        ret->oom_kills = group_counter(dirfd, "memory.events", "oom_kill");
    }
    if (cgtree_has(g->tree, "pids"))
        ret->tasks = group_counter(dirfd, "pids.current", NULL);
}

struct each {
    group_leaf_fn fn;
    void *userdata;
};

static void each(void *userdata, const struct cgleaf_name *name, int dirfd) {
    struct each *e = userdata;
    const struct group_leaf leaf = {name->class, name->tenant, name->app, name->number};
    e->fn(e->userdata, &leaf, dirfd);
}

static int each_leaf(void *ctx, group_leaf_fn fn, void *userdata) {
    struct group_adapter *g = ctx;
    struct each e = {fn, userdata};
    return g->tree ? cgtree_each_leaf(g->tree, each, &e) : 0;
}

static int watch(void *ctx, uint64_t key, int dirfd) {
    struct group_adapter *g = ctx;
    return cgwatch_add(g->watch, key, dirfd);
}

static void unwatch(void *ctx, uint64_t key) {
    struct group_adapter *g = ctx;
    cgwatch_remove(g->watch, key);
}

static void on_event(void *ctx, group_event_fn fn, void *userdata) {
    struct group_adapter *g = ctx;
    g->fn = fn;
    g->userdata = userdata;
}

static void watched(void *userdata, uint64_t key, enum cgwatch_what what) {
    struct group_adapter *g = userdata;
    if (g->fn)
        g->fn(g->userdata, key, what == CGWATCH_OOM);
}

static int on_watch(sd_event_source *source ATTR_UNUSED, int fd ATTR_UNUSED, uint32_t events ATTR_UNUSED,
                    void *userdata) {
    struct group_adapter *g = userdata;
    cgwatch_dispatch(g->watch);
    return 0;
}

int group_adapter_new(sd_event *loop, const struct cgroot *cgroot, struct group_port *ret,
                      struct reason *why) {
    struct group_adapter *g = calloc(1, sizeof(*g));
    if (!g)
        return reason_set(why, -ENOMEM, "out of memory");
    *ret =
        (struct group_port){g,          open_class, open_tenant, open_leaf, remove_leaf, apply,   populated,
                            kill_group, find_main,  usage,       each_leaf, watch,       unwatch, on_event};
    int r = cgtree_open(cgroot, &g->tree);
    if (r < 0)
        return reason_set(why, r, "cannot open the cgroup tree at %s: %s", cgroot->path, strerror(-r));
    r = cgwatch_new(watched, g, &g->watch);
    if (r < 0)
        return reason_set(why, r, "cannot watch groups (fs.inotify.max_user_instances used up?): %s",
                          strerror(-r));
    r = sd_event_add_io(loop, &g->source, cgwatch_fd(g->watch), EPOLLIN, on_watch, g);
    if (r < 0)
        return reason_set(why, r, "cannot watch groups: %s", strerror(-r));
    sd_event_source_set_description(g->source, "group events");
    return 0;
}

bool group_adapter_has(const struct group_port *p, const char *controller) {
    const struct group_adapter *g = p->ctx;
    return g->tree && cgtree_has(g->tree, controller);
}

void group_adapter_free(struct group_port *p) {
    struct group_adapter *g = p->ctx;
    if (!g)
        return;
    sd_event_source_disable_unref(g->source);
    cgwatch_free(g->watch);
    cgtree_free(g->tree);
    free(g);
    p->ctx = NULL;
}
