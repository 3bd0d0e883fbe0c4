/* SPDX-License-Identifier: Apache-2.0 */
/* The manager's own life: made, loaded from the registry, connected, freed. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "manager/manager.h"
#include "manager/private.h"
#include "manager/steps.h"
#include "wire/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>

static void read_boot_id(struct manager *m) {
    AUTO_FREE char *text = NULL;
    if (fd_read_file_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64, &text, NULL) < 0)
        return;
    text[strcspn(text, "\n")] = '\0';
    text_format(m->boot_id, sizeof(m->boot_id), "%s", text);
}

int manager_new(struct manager_parts *parts, struct manager **ret) {
    struct manager *m = calloc(1, sizeof(*m));
    if (!m)
        return -ENOMEM;
    m->loop = sd_event_ref(parts->loop);
    m->ports = parts->ports;
    m->paths = parts->paths;
    m->conf = parts->conf;
    m->classes = parts->classes;
    m->tenants = parts->tenants;
    parts->tenants = (struct tenant_table){0};
    m->host = parts->host;
    m->cgroot = parts->cgroot;
    list_init(&m->dirty);
    list_init(&m->rolling);
    for (size_t i = 0; i < CLASS_MAX; i++)
        list_init(&m->class_states[i].gated);
    const struct clock_port *clock = &m->ports->clock;
    gate_init(&m->gate, m->conf.start_burst, m->conf.start_interval_usec, clock->monotonic(clock->ctx));
    m->started_usec = clock->realtime(clock->ctx);
    m->sums_dirty = true;
    read_boot_id(m);
    *ret = m;
    return 0;
}

struct loading {
    struct manager *manager;
    int error;
};

/* Perhaps a newer version wrote it, and will read it again: its processes are none of ours to kill. */
static void leave_alone(struct loading *l, const char *key) {
    const char *name = strchr(key, '/') + 1;
    log_error(
        "The registry has an app '%s' that cannot be read (written by a newer version?), leaving it alone",
        name);
    if (text_list_add(&l->manager->unreadable, name) < 0)
        l->error = -ENOMEM;
}

static void load_app(void *userdata, const struct store_entry *e) {
    struct loading *l = userdata;
    char tenant[NAME_LEN_MAX + 1], app[NAME_LEN_MAX + 1];
    struct app_record record;
    struct app *a = NULL;
    int r = record_key_app(e->key, tenant, app, NULL);
    r = r < 0 ? r : app_record_decode(e->value, e->len, &record);
    if (r < 0) {
        leave_alone(l, e->key);
        return;
    }
    r = apps_add(l->manager, tenant, app, &a);
    r = r < 0 ? r : app_load_record(a, &record);
    if (r == -ENOMEM)
        l->error = r;
    else if (r < 0)
        leave_alone(l, e->key);
    if (r < 0 && a)
        apps_drop(a);
    app_record_free(&record);
}

static void load_run(void *userdata, const struct store_entry *e) {
    struct loading *l = userdata;
    struct manager *m = l->manager;
    char name[2 * NAME_LEN_MAX + 2], tenant[NAME_LEN_MAX + 1], app[NAME_LEN_MAX + 1];
    uint32_t number;
    struct run_record r;
    if (record_key_app(e->key, tenant, app, &number) < 0 || run_record_decode(e->value, e->len, &r) < 0)
        return;
    text_format(name, sizeof(name), "%s/%s", tenant, app);
    struct app *a = apps_find(m, name);
    if (!a || number >= SPEC_INSTANCES_MAX)
        return;
    if (number >= a->n_members) { /* it ran when the app had more instances; it may still */
        if (r.ended)
            app_remember(a, number, r.exit_seq, r.start_id);
        if (r.ended || app_resize(a, number + 1) < 0)
            return;
        app_resize(a, a->record.instances);
    }
    if (number >= a->n_members)
        return;
    struct member *mb = a->members[number];
    mb->start_id = r.start_id;
    mb->noted_id = r.ended ? r.start_id : r.start_id - 1;
    mb->generation = r.generation;
    if (!r.ended && strcmp(r.boot_id, m->boot_id) == 0) {
        mb->adopt_pid = (pid_t)r.pid;
        mb->start_ticks = r.start_ticks;
    }
    mb->oom_before = r.oom_before;
    mb->cpu_before = r.cpu_before;
    mb->exit_seq = r.exit_seq;
    mb->started_usec = r.started_usec;
    mb->inst.was_ready = r.ready && !r.ended;
    mb->run_open = !r.ended && r.pid != 0;
    mb->run_verdict = r.verdict;
    mb->inst.restarts = r.restarts;
    memcpy(mb->class, r.class, sizeof(mb->class));
    memcpy(mb->run_boot_id, r.boot_id, sizeof(mb->run_boot_id));
    m->last_start_id = MAX(m->last_start_id, r.start_id);
    if (!r.ended && map_set(&m->starts, r.start_id, mb) < 0)
        l->error = -ENOMEM;
}

static void load_event(void *userdata, const struct store_entry *e) {
    struct loading *l = userdata;
    uint64_t seq;
    if (record_key_seq(e->key, &seq) == 0)
        l->manager->event_seq = MAX(l->manager->event_seq, seq);
}

static void load_last_exit(void *userdata, const struct store_entry *e) {
    struct member *mb = userdata;
    struct exit_record r;
    if (exit_record_decode(e->value, e->len, &r) < 0)
        return;
    mb->inst.exit = r.exit;
    mb->has_last_exit = true;
}

static void load_last_exits(struct manager *m) {
    const struct store_port *store = &m->ports->store;
    char key[RECORD_KEY_MAX], tenant[NAME_LEN_MAX + 1];
    for (size_t i = 0; i < m->n_apps; i++)
        for (uint32_t n = 0; n < m->apps[i]->n_members; n++) {
            struct member *mb = m->apps[i]->members[n];
            if (mb->exit_seq == 0)
                continue;
            record_exit_key(key, app_tenant(m->apps[i], tenant), strchr(m->apps[i]->name, '/') + 1, n,
                            mb->exit_seq);
            store->load(store->ctx, key, load_last_exit, mb);
        }
}

int manager_load(struct manager *m, struct reason *why) {
    static const struct {
        const char *prefix;
        store_entry_fn fn;
    } kinds[] = {{"app/", load_app}, {"run/", load_run}, {"event/", load_event}};
    struct loading l = {m, 0};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        int r = m->ports->store.load(m->ports->store.ctx, kinds[i].prefix, kinds[i].fn, &l);
        r = r < 0 ? r : l.error;
        if (r < 0)
            return reason_set(why, r, "the registry in %s cannot be read: %s", m->paths.registry,
                              strerror(-r));
    }
    load_last_exits(m);
    return access_load(m, why);
}

int manager_start(struct manager *m, int socket, struct reason *why) {
    m->ports->group.on_event(m->ports->group.ctx, groups_event, m);
    int r = settle_attach(m);
    if (r < 0) {
        fd_close(socket);
        return reason_set(why, r, "cannot attach to the event loop: %s", strerror(-r));
    }
    r = link_new(m->loop, socket, &manager_link_callbacks, m, &m->link);
    return r < 0 ? reason_set(why, r, "cannot speak to the launcher: %s", strerror(-r)) : 0;
}

void manager_free(struct manager *m) {
    if (!m)
        return;
    m->ended = true;
    for (size_t i = 0; i < m->n_apps; i++)
        for (uint32_t n = 0; n < m->apps[i]->n_members; n++)
            groups_close_leaf(m->apps[i]->members[n], false);
    while (m->n_apps > 0)
        apps_drop(m->apps[m->n_apps - 1]);
    note_flush(m);
    free(m->notes);
    free(m->apps);
    link_free(m->link);
    map_free(&m->starts);
    map_free(&m->tools);
    free(m->ends.list);
    text_list_free(m->unreadable);
    sd_event_source_disable_unref(m->settle_source);
    sd_event_source_disable_unref(m->gate_timer);
    access_free(m);
    tenant_table_free(&m->tenants);
    sd_event_unref(m->loop);
    free(m);
}

void manager_on_end(struct manager *m, manager_end_fn fn, void *userdata) {
    m->on_end = fn;
    m->on_end_userdata = userdata;
}

void manager_on_ready(struct manager *m, void (*ready)(void *userdata), void *userdata) {
    m->on_ready = ready;
    m->on_ready_userdata = userdata;
}

bool manager_is_serving(const struct manager *m) {
    return m->serving && !m->stopping && !m->ended;
}

size_t manager_take_children(struct manager *m, struct handover_child *ret, size_t max) {
    size_t n = 0;
    for (size_t i = 0; i < m->n_apps; i++)
        for (uint32_t k = 0; k < m->apps[i]->n_members && n < max; k++) {
            struct member *mb = m->apps[i]->members[k];
            if (mb->pidfd < 0)
                continue;
            ret[n++] = (struct handover_child){.start_id = mb->start_id,
                                               .pid = (uint32_t)mb->pid,
                                               .start_ticks = mb->start_ticks,
                                               .pidfd = TAKE_FD(mb->pidfd)};
        }
    return n;
}
