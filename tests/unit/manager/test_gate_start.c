/* SPDX-License-Identifier: Apache-2.0 */
/* Many automatic starts at once: spread over time, the highest class first, and nobody who asks has to wait
 * behind them. */
#include "world.h"

#include <stdio.h>
#include <string.h>

static void register_three_classes(struct world *w) {
    static const char *const names[] = {"t/a", "t/b", "t/c"}, *const classes[] = {"adhoc", "critical",
                                                                                  "standard"};
    for (size_t i = 0; i < 3; i++) {
        char more[64];
        snprintf(more, sizeof(more), "class = %s\ninstances = 4\n", classes[i]);
        assert_int_equal(world_register(w, names[i], more), 0);
    }
}

/* All processes are gone, as after a boot; but this boot, so that the ends are unseen ones. */
static void lose_all(struct world *w) {
    world_crash(w);
    fake_launcher_die(&w->launcher);
    for (size_t i = 0; i < w->ports.groups.n; i++) {
        w->ports.groups.leaves[i].processes = 0;
        w->ports.groups.leaves[i].exists = false;
    }
    for (size_t i = 0; i < w->ports.store.n; i++) /* another boot: the records say nothing */
        if (strncmp(w->ports.store.entries[i].key, "run/", 4) == 0)
            w->ports.store.entries[i].key[0] = 'x';
}

static void test_classes_in_order(void **state) {
    struct world *w = *state;
    w->conf.start_burst = 3;
    w->conf.start_interval_usec = 100 * USEC_PER_MSEC;
    world_start(w);
    register_three_classes(w); /* somebody asked: no waiting */
    assert_int_equal(w->launcher.n_spawn, 12);
    lose_all(w);
    world_start(w);
    static const char *const order[] = {"t/b", "t/c", "t/a"};
    for (unsigned started = 3; started <= 12; started++) {
        assert_int_equal(w->launcher.n_spawn, 12 + started);
        for (unsigned i = 0; i < 3; i++) {
            unsigned before = i * 4, running = started > before ? started - before : 0;
            unsigned now = 0;
            for (uint32_t k = 0; k < 4; k++)
                now += world_see(w, order[i], k).state == INSTANCE_RUNNING;
            assert_int_equal(now, running > 4 ? 4 : running);
        }
        world_pass(w, 99 * USEC_PER_MSEC);
        assert_int_equal(w->launcher.n_spawn, 12 + started);
        world_pass(w, USEC_PER_MSEC);
    }
    assert_int_equal(w->launcher.n_spawn, 24);
    world_pass(w, USEC_PER_SEC);
    assert_int_equal(w->launcher.n_spawn, 24);
}

static void test_position_is_told(void **state) {
    struct world *w = *state;
    w->conf.start_burst = 1;
    world_start(w);
    register_three_classes(w);
    lose_all(w);
    world_start(w);
    assert_string_equal(world_see(w, "t/b", 1).why,
                        "waits for its turn (starts are spread over time): 0 before it");
    assert_string_equal(world_see(w, "t/c", 0).why,
                        "waits for its turn (starts are spread over time): 3 before it");
    assert_string_equal(world_see(w, "t/a", 3).why,
                        "waits for its turn (starts are spread over time): 10 before it");
    assert_string_equal(world_see(w, "t/a", 0).summary, "gated");
}

static void test_who_asks_does_not_wait(void **state) {
    struct world *w = *state;
    w->conf.start_burst = 1;
    w->conf.start_interval_usec = 3600 * USEC_PER_SEC;
    world_start(w);
    register_three_classes(w);
    lose_all(w);
    world_start(w);
    assert_int_equal(w->launcher.n_spawn, 13);
    assert_int_equal(world_do(w, "start", "t/a"), 0);
    assert_string_equal(world_see(w, "t/a", 0).summary, "running");
    assert_state(w, "t/c", 0, INSTANCE_GATED);
    assert_int_equal(world_register(w, "t/new", ""), 0);
    assert_state(w, "t/new", 0, INSTANCE_RUNNING);
    assert_int_equal(world_do(w, "stop", "t/c"), 0); /* and who waits can be told not to */
    assert_state(w, "t/c", 0, INSTANCE_STOPPED);
    assert_int_equal(world_do(w, "unregister", "t/b"), 0);
    world_pass(w, 3600 * USEC_PER_SEC);
    assert_int_equal(w->launcher.n_spawn, 13 + 4 + 1);
}

static void test_no_limit(void **state) {
    struct world *w = *state;
    w->conf.start_burst = 1;
    w->conf.start_interval_usec = 0;
    world_start(w);
    register_three_classes(w);
    lose_all(w);
    world_start(w);
    assert_int_equal(w->launcher.n_spawn, 24);
}

/* A herd that crashes comes back in the same measure. */
static void test_crashes_are_spread(void **state) {
    struct world *w = *state;
    w->conf.start_burst = 2;
    w->conf.start_interval_usec = 100 * USEC_PER_MSEC;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 5\n"), 0);
    world_pass(w, 60 * USEC_PER_SEC);
    for (uint32_t i = 0; i < 5; i++)
        fake_launcher_exit(&w->launcher, child_of(w, "t/a", i), MSG_EXIT_CODE, 1);
    world_run(w);
    assert_int_equal(fake_launcher_running(&w->launcher, "t/a"), 2);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(fake_launcher_running(&w->launcher, "t/a"), 2 + i);
        world_pass(w, 100 * USEC_PER_MSEC);
    }
    assert_int_equal(fake_launcher_running(&w->launcher, "t/a"), 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(test_classes_in_order),       world_test(test_position_is_told),
        world_test(test_who_asks_does_not_wait), world_test(test_no_limit),
        world_test(test_crashes_are_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
