/* SPDX-License-Identifier: Apache-2.0 */
/* The end of the service: stop in class order, leave, or ask which of the two. */
#include "world.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void terminate(struct world *w, enum msg_terminate_why why) {
    fake_launcher_terminate(&w->launcher, why);
    world_run(w);
}

static void test_classes_in_order(void **state) {
    struct world *w = *state;
    static const char *const apps[] = {"t/ad", "t/st", "t/cr"}, *const classes[] = {"adhoc", "standard",
                                                                                    "critical"};
    fake_launcher_program(&w->launcher, "/bin/slow")->ignores_stop = true;
    world_start(w);
    for (size_t i = 0; i < 3; i++) {
        char more[128];
        snprintf(more, sizeof(more),
                 "command = /bin/slow\nclass = %s\ninstances = 2\n[stop]\ntimeout = 10s\n", classes[i]);
        assert_int_equal(world_register(w, apps[i], more), 0);
    }
    assert_int_equal(world_register(w, "t/quick", "class = adhoc\n"), 0);
    terminate(w, MSG_TERMINATE_STOP);
    assert_false(manager_is_serving(w->manager));
    assert_int_equal(world_do(w, "start", "t/ad"), -ESHUTDOWN);
    assert_int_equal(world_register_as(w, &world_root, "t/new", ""), -ESHUTDOWN);
    assert_state(w, "t/quick", 0, INSTANCE_STOPPED);
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 3; k++)
            assert_state(w, apps[k], 1,
                         k < i    ? INSTANCE_STOPPED
                         : k == i ? INSTANCE_STOPPING
                                  : INSTANCE_RUNNING);
        assert_int_equal(w->launcher.n_done, 0);
        assert_non_null(strstr(w->launcher.status, classes[i]));
        world_pass(w, 10 * USEC_PER_SEC);
    }
    assert_int_equal(w->launcher.n_done, 1);
    assert_int_equal(w->n_end, 1);
    assert_int_equal(w->end, MANAGER_END_STOPPED);
    world_end(w);
    /* Next time they are to run again. */
    unsigned spawned = w->launcher.n_spawn;
    world_start(w);
    assert_int_equal(w->launcher.n_spawn, spawned + 7);
    assert_state(w, "t/ad", 1, INSTANCE_RUNNING);
}

static void test_end_waits_for_the_disk(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    w->ports.store.hold = true;
    terminate(w, MSG_TERMINATE_STOP);
    assert_int_equal(fake_launcher_running(&w->launcher, "t/a"), 0);
    assert_int_equal(w->launcher.n_done, 0);
    assert_int_equal(w->n_end, 0);
    fake_store_finish(&w->ports, 100);
    world_run(w);
    assert_int_equal(w->launcher.n_done, 1);
    assert_int_equal(w->n_end, 1);
    struct exits e;
    w->ports.store.hold = false;
    world_exits(w, "t/a", &e);
    assert_int_equal(e.n, 1);
    assert_string_equal(e.list[0].reason, "the service is stopped");
}

static void test_leave(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 2\n"), 0);
    terminate(w, MSG_TERMINATE_LEAVE);
    assert_int_equal(w->launcher.n_done, 1);
    assert_int_equal(w->end, MANAGER_END_LEFT);
    assert_int_equal(w->n_end, 1);
    assert_int_equal(fake_launcher_running(&w->launcher, "t/a"), 2);
    assert_int_equal(world_do(w, "stop", "t/a"), -ESHUTDOWN);
    terminate(w, MSG_TERMINATE_STOP); /* too late */
    assert_int_equal(fake_launcher_running(&w->launcher, "t/a"), 2);
    assert_int_equal(w->n_end, 1);
    world_end(w);
    world_start(w);
    assert_int_equal(w->launcher.n_spawn, 2);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
}

static void ask(struct world *w, bool stop) {
    terminate(w, MSG_TERMINATE_ASK);
    assert_non_null(w->ports.asked);
    assert_int_equal(w->n_end, 0);
    assert_int_equal(fake_launcher_running(&w->launcher, "t/a"), 1);
    w->ports.asked(w->ports.asked_userdata, stop);
    world_run(w);
    assert_int_equal(w->n_end, 1);
    assert_int_equal(w->end, stop ? MANAGER_END_STOPPED : MANAGER_END_LEFT);
    assert_int_equal(fake_launcher_running(&w->launcher, "t/a"), stop ? 0 : 1);
    assert_int_equal(w->launcher.n_done, 1);
}

static void test_ask_stop(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    ask(w, true);
}

static void test_ask_restart(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    ask(w, false);
}

static void test_nobody_to_ask(void **state) {
    struct world *w = *state;
    w->ports.ask_fail = -ENXIO;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    terminate(w, MSG_TERMINATE_ASK);
    assert_int_equal(w->end, MANAGER_END_LEFT);
    assert_int_equal(fake_launcher_running(&w->launcher, "t/a"), 1);
}

/* Whatever is under way when the stop begins, it comes to an end. */
static void test_stop_in_the_middle_of_things(void **state) {
    struct world *w = *state;
    w->conf.start_burst = 1;
    world_start(w);
    assert_int_equal(world_register(w, "t/back", ""), 0);
    crash(w, "t/back", 0);
    assert_state(w, "t/back", 0, INSTANCE_BACKOFF);
    assert_int_equal(world_register(w, "t/held", "[restart]\nno-restart-exit = 1\n"), 0);
    crash(w, "t/held", 0);
    assert_state(w, "t/held", 0, INSTANCE_HELD);
    assert_int_equal(world_register(w, "t/slow", "[ready]\nprobe = notify\n"), 0);
    assert_state(w, "t/slow", 0, INSTANCE_STARTING);
    assert_int_equal(world_register(w, "t/g", "instances = 3\n"), 0);
    world_pass(w, 20 * USEC_PER_SEC);
    for (uint32_t i = 0; i < 3; i++)
        crash(w, "t/g", i);
    assert_state(w, "t/g", 2, INSTANCE_GATED);
    assert_int_equal(world_register(w, "t/roll", "instances = 3\n"), 0);
    fake_launcher_program(&w->launcher, "/bin/app")->ignores_stop = true;
    assert_int_equal(world_do(w, "restart", "t/roll"), 0);
    assert_state(w, "t/roll", 0, INSTANCE_STOPPING);
    fake_launcher_program(&w->launcher, "/bin/app")->silent = true;
    assert_int_equal(world_register(w, "t/asked", ""), 0);
    assert_state(w, "t/asked", 0, INSTANCE_STARTING);
    /* Changes on their way to the disk: noted, but nothing starts any more. */
    w->ports.store.hold = true;
    world_register(w, "t/late", "");
    world_scale(w, "t/g", 5);
    world_do(w, "start", "t/held");
    terminate(w, MSG_TERMINATE_STOP);
    w->ports.store.hold = false;
    fake_store_finish(&w->ports, 100);
    world_run(w);
    unsigned spawned = w->launcher.n_spawn;
    for (unsigned i = 0; i < 10; i++)
        world_pass(w, 61 * USEC_PER_SEC);
    assert_int_equal(w->n_end, 1);
    assert_int_equal(w->end, MANAGER_END_STOPPED);
    assert_int_equal(w->launcher.n_spawn, spawned);
    unsigned running = 0;
    for (size_t i = 0; i < w->launcher.n; i++)
        running += !w->launcher.children[i]->has_exited;
    assert_int_equal(running, 0);
}

/* A roll in a class whose turn has not come: it halts, and what runs there runs on. */
static void test_roll_halts_while_others_stop(void **state) {
    struct world *w = *state;
    fake_launcher_program(&w->launcher, "/bin/slow")->ignores_stop = true;
    world_start(w);
    assert_int_equal(
        world_register(w, "t/slow", "command = /bin/slow\nclass = adhoc\n[stop]\ntimeout = 30s\n"), 0);
    assert_int_equal(
        world_register(w, "t/cr", "class = critical\ninstances = 3\n[ready]\nprobe = exec:/bin/probe\n"), 0);
    for (size_t i = 0, n = w->launcher.n; i < n; i++)
        if (w->launcher.children[i]->helper)
            fake_launcher_exit(&w->launcher, w->launcher.children[i], MSG_EXIT_CODE, 0);
    world_run(w);
    assert_string_equal(world_see(w, "t/cr", 0).summary, "running");
    assert_int_equal(world_do(w, "restart", "t/cr"), 0);
    assert_state(w, "t/cr", 0, INSTANCE_STARTING);
    terminate(w, MSG_TERMINATE_STOP);
    fake_launcher_exit(&w->launcher, fake_launcher_helper(&w->launcher), MSG_EXIT_CODE, 0);
    world_run(w);
    assert_state(w, "t/slow", 0, INSTANCE_STOPPING);
    assert_int_equal(fake_launcher_running(&w->launcher, "t/cr"), 3);
    assert_string_equal(world_see(w, "t/cr", 0).summary, "running");
    world_pass(w, 30 * USEC_PER_SEC);
    assert_int_equal(w->end, MANAGER_END_STOPPED);
    assert_int_equal(w->n_end, 1);
}

static void test_stop_before_the_replay_is_over(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 2\n"), 0);
    world_crash(w);
    w->launcher.hold_replay = true;
    world_begin(w);
    terminate(w, MSG_TERMINATE_STOP);
    assert_int_equal(w->n_end, 0);
    fake_launcher_replay(&w->launcher);
    world_run(w);
    assert_int_equal(w->n_end, 1);
    assert_int_equal(w->end, MANAGER_END_STOPPED);
    assert_int_equal(fake_launcher_running(&w->launcher, "t/a"), 0);
    assert_int_equal(child_of(w, "t/a", 0)->signals, 1);
}

static void test_launcher_speaks_nonsense(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    fake_launcher_send(&w->launcher, "?", 1, -EBADF);
    world_run(w);
    assert_int_equal(w->n_end, 1);
    assert_int_equal(w->end, MANAGER_END_PROTOCOL);
    assert_int_equal(fake_launcher_running(&w->launcher, "t/a"), 1);
}

/* After the launcher's death nothing is decided or noted any more; the next daemon finds all as it was. */
static void test_launcher_gone(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    assert_int_equal(world_register(w, "t/b", "[restart]\nno-restart-exit = 1\n"), 0);
    crash(w, "t/b", 0);
    fake_launcher_die(&w->launcher);
    world_run(w);
    assert_int_equal(w->end, MANAGER_END_LAUNCHER_GONE);
    struct handover_child;
    world_crash(w);
    world_start(w);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    assert_state(w, "t/b", 0, INSTANCE_HELD);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(test_classes_in_order),
        world_test(test_end_waits_for_the_disk),
        world_test(test_leave),
        world_test(test_ask_stop),
        world_test(test_ask_restart),
        world_test(test_nobody_to_ask),
        world_test(test_stop_in_the_middle_of_things),
        world_test(test_roll_halts_while_others_stop),
        world_test(test_stop_before_the_replay_is_over),
        world_test(test_launcher_speaks_nonsense),
        world_test(test_launcher_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
