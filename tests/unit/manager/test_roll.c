/* SPDX-License-Identifier: Apache-2.0 */
/* Replacing what runs: by a restart, by a new generation; and the ways of getting ready, which pace it. */
#include "world.h"

#include "base/fd.h"
#include "streamkeeper/names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-event.h>
#include <unistd.h>

/* What an instance says to its notification socket. */
static void say(struct world *w, const struct fake_child *c, const char *text) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const char *path = strstr(c->env, "NOTIFY_SOCKET=");
    assert_non_null(path);
    path += strlen("NOTIFY_SOCKET=");
    size_t len = strcspn(path, "\n");
    assert_true(len < sizeof(to.sun_path));
    memcpy(to.sun_path, path, len);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(sendto(fd, text, strlen(text), 0, (struct sockaddr *)&to, sizeof(to)), strlen(text));
    close(fd);
    world_run(w);
}

static void test_restart_one_after_another(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 3\n[ready]\nprobe = notify\n"), 0);
    for (uint32_t i = 0; i < 3; i++)
        say(w, child_of(w, "t/a", i), "READY=1");
    assert_string_equal(world_see(w, "t/a", 0).summary, "running");
    assert_int_equal(world_do(w, "restart", "t/a"), 0);
    for (uint32_t i = 0; i < 3; i++) {
        for (uint32_t k = 0; k < 3; k++) {
            assert_int_equal(fake_launcher_starts(&w->launcher, "t/a", k), k <= i ? 2 : 1);
            assert_state(w, "t/a", k, k == i ? INSTANCE_STARTING : INSTANCE_RUNNING);
            assert_int_equal(world_see(w, "t/a", k).outdated, k > i);
        }
        world_pass(w, 30 * USEC_PER_SEC); /* however long it takes */
        say(w, child_of(w, "t/a", i), "READY=1");
    }
    assert_string_equal(world_see(w, "t/a", 0).summary, "running");
    assert_int_equal(w->launcher.n_spawn, 6);
    assert_int_equal(world_see(w, "t/a", 0).restarts, 0);
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_int_equal(e.n, 3);
    assert_int_equal(e.list[0].verdict, RESTART_ASKED);
    assert_string_equal(e.list[0].reason, "restart");
}

static int restart_one(struct world *w, const char *name, uint32_t number) {
    return world_ask(w, manager_restart_app(w->manager, &world_root, name, number, world_answer, w, &w->why));
}

static void test_restart_of_one(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 3\n"), 0);
    assert_int_equal(restart_one(w, "t/a", 1), 0);
    assert_int_equal(fake_launcher_starts(&w->launcher, "t/a", 0), 1);
    assert_int_equal(fake_launcher_starts(&w->launcher, "t/a", 1), 2);
    assert_int_equal(restart_one(w, "t/a", 3), -ENOENT);
}

/* One instance is held; that does not stand in the way of another's restart. */
static void test_restart_beside_a_held_one(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 2\n[restart]\nno-restart-exit = 1\n"), 0);
    crash(w, "t/a", 0);
    assert_state(w, "t/a", 0, INSTANCE_HELD);
    assert_string_equal(world_see(w, "t/a", 0).summary, "degraded");
    assert_int_equal(restart_one(w, "t/a", 1), 0);
    assert_int_equal(fake_launcher_starts(&w->launcher, "t/a", 1), 2);
    assert_state(w, "t/a", 0, INSTANCE_HELD);
    assert_int_equal(world_do(w, "restart", "t/a"), 0);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    assert_int_equal(fake_launcher_starts(&w->launcher, "t/a", 1), 3);
}

/* The first one does not come back: the others go on running. */
static void test_restart_halts(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 3\n"), 0);
    struct fake_program *p = fake_launcher_program(&w->launcher, "/bin/app");
    p->error = EACCES;
    p->stage = SK_STAGE_EXEC;
    assert_int_equal(world_do(w, "restart", "t/a"), 0);
    assert_state(w, "t/a", 0, INSTANCE_FAILED_START);
    assert_int_equal(fake_launcher_running(&w->launcher, "t/a"), 2);
    world_pass(w, 2 * USEC_PER_SEC);
    assert_int_equal(fake_launcher_running(&w->launcher, "t/a"), 2);
    p->error = 0;
    world_pass(w, 60 * USEC_PER_SEC);
    assert_int_equal(fake_launcher_running(&w->launcher, "t/a"), 3);
    assert_int_equal(fake_launcher_starts(&w->launcher, "t/a", 2), 2);
}

static void test_restart_of_a_stopped_app(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    assert_int_equal(world_do(w, "stop", "t/a"), 0);
    assert_int_equal(world_do(w, "restart", "t/a"), 0);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    assert_true(world_see(w, "t/a", 0).wanted);
}

static void test_new_generation(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 3\n"), 0);
    fake_launcher_program(&w->launcher, "/bin/app")->ignores_stop = true;
    assert_int_equal(world_register(w, "t/a", "instances = 3\nenvironment = A=1\n[stop]\ntimeout = 10s\n"),
                     0);
    assert_int_equal(w->answer.generation, 2);
    assert_non_null(strstr(w->answer.text, "one after another"));
    for (uint32_t i = 0; i < 3; i++) {
        for (uint32_t k = 0; k < 3; k++) {
            assert_state(w, "t/a", k, k == i ? INSTANCE_STOPPING : INSTANCE_RUNNING);
            assert_int_equal(world_see(w, "t/a", k).generation, k < i ? 2 : 1);
        }
        world_pass(w, 10 * USEC_PER_SEC);
    }
    assert_non_null(strstr(child_of(w, "t/a", 2)->env, "A=1\n"));
    assert_int_equal(world_see(w, "t/a", 2).generation, 2);
    assert_int_equal(w->launcher.n_spawn, 6);
}

static void test_new_generation_that_keeps_processes(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 2\n"), 0);
    assert_int_equal(world_register(w, "t/a", "instances = 3\n[stop]\ntimeout = 7s\n"), 0);
    assert_int_equal(w->answer.generation, 2);
    assert_int_equal(w->launcher.n_spawn, 3);
    assert_int_equal(world_see(w, "t/a", 0).generation, 2);
    assert_int_equal(world_see(w, "t/a", 2).generation, 2);
    fake_launcher_program(&w->launcher, "/bin/app")->ignores_stop = true;
    assert_int_equal(world_do(w, "stop", "t/a"), 0);
    assert_int_equal(world_see(w, "t/a", 0).next_usec, w->ports.realtime_usec + 7 * USEC_PER_SEC);
}

static void test_new_generation_halts(void **state) {
    struct world *w = *state;
    struct fake_program *bad = fake_launcher_program(&w->launcher, "/opt/bad");
    bad->error = ENOENT;
    bad->stage = SK_STAGE_EXEC;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 3\n"), 0);
    assert_int_equal(world_register(w, "t/a", "instances = 3\ncommand = /opt/bad\n"), 0);
    world_pass(w, 3600 * USEC_PER_SEC);
    for (unsigned i = 0; i < 20; i++)
        world_pass(w, 300 * USEC_PER_SEC);
    assert_int_equal(fake_launcher_running(&w->launcher, "t/a"), 2);
    assert_string_equal(world_see(w, "t/a", 0).summary, "degraded");
    assert_true(world_see(w, "t/a", 1).outdated);
    assert_int_equal(world_see(w, "t/a", 1).generation, 1);
    /* The next one is good. */
    assert_int_equal(world_register(w, "t/a", "instances = 3\ncommand = /bin/app good\n"), 0);
    assert_int_equal(w->answer.generation, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_state(w, "t/a", i, INSTANCE_RUNNING);
        assert_int_equal(world_see(w, "t/a", i).generation, 3);
        assert_false(world_see(w, "t/a", i).outdated);
    }
}

static void test_new_generation_in_another_class(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "class = adhoc\n"), 0);
    assert_int_equal(world_register(w, "t/a", "class = critical\n"), 0);
    assert_string_equal(child_of(w, "t/a", 0)->class, "critical");
    assert_false(fake_leaf(&w->ports, "adhoc", "t", "a", 0, false)->exists);
    assert_true(fake_leaf(&w->ports, "critical", "t", "a", 0, false)->exists);
}

/* Stopped in the middle of a roll and started again: nothing is restarted twice. */
static void test_stop_during_a_roll(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 3\n[ready]\nprobe = notify\n"), 0);
    for (uint32_t i = 0; i < 3; i++)
        say(w, child_of(w, "t/a", i), "READY=1");
    assert_int_equal(world_do(w, "restart", "t/a"), 0);
    assert_int_equal(world_do(w, "stop", "t/a"), 0);
    assert_int_equal(world_do(w, "start", "t/a"), 0);
    for (uint32_t i = 0; i < 3; i++) {
        say(w, child_of(w, "t/a", i), "READY=1");
        assert_false(world_see(w, "t/a", i).outdated);
    }
    assert_int_equal(w->launcher.n_spawn, 3 + 1 + 3);
    world_pass(w, 60 * USEC_PER_SEC);
    assert_int_equal(w->launcher.n_spawn, 3 + 1 + 3);
    assert_string_equal(world_see(w, "t/a", 0).summary, "running");
}

static void test_notify(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "[ready]\nprobe = notify\ntimeout = 1m\n"), 0);
    assert_state(w, "t/a", 0, INSTANCE_STARTING);
    struct fake_child *c = child_of(w, "t/a", 0);
    say(w, c, "STATUS=restoring 40 %");
    assert_string_equal(world_see(w, "t/a", 0).why, "restoring 40 %");
    world_pass(w, 50 * USEC_PER_SEC);
    say(w, c, "EXTEND_TIMEOUT_USEC=60000000");
    world_pass(w, 59 * USEC_PER_SEC);
    assert_state(w, "t/a", 0, INSTANCE_STARTING);
    say(w, c, "READY=1\nSTATUS=fine");
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    assert_string_equal(world_see(w, "t/a", 0).why, "fine");
    assert_int_equal(world_count_events(w, "t/a", "ready"), 1);
    world_pass(w, 3600 * USEC_PER_SEC);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
}

static void test_not_ready_in_time(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "[ready]\nprobe = notify\ntimeout = 1m\n"), 0);
    world_pass(w, 60 * USEC_PER_SEC);
    assert_state(w, "t/a", 0, INSTANCE_BACKOFF);
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_int_equal(e.n, 1);
    assert_string_equal(e.list[0].reason, "it was not ready in time");
    assert_true(e.list[0].exit.not_ready);
}

/* It got ready in the very moment its time was over: that is ready. */
static void test_ready_at_the_last_moment(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "[ready]\nprobe = notify\ntimeout = 1m\n"), 0);
    struct fake_child *c = child_of(w, "t/a", 0);
    fake_clock_pass(&w->ports, 60 * USEC_PER_SEC);
    say(w, c, "READY=1");
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    assert_int_equal(c->signals, 0);
}

static void test_watchdog(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "[ready]\nprobe = notify\n"), 0);
    struct fake_child *c = child_of(w, "t/a", 0);
    say(w, c, "WATCHDOG_USEC=5000000\nREADY=1");
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    for (unsigned i = 0; i < 5; i++) {
        world_pass(w, 4 * USEC_PER_SEC);
        say(w, c, "WATCHDOG=1");
    }
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    world_pass(w, 5 * USEC_PER_SEC);
    assert_int_equal(c->signals, 1);
    assert_state(w, "t/a", 0, INSTANCE_STARTING); /* it had run stably */
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_string_equal(e.list[0].reason, "its watchdog was silent for 5s");
    /* Not a word after READY: found out too. */
    c = child_of(w, "t/a", 0);
    say(w, c, "WATCHDOG_USEC=5000000\nREADY=1");
    world_pass(w, 5 * USEC_PER_SEC);
    assert_int_equal(c->signals, 1);
}

static void test_watchdog_and_stop(void **state) {
    struct world *w = *state;
    fake_launcher_program(&w->launcher, "/bin/app")->ignores_stop = true;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "[ready]\nprobe = notify\n"), 0);
    struct fake_child *c = child_of(w, "t/a", 0);
    say(w, c, "WATCHDOG_USEC=5000000\nREADY=1");
    assert_int_equal(world_do(w, "stop", "t/a"), 0);
    say(w, c, "WATCHDOG=1\nEXTEND_TIMEOUT_USEC=3600000000");
    world_pass(w, 10 * USEC_PER_SEC);
    assert_string_equal(world_see(w, "t/a", 0).why, "asked to stop");
    world_pass(w, 50 * USEC_PER_SEC); /* the grace is the spec's, whatever the app says */
    assert_state(w, "t/a", 0, INSTANCE_STOPPED);
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_string_equal(e.list[0].reason, "asked to stop");
}

/* READY was said while no daemon listened: the app is not ended for that. */
static void test_ready_while_nobody_listened(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 2\n[ready]\nprobe = notify\ntimeout = 1m\n"), 0);
    world_crash(w);
    world_start(w);
    assert_state(w, "t/a", 0, INSTANCE_STARTING);
    say(w, child_of(w, "t/a", 0), "READY=1"); /* the socket is there again, under the same name */
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    world_pass(w, 61 * USEC_PER_SEC);
    assert_state(w, "t/a", 1, INSTANCE_RUNNING);
    assert_int_equal(child_of(w, "t/a", 1)->signals, 0);
    crash(w, "t/a", 1); /* only that once */
    world_pass(w, 61 * USEC_PER_SEC);
    world_pass(w, 61 * USEC_PER_SEC);
    assert_true(child_of(w, "t/a", 1)->signals > 0 || fake_launcher_starts(&w->launcher, "t/a", 1) > 2);
    world_crash(w);
    world_start(w);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING); /* that it was ready is remembered */
}

static void test_exec_probe(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(
        world_register(w, "t/a", "environment = A=1\n[ready]\nprobe = exec:/bin/probe %S\ninterval = 2s\n"),
        0);
    struct fake_child *c = child_of(w, "t/a", 0), *probe = fake_launcher_helper(&w->launcher);
    assert_non_null(probe);
    assert_string_equal(probe->argv, "/bin/probe\n/state/t/a/0\n");
    assert_non_null(strstr(probe->env, "A=1\n"));
    assert_int_equal(probe->uid, c->uid);
    assert_ptr_equal(probe->leaf, c->leaf);
    fake_launcher_exit(&w->launcher, probe, MSG_EXIT_CODE, 1);
    world_run(w);
    assert_state(w, "t/a", 0, INSTANCE_STARTING);
    assert_true(probe->forgotten);
    assert_ptr_equal(fake_launcher_helper(&w->launcher), probe);
    world_pass(w, 2 * USEC_PER_SEC);
    struct fake_child *second = fake_launcher_helper(&w->launcher);
    assert_ptr_not_equal(second, probe);
    fake_launcher_exit(&w->launcher, second, MSG_EXIT_CODE, 0);
    world_run(w);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    world_pass(w, 60 * USEC_PER_SEC);
    assert_ptr_equal(fake_launcher_helper(&w->launcher), second);
    assert_int_equal(world_see(w, "t/a", 0).pid, c->pid);
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_int_equal(e.n, 0); /* a probe is no run */
}

static void test_exec_probe_of_a_run_that_ends(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "[ready]\nprobe = exec:/bin/probe\ntimeout = 30s\n"), 0);
    struct fake_child *probe = fake_launcher_helper(&w->launcher);
    crash(w, "t/a", 0);
    assert_true(probe->has_exited);
    assert_true(probe->forgotten);
    assert_state(w, "t/a", 0, INSTANCE_BACKOFF);
    world_pass(w, USEC_PER_SEC);
    assert_state(w, "t/a", 0, INSTANCE_STARTING);
    probe = fake_launcher_helper(&w->launcher);
    assert_false(probe->has_exited);
    world_pass(w, 30 * USEC_PER_SEC); /* one that hangs is no answer */
    assert_true(probe->has_exited);
    assert_state(w, "t/a", 0, INSTANCE_BACKOFF);
}

static void test_exec_probe_that_does_not_start(void **state) {
    struct world *w = *state;
    struct fake_program *p = fake_launcher_program(&w->launcher, "/bin/probe");
    p->error = ENOENT;
    p->stage = SK_STAGE_EXEC;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "[ready]\nprobe = exec:/bin/probe\ninterval = 1s\n"), 0);
    assert_state(w, "t/a", 0, INSTANCE_STARTING);
    p->error = 0;
    p->ends = true;
    world_pass(w, USEC_PER_SEC);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
}

static void test_tcp_probe(void **state) {
    struct world *w = *state;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    assert_int_equal(listen(fd, 5), 0);
    world_start(w);
    char more[128];
    snprintf(more, sizeof(more), "[ready]\nprobe = tcp:%u\n", ntohs(at.sin_port));
    assert_int_equal(world_register(w, "t/a", more), 0);
    /* The probe reads the real clock. */
    uint64_t now = clock_monotonic_usec();
    fake_clock_pass(&w->ports, usec_sub(now, w->ports.monotonic_usec) + USEC_PER_SEC);
    for (unsigned i = 0; i < 500 && world_see(w, "t/a", 0).state != INSTANCE_RUNNING; i++)
        assert_true(sd_event_run(w->loop, 10 * USEC_PER_MSEC) >= 0);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    close(fd);
}

/* A new generation while the old one is still getting ready: it does not wait for that, and asks by the new
 * rule. */
static void test_new_generation_of_what_is_not_ready(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 2\n[ready]\nprobe = exec:/bin/probe\n"), 0);
    assert_state(w, "t/a", 0, INSTANCE_STARTING);
    assert_int_equal(world_register(w, "t/a", "instances = 2\nenvironment = A=1\n"), 0);
    for (uint32_t i = 0; i < 2; i++) {
        assert_state(w, "t/a", i, INSTANCE_RUNNING);
        assert_int_equal(world_see(w, "t/a", i).generation, 2);
    }
}

static void test_new_rule_of_readiness(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "[ready]\nprobe = exec:/bin/probe\n"), 0);
    struct fake_child *probe = fake_launcher_helper(&w->launcher);
    fake_launcher_exit(&w->launcher, probe, MSG_EXIT_CODE, 1); /* the next one is due in a second */
    world_run(w);
    assert_int_equal(world_register(w, "t/a", "[stop]\ntimeout = 9s\n"), 0);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    world_pass(w, 10 * USEC_PER_SEC);
    assert_ptr_equal(fake_launcher_helper(&w->launcher), probe);
    assert_int_equal(fake_launcher_starts(&w->launcher, "t/a", 0), 1);
}

/* A start that is still on its way to the disk, and then does not get there, and a restart behind it. */
static void test_restart_behind_a_start(void **state) {
    struct world *w = *state;
    for (unsigned fails = 0; fails < 2; fails++) {
        world_start(w);
        assert_int_equal(world_register(w, "t/a", ""), 0);
        assert_int_equal(world_do(w, "stop", "t/a"), 0);
        unsigned spawned = w->launcher.n_spawn;
        w->ports.store.hold = true;
        world_do(w, "start", "t/a");
        world_do(w, "restart", "t/a");
        assert_int_equal(w->answer.calls, 0);
        w->ports.store.fail = fails ? -ENOSPC : 0;
        w->ports.store.hold = false;
        fake_store_finish(&w->ports, 100);
        world_run(w);
        assert_int_equal(w->answer.error, fails ? -ENOSPC : 0);
        assert_int_equal(w->launcher.n_spawn > spawned, !fails);
        assert_state(w, "t/a", 0, fails ? INSTANCE_STOPPED : INSTANCE_RUNNING);
        w->ports.store.fail = 0;
        assert_int_equal(world_do(w, "unregister", "t/a"), 0);
        world_crash(w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(test_restart_one_after_another),
        world_test(test_restart_of_one),
        world_test(test_restart_beside_a_held_one),
        world_test(test_restart_halts),
        world_test(test_restart_of_a_stopped_app),
        world_test(test_new_generation),
        world_test(test_new_generation_that_keeps_processes),
        world_test(test_new_generation_halts),
        world_test(test_new_generation_in_another_class),
        world_test(test_new_generation_of_what_is_not_ready),
        world_test(test_new_rule_of_readiness),
        world_test(test_restart_behind_a_start),
        world_test(test_stop_during_a_roll),
        world_test(test_notify),
        world_test(test_not_ready_in_time),
        world_test(test_ready_at_the_last_moment),
        world_test(test_watchdog),
        world_test(test_watchdog_and_stop),
        world_test(test_ready_while_nobody_listened),
        world_test(test_exec_probe),
        world_test(test_exec_probe_of_a_run_that_ends),
        world_test(test_exec_probe_that_does_not_start),
        world_test(test_tcp_probe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
