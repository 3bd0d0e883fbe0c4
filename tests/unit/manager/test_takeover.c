/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon dies at any moment: what runs goes on, what ended is known, nothing is started twice. */
#include "world.h"

#include "manager/record.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void test_daemon_dies(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 3\n"), 0);
    assert_int_equal(world_register(w, "u/b", ""), 0);
    world_pass(w, 60 * USEC_PER_SEC);
    uint32_t pids[3];
    for (uint32_t i = 0; i < 3; i++)
        pids[i] = child_of(w, "t/a", i)->pid;
    for (unsigned round = 0; round < 3; round++) {
        world_crash(w);
        world_pass(w, USEC_PER_SEC);
        world_start(w);
        for (uint32_t i = 0; i < 3; i++) {
            assert_state(w, "t/a", i, INSTANCE_RUNNING);
            assert_int_equal(world_see(w, "t/a", i).pid, pids[i]);
            assert_int_equal(child_of(w, "t/a", i)->signals, 0);
            assert_int_equal(world_see(w, "t/a", i).generation, 1);
            assert_false(world_see(w, "t/a", i).outdated);
        }
    }
    assert_int_equal(w->launcher.n_spawn, 4);
    assert_int_equal(w->launcher.n_adopt, 0);
    assert_non_null(strstr(world_events(w, NULL), "4 running instances taken over"));
    /* It is a manager like any other: what it took over it supervises. */
    crash(w, "t/a", 1);
    assert_state(w, "t/a", 1, INSTANCE_RUNNING);
    assert_int_equal(w->launcher.n_spawn, 5);
    assert_int_equal(world_do(w, "stop", "t/a"), 0);
    assert_state(w, "t/a", 0, INSTANCE_STOPPED);
    assert_int_equal(fake_launcher_running(&w->launcher, "t/a"), 0);
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_int_equal(e.n, 4);
}

/* The run was stable over the death of the daemon: its crash restarts at once. */
static void test_run_time_counts_through(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    world_pass(w, 9 * USEC_PER_SEC);
    world_crash(w);
    world_start(w);
    world_pass(w, 2 * USEC_PER_SEC);
    crash(w, "t/a", 0);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_int_equal(e.list[0].exit.run_usec, 11 * USEC_PER_SEC);
}

static void test_exit_in_between(void **state) {
    struct world *w = *state;
    w->launcher.twice = true;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 2\n"), 0);
    assert_int_equal(world_register(w, "t/never", "[restart]\npolicy = never\n"), 0);
    world_pass(w, 20 * USEC_PER_SEC);
    uint32_t pid = child_of(w, "t/a", 0)->pid;
    world_crash(w);
    fake_launcher_exit(&w->launcher, child_of(w, "t/a", 0), MSG_EXIT_CODE, 7);
    fake_launcher_exit(&w->launcher, child_of(w, "t/never", 0), MSG_EXIT_DUMPED, SIGSEGV);
    world_pass(w, 5 * USEC_PER_SEC);
    world_start(w);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    assert_int_equal(world_see(w, "t/a", 0).restarts, 1);
    assert_int_equal(fake_launcher_starts(&w->launcher, "t/a", 0), 2);
    assert_int_equal(fake_launcher_starts(&w->launcher, "t/a", 1), 1);
    assert_state(w, "t/never", 0, INSTANCE_STOPPED);
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_int_equal(e.n, 1);
    assert_int_equal(e.list[0].exit.end, RUN_END_CODE);
    assert_int_equal(e.list[0].exit.code, 7);
    assert_int_equal(e.list[0].pid, pid);
    assert_int_equal(e.list[0].exit.run_usec, 20 * USEC_PER_SEC);
    world_exits(w, "t/never", &e);
    assert_int_equal(e.n, 1);
    assert_int_equal(e.list[0].exit.end, RUN_END_SIGNAL);
    assert_true(e.list[0].exit.dumped);
    assert_int_equal(w->launcher.n_forget, 2);
    assert_non_null(strstr(world_events(w, NULL), "1 running instances taken over"));
    world_crash(w);
    world_start(w);
    assert_state(w, "t/never", 0, INSTANCE_STOPPED); /* a new daemon is no new start */
    assert_int_equal(fake_launcher_starts(&w->launcher, "t/never", 0), 1);
    world_exits(w, "t/a", &e);
    assert_int_equal(e.n, 1);
}

/* The daemon noted the end and died before it could say so: the launcher tells it again. */
static void test_noted_end_is_told_again(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "[restart]\npolicy = never\n"), 0);
    world_pass(w, 20 * USEC_PER_SEC);
    w->ports.store.hold = true;
    crash(w, "t/a", 0);
    world_crash(w); /* it reached the disk, but the launcher was not told */
    w->ports.store.hold = false;
    assert_int_equal(fake_store_count(&w->ports, "exit/t/a/"), 1);
    assert_false(child_of(w, "t/a", 0)->forgotten);
    world_start(w);
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_int_equal(e.n, 1);
    assert_true(child_of(w, "t/a", 0)->forgotten);
    assert_state(w, "t/a", 0, INSTANCE_STOPPED);
    assert_int_equal(w->launcher.n_spawn, 1);
}

/* Whatever of the notes of a crash and its restart was on the disk when the daemon died: the process that
 * runs is kept, and the end is in the history once. */
static void test_death_at_every_note(void **state) {
    struct world *w = *state;
    for (unsigned names_first = 0; names_first < 2; names_first++)
        for (unsigned kept = 0; kept < 12; kept++) {
            char name[32];
            snprintf(name, sizeof(name), "t/a%u-%u", names_first, kept);
            w->launcher.exits_first = names_first;
            world_start(w);
            assert_int_equal(world_register(w, name, ""), 0);
            world_pass(w, 20 * USEC_PER_SEC);
            w->ports.store.hold = true;
            crash(w, name, 0);
            struct fake_child *c = child_of(w, name, 0);
            uint32_t pid = c->pid;
            assert_int_equal(fake_launcher_starts(&w->launcher, name, 0), 2);
            world_crash_keeping(w, kept);
            w->ports.store.hold = false;
            world_start(w);
            assert_int_equal(world_see(w, name, 0).pid, pid);
            assert_int_equal(fake_launcher_starts(&w->launcher, name, 0), 2);
            assert_false(c->has_exited);
            struct exits e;
            world_exits(w, name, &e);
            assert_int_equal(e.n, 1);
            assert_int_equal(e.list[0].exit.code, 1);
            assert_int_equal(e.list[0].seq, 1);
            assert_int_equal(e.list[0].exit.run_usec, 20 * USEC_PER_SEC);
            crash(w, name, 0);
            world_exits(w, name, &e);
            assert_int_equal(e.n, 2);
            assert_int_equal(e.list[0].seq + e.list[1].seq, 3);
            assert_int_equal(world_do(w, "unregister", name), 0);
            world_crash(w);
        }
}

/* Two runs ended and a third runs, and of none of this a note was kept. */
static void test_several_ends_of_one_instance(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    w->ports.store.hold = true;
    for (unsigned i = 0; i < 2; i++) {
        world_pass(w, 20 * USEC_PER_SEC);
        crash(w, "t/a", 0);
    }
    assert_int_equal(fake_launcher_starts(&w->launcher, "t/a", 0), 3);
    uint32_t pid = child_of(w, "t/a", 0)->pid;
    world_crash_keeping(w, 0);
    w->ports.store.hold = false;
    w->launcher.twice = true;
    world_start(w);
    assert_int_equal(world_see(w, "t/a", 0).pid, pid);
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_int_equal(e.n, 2);
    assert_true(e.list[0].exit.at_usec == e.list[1].exit.at_usec + 20 * USEC_PER_SEC);
    assert_int_equal(w->launcher.n_spawn, 3);

    w->ports.store.hold = true;
    for (unsigned i = 0; i < 2; i++) {
        world_pass(w, 20 * USEC_PER_SEC);
        crash(w, "t/a", 0);
    }
    world_crash_keeping(w, 0);
    w->ports.store.hold = false;
    fake_launcher_exit(&w->launcher, child_of(w, "t/a", 0), MSG_EXIT_CODE, 9); /* and now the third one too */
    world_start(w);
    world_exits(w, "t/a", &e);
    assert_int_equal(e.n, 5);
    assert_int_equal(e.list[0].exit.code, 9);
    assert_int_equal(fake_launcher_running(&w->launcher, "t/a"), world_see(w, "t/a", 0).pid ? 1 : 0);
    world_pass(w, 10 * USEC_PER_SEC);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    assert_int_equal(fake_launcher_running(&w->launcher, "t/a"), 1);
    unsigned not_forgotten = 0;
    for (size_t i = 0; i < w->launcher.n; i++)
        not_forgotten += !w->launcher.children[i]->forgotten;
    assert_int_equal(not_forgotten, 1);
}

/* The start was acknowledged by the launcher, and its record never written. */
static void test_start_without_a_record(void **state) {
    struct world *w = *state;
    for (unsigned kept = 1; kept < 6; kept++) {
        char name[32];
        snprintf(name, sizeof(name), "t/a%u", kept);
        world_start(w);
        w->ports.store.hold = true;
        assert_int_equal(world_register(w, name, "instances = 2\n"), 0);
        fake_store_finish(&w->ports, 2);
        world_run(w);
        assert_int_equal(fake_launcher_running(&w->launcher, name), 2);
        world_crash_keeping(w, kept - 1);
        w->ports.store.hold = false;
        world_start(w);
        assert_state(w, name, 1, INSTANCE_RUNNING);
        assert_int_equal(world_see(w, name, 1).pid, child_of(w, name, 1)->pid);
        assert_int_equal(fake_launcher_starts(&w->launcher, name, 0), 1);
        assert_int_equal(fake_launcher_starts(&w->launcher, name, 1), 1);
        assert_int_equal(world_do(w, "unregister", name), 0);
        world_crash(w);
    }
}

/* An acknowledged registration, whatever else was lost, is there. */
static void test_nothing_acknowledged_is_lost(void **state) {
    struct world *w = *state;
    for (unsigned kept = 0; kept < 10; kept++) {
        char name[32];
        snprintf(name, sizeof(name), "t/a%u", kept);
        world_start(w);
        w->ports.store.hold = true;
        world_register(w, name, "");
        fake_store_finish(&w->ports, kept);
        bool acknowledged = w->answer.calls > 0;
        world_run(w);
        world_crash_keeping(w, 0);
        w->ports.store.hold = false;
        world_start(w);
        if (acknowledged)
            assert_state(w, name, 0, INSTANCE_RUNNING);
        else
            assert_int_equal(kept, 0);
        assert_true(fake_launcher_starts(&w->launcher, name, 0) <= 1);
        world_crash(w);
    }
}

static void test_start_refused_while_nobody_listened(void **state) {
    struct world *w = *state;
    fake_launcher_program(&w->launcher, "/bin/app")->silent = true;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    assert_state(w, "t/a", 0, INSTANCE_STARTING);
    struct fake_child *c = child_of(w, "t/a", 0);
    c->forgotten = c->has_exited = true; /* the answer, SPAWN_FAILED, goes to nobody */
    fake_leaf_add(c->leaf, -1);
    world_crash(w);
    fake_launcher_program(&w->launcher, "/bin/app")->silent = false;
    world_start(w);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_int_equal(e.n, 0);
}

static void test_stop_is_carried_on(void **state) {
    struct world *w = *state;
    fake_launcher_program(&w->launcher, "/bin/app")->ignores_stop = true;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 2\n"), 0);
    assert_int_equal(world_do(w, "stop", "t/a"), 0);
    world_crash(w);
    world_start(w);
    assert_state(w, "t/a", 0, INSTANCE_STOPPING);
    world_pass(w, 61 * USEC_PER_SEC);
    assert_state(w, "t/a", 0, INSTANCE_STOPPED);
    world_crash(w);
    world_start(w);
    assert_state(w, "t/a", 0, INSTANCE_STOPPED);
    assert_int_equal(w->launcher.n_spawn, 2);
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_int_equal(e.n, 2);
    assert_string_equal(e.list[0].reason, "asked to stop");
}

static void test_removal_is_completed(void **state) {
    struct world *w = *state;
    for (unsigned kept = 0; kept < 8; kept++) {
        char name[32], removed[64];
        snprintf(name, sizeof(name), "t/a%u", kept);
        fake_launcher_program(&w->launcher, "/bin/app")->ignores_stop = kept % 2;
        fake_launcher_program(&w->launcher, "state-tool")->ends = kept < 4;
        world_start(w);
        assert_int_equal(world_register(w, name, "instances = 2\n"), 0);
        w->ports.store.hold = true;
        assert_int_equal(world_do(w, "purge", name), 0);
        fake_store_finish(&w->ports, 1);
        assert_int_equal(w->answer.calls, 1);
        world_run(w);
        world_crash_keeping(w, kept / 2);
        w->ports.store.hold = false;
        fake_launcher_program(&w->launcher, "state-tool")->ends = true;
        world_start(w);
        world_pass(w, 61 * USEC_PER_SEC);
        assert_false(world_see(w, name, 0).found);
        assert_int_equal(fake_launcher_running(&w->launcher, name), 0);
        snprintf(removed, sizeof(removed), "%s/0 %s/1 ", name, name);
        assert_non_null(strstr(w->launcher.removed, removed));
        assert_int_equal(fake_store_count(&w->ports, "app/"), 0);
        assert_int_equal(fake_store_count(&w->ports, "run/"), 0);
        world_crash(w);
    }
}

/* A registration that comes with a roll: the roll goes on. */
static void test_roll_is_carried_on(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 3\n"), 0);
    fake_launcher_program(&w->launcher, "/bin/app")->ignores_stop = true;
    assert_int_equal(world_register(w, "t/a", "instances = 3\nenvironment = A=1\n"), 0);
    assert_state(w, "t/a", 0, INSTANCE_STOPPING);
    assert_state(w, "t/a", 1, INSTANCE_RUNNING);
    world_crash(w);
    world_start(w);
    fake_launcher_program(&w->launcher, "/bin/app")->ignores_stop = false;
    assert_true(world_see(w, "t/a", 1).outdated);
    for (unsigned i = 0; i < 4; i++)
        world_pass(w, 61 * USEC_PER_SEC);
    for (uint32_t i = 0; i < 3; i++) {
        assert_state(w, "t/a", i, INSTANCE_RUNNING);
        assert_int_equal(world_see(w, "t/a", i).generation, 2);
        assert_int_equal(fake_launcher_starts(&w->launcher, "t/a", i), 2);
        assert_false(world_see(w, "t/a", i).outdated);
    }
    /* What may go on untouched under a new generation does so over a restart too. */
    assert_int_equal(world_register(w, "t/a", "instances = 3\nenvironment = A=1\n[stop]\ntimeout = 5s\n"), 0);
    world_crash(w);
    world_start(w);
    assert_int_equal(fake_launcher_starts(&w->launcher, "t/a", 0), 2);
    assert_int_equal(world_see(w, "t/a", 0).generation, 3);
}

/* Readiness commands and tools of the last daemon are not mistaken for the instance. */
static void test_helpers_in_the_replay(void **state) {
    struct world *w = *state;
    for (unsigned ended = 0; ended < 2; ended++)
        for (unsigned no_leaf = 0; no_leaf < 2; no_leaf++) {
            char name[32];
            snprintf(name, sizeof(name), "t/a%u%u", ended, no_leaf);
            w->ports.groups.none = no_leaf;
            world_start(w);
            assert_int_equal(world_register(w, name, "[ready]\nprobe = exec:/bin/probe\n"), 0);
            struct fake_child *probe = fake_launcher_helper(&w->launcher), *c = child_of(w, name, 0);
            assert_false(probe->has_exited);
            world_crash(w);
            if (ended)
                fake_launcher_exit(&w->launcher, probe, MSG_EXIT_CODE, 0);
            struct fake_child *swap = w->launcher.children[w->launcher.n - 1]; /* the probe comes first */
            w->launcher.children[w->launcher.n - 1] = w->launcher.children[w->launcher.n - 2];
            w->launcher.children[w->launcher.n - 2] = swap;
            world_start(w);
            assert_int_equal(world_see(w, name, 0).pid, c->pid);
            assert_false(c->has_exited);
            assert_true(probe->has_exited);
            assert_state(w, name, 0, INSTANCE_STARTING);
            struct fake_child *again = fake_launcher_helper(&w->launcher);
            assert_ptr_not_equal(again, probe);
            fake_launcher_exit(&w->launcher, again, MSG_EXIT_CODE, 0);
            world_run(w);
            assert_state(w, name, 0, INSTANCE_RUNNING);
            world_crash(w);
        }
}

static void test_verbs_wait_for_the_replay(void **state) {
    struct world *w = *state;
    w->launcher.hold_replay = true;
    world_begin(w);
    assert_false(manager_is_serving(w->manager));
    assert_int_equal(world_register_as(w, &world_root, "t/a", ""), -EAGAIN);
    fake_launcher_replay(&w->launcher);
    world_run(w);
    assert_true(manager_is_serving(w->manager));
    assert_int_equal(w->launcher.n_ready, 1);
    assert_int_equal(world_register(w, "t/a", ""), 0);
}

/* An app half removed, one of its instances over before the other is told of. */
static void test_removal_waits_for_the_replay(void **state) {
    struct world *w = *state;
    fake_launcher_program(&w->launcher, "/bin/app")->ignores_stop = true;
    w->launcher.exits_first = true;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 2\n"), 0);
    assert_int_equal(world_do(w, "unregister", "t/a"), 0);
    world_crash(w);
    fake_launcher_exit(&w->launcher, child_of(w, "t/a", 0), MSG_EXIT_CODE, 0);
    w->launcher.hold_replay = true;
    world_begin(w);
    const struct msg_exited m = child_of(w, "t/a", 0)->exit;
    uint8_t buf[256];
    fake_launcher_send(&w->launcher, buf, msg_encode_exited(&m, buf, sizeof(buf)), -EBADF);
    world_run(w);
    fake_launcher_replay(&w->launcher);
    world_run(w);
    assert_false(child_of(w, "t/a", 1)->has_exited);
    assert_state(w, "t/a", 1, INSTANCE_STOPPING);
    world_pass(w, 61 * USEC_PER_SEC);
    assert_false(world_see(w, "t/a", 0).found);
}

static void test_out_of_memory_in_between(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    world_pass(w, 20 * USEC_PER_SEC);
    struct fake_child *c = child_of(w, "t/a", 0);
    c->leaf->usage.cpu_usec = 777;
    world_crash(w);
    c->leaf->usage.oom_kills++;
    fake_launcher_exit(&w->launcher, c, MSG_EXIT_SIGNAL, SIGKILL);
    world_start(w);
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_int_equal(e.n, 1);
    assert_true(e.list[0].exit.oom_killed);
    assert_int_equal(e.list[0].exit.cpu_usec, 777);
}

/* What a scaled-away instance left in the history stays, and what comes later stands behind it. */
static void test_history_of_one_that_comes_again(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 2\n"), 0);
    for (unsigned i = 0; i < 4; i++) {
        world_pass(w, 20 * USEC_PER_SEC);
        crash(w, "t/a", 1);
        if (i == 1)
            w->ports.store.hold = true; /* noted, but the launcher is not told */
        assert_int_equal(world_scale(w, "t/a", 1), 0);
        if (i == 1) {
            world_crash(w);
            w->ports.store.hold = false;
            world_start(w);
        }
        assert_int_equal(world_scale(w, "t/a", 2), 0);
    }
    struct exits e;
    world_exits(w, "t/a", &e);
    for (size_t i = 0; i < e.n; i++)
        for (size_t k = 0; k < i; k++)
            assert_true(e.list[i].seq != e.list[k].seq && e.list[i].pid != e.list[k].pid);
    assert_int_equal(e.n, 8);
}

/* The unnoted ends of an instance were in groups of two classes: what the last one left behind is swept. */
static void test_ends_in_two_classes(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "class = adhoc\n"), 0);
    assert_int_equal(world_register(w, "t/a", "class = standard\n"), 0);
    w->ports.store.hold = true;
    world_pass(w, 20 * USEC_PER_SEC);
    crash(w, "t/a", 0);
    struct fake_child *last = child_of(w, "t/a", 0);
    world_crash_keeping(w, 0);
    w->ports.store.hold = false;
    fake_launcher_program(&w->launcher, "/bin/app")->leaves_behind = 1;
    fake_launcher_exit(&w->launcher, last, MSG_EXIT_CODE, 2);
    assert_int_equal(last->leaf->processes, 1);
    fake_launcher_program(&w->launcher, "/bin/app")->leaves_behind = 0;
    world_start(w);
    assert_true(last->leaf->kills > 0);
    world_pass(w, 60 * USEC_PER_SEC);
    assert_int_equal(last->leaf->processes, 1); /* the present run's */
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
}

/* Empty groups of runs that are over go. */
static void test_empty_leaves_are_removed(void **state) {
    struct world *w = *state;
    struct fake_leaf *old = fake_leaf(&w->ports, "adhoc", "t", "a", 0, true);
    struct fake_leaf *strange = fake_leaf(&w->ports, "adhoc", "x", "y", 7, true);
    world_start(w);
    assert_false(old->exists);
    assert_false(strange->exists);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(test_daemon_dies),
        world_test(test_run_time_counts_through),
        world_test(test_exit_in_between),
        world_test(test_noted_end_is_told_again),
        world_test(test_death_at_every_note),
        world_test(test_several_ends_of_one_instance),
        world_test(test_start_without_a_record),
        world_test(test_nothing_acknowledged_is_lost),
        world_test(test_start_refused_while_nobody_listened),
        world_test(test_stop_is_carried_on),
        world_test(test_removal_is_completed),
        world_test(test_roll_is_carried_on),
        world_test(test_helpers_in_the_replay),
        world_test(test_verbs_wait_for_the_replay),
        world_test(test_removal_waits_for_the_replay),
        world_test(test_out_of_memory_in_between),
        world_test(test_history_of_one_that_comes_again),
        world_test(test_ends_in_two_classes),
        world_test(test_empty_leaves_are_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
