/* SPDX-License-Identifier: Apache-2.0 */
/* Methods that show apps: List (short, of all), Status (all there is), Show (the spec). */
#include "api/dict.h"
#include "api/exits.h"
#include "api/methods.h"
#include "api/request.h"

#include <errno.h>
#include <string.h>

struct view_writer {
    sd_bus_message *m;         /* borrowed */
    const struct ranks *ranks; /* borrowed */
    bool full;                 /* status rather than list */
};

static int note_rank(void *userdata, const struct class_view *v) {
    struct ranks *ranks = userdata;
    if (ranks->n < CLASS_MAX) {
        strcpy(ranks->of[ranks->n].name, v->conf->name);
        ranks->of[ranks->n++].rank = v->conf->rank;
    }
    return 0;
}

/* Asked for once: classes do not change while the daemon lives, and the manager reads their usage too. */
static const struct ranks *ranks_of(struct api *a, const struct caller *who) {
    if (a->ranks.n == 0)
        manager_each_class(a->manager, who, note_rank, &a->ranks);
    return &a->ranks;
}

static void add_rank(sd_bus_message *m, const struct ranks *ranks, const char *class) {
    for (uint32_t i = 0; i < ranks->n; i++)
        if (strcmp(ranks->of[i].name, class) == 0)
            dict_u32(m, "rank", ranks->of[i].rank);
}

static void add_instance(sd_bus_message *m, const struct instance_view *i, bool full) {
    dict_open(m);
    dict_u32(m, "number", i->number);
    dict_text(m, "state", instance_state_name(i->state));
    dict_u32(m, "pid", (uint32_t)i->pid);
    dict_u32(m, "restarts", i->restarts);
    dict_some(m, "since_usec", i->since_usec);
    dict_some(m, "next_usec", i->next_usec);
    dict_some_text(m, "why", i->why);
    if (i->outdated)
        dict_bool(m, "outdated", true);
    if (full) {
        dict_some(m, "generation", i->generation);
        dict_known(m, "cpu_usec", i->cpu_usec);
        dict_known(m, "memory_bytes", i->memory_bytes);
        dict_known(m, "tasks", i->tasks);
        if (i->last_exit) {
            dict_key_dict_open(m, "last_exit");
            exit_entries(m, i->last_exit);
            dict_key_dict_close(m);
        }
    }
    dict_close(m);
}

static void add_spec(sd_bus_message *m, const struct spec *s) {
    if (!s)
        return;
    dict_texts(m, "command", s->command);
    dict_some_text(m, "user", s->user);
    dict_some(m, "cpu_milli", s->cpu_milli);
    dict_some(m, "cpu_max_milli", s->cpu_max_milli);
    dict_some(m, "memory_reserved_bytes", s->memory_bytes);
    dict_some(m, "memory_max_bytes", s->memory_max_bytes);
    dict_text(m, "restart", spec_restart_name(s->restart));
    dict_text(m, "ready", spec_ready_name(s->ready));
}

static int add_app(void *userdata, const struct app_view *v) {
    const struct view_writer *w = userdata;
    sd_bus_message *m = w->m;
    dict_open(m);
    dict_text(m, "name", v->name);
    dict_text(m, "tenant", v->tenant);
    dict_text(m, "class", v->class);
    add_rank(m, w->ranks, v->class);
    dict_text(m, "state", v->state);
    dict_bool(m, "wanted", v->wanted);
    dict_u64(m, "generation", v->generation);
    if (w->full) {
        dict_some(m, "registered_usec", v->registered_usec);
        dict_u32(m, "registered_by", v->registered_by);
        add_spec(m, v->spec);
    }
    dict_key_list_open(m, "instances");
    for (uint32_t i = 0; i < v->n_instances; i++)
        add_instance(m, &v->instances[i], w->full);
    dict_key_list_close(m);
    dict_close(m);
    return 0;
}

static int reply_apps(struct request *q, const char *name, bool full, bool usage, struct reason *why) {
    struct view_writer w = {.ranks = ranks_of(q->api, q->caller), .full = full};
    struct manager *manager = q->api->manager;
    int r = sd_bus_message_new_method_return(q->call, &w.m);
    if (r < 0)
        return r;
    dict_list_open(w.m);
    if (*name)
        r = manager_view_app(manager, q->caller, name, usage, add_app, &w, why);
    else
        r = manager_each_app(manager, q->caller, usage, add_app, &w);
    if (r < 0) {
        sd_bus_message_unref(w.m);
        return r;
    }
    dict_list_close(w.m);
    request_reply(q, w.m);
    return 0;
}

int serve_list(struct request *q, struct reason *why) {
    return reply_apps(q, "", false, false, why);
}

int serve_status(struct request *q, struct reason *why) {
    const char *name;
    int usage;
    int r = sd_bus_message_read(q->call, "sb", &name, &usage);
    return r < 0 ? r : reply_apps(q, name, true, usage, why);
}

static int add_shown(void *userdata, const struct app_view *v) {
    sd_bus_message *m = userdata;
    AUTO_FREE char *text = NULL;
    int r = v->spec ? spec_print(v->spec, &text) : -ENOENT;
    if (r < 0)
        return r;
    dict_open(m);
    dict_text(m, "name", v->name);
    dict_u64(m, "generation", v->generation);
    dict_u64(m, "instances", v->n_instances);
    dict_bytes(m, "spec", text, strlen(text));
    dict_close(m);
    return 0;
}

int serve_show(struct request *q, struct reason *why) {
    const char *name;
    sd_bus_message *m = NULL;
    int r = sd_bus_message_read(q->call, "s", &name);
    if (r >= 0)
        r = sd_bus_message_new_method_return(q->call, &m);
    if (r < 0)
        return r;
    r = manager_view_app(q->api->manager, q->caller, name, false, add_shown, m, why);
    if (r < 0) {
        sd_bus_message_unref(m);
        return r;
    }
    request_reply(q, m);
    return 0;
}
