/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher dies too, or the host boots: what runs is found through the groups and the records. */
#include "world.h"

#include "manager/record.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static struct run_record read_run(struct world *w, const char *key) {
    struct run_record r;
    const struct fake_entry *e = fake_store_find(&w->ports, key);
    assert_non_null(e);
    assert_int_equal(run_record_decode(e->value, e->len, &r), 0);
    return r;
}

static void write_run(struct world *w, const char *key, const struct run_record *r) {
    uint8_t buf[1024];
    int len = run_record_encode(r, buf, sizeof(buf));
    assert_true(len > 0);
    fake_store_put(&w->ports, key, buf, (size_t)len);
}

static void test_launcher_dies(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 2\n"), 0);
    world_pass(w, 20 * USEC_PER_SEC);
    struct fake_child *c = child_of(w, "t/a", 1);
    uint32_t pid = c->pid;
    uint64_t ticks = c->ticks;
    fake_launcher_die(&w->launcher);
    world_run(w);
    assert_int_equal(w->n_end, 1);
    assert_int_equal(w->end, MANAGER_END_LAUNCHER_GONE);
    world_crash(w);
    world_start(w);
    assert_int_equal(w->launcher.n_adopt, 2);
    assert_int_equal(w->launcher.last_adopt.pid, pid);
    assert_int_equal(w->launcher.last_adopt.start_ticks, ticks);
    assert_int_equal(w->launcher.n_spawn, 2);
    assert_state(w, "t/a", 1, INSTANCE_RUNNING);
    assert_int_equal(world_see(w, "t/a", 1).pid, pid);
    assert_int_equal(world_count_events(w, "t/a", "taken-over"), 2);
    crash(w, "t/a", 1);
    assert_int_equal(world_see(w, "t/a", 1).restarts, 1);
    assert_int_equal(w->launcher.n_spawn, 3);
}

/* ... and no record says who it is: the oldest process of the group is taken. */
static void test_launcher_dies_with_the_records(void **state) {
    struct world *w = *state;
    world_start(w);
    w->ports.store.hold = true;
    assert_int_equal(world_register(w, "t/a", ""), 0);
    fake_store_finish(&w->ports, 2);
    world_run(w);
    uint32_t pid = child_of(w, "t/a", 0)->pid;
    world_crash_keeping(w, 0);
    fake_launcher_die(&w->launcher);
    w->ports.store.hold = false;
    world_start(w);
    assert_int_equal(w->launcher.n_adopt, 1);
    assert_int_equal(w->launcher.n_spawn, 1);
    assert_int_equal(world_see(w, "t/a", 0).pid, pid);
    world_pass(w, 20 * USEC_PER_SEC);
    crash(w, "t/a", 0); /* its end is known like any other's */
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_int_equal(e.n, 1);
    assert_int_equal(e.list[0].pid, pid);
}

/* The record is of an older run, which ended and was noted. */
static void test_launcher_dies_and_the_record_is_old(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    world_pass(w, 20 * USEC_PER_SEC);
    assert_int_equal(world_do(w, "stop", "t/a"), 0);
    assert_int_equal(world_do(w, "start", "t/a"), 0);
    struct run_record r = read_run(w, "run/t/a/0000");
    struct fake_child *c = child_of(w, "t/a", 0);
    assert_int_equal(r.pid, c->pid);
    r.ended = true;
    r.pid = c->pid - 1;
    r.start_ticks = 1;
    r.start_id -= 2;
    r.verdict = RESTART_NOT_WANTED;
    world_crash(w);
    write_run(w, "run/t/a/0000", &r);
    fake_launcher_die(&w->launcher);
    world_start(w);
    assert_int_equal(w->launcher.last_adopt.pid, c->pid);
    assert_int_equal(world_see(w, "t/a", 0).pid, c->pid);
    world_pass(w, 20 * USEC_PER_SEC);
    crash(w, "t/a", 0);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_int_equal(e.n, 2);
}

/* The record is of another boot: its pid means nothing in this one. */
static void test_launcher_dies_and_the_record_is_of_another_boot(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    struct run_record r = read_run(w, "run/t/a/0000");
    struct fake_child *c = child_of(w, "t/a", 0);
    world_crash(w);
    r.pid = c->pid + 50;
    r.start_ticks = 3;
    snprintf(r.boot_id, sizeof(r.boot_id), "another");
    write_run(w, "run/t/a/0000", &r);
    fake_launcher_die(&w->launcher);
    world_start(w);
    assert_int_equal(w->launcher.last_adopt.pid, c->pid);
    assert_int_equal(world_see(w, "t/a", 0).pid, c->pid);
    assert_int_equal(w->launcher.n_spawn, 1);
}

static void test_adopt_fails(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    world_pass(w, 20 * USEC_PER_SEC);
    struct fake_leaf *leaf = child_of(w, "t/a", 0)->leaf;
    fake_leaf_add(leaf, 1); /* a second process; the first one, the main one, goes unseen */
    leaf->main_pid = 0;
    world_crash(w);
    fake_launcher_die(&w->launcher);
    w->launcher.adopt_error = ESRCH;
    world_start(w);
    assert_int_equal(leaf->kills, 1);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    assert_int_equal(w->launcher.n_spawn, 2);
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_int_equal(e.n, 1);
    assert_int_equal(e.list[0].exit.end, RUN_END_UNKNOWN);
}

/* Both are dead, and so is the process: that it ended is known, how is not. */
static void test_gone_unseen(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    assert_int_equal(world_register(w, "t/never", "[restart]\npolicy = never\n"), 0);
    world_pass(w, 20 * USEC_PER_SEC);
    world_crash(w);
    fake_launcher_die(&w->launcher);
    fake_leaf_add(child_of(w, "t/a", 0)->leaf, -1);
    fake_leaf_add(child_of(w, "t/never", 0)->leaf, -1);
    world_start(w);
    assert_int_equal(w->launcher.n_adopt, 0);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    assert_state(w, "t/never", 0, INSTANCE_STOPPED);
    assert_int_equal(fake_launcher_starts(&w->launcher, "t/a", 0), 2);
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_int_equal(e.n, 1);
    assert_int_equal(e.list[0].exit.end, RUN_END_UNKNOWN);
    world_exits(w, "t/never", &e);
    assert_int_equal(e.n, 1);
}

/* The launcher's successor knows the start ids and pids (handover), but no names. */
static void test_handed_over_without_names(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 2\n"), 0);
    world_pass(w, 20 * USEC_PER_SEC);
    world_crash(w);
    w->launcher.no_names = true;
    fake_launcher_exit(&w->launcher, child_of(w, "t/a", 1), MSG_EXIT_CODE, 4);
    world_start(w);
    assert_int_equal(fake_launcher_starts(&w->launcher, "t/a", 0), 1);
    assert_int_equal(world_see(w, "t/a", 0).pid, child_of(w, "t/a", 0)->pid);
    assert_int_equal(fake_launcher_starts(&w->launcher, "t/a", 1), 2);
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_int_equal(e.n, 1);
    assert_int_equal(e.list[0].exit.code, 4);
}

static void test_leaf_of_nobody(void **state) {
    struct world *w = *state;
    struct fake_leaf *leaf = fake_leaf(&w->ports, "standard", "t", "gone", 3, true);
    fake_leaf_add(leaf, 5);
    struct fake_leaf *empty = fake_leaf(&w->ports, "standard", "t", "gone", 4, true);
    world_start(w);
    assert_int_equal(leaf->kills, 1);
    assert_int_equal(empty->kills, 0);
}

static void test_child_of_nobody(void **state) {
    struct world *w = *state;
    w->ports.groups.none = true;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    world_crash(w);
    fake_store_put(&w->ports, "app/t/a", "", 0); /* a record that nobody understands is left alone ... */
    world_start(w);
    assert_false(child_of(w, "t/a", 0)->has_exited);
    assert_int_equal(child_of(w, "t/a", 0)->signals, 0);
    assert_int_equal(world_register_as(w, &world_root, "t/a", ""), -EBUSY);
    world_crash(w);
    w->ports.store.entries[0].key[4] = 'u'; /* ... one that is not there is not */
    world_start(w);
    assert_true(child_of(w, "t/a", 0)->has_exited);
}

static void test_scaled_down_and_running(void **state) {
    struct world *w = *state;
    fake_launcher_program(&w->launcher, "/bin/app")->ignores_stop = true;
    for (unsigned launcher_too = 0; launcher_too < 2; launcher_too++) {
        const char *name = launcher_too ? "t/b" : "t/a";
        world_start(w);
        assert_int_equal(world_register(w, name, "instances = 4\n"), 0);
        assert_int_equal(world_scale(w, name, 2), 0);
        world_crash(w);
        if (launcher_too)
            fake_launcher_die(&w->launcher);
        world_start(w);
        assert_state(w, name, 0, INSTANCE_RUNNING);
        assert_state(w, name, 3, INSTANCE_STOPPING);
        world_pass(w, 61 * USEC_PER_SEC);
        assert_int_equal(world_see(w, name, 0).instances, 2);
        assert_int_equal(child_of(w, name, 3)->leaf->processes, 0);
        assert_int_equal(child_of(w, name, 0)->leaf->processes, 1);
        world_crash(w);
    }
}

static void test_boot(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    assert_int_equal(world_register(w, "t/off", ""), 0);
    assert_int_equal(world_register(w, "t/held", "[restart]\nno-restart-exit = 1\n"), 0);
    assert_int_equal(world_do(w, "stop", "t/off"), 0);
    world_pass(w, 60 * USEC_PER_SEC);
    crash(w, "t/held", 0);
    assert_state(w, "t/held", 0, INSTANCE_HELD);
    fake_launcher_die(&w->launcher);
    world_crash(w);
    world_start(w); /* no boot: held stays held */
    assert_state(w, "t/held", 0, INSTANCE_HELD);
    assert_true(world_see(w, "t/held", 0).has_exit);
    assert_non_null(strstr(world_see(w, "t/held", 0).why, "exit code 1"));
    world_crash(w);
    fake_launcher_die(&w->launcher);
    static const char *const keys[] = {"run/t/a/0000", "run/t/held/0000", "run/t/off/0000"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct run_record r = read_run(w, keys[i]);
        snprintf(r.boot_id, sizeof(r.boot_id), "another");
        write_run(w, keys[i], &r);
    }
    for (size_t i = 0; i < w->ports.groups.n; i++) {
        w->ports.groups.leaves[i].processes = 0;
        w->ports.groups.leaves[i].exists = false;
    }
    unsigned before = w->launcher.n_spawn;
    world_start(w);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    assert_state(w, "t/held", 0, INSTANCE_RUNNING);
    assert_state(w, "t/off", 0, INSTANCE_STOPPED);
    assert_int_equal(w->launcher.n_spawn, before + 2);
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_int_equal(e.n, 0); /* that it ended with the host is no news */
}

static void test_held_and_freed_again(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "[restart]\nno-restart-exit = 1\n"), 0);
    crash(w, "t/a", 0);
    assert_state(w, "t/a", 0, INSTANCE_HELD);
    world_pass(w, USEC_PER_SEC);
    w->ports.store.hold = true;
    assert_int_equal(world_do(w, "start", "t/a"), 0);
    fake_store_finish(&w->ports, 1);
    assert_int_equal(w->answer.calls, 1); /* acknowledged, and then nothing more is done */
    world_crash_keeping(w, 0);
    w->ports.store.hold = false;
    world_start(w);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(test_launcher_dies),
        world_test(test_launcher_dies_with_the_records),
        world_test(test_launcher_dies_and_the_record_is_old),
        world_test(test_launcher_dies_and_the_record_is_of_another_boot),
        world_test(test_adopt_fails),
        world_test(test_gone_unseen),
        world_test(test_handed_over_without_names),
        world_test(test_leaf_of_nobody),
        world_test(test_child_of_nobody),
        world_test(test_scaled_down_and_running),
        world_test(test_boot),
        world_test(test_held_and_freed_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
