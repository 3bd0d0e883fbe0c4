/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what, and the reasons given to who may not. */
#include "world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct caller pat = {.uid = 1001, .gid = 1001}, sam = {.uid = 1002, .gid = 1002},
                           eve = {.uid = 1003, .gid = 1003}, nobody = {.uid = 65534, .gid = 65534};

#define assert_refused(w, call, error, part)                     \
    do {                                                         \
        assert_int_equal(call, error);                           \
        assert_int_equal((w)->answer.calls, 0);                  \
        if (!strstr((w)->why.text, part))                        \
            fail_msg("'%s' is not in: %s", part, (w)->why.text); \
    } while (0)

static int verb_as(struct world *w, const struct caller *who, const char *verb, const char *name) {
    struct manager *m = w->manager;
    if (strcmp(verb, "start") == 0)
        return world_ask(w, manager_start_app(m, who, name, world_answer, w, &w->why));
    if (strcmp(verb, "stop") == 0)
        return world_ask(w, manager_stop_app(m, who, name, world_answer, w, &w->why));
    if (strcmp(verb, "restart") == 0)
        return world_ask(w, manager_restart_app(m, who, name, 0, world_answer, w, &w->why));
    if (strcmp(verb, "scale") == 0)
        return world_ask(w, manager_scale_app(m, who, name, 2, world_answer, w, &w->why));
    return world_ask(w, manager_unregister(m, who, name, false, world_answer, w, &w->why));
}

static const char *const verbs[] = {"stop", "start", "restart", "scale", "unregister"};

static void test_members_and_others(void **state) {
    struct world *w = *state;
    const gid_t team = 600, operators = 500;
    const struct caller by_group = {.uid = 3000, .gid = 3000, .groups = &team, .n_groups = 1};
    const struct caller by_main_group = {.uid = 3001, .gid = 600};
    const struct caller operator= {.uid = 3002, .gid = 3002, .groups = &operators, .n_groups = 1};
    const struct caller *const may[] = {&pat, &by_group, &by_main_group, &operator, & world_root };
    const struct caller *const may_not[] = {&sam, &eve, &nobody};
    world_start(w);
    for (size_t i = 0; i < ARRAY_LEN(may); i++) {
        assert_int_equal(world_register_as(w, may[i], "t/a", ""), 0);
        for (size_t k = 0; k < ARRAY_LEN(may_not); k++) {
            assert_refused(w, world_register_as(w, may_not[k], "t/a", ""), -EPERM, "tenant 't'");
            for (size_t v = 0; v < ARRAY_LEN(verbs); v++)
                assert_refused(w, verb_as(w, may_not[k], verbs[v], "t/a"), -EPERM,
                               "do not act for tenant 't'");
        }
        for (size_t v = 0; v < ARRAY_LEN(verbs); v++)
            assert_int_equal(verb_as(w, may[i], verbs[v], "t/a"), 0);
    }
}

/* Another tenant's apps: whether one exists is not told. */
static void test_no_difference_between_hidden_and_absent(void **state) {
    struct world *w = *state;
    char there[512];
    world_start(w);
    assert_int_equal(world_register(w, "t/secret", ""), 0);
    assert_int_equal(verb_as(w, &sam, "stop", "t/secret"), -EPERM);
    snprintf(there, sizeof(there), "%s", w->why.text);
    assert_int_equal(verb_as(w, &sam, "stop", "t/none"), -EPERM);
    assert_string_equal(w->why.text, there);
    assert_int_equal(verb_as(w, &sam, "stop", "secret"), -ENOENT);
    assert_null(strstr(w->why.text, "t/secret"));
    assert_int_equal(verb_as(w, &sam, "stop", "u/secret"), -ENOENT);
    assert_null(strstr(w->why.text, "t/secret"));
}

struct names {
    char text[256];
};

static int note_name(void *userdata, const struct app_view *v) {
    struct names *n = userdata;
    size_t at = strlen(n->text);
    return text_format(n->text + at, sizeof(n->text) - at, "%s ", v->name);
}

static void note_events(void *userdata, int error, const struct event_view *events, size_t n) {
    struct names *names = userdata;
    assert_int_equal(error, 0);
    for (size_t i = 0; i < n; i++)
        if (!strstr(names->text, events[i].event->tenant))
            (void)text_format(names->text + strlen(names->text), 64, "%s ", events[i].event->tenant);
        else if (!events[i].event->tenant[0])
            (void)text_format(names->text + strlen(names->text), 64, "%s", "service ");
}

static void note_exits(void *userdata ATTR_UNUSED, int error ATTR_UNUSED,
                       const struct exit_record *exits ATTR_UNUSED, size_t n ATTR_UNUSED) {}

static void note_lines(void *userdata, int error, const char *message ATTR_UNUSED,
                       const struct log_line *lines, size_t n, const char *cursor) {
    struct names *names = userdata;
    assert_int_equal(error, 0);
    assert_int_equal(n, 1);
    snprintf(names->text, sizeof(names->text), "%s|%s", lines[0].text, cursor);
}

static int note_tenant(void *userdata, const struct tenant_view *v) {
    struct names *n = userdata;
    size_t at = strlen(n->text);
    return text_format(n->text + at, sizeof(n->text) - at, "%s:%u/%u/%u%s ", v->conf->name, v->apps,
                       v->instances, v->running, v->mine ? "*" : "");
}

static int note_class(void *userdata, const struct class_view *v) {
    struct names *n = userdata;
    size_t at = strlen(n->text);
    return text_format(n->text + at, sizeof(n->text) - at, "%s:%u/%u/%u ", v->conf->name, v->apps,
                       v->instances, v->running);
}

static void test_readers_see_their_own(void **state) {
    struct world *w = *state;
    struct names n = {""};
    world_start(w);
    assert_int_equal(world_register(w, "u/x", ""), 0);
    assert_int_equal(world_register(w, "t/b", "instances = 2\n"), 0);
    assert_int_equal(world_register(w, "t/a", "class = critical\n"), 0);
    assert_int_equal(world_do(w, "stop", "u/x"), 0);
    struct manager *m = w->manager;
    assert_int_equal(manager_each_app(m, &world_root, false, note_name, &n), 0);
    assert_string_equal(n.text, "t/a t/b u/x ");
    n.text[0] = '\0';
    manager_each_app(m, &sam, false, note_name, &n);
    assert_string_equal(n.text, "u/x ");
    n.text[0] = '\0';
    manager_each_app(m, &nobody, false, note_name, &n);
    assert_string_equal(n.text, "");
    manager_each_tenant(m, &sam, note_tenant, &n);
    assert_string_equal(n.text, "u:1/1/0* ");
    n.text[0] = '\0';
    manager_each_tenant(m, &world_root, note_tenant, &n);
    assert_string_equal(n.text, "t:2/3/3 u:1/1/0 plain:0/0/0 ");
    n.text[0] = '\0';
    manager_each_class(m, &sam, note_class, &n);
    assert_string_equal(n.text, "critical:1/1/1 standard:2/3/2 adhoc:0/0/0 ");
    n.text[0] = '\0';
    assert_int_equal(manager_events(m, &sam, NULL, 0, 100, note_events, &n, &w->why), 0);
    world_run(w);
    assert_string_equal(n.text, "u ");
    assert_int_equal(manager_events(m, &sam, "t/a", 0, 100, note_events, &n, &w->why), -EPERM);
    assert_int_equal(manager_history(m, &sam, "t/a", 100, note_exits, &n, &w->why), -EPERM);
    assert_int_equal(manager_logs(m, &sam, "t/a", 0, "", 10, note_lines, &n, &w->why), -EPERM);
    assert_int_equal(manager_view_app(m, &sam, "t/a", false, note_name, &n, &w->why), -EPERM);
    assert_int_equal(manager_logs(m, &sam, "u/x", 1, "", 10, note_lines, &n, &w->why), -ENOENT);
    assert_int_equal(manager_logs(m, &sam, "u/x", 0, "c", 10, note_lines, &n, &w->why), 0);
    assert_string_equal(n.text, "u/x.0 c 10|next");
}

static void test_suggestions(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/enrich", ""), 0);
    assert_refused(w, verb_as(w, &pat, "stop", "t/enrihc"), -ENOENT, "did you mean 't/enrich'?");
    assert_refused(w, verb_as(w, &pat, "stop", "enrich"), -ENOENT, "did you mean 't/enrich'?");
    assert_refused(w, verb_as(w, &pat, "stop", "t/something-else"), -ENOENT, "streamctl list");
    assert_refused(w, verb_as(w, &pat, "stop", ""), -ENOENT, "TENANT/APP");
    assert_refused(w, verb_as(w, &pat, "stop", "/"), -ENOENT, "no app");
    char lengthy[4000];
    memset(lengthy, 'a', sizeof(lengthy) - 1);
    lengthy[sizeof(lengthy) - 1] = '\0';
    assert_int_equal(verb_as(w, &pat, "stop", lengthy), -ENOENT);
    lengthy[2000] = '/';
    assert_int_equal(verb_as(w, &pat, "stop", lengthy), -ENOENT);
}

static void test_spec_limits(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_refused(w, world_register_as(w, &world_root, "none/a", ""), -ENOENT, "no tenant 'none'");
    assert_refused(w, world_register_as(w, &pat, "none/a", ""), -EPERM, "tenant 'none'");
    assert_refused(w, world_register_as(w, &pat, "t/a", "class = gold\n"), -EINVAL,
                   "no class 'gold'; there are critical, standard, adhoc");
    assert_refused(w, world_register_as(w, &sam, "u/a", "class = critical\n"), -EPERM,
                   "may not use class 'critical'");
    assert_refused(w, world_register_as(w, &world_root, "u/a", "class = critical\n"), -EPERM,
                   "may not use class");
    assert_int_equal(world_register_as(w, &eve, "plain/a", "class = adhoc\n"),
                     0); /* no list: all but critical */
    assert_int_equal(world_register_as(w, &eve, "plain/b", ""), 0);
    assert_refused(w, world_register_as(w, &eve, "plain/a", "class = critical\n"), -EPERM, "'critical'");
    assert_non_null(strstr(w->why.text, "test.ini"));
}

static void test_run_as(void **state) {
    struct world *w = *state;
    world_start(w);
    static const char *const fine[] = {"pat", "1001", "1010", "1015", "1020"};
    static const char *const wrong[] = {"sam", "1002", "1009", "1021", "0", "root", "65534"};
    for (size_t i = 0; i < ARRAY_LEN(fine) + ARRAY_LEN(wrong); i++) {
        char more[64];
        bool ok = i < ARRAY_LEN(fine);
        snprintf(more, sizeof(more), "user = %s\n", ok ? fine[i] : wrong[i - ARRAY_LEN(fine)]);
        if (ok)
            assert_int_equal(world_register_as(w, &pat, "t/a", more), 0);
        else
            assert_refused(w, world_register_as(w, &pat, "t/a", more), -EPERM, "run-as users of tenant 't'");
    }
    assert_refused(w, world_register_as(w, &pat, "t/a", "user = ghost\n"), -EINVAL, "no user 'ghost'");
    assert_int_equal(world_register_as(w, &sam, "u/a", ""), 0);
    assert_int_equal(child_of(w, "u/a", 0)->uid, 1002);
}

/* What the launcher would refuse is refused before it is registered; also the user nobody named. */
static void test_what_the_launcher_permits(void **state) {
    struct world *w = *state;
    w->launcher.welcome.uid_min = 1010;
    world_start(w);
    assert_int_equal(world_register_as(w, &pat, "t/a", "user = 1010\n"), 0);
    assert_refused(w, world_register_as(w, &pat, "t/b", "user = pat\n"), -EPERM,
                   "outside of what the launcher permits");
    assert_refused(w, world_register_as(w, &pat, "t/b", ""), -EPERM, "outside of what the launcher permits");
    world_crash(w);
    w->launcher.welcome.owner_uid = 1001;
    w->launcher.welcome.owner_permitted = true;
    world_start(w);
    assert_int_equal(world_register_as(w, &pat, "t/b", ""), 0);
    world_crash(w);
    w->launcher.welcome.can_change_uid = false;
    world_start(w);
    assert_refused(w, world_register_as(w, &pat, "t/c", ""), -EPERM, "runs without root");
}

static void test_quotas(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register_as(w, &sam, "u/a", "instances = 2\n"), 0);
    assert_refused(w, world_register_as(w, &sam, "u/b", "instances = 4\n"), -EDQUOT, "at most 3 fit here");
    assert_int_equal(world_register_as(w, &sam, "u/b", "instances = 3\n"), 0);
    assert_refused(w, world_ask(w, manager_scale_app(w->manager, &sam, "u/a", 3, world_answer, w, &w->why)),
                   -EDQUOT, "5 instances");
    assert_refused(
        w, world_ask(w, manager_scale_app(w->manager, &world_root, "u/a", 3, world_answer, w, &w->why)),
        -EDQUOT, "5 instances");
    assert_int_equal(world_ask(w, manager_scale_app(w->manager, &sam, "u/b", 1, world_answer, w, &w->why)),
                     0);
    assert_int_equal(world_register_as(w, &sam, "u/c", ""), 0);
    assert_refused(w, world_register_as(w, &sam, "u/d", ""), -EDQUOT, "3 apps");
    assert_int_equal(world_register_as(w, &sam, "u/c", "environment = A=1\n"),
                     0); /* one that is there already */
    assert_int_equal(world_do(w, "unregister", "u/c"), 0);
    assert_int_equal(world_register_as(w, &sam, "u/d", ""), 0);
}

/* Requests on their way to the disk count. */
static void test_quotas_in_flight(void **state) {
    struct world *w = *state;
    world_start(w);
    w->ports.store.hold = true;
    assert_int_equal(world_register_as(w, &sam, "u/a", "instances = 3\n"), 0);
    assert_refused(w, world_register_as(w, &sam, "u/b", "instances = 3\n"), -EDQUOT, "at most 2 fit here");
    w->ports.store.hold = false;
    fake_store_finish(&w->ports, 100);
}

static void test_validate(void **state) {
    struct world *w = *state;
    char name[160] = "";
    const char *text = "[app]\nname = t/a\ncommand = /bin/app\n",
               *bad = "[app]\nname = t/a\ncomand = /bin/app\n";
    world_start(w);
    assert_int_equal(manager_validate(w->manager, &pat, "f", text, strlen(text), name, sizeof(name), &w->why),
                     0);
    assert_string_equal(name, "t/a");
    assert_int_equal(manager_validate(w->manager, &sam, "f", text, strlen(text), NULL, 0, &w->why), -EPERM);
    assert_int_equal(manager_validate(w->manager, &pat, "f.ini", bad, strlen(bad), NULL, 0, &w->why),
                     -EINVAL);
    assert_non_null(strstr(w->why.text, "f.ini:3"));
    assert_false(world_see(w, "t/a", 0).found);
    assert_int_equal(w->launcher.n_spawn, 0);
}

static void test_default_tenant(void **state) {
    struct world *w = *state;
    w->default_tenant = true;
    w->launcher.welcome.owner_uid = 1003;
    w->launcher.welcome.owner_permitted = true;
    world_start(w);
    assert_int_equal(world_register_as(w, &eve, "default/a", "class = critical\n"), 0);
    assert_int_equal(child_of(w, "default/a", 0)->uid, 1003);
    assert_refused(w, world_register_as(w, &sam, "default/b", ""), -EPERM, "tenant 'default'");
    world_crash(w);
    world_start(w);
    assert_int_equal(verb_as(w, &eve, "stop", "default/a"), 0);
}

/* The tenant is taken away while its app runs: it goes on, and says why it cannot start again. */
static void test_tenant_taken_away(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register_as(w, &pat, "t/a", ""), 0);
    world_crash(w);
    w->default_tenant = true;
    w->launcher.welcome.owner_uid = 1003;
    world_start(w);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    crash(w, "t/a", 0);
    world_pass(w, 5 * USEC_PER_SEC);
    assert_state(w, "t/a", 0, INSTANCE_FAILED_START);
    assert_non_null(strstr(world_see(w, "t/a", 0).why, "tenant 't' is not in tenants.d any more"));
    assert_int_equal(world_do(w, "unregister", "t/a"), 0);
    assert_false(world_see(w, "t/a", 0).found);
}

static int note_check(void *userdata, const struct check_view *v) {
    struct names *n = userdata;
    if (strcmp(v->what, "t/a") == 0)
        snprintf(n->text, sizeof(n->text), "%s %s", v->found, v->fix);
    return 0;
}

static void test_doctor(void **state) {
    struct world *w = *state;
    struct names n = {""};
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "[restart]\nno-restart-exit = 1\n"), 0);
    assert_int_equal(manager_each_check(w->manager, &world_root, note_check, &n), 0);
    assert_string_equal(n.text, "");
    crash(w, "t/a", 0);
    manager_each_check(w->manager, &world_root, note_check, &n);
    assert_string_equal(n.text, "held streamctl history t/a; then streamctl start t/a");
    struct service_view v;
    manager_service(w->manager, &v);
    assert_int_equal(v.apps, 1);
    assert_int_equal(v.instances, 1);
    assert_int_equal(v.running, 0);
    assert_true(v.serving);
    assert_false(v.stopping);
    assert_int_equal(v.launcher_pid, 1);
}

/* Class and tenant groups get the sums of what their apps are guaranteed, whenever those change. */
static void test_sums(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(
        world_register(w, "t/a", "class = critical\ninstances = 2\n[resources]\nmemory = 100M\n"), 0);
    assert_non_null(strstr(w->ports.groups.applied, "memfd:critical "));
    assert_non_null(strstr(w->ports.groups.applied, "memory.min=209715200"));
    assert_int_equal(world_register(w, "t/b", "class = critical\n[resources]\nmemory = 100M\n"), 0);
    assert_non_null(strstr(w->ports.groups.applied, "memory.min=314572800"));
    /* The same sum, but another tenant's. */
    w->ports.groups.applied[0] = '\0';
    assert_int_equal(world_register(w, "u/s", "[resources]\nmemory = 100M\n"), 0);
    assert_int_equal(world_do(w, "stop", "u/s"), 0);
    w->ports.groups.applied[0] = '\0';
    assert_int_equal(world_register(w, "plain/s", "[resources]\nmemory = 100M\n"), 0);
    assert_non_null(strstr(w->ports.groups.applied, "memfd:standard-plain"));
    assert_int_equal(world_do(w, "stop", "plain/s"), 0);
    w->ports.groups.applied[0] = '\0';
    w->ports.store.hold = true;
    world_do(w, "start", "plain/s"); /* one comes, the other goes, in one turn */
    fake_store_finish(&w->ports, 1);
    w->ports.store.hold = false;
    world_run(w);
    w->ports.groups.applied[0] = '\0';
    struct manager *m = w->manager;
    assert_int_equal(manager_stop_app(m, &world_root, "plain/s", world_answer, w, &w->why), 0);
    assert_int_equal(manager_start_app(m, &world_root, "u/s", world_answer, w, &w->why), 0);
    world_run(w);
    assert_non_null(strstr(w->ports.groups.applied, "memfd:standard-u"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(test_members_and_others),
        world_test(test_no_difference_between_hidden_and_absent),
        world_test(test_readers_see_their_own),
        world_test(test_suggestions),
        world_test(test_spec_limits),
        world_test(test_run_as),
        world_test(test_what_the_launcher_permits),
        world_test(test_quotas),
        world_test(test_quotas_in_flight),
        world_test(test_validate),
        world_test(test_default_tenant),
        world_test(test_tenant_taken_away),
        world_test(test_doctor),
        world_test(test_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
