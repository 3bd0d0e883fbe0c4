/* SPDX-License-Identifier: Apache-2.0 */
/* What people read, against golden files (tests/golden/ctl), and the rules behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tree.h"

#include "ctl/render.h"
#include "ctl/table.h"

#include <stdio.h>
#include <string.h>

#define HOSTILE "\x1b]0;owned\x07 \xff \xe2\x80\xaegnp.exe\nnext"

static void add_exit(struct arena *a, struct value *parent, const char *key, const char *how,
                     const char *text) {
    struct value *e = tree_dict(a, parent, key);
    value_add_text(a, e, "text", text);
    value_add_text(a, e, "how", how);
    value_add_uint(a, e, "at_usec", tree_ago(300));
    value_add_uint(a, e, "run_usec", 3500000);
}

static struct value *some_apps(struct arena *a) {
    struct value *apps = tree_list(a, NULL, NULL);
    struct value *app = tree_app(a, apps, "web/zz-adhoc", "adhoc", 100, "backoff", true);
    struct value *i = tree_instance(a, app, 0, "backoff", 0, 7);
    value_add_text(a, i, "why",
                   "exit code 3; again soon, and this is a long text that a narrow terminal cuts");
    value_add_uint(a, i, "next_usec", tree_ago(0) + 4000000);
    add_exit(a, i, "last_exit", "code", "exit code 3");
    app = tree_app(a, apps, "payments/enrich", "critical", 900, "degraded", true);
    i = tree_instance(a, app, 0, "running", 4711, 0);
    value_add_uint(a, i, "cpu_usec", 75000000);
    value_add_uint(a, i, "memory_bytes", 1288490188);
    value_add_uint(a, i, "tasks", 41);
    i = tree_instance(a, app, 1, "held", 0, 10);
    value_add_text(a, i, "why", HOSTILE);
    add_exit(a, i, "last_exit", "signal", "killed by SIGKILL (out of memory)");
    app = tree_app(a, apps, "payments/audit", "critical", 900, "stopped", false);
    tree_instance(a, app, 0, "stopped", 0, 0);
    return apps;
}

static void lists_are_aligned_and_sorted(void **state) {
    struct arena a = {0};
    struct text_buf b = {0};
    struct value *apps = some_apps(&a);
    struct look plain = tree_look(false, 0), narrow = tree_look(false, 80), colour = tree_look(true, 80);
    (void)state;
    render_sort_apps(apps);
    render_list(&plain, apps, &b);
    tree_expect_golden("list", &b);
    render_list(&narrow, apps, &b);
    tree_expect_golden("list-80", &b);
    render_list(&colour, apps, &b);
    tree_expect_golden("list-colour", &b);
    struct value *none = tree_list(&a, NULL, NULL);
    render_sort_apps(none);
    render_list(&plain, none, &b);
    assert_string_equal(b.data, "No apps are registered.\n");
    text_buf_free(&b);
    arena_free(&a);
}

static void lines_fit_the_terminal(void **state) {
    struct arena a = {0};
    struct text_buf b = {0};
    struct look narrow = tree_look(false, 76);
    (void)state;
    render_list(&narrow, some_apps(&a), &b);
    for (char *line = b.data; *line; line = strchr(line, '\n') + 1)
        assert_in_range(text_columns(line, strcspn(line, "\n")), 0, 76);
    text_buf_free(&b);
    arena_free(&a);
}

static void an_app_in_detail(void **state) {
    struct arena a = {0};
    struct text_buf b = {0};
    struct value *apps = some_apps(&a), *app = apps->list.first->next;
    struct look l = tree_look(false, 0);
    (void)state;
    struct value *command = tree_list(&a, app, "command");
    value_add_text(&a, command, NULL, "/usr/bin/java");
    value_add_text(&a, command, NULL, "-Dname=two words");
    value_add_text(&a, app, "user", "payments");
    value_add_uint(&a, app, "registered_usec", tree_ago(86400));
    value_add_uint(&a, app, "registered_by", 1000);
    value_add_uint(&a, app, "cpu_milli", 1500);
    value_add_uint(&a, app, "memory_max_bytes", UINT64_C(2) << 30);
    value_add_text(&a, app, "restart", "always");
    value_add_text(&a, app, "ready", "notify");
    render_app(&l, app, &b);
    text_buf_add(&b, "\n");
    render_app(&l, apps->list.first, &b);
    tree_expect_golden("status", &b);
    arena_free(&a);
}

static void the_whole_in_a_table(void **state) {
    struct arena a = {0};
    struct text_buf b = {0};
    struct value *version = tree_dict(&a, NULL, NULL);
    struct look l = tree_look(false, 0);
    (void)state;
    value_add_text(&a, version, "version", "1.2");
    value_add_uint(&a, version, "started_usec", tree_ago(7265));
    value_add_uint(&a, version, "apps", 3);
    value_add_uint(&a, version, "running", 1);
    value_add_uint(&a, version, "instances", 4);
    render_usage(&l, version, some_apps(&a), &b);
    tree_expect_golden("usage", &b);
    arena_free(&a);
}

static void exits_of_the_past(void **state) {
    struct arena a = {0};
    struct text_buf b = {0};
    struct value *exits = tree_list(&a, NULL, NULL);
    struct look l = tree_look(false, 100);
    (void)state;
    render_history(&l, exits, &b);
    assert_string_equal(b.data, "No run has ended yet.\n");
    text_buf_free(&b);
    add_exit(&a, exits, NULL, "signal", "killed by SIGSEGV (core dumped)");
    struct value *e = exits->list.last;
    value_add_uint(&a, e, "number", 1);
    value_add_uint(&a, e, "pid", 4711);
    value_add_uint(&a, e, "cpu_usec", 61000000);
    value_add_uint(&a, e, "memory_peak_bytes", 9 << 20);
    value_add_text(&a, e, "then", "waiting to restart");
    value_add_text(&a, e, "last_line", HOSTILE);
    add_exit(&a, exits, NULL, "code", "exit code 0");
    render_history(&l, exits, &b);
    tree_expect_golden("history", &b);
    arena_free(&a);
}

static void events_and_lines_are_harmless(void **state) {
    struct arena a = {0};
    struct text_buf b = {0};
    struct value *e = tree_dict(&a, NULL, NULL);
    struct look terminal = tree_look(false, 80), pipe_look = tree_look(false, 0);
    (void)state;
    value_add_uint(&a, e, "at_usec", tree_ago(0));
    value_add_text(&a, e, "kind", "exited");
    value_add_text(&a, e, "app", "payments/enrich");
    value_add_uint(&a, e, "instance", 1);
    value_add_uint(&a, e, "uid", 1000);
    struct value *text = value_add_text(&a, e, "text", HOSTILE);
    render_event(&terminal, e, &b);
    render_log_line(&terminal, "0|", 0, text, &b);
    tree_expect_golden("event", &b);
    render_log_line(&pipe_look, "", 0, text, &b); /* a pipe gets the bytes as they are */
    assert_string_equal(b.data, HOSTILE "\n");
    text_buf_free(&b);
    arena_free(&a);
}

static void the_service(void **state) {
    struct arena a = {0};
    struct text_buf b = {0};
    struct look narrow = tree_look(false, 60);
    struct value *checks = tree_list(&a, NULL, NULL), *c = tree_dict(&a, checks, NULL);
    (void)state;
    value_add_text(&a, c, "what", "launcher");
    value_add_text(&a, c, "level", "ok");
    value_add_text(&a, c, "found", "pid 1");
    c = tree_dict(&a, checks, NULL);
    value_add_text(&a, c, "what", "memory");
    value_add_text(&a, c, "level", "absent");
    value_add_text(&a, c, "found",
                   "no memory controller: nothing is guaranteed, oom_score_adj decides who goes first");
    value_add_text(&a, c, "fix", "boot with systemd.unified_cgroup_hierarchy=1 and without cgroup v1 mounts");
    render_doctor(&narrow, checks, &b);
    tree_expect_golden("doctor-60", &b);
    struct value *classes = tree_list(&a, NULL, NULL);
    c = tree_dict(&a, classes, NULL);
    value_add_text(&a, c, "name", "adhoc");
    value_add_uint(&a, c, "rank", 100);
    value_add_bool(&a, c, "cpu_idle", true);
    value_add_uint(&a, c, "memory_max_percent", 90);
    value_add_uint(&a, c, "running", 1);
    value_add_uint(&a, c, "instances", 2);
    struct look l = tree_look(false, 0);
    render_classes(&l, classes, &b);
    tree_expect_golden("classes", &b);
    arena_free(&a);
}

static void states_have_colours(void **state) {
    (void)state;
    assert_int_equal(style_of_state("running"), STYLE_GOOD);
    assert_int_equal(style_of_state("held"), STYLE_BAD);
    assert_int_equal(style_of_state("failed-start"), STYLE_BAD);
    assert_int_equal(style_of_state("backoff"), STYLE_WARN);
    assert_int_equal(style_of_state("degraded"), STYLE_WARN);
    assert_int_equal(style_of_state("stopped"), STYLE_DIM);
    assert_int_equal(style_of_state("something new"), STYLE_PLAIN);
}

static void ages_and_sizes_are_short(void **state) {
    struct look l = tree_look(false, 0);
    char buf[32];
    (void)state;
    assert_string_equal(render_age(&l, tree_ago(192), buf, sizeof(buf)), "3m12s");
    assert_string_equal(render_age(&l, tree_ago(0) - 250000, buf, sizeof(buf)), "250ms");
    assert_string_equal(render_age(&l, 0, buf, sizeof(buf)), "");
    assert_string_equal(render_age(&l, tree_ago(0) + 5000000, buf, sizeof(buf)),
                        "0s"); /* a clock that was set back */
    assert_string_equal(render_size(0, buf, sizeof(buf)), "0");
    assert_string_equal(render_size(1023, buf, sizeof(buf)), "1023");
    assert_string_equal(render_size(1024, buf, sizeof(buf)), "1.0K");
    assert_string_equal(render_size(10 << 20, buf, sizeof(buf)), "10M");
    assert_string_equal(render_size((UINT64_C(1) << 30) - 1, buf, sizeof(buf)), "1.0G");
    assert_string_equal(render_size(UINT64_MAX, buf, sizeof(buf)), "16E");
}

static void widths_count_columns(void **state) {
    struct text_buf b = {0};
    (void)state;
    assert_int_equal(text_columns("abc", 3), 3);
    assert_int_equal(text_columns("é€", strlen("é€")), 2);
    assert_int_equal(text_columns("日本", strlen("日本")), 4);
    assert_int_equal(text_columns("e\xCC\x81", 3), 1);
    assert_int_equal(text_columns("\xff\xff", 2), 2);
    text_add_cut(&b, "日本語", 4);
    assert_string_equal(b.data, "日…");
    text_buf_free(&b);
    text_add_cut(&b, "abcd", 4);
    assert_string_equal(b.data, "abcd");
    text_buf_free(&b);
    text_add_cut(&b, "abcde", 4);
    assert_string_equal(b.data, "abc…");
    text_buf_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_aligned_and_sorted),
        cmocka_unit_test(lines_fit_the_terminal),
        cmocka_unit_test(an_app_in_detail),
        cmocka_unit_test(the_whole_in_a_table),
        cmocka_unit_test(exits_of_the_past),
        cmocka_unit_test(events_and_lines_are_harmless),
        cmocka_unit_test(the_service),
        cmocka_unit_test(states_have_colours),
        cmocka_unit_test(ages_and_sizes_are_short),
        cmocka_unit_test(widths_count_columns),
    };
    setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
