/* SPDX-License-Identifier: Apache-2.0 */
/* The world of world.h. */
#include "world.h"
#include "base/fd.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <unistd.h>

const struct caller world_root = {0};

static void quiet(enum log_level level ATTR_UNUSED, const char *line, void *userdata ATTR_UNUSED) {
    if (getenv("WORLD_LOG"))
        fprintf(stderr, "# %s\n", line);
}

int world_setup(void **state) {
    struct world *w = calloc(1, sizeof(*w));
    char path[128];
    snprintf(w->dir, sizeof(w->dir), "/tmp/sk-world.XXXXXX");
    if (!w || !mkdtemp(w->dir) || sd_event_new(&w->loop) < 0)
        return -1;
    snprintf(path, sizeof(path), "%s/notify", w->dir);
    mkdir(path, 0755);
    log_set_sink(quiet, NULL);
    fake_ports_init(&w->ports, w->loop);
    fake_launcher_init(&w->launcher, &w->ports);
    memcpy(
        w->ports.users,
        (struct fake_user[]){{"root", 0, 0}, {"pat", 1001, 1001}, {"sam", 1002, 1002}, {"eve", 1003, 1003}},
        4 * sizeof(struct fake_user));
    memcpy(w->ports.unix_groups, (struct fake_user[]){{"operators", 0, 500}, {"payteam", 0, 600}},
           2 * sizeof(struct fake_user));
    w->conf = (struct daemon_conf){.operator_group = "operators",
                                   .start_burst = 20,
                                   .start_interval_usec = 200 * USEC_PER_MSEC,
                                   .history_exits = 100,
                                   .history_events = 10000};
    w->host = (struct host_facts){.memory_bytes = 8ULL << 30,
                                  .cpus = 4,
                                  .has_cpu = true,
                                  .has_memory = true,
                                  .has_io = true,
                                  .has_pids = true};
    w->cgroot = (struct cgroot){.mode = CGROOT_UNIFIED, .path = "/sys/fs/cgroup/x"};
    *state = w;
    return 0;
}

static void tenants(struct tenant_table *t) {
    static const struct {
        const char *name, *text;
    } files[] = {
        {"t", "[tenant]\nmembers = pat\ngroups = payteam\nrun-as = pat 1010-1020\nclasses = *\n"
              "apps-max = 1000\ninstances-max = 5000\n"},
        {"u", "[tenant]\nmembers = sam\nrun-as = sam\nclasses = standard adhoc\napps-max = 3\n"
              "instances-max = 5\n"},
        {"plain", "[tenant]\nmembers = eve\nrun-as = eve\n"},
    };
    t->tenants = calloc(ARRAY_LEN(files), sizeof(*t->tenants));
    t->n = 0;
    struct reason why;
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (tenant_parse("tenants.d", files[i].name, files[i].text, strlen(files[i].text),
                         &t->tenants[t->n++], &why) < 0)
            fail_msg("%s", why.text);
}

static void on_end(void *userdata, enum manager_end why) {
    struct world *w = userdata;
    w->n_end++;
    w->end = why;
}

static void on_ready(void *userdata) {
    struct world *w = userdata;
    w->n_ready++;
}

void world_begin(struct world *w) {
    struct manager_parts parts = {
        .loop = w->loop, .ports = &w->ports.ports, .conf = w->conf, .host = w->host, .cgroot = w->cgroot};
    assert_null(w->manager);
    class_table_shipped(&parts.classes);
    if (!w->default_tenant)
        tenants(&parts.tenants);
    snprintf(parts.paths.run, sizeof(parts.paths.run), "%s", w->dir);
    snprintf(parts.paths.state, sizeof(parts.paths.state), "/state");
    snprintf(parts.paths.registry, sizeof(parts.paths.registry), "/registry");
    w->n_ready = w->n_end = 0;
    assert_int_equal(manager_new(&parts, &w->manager), 0);
    manager_on_end(w->manager, on_end, w);
    manager_on_ready(w->manager, on_ready, w);
    if (manager_load(w->manager, &w->why) < 0)
        fail_msg("%s", w->why.text);
    if (manager_start(w->manager, fake_launcher_connect(&w->launcher), &w->why) < 0)
        fail_msg("%s", w->why.text);
    world_run(w);
}

void world_start(struct world *w) {
    world_begin(w);
    assert_true(manager_is_serving(w->manager));
    assert_int_equal(w->n_ready, 1);
}

void world_run(struct world *w) {
    for (unsigned turns = 0; sd_event_run(w->loop, 0) > 0; turns++)
        if (turns > 1000000)
            fail_msg("the loop never comes to rest");
    assert_string_equal(w->launcher.said, "");
}

void world_pass(struct world *w, uint64_t usec) {
    fake_clock_pass(&w->ports, usec);
    world_run(w);
}

void world_crash_keeping(struct world *w, unsigned kept) {
    fake_launcher_drop(&w->launcher);
    fake_store_crash(&w->ports, kept);
    fake_groups_crash(&w->ports);
    manager_free(w->manager);
    fake_store_crash(&w->ports, 0);
    w->manager = NULL;
}

void world_crash(struct world *w) {
    world_crash_keeping(w, UINT32_MAX);
}

void world_end(struct world *w) {
    world_run(w);
    fake_groups_crash(&w->ports);
    manager_free(w->manager);
    fake_launcher_drop(&w->launcher);
    w->manager = NULL;
    world_run(w);
}

int world_teardown(void **state) {
    struct world *w = *state;
    char command[128];
    if (w->manager)
        world_crash(w);
    fake_launcher_free(&w->launcher);
    fake_ports_free(&w->ports);
    sd_event_unref(w->loop);
    snprintf(command, sizeof(command), "rm -rf %s", w->dir);
    int r = system(command);
    free(w);
    log_set_sink(NULL, NULL);
    return r;
}

void world_answer(void *userdata, const struct verb_result *r) {
    struct world *w = userdata;
    w->answer.calls++;
    w->answer.error = r->error;
    w->answer.changed = r->changed;
    w->answer.generation = r->generation;
    snprintf(w->answer.name, sizeof(w->answer.name), "%s", r->name);
    snprintf(w->answer.text, sizeof(w->answer.text), "%s", r->text);
}

int world_asked(struct world *w, int r) {
    world_run(w);
    if (r < 0) {
        assert_int_equal(w->answer.calls, 0);
        assert_int_equal(w->why.error, r);
        assert_true(strlen(w->why.text) > 10);
        return r;
    }
    assert_int_equal(r, 0);
    if (!w->ports.store.hold)
        assert_int_equal(w->answer.calls, 1);
    return w->answer.error;
}

int world_register_as(struct world *w, const struct caller *who, const char *name, const char *more) {
    char text[4096];
    snprintf(text, sizeof(text), "[app]\nname = %s\n%s%s", name,
             strstr(more, "command =") ? "" : "command = /bin/app\n", more);
    return world_ask(
        w, manager_register(w->manager, who, "test.ini", text, strlen(text), true, world_answer, w, &w->why));
}

int world_register(struct world *w, const char *name, const char *more) {
    int r = world_register_as(w, &world_root, name, more);
    if (r < 0 && w->answer.calls == 0)
        print_message("# register %s: %s\n", name, w->why.text);
    return r;
}

int world_do(struct world *w, const char *verb, const char *name) {
    struct manager *m = w->manager;
    const struct caller *who = &world_root;
    if (strcmp(verb, "start") == 0)
        return world_ask(w, manager_start_app(m, who, name, world_answer, w, &w->why));
    if (strcmp(verb, "stop") == 0)
        return world_ask(w, manager_stop_app(m, who, name, world_answer, w, &w->why));
    if (strcmp(verb, "restart") == 0)
        return world_ask(w,
                         manager_restart_app(m, who, name, MANAGER_ALL_INSTANCES, world_answer, w, &w->why));
    return world_ask(w,
                     manager_unregister(m, who, name, strcmp(verb, "purge") == 0, world_answer, w, &w->why));
}

int world_scale(struct world *w, const char *name, uint32_t n) {
    return world_ask(w, manager_scale_app(w->manager, &world_root, name, n, world_answer, w, &w->why));
}

struct look {
    uint32_t number;
    struct seen seen;
};

static int look(void *userdata, const struct app_view *v) {
    struct look *l = userdata;
    struct seen *s = &l->seen;
    s->instances = v->n_instances;
    s->app_generation = v->generation;
    s->wanted = v->wanted;
    snprintf(s->summary, sizeof(s->summary), "%s", v->state);
    snprintf(s->class, sizeof(s->class), "%s", v->class);
    if (l->number >= v->n_instances)
        return 0;
    const struct instance_view *i = &v->instances[l->number];
    s->found = true;
    s->state = i->state;
    s->pid = i->pid;
    s->restarts = i->restarts;
    s->generation = i->generation;
    s->next_usec = i->next_usec;
    s->since_usec = i->since_usec;
    s->outdated = i->outdated;
    s->tasks = i->tasks;
    s->has_exit = i->last_exit != NULL;
    if (i->last_exit)
        s->exit = *i->last_exit;
    snprintf(s->why, sizeof(s->why), "%s", i->why);
    return 0;
}

struct seen world_see(struct world *w, const char *name, uint32_t number) {
    struct look l = {.number = number};
    struct reason why;
    l.seen.state = INSTANCE_STATE_MAX;
    manager_view_app(w->manager, &world_root, name, true, look, &l, &why);
    return l.seen;
}

static void take_exits(void *userdata, int error, const struct exit_record *exits, size_t n) {
    struct exits *ret = userdata;
    assert_int_equal(error, 0);
    ret->n = n;
    for (size_t i = 0; i < n && i < ARRAY_LEN(ret->list); i++)
        ret->list[i] = exits[i];
}

void world_exits(struct world *w, const char *name, struct exits *ret) {
    *ret = (struct exits){.n = SIZE_MAX};
    int r = manager_history(w->manager, &world_root, name, 1000, take_exits, ret, &w->why);
    if (r < 0)
        fail_msg("%s", w->why.text);
    world_run(w);
    assert_true(ret->n != SIZE_MAX);
}

static char events_text[1 << 20];

static void take_events(void *userdata ATTR_UNUSED, int error, const struct event_view *events, size_t n) {
    assert_int_equal(error, 0);
    for (size_t i = 0; i < n; i++) {
        size_t at = strlen(events_text);
        (void)text_format(events_text + at, sizeof(events_text) - at, "%s %s\n",
                          event_kind_name(events[i].event->kind), events[i].event->text);
    }
}

const char *world_events(struct world *w, const char *name) {
    events_text[0] = '\0';
    if (manager_events(w->manager, &world_root, name, 0, 10000, take_events, NULL, &w->why) < 0)
        fail_msg("%s", w->why.text);
    world_run(w);
    return events_text;
}

unsigned world_count_events(struct world *w, const char *name, const char *kind) {
    unsigned n = 0;
    size_t len = strlen(kind);
    for (const char *p = world_events(w, name); *p; p = strchr(p, '\n') + 1)
        n += strncmp(p, kind, len) == 0 && p[len] == ' ';
    return n;
}
