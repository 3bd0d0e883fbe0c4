/* SPDX-License-Identifier: Apache-2.0 */
/* The table of apps and their members: finding, making, freeing. Decides nothing. */
#include "base/clock.h"
#include "base/fd.h"
#include "manager/private.h"
#include "manager/steps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>

static size_t lower_bound(const struct manager *m, const char *name) {
    size_t low = 0, high = m->n_apps;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(m->apps[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct app *apps_find(const struct manager *m, const char *name) {
    size_t i = lower_bound(m, name);
    return i < m->n_apps && strcmp(m->apps[i]->name, name) == 0 ? m->apps[i] : NULL;
}

struct app *apps_nearest(const struct manager *m, const struct caller *who, const char *name) {
    struct app *best = NULL;
    size_t best_distance = SIZE_MAX;
    for (size_t i = 0; i < m->n_apps; i++) {
        struct app *a = m->apps[i];
        char tenant[NAME_LEN_MAX + 1];
        if (!a->known || !access_tenant(m, who, app_tenant(a, tenant)))
            continue;
        const char *alone = strchr(a->name, '/') + 1;
        size_t d = MIN(text_distance(a->name, name), text_distance(alone, name));
        if (d < best_distance) {
            best_distance = d;
            best = a;
        }
    }
    return best && best_distance <= MAX(strlen(name) / 3, (size_t)2) ? best : NULL;
}

int apps_add(struct manager *m, const char *tenant, const char *app, struct app **ret) {
    if (m->n_apps == m->apps_size) {
        size_t size = m->apps_size ? m->apps_size * 2 : 64;
        struct app **grown = realloc(m->apps, size * sizeof(struct app *));
        if (!grown)
            return -ENOMEM;
        m->apps = grown;
        m->apps_size = size;
    }
    struct app *a = calloc(1, sizeof(*a));
    if (!a)
        return -ENOMEM;
    a->manager = m;
    list_init(&a->roll);
    list_init(&a->changing);
    text_format(a->name, sizeof(a->name), "%s/%s", tenant, app);
    size_t at = lower_bound(m, a->name);
    memmove(m->apps + at + 1, m->apps + at, (m->n_apps - at) * sizeof(struct app *));
    m->apps[at] = a;
    m->n_apps++;
    *ret = a;
    return 0;
}

void member_free(struct member *mb) {
    if (!mb)
        return;
    map_remove(&mb->manager->starts, mb->start_id);
    if (mb->probe_id)
        map_remove(&mb->manager->starts, mb->probe_id);
    list_remove(&mb->dirty);
    list_remove(&mb->gate);
    groups_close_leaf(mb, true);
    member_forget_run(mb);
    sd_event_source_disable_unref(mb->timer);
    sd_event_source_disable_unref(mb->probe_timer);
    free(mb);
}

void apps_drop(struct app *a) {
    struct manager *m = a->manager;
    size_t at = lower_bound(m, a->name);
    memmove(m->apps + at, m->apps + at + 1, (m->n_apps - at - 1) * sizeof(struct app *));
    m->n_apps--;
    for (uint32_t i = 0; i < a->n_members; i++)
        member_free(a->members[i]);
    free(a->members);
    list_remove(&a->roll);
    changes_drop(a);
    if (a->purge_id)
        map_remove(&m->tools, a->purge_id);
    app_record_free(&a->record);
    app_record_free(&a->tip);
    spec_free(&a->spec);
    free(a->past);
    m->sums_dirty = true;
    free(a);
}

const char *app_tenant(const struct app *a, char buf[NAME_LEN_MAX + 1]) {
    size_t n = strcspn(a->name, "/");
    memcpy(buf, a->name, n);
    buf[n] = '\0';
    return buf;
}

static struct member *member_new(struct app *a, uint32_t number) {
    struct member *mb = calloc(1, sizeof(*mb));
    if (!mb)
        return NULL;
    mb->manager = a->manager;
    mb->app = a;
    mb->number = number;
    mb->pidfd = mb->leaf_fd = -EBADF;
    mb->state_usec = a->manager->ports->clock.realtime(a->manager->ports->clock.ctx);
    instance_init(&mb->inst, a->manager->ports->clock.monotonic(a->manager->ports->clock.ctx));
    list_init(&mb->dirty);
    list_init(&mb->gate);
    if (number < a->n_past) {
        mb->exit_seq = a->past[number].exit_seq;
        mb->noted_id = a->past[number].noted_id;
    }
    return mb;
}

int app_resize(struct app *a, uint32_t instances) {
    if (instances > a->n_members) {
        struct member **grown = realloc(a->members, instances * sizeof(struct member *));
        if (!grown)
            return -ENOMEM;
        a->members = grown;
        for (; a->n_members < instances; a->n_members++) {
            a->members[a->n_members] = member_new(a, a->n_members);
            if (!a->members[a->n_members])
                return -ENOMEM;
        }
    }
    for (uint32_t i = 0; i < a->n_members; i++) {
        a->members[i]->doomed = i >= instances;
        if (i >= instances)
            member_stop(a->members[i], "scaled down");
    }
    app_trim(a);
    return 0;
}

bool member_is_down(const struct member *mb) {
    return mb->inst.state == INSTANCE_STOPPED && mb->pending == 0;
}

void app_remember(struct app *a, uint32_t number, uint64_t exit_seq, uint64_t noted_id) {
    if (number >= a->n_past) {
        struct past *grown = realloc(a->past, (number + 1) * sizeof(*grown));
        if (!grown)
            return; /* its history begins anew */
        memset(grown + a->n_past, 0, (number + 1 - a->n_past) * sizeof(*grown));
        a->past = grown;
        a->n_past = number + 1;
    }
    a->past[number] = (struct past){exit_seq, noted_id};
}

void app_trim(struct app *a) {
    while (a->n_members > 0) {
        struct member *last = a->members[a->n_members - 1];
        if (!last->doomed || !member_is_down(last))
            break;
        app_remember(a, last->number, last->exit_seq, last->noted_id);
        member_free(last);
        a->n_members--;
    }
}

const struct class_conf *app_class(const struct app *a) {
    return class_find(&a->manager->classes, a->spec.class);
}

unsigned class_index(const struct manager *m, const char *name) {
    for (unsigned i = 0; i < m->classes.n; i++)
        if (strcmp(m->classes.classes[i].name, name) == 0)
            return i;
    return CLASS_MAX;
}

/* Rows in the order in which one state speaks for the whole. */
const char *app_summary(const struct app *a) {
    static const enum instance_state first[] = {INSTANCE_HELD,     INSTANCE_FAILED_START, INSTANCE_BACKOFF,
                                                INSTANCE_STOPPING, INSTANCE_STARTING,     INSTANCE_GATED};
    uint32_t count[INSTANCE_STATE_MAX] = {0}, n = 0;
    if (a->record.removing)
        return "removing";
    for (uint32_t i = 0; i < a->n_members; i++) {
        count[a->members[i]->inst.state]++;
        n++;
    }
    if (n == 0 || count[INSTANCE_STOPPED] == n)
        return "stopped";
    if (count[INSTANCE_RUNNING] == n)
        return "running";
    for (size_t i = 0; i < ARRAY_LEN(first); i++) {
        bool trouble =
            first[i] == INSTANCE_HELD || first[i] == INSTANCE_FAILED_START || first[i] == INSTANCE_BACKOFF;
        if (count[first[i]] > 0)
            return trouble && count[INSTANCE_RUNNING] > 0 ? "degraded" : instance_state_name(first[i]);
    }
    return "degraded"; /* some run, some are stopped */
}
