/* SPDX-License-Identifier: Apache-2.0 */
/* Methods that show the service itself: Classes, Tenants, Doctor, Version. */
#include "api/dict.h"
#include "api/methods.h"
#include "api/request.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#ifndef SK_VERSION
#define SK_VERSION "unknown"
#endif

static int add_class(void *userdata, const struct class_view *v) {
    sd_bus_message *m = userdata;
    const struct class_conf *c = v->conf;
    dict_open(m);
    dict_text(m, "name", c->name);
    dict_u32(m, "rank", c->rank);
    dict_u32(m, "apps", v->apps);
    dict_u32(m, "instances", v->instances);
    dict_u32(m, "running", v->running);
    dict_u32(m, "cpu_weight", c->cpu_weight);
    dict_bool(m, "cpu_idle", c->cpu_idle);
    dict_i32(m, "nice", c->nice);
    dict_bool(m, "memory_guarantee", c->memory_guarantee);
    dict_bool(m, "memory_protect", c->memory_protect);
    dict_known(m, "memory_max_bytes", c->memory_max_bytes);
    dict_some(m, "memory_max_percent", c->memory_max_percent);
    dict_u32(m, "io_weight", c->io_weight);
    dict_i32(m, "oom_score_adj", c->oom_score_adj);
    dict_known(m, "tasks_max", c->tasks_max);
    dict_known(m, "cpu_usec", v->usage.cpu_usec);
    dict_known(m, "memory_bytes", v->usage.memory_bytes);
    dict_known(m, "tasks", v->usage.tasks);
    dict_close(m);
    return 0;
}

static int add_tenant(void *userdata, const struct tenant_view *v) {
    sd_bus_message *m = userdata;
    const struct tenant_conf *t = v->conf;
    dict_open(m);
    dict_text(m, "name", t->name);
    dict_bool(m, "mine", v->mine);
    dict_u32(m, "apps", v->apps);
    dict_u32(m, "apps_max", t->apps_max);
    dict_u32(m, "instances", v->instances);
    dict_u32(m, "instances_max", t->instances_max);
    dict_u32(m, "running", v->running);
    dict_texts(m, "classes", t->classes);
    dict_texts(m, "members", t->members);
    dict_texts(m, "member_groups", t->member_groups);
    sd_bus_message_open_container(m, 'e', "sv");
    sd_bus_message_append_basic(m, 's', "run_as");
    sd_bus_message_open_container(m, 'v', "as");
    sd_bus_message_open_container(m, 'a', "s");
    for (uint32_t i = 0; i < t->n_run_as; i++) {
        const struct tenant_run_as *a = &t->run_as[i];
        char text[64];
        if (a->uid_first == a->uid_last)
            snprintf(text, sizeof(text), "%u", a->uid_first);
        else
            snprintf(text, sizeof(text), "%u-%u", a->uid_first, a->uid_last);
        sd_bus_message_append_basic(m, 's', a->name[0] ? a->name : text);
    }
    sd_bus_message_close_container(m);
    sd_bus_message_close_container(m);
    sd_bus_message_close_container(m);
    dict_close(m);
    return 0;
}

static const char *check_level_name(enum check_level level) {
    switch (level) {
    case CHECK_OK:
        return "ok";
    case CHECK_DEGRADED:
        return "degraded";
    case CHECK_ABSENT:
    case CHECK_MAX:
        break;
    }
    return "absent";
}

static int add_check(void *userdata, const struct check_view *v) {
    sd_bus_message *m = userdata;
    dict_open(m);
    dict_text(m, "what", v->what);
    dict_text(m, "level", check_level_name(v->level));
    dict_text(m, "found", v->found ? v->found : "");
    dict_some_text(m, "fix", v->fix);
    dict_close(m);
    return 0;
}

/* The answer to the caller is m, if it was filled (r), else an error. */
static int finish_list(struct request *q, sd_bus_message *m, int r) {
    if (r < 0) {
        sd_bus_message_unref(m);
        return r;
    }
    dict_list_close(m);
    request_reply(q, m);
    return 0;
}

static int begin_list(struct request *q, sd_bus_message **ret) {
    int r = sd_bus_message_new_method_return(q->call, ret);
    if (r >= 0)
        dict_list_open(*ret);
    return r;
}

int serve_classes(struct request *q, struct reason *why) {
    sd_bus_message *m = NULL;
    (void)why;
    int r = begin_list(q, &m);
    return r < 0 ? r : finish_list(q, m, manager_each_class(q->api->manager, q->caller, add_class, m));
}

int serve_tenants(struct request *q, struct reason *why) {
    sd_bus_message *m = NULL;
    (void)why;
    int r = begin_list(q, &m);
    return r < 0 ? r : finish_list(q, m, manager_each_tenant(q->api->manager, q->caller, add_tenant, m));
}

int serve_doctor(struct request *q, struct reason *why) {
    sd_bus_message *m = NULL;
    (void)why;
    int r = begin_list(q, &m);
    return r < 0 ? r : finish_list(q, m, manager_each_check(q->api->manager, q->caller, add_check, m));
}

int serve_version(struct request *q, struct reason *why) {
    sd_bus_message *m = NULL;
    struct service_view v;
    (void)why;
    int r = sd_bus_message_new_method_return(q->call, &m);
    if (r < 0)
        return r;
    manager_service(q->api->manager, &v);
    dict_open(m);
    dict_text(m, "version", SK_VERSION);
    dict_u32(m, "daemon_pid", (uint32_t)getpid());
    dict_u32(m, "launcher_pid", (uint32_t)v.launcher_pid);
    dict_some(m, "started_usec", v.started_usec);
    dict_u32(m, "apps", v.apps);
    dict_u32(m, "instances", v.instances);
    dict_u32(m, "running", v.running);
    dict_text(m, "root", v.root);
    dict_text(m, "cgroup", v.cgroup);
    dict_text(m, "cgroup_mode", v.cgroup_mode);
    dict_bool(m, "serving", v.serving);
    dict_bool(m, "stopping", v.stopping);
    dict_close(m);
    request_reply(q, m);
    return 0;
}
