/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of manager/manager.h over a struct that the test fills. */
#include "fake_manager.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-event.h>

static const uint64_t NOW = UINT64_C(1700000000000000);

static void note(struct manager *m, const struct caller *who, const char *verb, const char *name,
                 unsigned n) {
    snprintf(m->asked, sizeof(m->asked), "%s %s %u", verb, name, n);
    m->n_asked++;
    m->caller = *who;
    m->n_groups = who->n_groups;
    m->caller.groups = NULL;
}

static void answer(struct manager *m, const struct fake_held *h) {
    int error = m->answer == FAKE_FAIL ? m->error : 0;
    if (h->verb) {
        struct verb_result v = {.error = error,
                                .text = error ? m->text : "done: it is so",
                                .name = "t/a",
                                .generation = 3,
                                .changed = true};
        h->verb(h->userdata, &v);
    } else if (h->exits) {
        struct exit_record exits[2] = {
            {.number = 1,
             .seq = 9,
             .generation = 2,
             .pid = 77,
             .started_usec = NOW,
             .verdict = RESTART_DELAYED,
             .exit =
                 {.end = RUN_END_SIGNAL, .code = 9, .at_usec = NOW + 5, .run_usec = 5, .oom_killed = true}},
            {.number = 0, .seq = 8, .exit = {.end = RUN_END_CODE, .code = 3, .at_usec = NOW}}};
        strcpy(exits[0].last_line, "bad \xff byte");
        h->exits(h->userdata, error, exits, error ? 0 : 2);
    } else if (h->events) {
        struct event_record e = {.at_usec = NOW,
                                 .kind = EVENT_STARTED,
                                 .tenant = "t",
                                 .app = "a",
                                 .number = 0,
                                 .actor_uid = 1000,
                                 .text = "started"};
        struct event_view v = {.seq = 42, .event = &e};
        h->events(h->userdata, error, &v, error ? 0 : 1);
    } else {
        struct log_line lines[2] = {{.at_usec = NOW, .text = "hello", .len = 5},
                                    {.at_usec = 0, .text = "nul\0\xff\x1b[31m", .len = 10}};
        h->logs(h->userdata, error, error ? m->text : NULL, lines, error ? 0 : 2, "cursor-1");
    }
}

void fake_release(struct manager *m) {
    struct fake_held held[ARRAY_LEN(m->held)];
    size_t n = m->n_held;
    memcpy(held, m->held, sizeof(held));
    m->n_held = 0;
    for (size_t i = 0; i < n; i++)
        answer(m, &held[i]);
}

static int on_later(sd_event_source *source, void *userdata) {
    (void)source;
    fake_release(userdata);
    return 0;
}

static int hold(struct manager *m, struct fake_held h, struct reason *why) {
    if (m->answer == FAKE_REFUSE)
        return reason_set(why, m->error, "%s", m->text);
    if (m->n_held == ARRAY_LEN(m->held))
        return reason_set(why, -EBUSY, "the fake is full");
    m->held[m->n_held++] = h;
    if (m->answer != FAKE_HOLD)
        sd_event_source_set_enabled(m->later, SD_EVENT_ONESHOT);
    return 0;
}

int fake_init(struct manager *m, sd_event *loop) {
    *m = (struct manager){.loop = loop, .n_apps = 2, .n_instances = 2, .why = ""};
    int r = sd_event_add_defer(loop, &m->later, on_later, m);
    return r < 0 ? r : sd_event_source_set_enabled(m->later, SD_EVENT_OFF);
}

void fake_close(struct manager *m) {
    m->later = sd_event_source_disable_unref(m->later);
}

bool manager_is_serving(const struct manager *m) {
    return !m->not_serving;
}

int manager_validate(struct manager *m, const struct caller *who, const char *file, const char *text,
                     size_t len, char ret_name[], size_t name_size, struct reason *why) {
    note(m, who, "validate", file, (unsigned)len);
    (void)text;
    if (m->answer == FAKE_REFUSE)
        return reason_set(why, m->error, "%s", m->text);
    return text_format(ret_name, name_size, "t/a");
}

int manager_register(struct manager *m, const struct caller *who, const char *file, const char *text,
                     size_t len, bool start, verb_done_fn done, void *userdata, struct reason *why) {
    (void)text;
    note(m, who, start ? "register-and-start" : "register", file, (unsigned)len);
    return hold(m, (struct fake_held){.verb = done, .userdata = userdata}, why);
}

int manager_unregister(struct manager *m, const struct caller *who, const char *name, bool purge,
                       verb_done_fn done, void *userdata, struct reason *why) {
    note(m, who, "unregister", name, purge);
    return hold(m, (struct fake_held){.verb = done, .userdata = userdata}, why);
}

int manager_start_app(struct manager *m, const struct caller *who, const char *name, verb_done_fn done,
                      void *userdata, struct reason *why) {
    note(m, who, "start", name, 0);
    return hold(m, (struct fake_held){.verb = done, .userdata = userdata}, why);
}

int manager_stop_app(struct manager *m, const struct caller *who, const char *name, verb_done_fn done,
                     void *userdata, struct reason *why) {
    note(m, who, "stop", name, 0);
    return hold(m, (struct fake_held){.verb = done, .userdata = userdata}, why);
}

int manager_restart_app(struct manager *m, const struct caller *who, const char *name, uint32_t number,
                        verb_done_fn done, void *userdata, struct reason *why) {
    note(m, who, "restart", name, number);
    return hold(m, (struct fake_held){.verb = done, .userdata = userdata}, why);
}

int manager_scale_app(struct manager *m, const struct caller *who, const char *name, uint32_t instances,
                      verb_done_fn done, void *userdata, struct reason *why) {
    note(m, who, "scale", name, instances);
    return hold(m, (struct fake_held){.verb = done, .userdata = userdata}, why);
}

static int show_app(struct manager *m, unsigned n, app_view_fn fn, void *userdata) {
    static const struct run_exit last = {.end = RUN_END_CODE, .code = 1, .at_usec = 7, .run_usec = 8};
    static char word[] = "/bin/true";
    static char *command[] = {word, NULL};
    char name[32], app[32];
    struct instance_view instances[16] = {0};
    uint32_t n_instances = MIN(m->n_instances, 16u);
    snprintf(app, sizeof(app), "app-%04u", n);
    snprintf(name, sizeof(name), "team/%s", app);
    for (uint32_t i = 0; i < n_instances; i++)
        instances[i] = (struct instance_view){.number = i,
                                              .state = m->crowd ? INSTANCE_BACKOFF : INSTANCE_RUNNING,
                                              .pid = m->crowd ? 0 : (pid_t)(1000 + n * 10 + i),
                                              .restarts = i,
                                              .since_usec = NOW,
                                              .why = m->why,
                                              .last_exit = i ? &last : NULL,
                                              .cpu_usec = 1000000,
                                              .memory_bytes = 1 << 20,
                                              .tasks = UINT64_MAX};
    struct spec spec = {.tenant = "team", .class = "standard", .command = command, .instances = n_instances};
    strcpy(spec.app, app);
    struct app_view v = {.name = name,
                         .tenant = "team",
                         .app = app,
                         .class = n % 2 ? "adhoc" : "critical",
                         .state = m->crowd ? "backoff" : "running",
                         .wanted = true,
                         .generation = 1,
                         .registered_usec = NOW,
                         .spec = &spec,
                         .instances = instances,
                         .n_instances = n_instances};
    return fn(userdata, &v);
}

int manager_each_app(struct manager *m, const struct caller *who, bool with_usage, app_view_fn fn,
                     void *userdata) {
    note(m, who, "each", "", with_usage);
    int r = 0;
    for (unsigned i = 0; i < m->n_apps && r >= 0; i++)
        r = show_app(m, i, fn, userdata);
    return r;
}

int manager_view_app(struct manager *m, const struct caller *who, const char *name, bool with_usage,
                     app_view_fn fn, void *userdata, struct reason *why) {
    note(m, who, "view", name, with_usage);
    unsigned n;
    if (m->answer == FAKE_REFUSE)
        return reason_set(why, m->error, "%s", m->text);
    if (sscanf(name, "team/app-%u", &n) != 1 || n >= m->n_apps)
        return reason_set(why, -ENOENT, "there is no app \"%s\"; did you mean team/app-0000?", name);
    return show_app(m, n, fn, userdata);
}

int manager_history(struct manager *m, const struct caller *who, const char *name, uint32_t limit,
                    exits_fn fn, void *userdata, struct reason *why) {
    note(m, who, "history", name, limit);
    return hold(m, (struct fake_held){.exits = fn, .userdata = userdata}, why);
}

int manager_events(struct manager *m, const struct caller *who, const char *name, uint64_t after,
                   uint32_t limit, events_fn fn, void *userdata, struct reason *why) {
    note(m, who, "events", name ? name : "(all)", (unsigned)after * 10000 + limit);
    return hold(m, (struct fake_held){.events = fn, .userdata = userdata}, why);
}

int manager_logs(struct manager *m, const struct caller *who, const char *name, uint32_t number,
                 const char *cursor, uint32_t lines, log_lines_fn fn, void *userdata, struct reason *why) {
    (void)cursor;
    note(m, who, "logs", name, number * 10000 + lines);
    return hold(m, (struct fake_held){.logs = fn, .userdata = userdata}, why);
}

int manager_each_class(struct manager *m, const struct caller *who, class_view_fn fn, void *userdata) {
    (void)m;
    (void)who;
    struct class_conf conf[2] = {
        {.name = "critical", .rank = 900, .cpu_weight = 1000, .memory_max_bytes = CLASS_UNLIMITED},
        {.name = "adhoc", .rank = 100, .cpu_weight = 1, .memory_max_bytes = 1 << 30}};
    for (unsigned i = 0; i < 2; i++) {
        struct class_view v = {.conf = &conf[i],
                               .apps = 1,
                               .instances = 2,
                               .running = 2,
                               .usage = {.cpu_usec = 5, .memory_bytes = UINT64_MAX, .tasks = 3}};
        int r = fn(userdata, &v);
        if (r < 0)
            return r;
    }
    return 0;
}

int manager_each_tenant(struct manager *m, const struct caller *who, tenant_view_fn fn, void *userdata) {
    static char member[] = "alice", class[] = "*";
    static char *members[] = {member, NULL}, *classes[] = {class, NULL};
    struct tenant_run_as run_as[2] = {{.name = "svc"}, {.uid_first = 2000, .uid_last = 2009}};
    struct tenant_conf conf = {.name = "team",
                               .members = members,
                               .classes = classes,
                               .run_as = run_as,
                               .n_run_as = 2,
                               .apps_max = 100,
                               .instances_max = 1000};
    struct tenant_view v = {.conf = &conf, .apps = m->n_apps, .instances = 4, .running = 4, .mine = true};
    (void)who;
    return fn(userdata, &v);
}

int manager_each_check(struct manager *m, const struct caller *who, check_view_fn fn, void *userdata) {
    (void)m;
    (void)who;
    struct check_view ok = {.what = "launcher", .level = CHECK_OK, .found = "pid 1", .fix = ""};
    struct check_view bad = {.what = "cpu",
                             .level = CHECK_DEGRADED,
                             .found = "no controller; nice instead",
                             .fix = "boot with systemd.unified_cgroup_hierarchy=1"};
    int r = fn(userdata, &ok);
    return r < 0 ? r : fn(userdata, &bad);
}

void manager_service(const struct manager *m, struct service_view *ret) {
    *ret = (struct service_view){.launcher_pid = 1,
                                 .started_usec = NOW,
                                 .apps = m->n_apps,
                                 .instances = 4,
                                 .running = 4,
                                 .root = "",
                                 .cgroup = "",
                                 .cgroup_mode = "none",
                                 .serving = true};
}

const char *event_kind_name(enum event_kind kind) {
    return kind == EVENT_STARTED ? "started" : "other";
}
