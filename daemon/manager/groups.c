/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of classes, tenants and instances: made, set and given up through the port. */
#include "base/fd.h"
#include "base/log.h"
#include "manager/private.h"
#include "manager/steps.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static void apply(struct manager *m, int dirfd, const struct knob_list *knobs, const char *what) {
    const struct group_port *group = &m->ports->group;
    char missing[256] = "";
    if (dirfd >= 0 && group->apply(group->ctx, dirfd, knobs, missing, sizeof(missing)) > 0)
        log_warning("Group of %s: the kernel refused %s, carrying on without", what, missing);
}

static void add_demand(struct resource_sum *sum, const struct app *a) {
    sum->memory_bytes += a->spec.memory_bytes * a->record.instances;
    sum->cpu_milli += (uint64_t)a->spec.cpu_milli * a->record.instances;
}

static bool demands(const struct app *a) {
    return a->known && a->record.wanted && !a->record.removing;
}

/* What the tenant's apps of that class want; false if there are none. */
static bool tenant_demand(const struct manager *m, const char *class, const char *tenant,
                          struct resource_sum *sum) {
    size_t len = strlen(tenant);
    bool any = false;
    for (size_t i = 0; i < m->n_apps; i++) {
        const struct app *a = m->apps[i];
        if (!demands(a) || strncmp(a->name, tenant, len) != 0 || a->name[len] != '/' ||
            strcmp(a->spec.class, class) != 0)
            continue;
        add_demand(sum, a);
        any = true;
    }
    return any;
}

static void apply_tenant(struct manager *m, const struct class_conf *class, const char *tenant, int fd) {
    struct resource_sum sum = {0};
    struct knob_list knobs;
    if (!tenant_demand(m, class->name, tenant, &sum))
        return;
    knobs_for_tenant(class, &sum, &m->host, &knobs);
    apply(m, fd, &knobs, tenant);
}

static void apply_tenants(struct manager *m, const struct class_conf *class) {
    const struct group_port *group = &m->ports->group;
    for (uint32_t t = 0; t < m->tenants.n; t++) {
        const char *tenant = m->tenants.tenants[t].name;
        struct resource_sum sum = {0};
        if (!tenant_demand(m, class->name, tenant, &sum))
            continue;
        AUTO_FD int fd = group->open_tenant(group->ctx, class->name, tenant);
        apply_tenant(m, class, tenant, fd);
    }
}

/* A tenant's group goes with its last leaf, and its knobs with it: whoever makes the first leaf again writes
 * them again. A directory's links are its subdirectories and two more. */
static void renew_tenant(struct manager *m, const struct class_conf *class, const char *tenant) {
    const struct group_port *group = &m->ports->group;
    AUTO_FD int fd = group->open_tenant(group->ctx, class->name, tenant);
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_nlink == 2 + 1)
        apply_tenant(m, class, tenant, fd);
}

/* Tells one distribution of the same sum over tenants from another (FNV-1a over names and demands; apps are
 * sorted). */
static void add_share(uint64_t *hash, const struct app *a) {
    const uint64_t demand[] = {a->spec.memory_bytes, a->spec.cpu_milli, a->record.instances};
    for (const char *p = a->name; *p && *p != '/'; p++)
        *hash = (*hash ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < ARRAY_LEN(demand); i++)
        *hash = (*hash ^ demand[i]) * UINT64_C(0x100000001b3);
}

/* memory.min and memory.low are capped by every ancestor, so the sums move up whenever an app comes, goes or
 * changes. */
void groups_apply_sums(struct manager *m) {
    const struct group_port *group = &m->ports->group;
    m->sums_dirty = false;
    for (uint32_t c = 0; c < m->classes.n; c++) {
        const struct class_conf *class = &m->classes.classes[c];
        struct class_state *state = &m->class_states[c];
        struct resource_sum sum = {0};
        uint64_t shares = UINT64_C(0xcbf29ce484222325);
        for (size_t i = 0; i < m->n_apps; i++)
            if (demands(m->apps[i]) && strcmp(m->apps[i]->spec.class, class->name) == 0) {
                add_demand(&sum, m->apps[i]);
                add_share(&shares, m->apps[i]);
            }
        if (state->applied_valid && state->applied_shares == shares &&
            memcmp(&state->applied, &sum, sizeof(sum)) == 0)
            continue;
        AUTO_FD int fd = group->open_class(group->ctx, class->name);
        if (fd == -EOPNOTSUPP)
            return;
        if (fd < 0) {
            log_errno(LOG_LEVEL_WARNING, fd,
                      "Failed to open the group of class '%s', its settings are not in force", class->name);
            continue;
        }
        struct knob_list knobs;
        knobs_for_class(class, &sum, &m->host, &knobs);
        apply(m, fd, &knobs, class->name);
        apply_tenants(m, class);
        state->applied = sum;
        state->applied_shares = shares;
        state->applied_valid = true;
    }
}

static void leaf_of(const struct member *mb, struct group_leaf *ret, char tenant[NAME_LEN_MAX + 1]) {
    *ret = (struct group_leaf){.class = mb->class,
                               .tenant = app_tenant(mb->app, tenant),
                               .app = strchr(mb->app->name, '/') + 1,
                               .number = mb->number};
}

/* Opens the leaf of the app's present class and writes its knobs; keeps one that is open already. But one
 * that was killed as a whole is made anew: since Linux 6.15 every process that is cloned into such a group
 * from outside dies of the old kill (the kernel compares the number of kills with that of the cloner's
 * group). */
int groups_open_leaf(struct member *mb) {
    struct manager *m = mb->manager;
    const struct group_port *group = &m->ports->group;
    const struct class_conf *class = app_class(mb->app);
    if (mb->leaf_fd >= 0 && (mb->leaf_killed || strcmp(mb->class, class->name) != 0))
        groups_close_leaf(mb, true);

    text_format(mb->class, sizeof(mb->class), "%s", class->name);
    if (mb->leaf_fd < 0) {
        char tenant[NAME_LEN_MAX + 1];
        struct group_leaf leaf;
        leaf_of(mb, &leaf, tenant);
        group->remove_leaf(group->ctx, &leaf); /* one that an earlier daemon left may have been killed */
        int fd = group->open_leaf(group->ctx, &leaf);
        if (fd < 0)
            return fd;
        mb->leaf_fd = fd;
        mb->leaf_killed = false;
        renew_tenant(m, class, tenant);
    }
    struct knob_list knobs;
    knobs_for_leaf(class, &mb->app->spec, &m->host, &knobs);
    apply(m, mb->leaf_fd, &knobs, mb->app->name);
    return 0;
}

void groups_close_leaf(struct member *mb, bool remove) {
    const struct group_port *group = &mb->manager->ports->group;
    if (mb->watched) {
        group->unwatch(group->ctx, mb->start_id);
        mb->watched = false;
    }
    if (mb->leaf_fd < 0)
        return;
    mb->leaf_fd = fd_close(mb->leaf_fd);
    if (!remove)
        return;
    char tenant[NAME_LEN_MAX + 1];
    struct group_leaf leaf;
    leaf_of(mb, &leaf, tenant);
    group->remove_leaf(group->ctx,
                       &leaf); /* a busy one is reused by the next start, or removed at the next stop */
}

void groups_event(void *userdata, uint64_t key, bool oom) {
    struct manager *m = userdata;
    const struct group_port *group = &m->ports->group;
    struct member *mb = map_get(&m->starts, key);
    if (!mb || mb->start_id != key || mb->leaf_fd < 0)
        return;
    if (!oom) {
        if (mb->inst.state == INSTANCE_STOPPING && mb->inst.has_exit &&
            group->populated(group->ctx, mb->leaf_fd) == 0)
            member_mark(mb, INSTANCE_EMPTY);
        return;
    }
    struct group_usage usage;
    group->usage(group->ctx, mb->leaf_fd, &usage);
    if (usage.oom_kills == UINT64_MAX || usage.oom_kills <= mb->oom_before || mb->oom_seen)
        return;
    mb->oom_seen = true;
    note_event(m, EVENT_OOM, mb->app, (int32_t)mb->number, -1,
               "out of memory: the kernel killed processes at the instance's memory limit; a larger "
               "memory-max or less heap would avoid it");
}
