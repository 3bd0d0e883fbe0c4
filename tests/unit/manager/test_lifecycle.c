/* SPDX-License-Identifier: Apache-2.0 */
/* One app from its registration to its end, everything going well or badly in the ordinary ways. */
#include "world.h"

#include "base/fd.h"
#include "streamkeeper/names.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void test_register_runs(void **state) {
    struct world *w = *state;
    world_start(w);
    w->ports.store.hold = true;
    assert_int_equal(world_register(w, "t/a", ""), 0);
    assert_int_equal(w->answer.calls, 0); /* not on the disk: neither answered nor started */
    assert_int_equal(w->launcher.n_spawn, 0);
    w->ports.store.hold = false;
    fake_store_finish(&w->ports, 100);
    assert_int_equal(w->answer.calls, 1);
    assert_int_equal(w->answer.error, 0);
    assert_true(w->answer.changed);
    assert_int_equal(w->answer.generation, 1);
    assert_string_equal(w->answer.name, "t/a");
    world_run(w);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    struct fake_child *c = child_of(w, "t/a", 0);
    assert_int_equal(world_see(w, "t/a", 0).pid, c->pid);
    assert_int_equal(world_see(w, "t/a", 0).generation, 1);
    assert_string_equal(world_see(w, "t/a", 0).summary, "running");
    assert_int_equal(c->uid, 1001);
    assert_true(c->flags & MSG_SPAWN_CGROUP && c->flags & MSG_SPAWN_LOG && c->flags & MSG_SPAWN_STATE_DIR);
    assert_string_equal(c->class, "standard");
    assert_non_null(strstr(c->env, SK_ENV_STATE_DIR "=/state/t/a/0\n"));
    assert_non_null(strstr(c->env, SK_ENV_APP "=t/a\n"));
    assert_non_null(strstr(c->env, SK_ENV_INSTANCE "=0\n"));
    assert_non_null(strstr(c->env, "HOME=/home/pat\n"));
    assert_non_null(strstr(c->leaf->knobs, "pids.max=4096"));
    assert_int_equal(world_count_events(w, "t/a", "registered"), 1);
    assert_int_equal(world_count_events(w, "t/a", "started"), 1);
}

static void test_words_reach_the_process(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a",
                                    "command = /bin/app %S %n %t %a %c %i\ninstances = 2\nclass = critical\n"
                                    "environment = HOME=/x\nenvironment = A=%n\nuser = 1011\numask = 027\n"
                                    "working-directory = /opt\n"),
                     0);
    struct fake_child *c = child_of(w, "t/a", 1);
    assert_string_equal(c->argv, "/bin/app\n/state/t/a/1\n1\nt\na\ncritical.t.a.1\nt.a.1\n");
    assert_non_null(strstr(c->env, "\nHOME=/x\n"));
    assert_null(strstr(c->env, "HOME=/home"));
    assert_non_null(strstr(c->env, "A=1\n"));
    assert_null(strstr(c->env, "USER=")); /* the number has no name */
    assert_string_equal(c->workdir, "/opt");
    assert_int_equal(c->umask, 027);
    assert_int_equal(c->uid, 1011);
}

static void test_register_unchanged(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    unsigned commits = w->ports.store.n_commits;
    assert_int_equal(world_register(w, "t/a", ""), 0);
    assert_false(w->answer.changed);
    assert_int_equal(w->answer.generation, 1);
    assert_int_equal(w->ports.store.n_commits, commits);
    assert_int_equal(w->launcher.n_spawn, 1);
}

static void test_register_without_start(void **state) {
    struct world *w = *state;
    world_start(w);
    const char *text = "[app]\nname = t/a\ncommand = /bin/app\n";
    assert_int_equal(world_ask(w, manager_register(w->manager, &world_root, "f", text, strlen(text), false,
                                                   world_answer, w, &w->why)),
                     0);
    assert_int_equal(w->launcher.n_spawn, 0);
    assert_state(w, "t/a", 0, INSTANCE_STOPPED);
    assert_false(world_see(w, "t/a", 0).wanted);
    assert_int_equal(world_do(w, "start", "t/a"), 0);
    assert_true(w->answer.changed);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    assert_int_equal(world_do(w, "start", "t/a"), 0);
    assert_false(w->answer.changed);
}

static void test_stop_and_start(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 2\n[stop]\nsignal = SIGINT\n"), 0);
    assert_int_equal(world_do(w, "stop", "t/a"), 0);
    assert_state(w, "t/a", 0, INSTANCE_STOPPED);
    assert_state(w, "t/a", 1, INSTANCE_STOPPED);
    assert_int_equal(child_of(w, "t/a", 0)->last_signal, SIGINT);
    assert_int_equal(child_of(w, "t/a", 0)->signals, 1);
    assert_int_equal(world_see(w, "t/a", 0).pid, 0);
    assert_int_equal(world_see(w, "t/a", 0).generation, 0);
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_int_equal(e.n, 2);
    assert_int_equal(e.list[0].exit.end, RUN_END_SIGNAL);
    assert_int_equal(e.list[0].verdict, RESTART_NOT_WANTED);
    assert_string_equal(e.list[0].reason, "asked to stop");
    world_pass(w, 3600 * USEC_PER_SEC);
    assert_int_equal(w->launcher.n_spawn, 2); /* a stop never looks like a crash */
    assert_false(fake_leaf(&w->ports, "standard", "t", "a", 0, false)->exists);
    assert_int_equal(w->launcher.n_forget, 2);
    assert_int_equal(world_do(w, "stop", "t/a"), 0);
    assert_false(w->answer.changed);
    assert_int_equal(world_do(w, "start", "t/a"), 0);
    assert_int_equal(fake_launcher_running(&w->launcher, "t/a"), 2);
    assert_int_equal(world_see(w, "t/a", 0).restarts, 0);
}

static void test_scale(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    assert_int_equal(world_scale(w, "t/a", 4), 0);
    assert_int_equal(fake_launcher_running(&w->launcher, "t/a"), 4);
    assert_int_equal(child_of(w, "t/a", 0)->signals, 0);
    assert_int_equal(w->answer.generation, 1);
    assert_int_equal(world_scale(w, "t/a", 4), 0);
    assert_false(w->answer.changed);
    assert_int_equal(world_scale(w, "t/a", 2), 0);
    assert_int_equal(fake_launcher_running(&w->launcher, "t/a"), 2);
    assert_int_equal(world_see(w, "t/a", 0).instances, 2);
    assert_int_equal(child_of(w, "t/a", 3)->signals, 1);
    assert_int_equal(child_of(w, "t/a", 1)->signals, 0);
    assert_int_equal(world_scale(w, "t/a", 0), -EINVAL);
    assert_int_equal(world_scale(w, "t/a", SPEC_INSTANCES_MAX + 1), -EINVAL);
}

static void test_scale_down_and_up_while_stopping(void **state) {
    struct world *w = *state;
    fake_launcher_program(&w->launcher, "/bin/app")->ignores_stop = true;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 3\n[stop]\ntimeout = 10s\n"), 0);
    assert_int_equal(world_scale(w, "t/a", 1), 0);
    assert_state(w, "t/a", 2, INSTANCE_STOPPING);
    assert_int_equal(world_scale(w, "t/a", 3), 0);
    world_pass(w, 11 * USEC_PER_SEC);
    assert_state(w, "t/a", 2, INSTANCE_RUNNING);
    assert_int_equal(fake_launcher_starts(&w->launcher, "t/a", 2), 2);
    assert_int_equal(fake_launcher_starts(&w->launcher, "t/a", 0), 1);
}

static void test_unregister_keeps_state(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 2\n"), 0);
    assert_int_equal(world_do(w, "unregister", "t/a"), 0);
    assert_false(world_see(w, "t/a", 0).found);
    assert_int_equal(fake_launcher_running(&w->launcher, "t/a"), 0);
    assert_int_equal(fake_store_count(&w->ports, "app/"), 0);
    assert_int_equal(fake_store_count(&w->ports, "run/"), 0);
    assert_int_equal(fake_store_count(&w->ports, "exit/"), 0);
    assert_string_equal(w->launcher.removed, "");
    assert_string_equal(w->ports.forgotten, "");
    assert_false(fake_leaf(&w->ports, "standard", "t", "a", 0, false)->exists);
    assert_int_equal(world_do(w, "stop", "t/a"), -ENOENT);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    assert_int_equal(w->answer.generation, 1);
}

static void test_unregister_waits_for_the_stop(void **state) {
    struct world *w = *state;
    fake_launcher_program(&w->launcher, "/bin/app")->ignores_stop = true;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    assert_int_equal(world_do(w, "purge", "t/a"), 0);
    assert_string_equal(world_see(w, "t/a", 0).summary, "removing");
    assert_int_equal(world_do(w, "start", "t/a"), -EBUSY);
    assert_int_equal(world_register_as(w, &world_root, "t/a", ""), -EBUSY);
    assert_null(fake_launcher_helper(&w->launcher));
    world_pass(w, 61 * USEC_PER_SEC);
    struct fake_child *tool = fake_launcher_helper(&w->launcher);
    assert_non_null(tool);
    assert_string_equal(w->launcher.removed, "");
    assert_string_equal(world_see(w, "t/a", 0).summary, "removing");
    assert_int_equal(fake_store_count(&w->ports, "app/"), 1);
    fake_launcher_exit(&w->launcher, tool, MSG_EXIT_CODE, 0);
    world_run(w);
    assert_string_equal(w->launcher.removed, "t/a/0 ");
    assert_string_equal(world_see(w, "t/a", 0).summary, "");
}

static void test_purge(void **state) {
    struct world *w = *state;
    fake_launcher_program(&w->launcher, "state-tool")->ends = true;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 3\n"), 0);
    assert_int_equal(world_scale(w, "t/a", 1), 0); /* its state directories stay, and are to go too */
    assert_int_equal(world_do(w, "purge", "t/a"), 0);
    assert_string_equal(w->launcher.removed, "t/a/0 t/a/1 t/a/2 ");
    assert_string_equal(w->ports.forgotten, "t/a.0 t/a.1 t/a.2 ");
    assert_int_equal(fake_store_count(&w->ports, "app/"), 0);
    struct fake_child *tool = fake_launcher_helper(&w->launcher);
    assert_int_equal(tool->uid, 1001); /* as the tenant */
    assert_true(tool->flags & MSG_SPAWN_STATE_DIR);
    assert_false(fake_leaf(&w->ports, "standard", "t", "a", 0, false)->exists);
    assert_false(fake_leaf(&w->ports, "standard", "t", "a", 2, false)->exists);
}

static void test_purge_tool_fails(void **state) {
    struct world *w = *state;
    struct fake_program *tool = fake_launcher_program(&w->launcher, "state-tool");
    tool->ends = true;
    tool->code = 1;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 2\n"), 0);
    assert_int_equal(world_do(w, "purge", "t/a"), 0);
    assert_false(world_see(w, "t/a", 0).found);
    assert_string_equal(w->launcher.removed, "");
    assert_non_null(strstr(world_events(w, NULL), "could not be emptied"));
}

static void test_purge_tool_does_not_start(void **state) {
    struct world *w = *state;
    struct fake_program *tool = fake_launcher_program(&w->launcher, "state-tool");
    tool->error = ENOENT;
    tool->stage = SK_STAGE_EXEC;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 2\n"), 0);
    assert_int_equal(world_do(w, "purge", "t/a"), 0);
    assert_false(world_see(w, "t/a", 0).found);
    assert_int_equal(fake_store_count(&w->ports, "app/"), 0);
}

static void test_crash_after_stable_run(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    world_pass(w, 11 * USEC_PER_SEC);
    uint32_t before = child_of(w, "t/a", 0)->pid;
    crash(w, "t/a", 0); /* no time passes */
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    assert_int_not_equal(world_see(w, "t/a", 0).pid, before);
    assert_int_equal(world_see(w, "t/a", 0).restarts, 1);
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_int_equal(e.n, 1);
    assert_int_equal(e.list[0].verdict, RESTART_NOW);
    assert_int_equal(e.list[0].exit.code, 1);
    assert_int_equal(e.list[0].pid, before);
    assert_int_equal(e.list[0].exit.run_usec, 11 * USEC_PER_SEC);
    assert_true(world_see(w, "t/a", 0).has_exit);
}

static void test_crash_loop(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "[restart]\nbudget = 3 in 10m\ndelay = 1s\ndelay-max = 4s\n"),
                     0);
    static const unsigned delays[] = {1, 2, 4};
    for (size_t i = 0; i < ARRAY_LEN(delays); i++) {
        crash(w, "t/a", 0);
        assert_state(w, "t/a", 0, INSTANCE_BACKOFF);
        struct seen s = world_see(w, "t/a", 0);
        assert_int_equal(s.pid, 0);
        assert_int_equal(s.next_usec, w->ports.realtime_usec + delays[i] * USEC_PER_SEC);
        assert_non_null(strstr(s.why, "exit code 1"));
        world_pass(w, delays[i] * USEC_PER_SEC - 1);
        assert_state(w, "t/a", 0, INSTANCE_BACKOFF);
        world_pass(w, 1);
        assert_state(w, "t/a", 0, INSTANCE_RUNNING);
        assert_int_equal(world_see(w, "t/a", 0).restarts, i + 1);
    }
    crash(w, "t/a", 0);
    assert_state(w, "t/a", 0, INSTANCE_HELD);
    assert_string_equal(world_see(w, "t/a", 0).summary, "held");
    assert_int_equal(world_count_events(w, "t/a", "held"), 1);
    world_pass(w, 24 * 3600 * USEC_PER_SEC);
    assert_state(w, "t/a", 0, INSTANCE_HELD);
    assert_int_equal(world_do(w, "start", "t/a"), 0);
    assert_true(w->answer.changed);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    assert_int_equal(world_see(w, "t/a", 0).restarts, 0);
    crash(w, "t/a", 0); /* a new budget */
    assert_state(w, "t/a", 0, INSTANCE_BACKOFF);
}

static void test_policy_never_and_on_failure(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/never", "[restart]\npolicy = never\n"), 0);
    assert_int_equal(world_register(w, "t/fail", "[restart]\npolicy = on-failure\n"), 0);
    assert_int_equal(world_register(w, "t/no", "[restart]\nno-restart-exit = 1\n"), 0);
    world_pass(w, 20 * USEC_PER_SEC);
    crash(w, "t/never", 0);
    crash(w, "t/no", 0);
    fake_launcher_exit(&w->launcher, child_of(w, "t/fail", 0), MSG_EXIT_CODE, 0);
    world_pass(w, 3600 * USEC_PER_SEC);
    assert_state(w, "t/never", 0, INSTANCE_STOPPED);
    assert_state(w, "t/fail", 0, INSTANCE_STOPPED);
    assert_state(w, "t/no", 0, INSTANCE_HELD);
    assert_int_equal(w->launcher.n_spawn, 3);
    assert_int_equal(world_do(w, "start", "t/never"), 0);
    assert_state(w, "t/never", 0, INSTANCE_RUNNING);
}

static void test_failed_start(void **state) {
    struct world *w = *state;
    struct fake_program *p = fake_launcher_program(&w->launcher, "/opt/x");
    p->error = ENOENT;
    p->stage = SK_STAGE_EXEC;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "command = /opt/x\n"), 0);
    assert_state(w, "t/a", 0, INSTANCE_FAILED_START);
    assert_string_equal(world_see(w, "t/a", 0).why, "exec: No such file or directory: /opt/x");
    assert_string_equal(world_see(w, "t/a", 0).summary, "failed-start");
    assert_non_null(strstr(world_events(w, "t/a"),
                           "start-failed start failed: exec: No such file or directory: /opt/x\n"));
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_int_equal(e.n, 1);
    assert_int_equal(e.list[0].exit.end, RUN_END_FAILED_START);
    assert_int_equal(e.list[0].exit.stage, SK_STAGE_EXEC);
    assert_int_equal(e.list[0].exit.code, ENOENT);
    p->error = 0;
    world_pass(w, USEC_PER_SEC);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
}

static void test_start_that_cannot_be_asked_for(void **state) {
    struct world *w = *state;
    w->ports.groups.open_fail = -ENOSPC;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    assert_state(w, "t/a", 0, INSTANCE_FAILED_START);
    assert_int_equal(w->launcher.n_spawn, 0);
    w->ports.groups.open_fail = 0;
    w->ports.log_fail = -EMFILE;
    world_pass(w, USEC_PER_SEC);
    assert_state(w, "t/a", 0, INSTANCE_FAILED_START);
    w->ports.log_fail = 0;
    world_pass(w, 2 * USEC_PER_SEC);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
}

static void test_stop_during_backoff(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    crash(w, "t/a", 0);
    assert_state(w, "t/a", 0, INSTANCE_BACKOFF);
    assert_int_equal(world_do(w, "stop", "t/a"), 0);
    assert_state(w, "t/a", 0, INSTANCE_STOPPED);
    world_pass(w, 3600 * USEC_PER_SEC);
    assert_int_equal(w->launcher.n_spawn, 1);
}

static void test_start_cuts_backoff_short(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    crash(w, "t/a", 0);
    assert_int_equal(world_do(w, "start", "t/a"), 0);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    world_pass(w, 3600 * USEC_PER_SEC);
    assert_int_equal(w->launcher.n_spawn, 2);
}

static void test_kill_after_grace(void **state) {
    struct world *w = *state;
    fake_launcher_program(&w->launcher, "/bin/app")->ignores_stop = true;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "[stop]\ntimeout = 10s\n"), 0);
    struct fake_child *c = child_of(w, "t/a", 0);
    assert_int_equal(world_do(w, "stop", "t/a"), 0);
    assert_state(w, "t/a", 0, INSTANCE_STOPPING);
    assert_int_equal(world_see(w, "t/a", 0).next_usec, w->ports.realtime_usec + 10 * USEC_PER_SEC);
    world_pass(w, 10 * USEC_PER_SEC - 1);
    assert_int_equal(c->leaf->kills, 0);
    world_pass(w, 1);
    assert_int_equal(c->leaf->kills, 1);
    assert_state(w, "t/a", 0, INSTANCE_STOPPED);
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_int_equal(e.list[0].exit.end, RUN_END_SIGNAL);
    assert_int_equal(e.list[0].exit.code, SIGKILL);
}

/* The main process ends and leaves others behind: they are killed, and nothing starts before they are gone.
 */
static void test_group_not_empty(void **state) {
    struct world *w = *state;
    fake_launcher_program(&w->launcher, "/bin/app")->leaves_behind = 2;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    struct fake_leaf *leaf = child_of(w, "t/a", 0)->leaf;
    leaf->unkillable = true;
    world_pass(w, 20 * USEC_PER_SEC);
    crash(w, "t/a", 0);
    assert_state(w, "t/a", 0, INSTANCE_STOPPING);
    assert_int_equal(leaf->kills, 1);
    assert_int_equal(world_see(w, "t/a", 0).pid, 0);
    world_pass(w, 2 * USEC_PER_SEC);
    assert_int_equal(leaf->kills, 2);
    assert_int_equal(w->launcher.n_spawn, 1);
    fake_leaf_add(leaf, -2);
    world_run(w);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    assert_int_equal(w->launcher.n_spawn, 2);
}

static void test_no_groups(void **state) {
    struct world *w = *state;
    w->ports.groups.none = true;
    fake_launcher_program(&w->launcher, "/bin/app")->ignores_stop = true;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "[resources]\ntasks-max = 100\n"), 0);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    assert_false(child_of(w, "t/a", 0)->flags & MSG_SPAWN_CGROUP);
    assert_int_equal(world_do(w, "stop", "t/a"), 0);
    world_pass(w, 61 * USEC_PER_SEC);
    assert_state(w, "t/a", 0, INSTANCE_STOPPED);
    assert_int_equal(child_of(w, "t/a", 0)->exit.code, SIGKILL);
}

static void test_out_of_memory(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 2\n"), 0);
    for (unsigned round = 0; round < 2; round++) { /* the counter of a group goes on counting */
        world_pass(w, 20 * USEC_PER_SEC);
        fake_leaf_oom(child_of(w, "t/a", 0)->leaf);
        fake_leaf_oom(child_of(w, "t/a", 0)->leaf);
        fake_launcher_exit(&w->launcher, child_of(w, "t/a", 0), MSG_EXIT_SIGNAL, SIGKILL);
        world_run(w);
    }
    world_pass(w, 20 * USEC_PER_SEC);
    crash(w, "t/a", 0); /* the third run meets no limit */
    crash(w, "t/a", 1);
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_int_equal(e.n, 4);
    unsigned oom = 0;
    for (size_t i = 0; i < e.n; i++) {
        assert_int_equal(e.list[i].exit.oom_killed, e.list[i].number == 0 && e.list[i].seq <= 2);
        oom += e.list[i].exit.oom_killed;
    }
    assert_int_equal(oom, 2);
    assert_int_equal(world_count_events(w, "t/a", "oom"), 2);
}

static void test_history_is_by_time(void **state) {
    struct world *w = *state;
    w->conf.history_exits = 3;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 2\n"), 0);
    for (unsigned i = 0; i < 10; i++) {
        world_pass(w, 20 * USEC_PER_SEC);
        crash(w, "t/a", i < 5 ? 1 : 0);
        world_pass(w, 20 * USEC_PER_SEC);
    }
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_int_equal(e.n, 6); /* three of each */
    assert_int_equal(fake_store_count(&w->ports, "exit/t/a/"), 6);
    for (size_t i = 1; i < e.n; i++)
        assert_true(e.list[i - 1].exit.at_usec > e.list[i].exit.at_usec);
    assert_int_equal(e.list[0].number, 0);
    assert_int_equal(e.list[0].seq, 5);
    e = (struct exits){0};
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(test_register_runs),
        world_test(test_words_reach_the_process),
        world_test(test_register_unchanged),
        world_test(test_register_without_start),
        world_test(test_stop_and_start),
        world_test(test_scale),
        world_test(test_scale_down_and_up_while_stopping),
        world_test(test_unregister_keeps_state),
        world_test(test_unregister_waits_for_the_stop),
        world_test(test_purge),
        world_test(test_purge_tool_fails),
        world_test(test_purge_tool_does_not_start),
        world_test(test_crash_after_stable_run),
        world_test(test_crash_loop),
        world_test(test_policy_never_and_on_failure),
        world_test(test_failed_start),
        world_test(test_start_that_cannot_be_asked_for),
        world_test(test_stop_during_backoff),
        world_test(test_start_cuts_backoff_short),
        world_test(test_kill_after_grace),
        world_test(test_group_not_empty),
        world_test(test_no_groups),
        world_test(test_out_of_memory),
        world_test(test_history_is_by_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
