/* SPDX-License-Identifier: Apache-2.0 */
/* What readers see. Changes nothing. */
#include "base/clock.h"
#include "base/fd.h"
#include "manager/private.h"
#include "manager/steps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *gate_text(const struct member *mb, char *buf, size_t size) {
    const struct manager *m = mb->manager;
    unsigned c = MIN(class_index(m, mb->app->spec.class), m->classes.n - 1U), before = 0;
    for (unsigned i = 0; i < c; i++)
        LIST_EACH(&m->class_states[i].gated, node)
    before++;
    LIST_EACH(&m->class_states[c].gated, node) {
        if (node == &mb->gate)
            break;
        before++;
    }
    snprintf(buf, size, "waits for its turn (starts are spread over time): %u before it", before);
    return buf;
}

/* One line: what it waits for, why it is held, what the app said of itself. */
static const char *why_text(const struct member *mb, char *buf, size_t size) {
    const struct instance *i = &mb->inst;
    char text[160];
    buf[0] = '\0';
    switch (i->state) {
    case INSTANCE_GATED:
        return gate_text(mb, buf, size);
    case INSTANCE_BACKOFF:
    case INSTANCE_FAILED_START:
        snprintf(buf, size, "%s%s%s", run_exit_text(&i->exit, text, sizeof(text)), mb->detail[0] ? ": " : "",
                 mb->detail);
        break;
    case INSTANCE_HELD:
        snprintf(buf, size, "%s (%s)", restart_verdict_name(i->last_verdict),
                 run_exit_text(&i->exit, text, sizeof(text)));
        break;
    case INSTANCE_STOPPING:
    case INSTANCE_STOPPED:
        if (mb->stop_why[0])
            snprintf(buf, size, "%s", mb->stop_why);
        else if (i->last_verdict != RESTART_NONE)
            snprintf(buf, size, "%s", restart_verdict_name(i->last_verdict));
        break;
    case INSTANCE_STARTING:
        snprintf(buf, size, "%s", mb->status[0] ? mb->status : i->started_usec ? "not ready yet" : "");
        break;
    case INSTANCE_RUNNING:
    case INSTANCE_STATE_MAX:
    case INSTANCE_STATE_INVALID:
    default:
        snprintf(buf, size, "%s", mb->status);
        break;
    }
    return buf;
}

static void view_member(const struct member *mb, bool with_usage, struct instance_view *ret, char *why,
                        size_t why_size) {
    const struct manager *m = mb->manager;
    const struct clock_port *clock = &m->ports->clock;
    const struct instance *i = &mb->inst;
    *ret = (struct instance_view){.number = mb->number,
                                  .state = i->state,
                                  .pid = i->has_exit ? 0 : mb->pid,
                                  .restarts = i->restarts,
                                  .since_usec = mb->state_usec,
                                  .generation = instance_state_has_process(i->state) ? mb->generation : 0,
                                  .outdated = mb->outdated || mb->pending & 1u << INSTANCE_STOP,
                                  .why = why_text(mb, why, why_size),
                                  .last_exit = mb->has_last_exit ? &i->exit : NULL,
                                  .cpu_usec = UINT64_MAX,
                                  .memory_bytes = UINT64_MAX,
                                  .tasks = UINT64_MAX};
    if (i->deadline_usec != USEC_NEVER)
        ret->next_usec =
            usec_add(clock->realtime(clock->ctx), usec_sub(i->deadline_usec, clock->monotonic(clock->ctx)));
    if (!with_usage || mb->leaf_fd < 0)
        return;
    struct group_usage usage;
    m->ports->group.usage(m->ports->group.ctx, mb->leaf_fd, &usage);
    ret->cpu_usec = usage.cpu_usec;
    ret->memory_bytes = usage.memory_bytes;
    ret->tasks = usage.tasks;
}

#define WHY_SIZE 256

static int view_app(struct app *a, bool with_usage, app_view_fn fn, void *userdata) {
    char tenant[NAME_LEN_MAX + 1];
    AUTO_FREE struct instance_view *instances = calloc(a->n_members + 1, sizeof(*instances));
    AUTO_FREE char *why = malloc((size_t)(a->n_members + 1) * WHY_SIZE);
    if (!instances || !why)
        return -ENOMEM;
    for (uint32_t i = 0; i < a->n_members; i++)
        view_member(a->members[i], with_usage, &instances[i], why + (size_t)i * WHY_SIZE, WHY_SIZE);
    const struct app_view v = {.name = a->name,
                               .tenant = app_tenant(a, tenant),
                               .app = strchr(a->name, '/') + 1,
                               .class = a->spec.class,
                               .state = app_summary(a),
                               .wanted = a->record.wanted,
                               .generation = a->record.generation,
                               .registered_usec = a->record.registered_usec,
                               .registered_by = a->record.registered_by,
                               .spec = &a->spec,
                               .instances = instances,
                               .n_instances = a->n_members};
    return fn(userdata, &v);
}

int manager_each_app(struct manager *m, const struct caller *who, bool with_usage, app_view_fn fn,
                     void *userdata) {
    for (size_t i = 0; i < m->n_apps; i++) {
        char tenant[NAME_LEN_MAX + 1];
        struct app *a = m->apps[i];
        if (!a->known || !access_tenant(m, who, app_tenant(a, tenant)))
            continue;
        int r = view_app(a, with_usage, fn, userdata);
        if (r < 0)
            return r;
    }
    return 0;
}

int manager_view_app(struct manager *m, const struct caller *who, const char *name, bool with_usage,
                     app_view_fn fn, void *userdata, struct reason *why) {
    struct app *a;
    int r = access_app(m, who, name, &a, why);
    return r < 0 ? r : view_app(a, with_usage, fn, userdata);
}

struct counts {
    uint32_t apps, instances, running;
};

static void count(const struct app *a, struct counts *c) {
    c->apps++;
    c->instances += a->record.instances;
    for (uint32_t i = 0; i < a->n_members; i++)
        c->running += a->members[i]->inst.state == INSTANCE_RUNNING;
}

int manager_each_class(struct manager *m, const struct caller *who ATTR_UNUSED, class_view_fn fn,
                       void *userdata) {
    for (uint32_t c = 0; c < m->classes.n; c++) {
        const struct class_conf *class = &m->classes.classes[c];
        struct counts n = {0};
        for (size_t i = 0; i < m->n_apps; i++)
            if (m->apps[i]->known && strcmp(m->apps[i]->spec.class, class->name) == 0)
                count(m->apps[i], &n);
        struct class_view v = {.conf = class, .apps = n.apps, .instances = n.instances, .running = n.running};
        int fd = m->ports->group.open_class(m->ports->group.ctx, class->name);
        m->ports->group.usage(m->ports->group.ctx, fd, &v.usage);
        fd_close(fd);
        int r = fn(userdata, &v);
        if (r < 0)
            return r;
    }
    return 0;
}

int manager_each_tenant(struct manager *m, const struct caller *who, tenant_view_fn fn, void *userdata) {
    for (uint32_t t = 0; t < m->tenants.n; t++) {
        const struct tenant_conf *tenant = &m->tenants.tenants[t];
        size_t len = strlen(tenant->name);
        bool mine = caller_acts_for(who, &m->tenant_ids[t]);
        if (!mine && !access_is_operator(m, who))
            continue;
        struct counts n = {0};
        for (size_t i = 0; i < m->n_apps; i++)
            if (m->apps[i]->known && strncmp(m->apps[i]->name, tenant->name, len) == 0 &&
                m->apps[i]->name[len] == '/')
                count(m->apps[i], &n);
        const struct tenant_view v = {
            .conf = tenant, .apps = n.apps, .instances = n.instances, .running = n.running, .mine = mine};
        int r = fn(userdata, &v);
        if (r < 0)
            return r;
    }
    return 0;
}

void manager_service(const struct manager *m, struct service_view *ret) {
    struct counts n = {0};
    for (size_t i = 0; i < m->n_apps; i++)
        if (m->apps[i]->known)
            count(m->apps[i], &n);
    *ret = (struct service_view){.launcher_pid = (pid_t)m->welcome.launcher_pid,
                                 .started_usec = m->started_usec,
                                 .apps = n.apps,
                                 .instances = n.instances,
                                 .running = n.running,
                                 .root = m->paths.root,
                                 .cgroup = m->cgroot.path,
                                 .cgroup_mode = cgroot_mode_name(m->cgroot.mode),
                                 .serving = m->serving,
                                 .stopping = m->stopping};
}
