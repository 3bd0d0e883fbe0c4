/* SPDX-License-Identifier: Apache-2.0 */
/* When waiting is over, and what is said then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tree.h"

#include "ctl/wait.h"

struct fixture {
    struct arena arena;
    struct value *app;
    struct wait_target target;
};

static int open_fixture(void **state) {
    static struct fixture f;
    f = (struct fixture){
        .target = {.name = "t/a", .only = WAIT_ALL, .count = WAIT_ALL, .asked_usec = tree_ago(10)}};
    f.app = tree_app(&f.arena, NULL, "t/a", "standard", 500, "?", true);
    *state = &f;
    return 0;
}

static int close_fixture(void **state) {
    struct fixture *f = *state;
    arena_free(&f->arena);
    return 0;
}

static void expect(struct fixture *f, enum wait_verdict verdict) {
    const struct value *instance;
    assert_int_equal(wait_judge(&f->target, f->app, &instance), verdict);
}

static void expect_failed(struct fixture *f, const char *words) {
    const struct value *instance;
    struct text_buf b = {0};
    assert_int_equal(wait_judge(&f->target, f->app, &instance), WAIT_FAILED);
    wait_explain(&f->target, f->app, instance, &b);
    assert_string_equal(b.data, words);
    text_buf_free(&b);
}

static struct value *instance(struct fixture *f, unsigned number, const char *state, unsigned pid,
                              unsigned restarts) {
    return tree_instance(&f->arena, f->app, number, state, pid, restarts);
}

static void add_exit(struct fixture *f, struct value *i, unsigned seconds_ago, unsigned code) {
    struct value *e = tree_dict(&f->arena, i, "last_exit");
    value_add_text(&f->arena, e, "text", code ? "exit code 1" : "exit code 0");
    value_add_uint(&f->arena, e, "code", code);
    value_add_uint(&f->arena, e, "at_usec", tree_ago(seconds_ago));
    value_add_uint(&f->arena, e, "run_usec", 1000000);
}

static void all_have_to_run(void **state) {
    struct fixture *f = *state;
    struct text_buf b = {0};
    instance(f, 0, "running", 1, 0);
    expect(f, WAIT_REACHED);
    instance(f, 1, "starting", 2, 0);
    instance(f, 2, "gated", 0, 0);
    expect(f, WAIT_MORE);
    wait_progress(&f->target, f->app, &b);
    assert_string_equal(b.data, "t/a: 1/3 running, 1 starting");
    text_buf_free(&b);
    f->target.only = 0;
    expect(f, WAIT_REACHED);
}

static void what_is_replaced_does_not_count(void **state) {
    struct fixture *f = *state;
    struct value *i = instance(f, 0, "running", 77, 0);
    wait_remember(&f->target, f->app);
    expect(f, WAIT_MORE); /* the old process */
    f->target.old_pids[0] = 76;
    expect(f, WAIT_REACHED);
    value_add_bool(&f->arena, i, "outdated", true);
    expect(f, WAIT_MORE);
}

static void failures_say_why(void **state) {
    struct fixture *f = *state;
    struct value *i = instance(f, 4, "held", 0, 10);
    value_add_text(&f->arena, i, "why", "10 restarts in 10m are used up");
    add_exit(f, i, 1, 1);
    expect_failed(f, "t/a/4 is held: 10 restarts in 10m are used up; last exit: exit code 1 after 1s");
}

static void a_failed_start_says_why(void **state) {
    struct fixture *f = *state;
    struct value *i = instance(f, 0, "failed-start", 0, 0);
    value_add_text(&f->arena, i, "why", "exec: No such file or directory: /opt/x");
    value_add_uint(&f->arena, i, "next_usec", tree_ago(0));
    expect_failed(
        f, "t/a/0 could not be started: exec: No such file or directory: /opt/x; it will be tried again");
}

static void a_first_crash_is_given_a_chance(void **state) {
    struct fixture *f = *state;
    struct value *i = instance(f, 0, "backoff", 0, 1);
    add_exit(f, i, 1, 1);
    expect(f, WAIT_MORE);
    instance(f, 1, "backoff", 0, 2);
    expect_failed(f, "t/a/1 keeps ending");
}

static void an_end_may_be_the_goal(void **state) {
    struct fixture *f = *state;
    struct value *i = instance(f, 0, "stopped", 0, 0);
    expect(f, WAIT_MORE); /* not started yet */
    add_exit(f, i, 100, 0);
    expect(f, WAIT_MORE); /* that was before */
    i = instance(f, 1, "stopped", 0, 0);
    add_exit(f, i, 1, 0);
    f->target.only = 1;
    expect(f, WAIT_REACHED);
    i = instance(f, 2, "stopped", 0, 0);
    add_exit(f, i, 1, 1);
    f->target.only = 2;
    expect_failed(f, "t/a/2 has ended: last exit: exit code 1 after 1s");
}

static void others_may_interfere(void **state) {
    struct fixture *f = *state;
    struct value *app = tree_app(&f->arena, NULL, "t/a", "standard", 500, "stopped", false);
    f->app = app;
    expect_failed(f, "t/a is not to run any more: somebody has stopped it");
    f->app = NULL;
    expect_failed(f, "t/a is not there any more: somebody has unregistered it");
}

static void stopping_is_over_when_all_are_down(void **state) {
    struct fixture *f = *state;
    f->target.goal = WAIT_STOPPED;
    instance(f, 0, "stopped", 0, 0);
    instance(f, 1, "held", 0, 0);
    expect(f, WAIT_REACHED);
    instance(f, 2, "stopping", 5, 0);
    expect(f, WAIT_MORE);
    f->app = NULL;
    expect(f, WAIT_REACHED);
}

static void gone_is_gone(void **state) {
    struct fixture *f = *state;
    f->target.goal = WAIT_GONE;
    expect(f, WAIT_MORE);
    f->app = NULL;
    expect(f, WAIT_REACHED);
}

static void scaling_waits_for_the_number(void **state) {
    struct fixture *f = *state;
    f->target.count = 2;
    instance(f, 0, "running", 1, 0);
    expect(f, WAIT_MORE);
    instance(f, 1, "running", 2, 0);
    expect(f, WAIT_REACHED);
    instance(f, 2, "stopping", 3, 0);
    expect(f, WAIT_MORE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(all_have_to_run),
        TEST(what_is_replaced_does_not_count),
        TEST(failures_say_why),
        TEST(a_failed_start_says_why),
        TEST(a_first_crash_is_given_a_chance),
        TEST(an_end_may_be_the_goal),
        TEST(others_may_interfere),
        TEST(stopping_is_over_when_all_are_down),
        TEST(gone_is_gone),
        TEST(scaling_waits_for_the_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
