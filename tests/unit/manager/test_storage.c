/* SPDX-License-Identifier: Apache-2.0 */
/* A registry that is slow, full, or refuses: what was not stored never happened. */
#include "world.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void test_full_disk(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    w->ports.store.fail = -ENOSPC;
    assert_int_equal(world_register(w, "t/b", ""), -ENOSPC);
    assert_non_null(strstr(w->answer.text, "No space left"));
    assert_non_null(strstr(w->answer.text, "Make room"));
    assert_false(w->answer.changed);
    assert_false(world_see(w, "t/b", 0).found);
    assert_int_equal(world_do(w, "start", "t/b"), -ENOENT);
    assert_int_equal(world_do(w, "stop", "t/a"), -ENOSPC);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    assert_true(world_see(w, "t/a", 0).wanted);
    assert_int_equal(world_scale(w, "t/a", 3), -ENOSPC);
    assert_int_equal(world_see(w, "t/a", 0).instances, 1);
    assert_int_equal(world_register(w, "t/a", "environment = A=1\n"), -ENOSPC);
    assert_int_equal(world_see(w, "t/a", 0).app_generation, 1);
    assert_int_equal(world_do(w, "unregister", "t/a"), -ENOSPC);
    assert_string_equal(world_see(w, "t/a", 0).summary, "running");
    assert_int_equal(w->launcher.n_spawn, 1);
    /* What runs goes on being supervised. */
    world_pass(w, 20 * USEC_PER_SEC);
    crash(w, "t/a", 0);
    assert_state(w, "t/a", 0, INSTANCE_RUNNING);
    w->ports.store.fail = 0;
    assert_int_equal(world_register(w, "t/b", ""), 0);
    assert_int_equal(w->answer.generation, 1);
    assert_int_equal(world_scale(w, "t/a", 2), 0);
    assert_int_equal(world_register(w, "t/a", "instances = 2\nenvironment = A=1\n"), 0);
    assert_int_equal(w->answer.generation, 2);
    assert_int_equal(world_do(w, "stop", "t/a"), 0);
    assert_state(w, "t/a", 0, INSTANCE_STOPPED);
}

/* An end that could not be noted stays with the launcher. */
static void test_exit_is_not_forgotten(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "[restart]\npolicy = never\n"), 0);
    world_pass(w, 20 * USEC_PER_SEC);
    w->ports.store.fail = -ENOSPC;
    crash(w, "t/a", 0);
    assert_state(w, "t/a", 0, INSTANCE_STOPPED);
    assert_false(child_of(w, "t/a", 0)->forgotten);
    world_crash(w);
    w->ports.store.fail = 0;
    world_start(w);
    struct exits e;
    world_exits(w, "t/a", &e);
    assert_int_equal(e.n, 1);
    assert_int_equal(e.list[0].exit.code, 1);
    assert_true(child_of(w, "t/a", 0)->forgotten);
    assert_state(w, "t/a", 0, INSTANCE_STOPPED);
    assert_int_equal(w->launcher.n_spawn, 1);
}

static void test_refused_at_once(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    w->ports.store.refuse = -EBUSY;
    assert_int_equal(world_register_as(w, &world_root, "t/b", ""), -EBUSY);
    assert_false(world_see(w, "t/b", 0).found);
    assert_int_equal(world_scale(w, "t/a", 2), -EBUSY);
    w->ports.store.refuse = -ENOMEM;
    assert_int_equal(world_scale(w, "t/a", 2), -ENOMEM);
    crash(w, "t/a", 0);
    w->ports.store.refuse = 0;
    assert_int_equal(world_scale(w, "t/a", 2), 0);
    assert_int_equal(world_see(w, "t/a", 0).instances, 2);
    assert_int_equal(world_register(w, "t/b", ""), 0);
}

struct several {
    unsigned n;
    int errors[8];
    const char *order[8];
};

struct one {
    struct several *all;
    const char *name;
};

static void one_done(void *userdata, const struct verb_result *r) {
    struct one *o = userdata;
    o->all->errors[o->all->n] = r->error;
    o->all->order[o->all->n++] = o->name;
}

static void give_several(struct world *w, struct several *all, struct one ones[4]) {
    const char *text = "[app]\nname = t/a\ncommand = /bin/app\nenvironment = A=1\ninstances = 3\n";
    struct manager *m = w->manager;
    static const char *const names[] = {"scale", "stop", "register", "scale again"};
    *all = (struct several){0};
    for (size_t i = 0; i < 4; i++)
        ones[i] = (struct one){all, names[i]};
    assert_int_equal(manager_scale_app(m, &world_root, "t/a", 2, one_done, &ones[0], &w->why), 0);
    assert_int_equal(manager_stop_app(m, &world_root, "t/a", one_done, &ones[1], &w->why), 0);
    assert_int_equal(
        manager_register(m, &world_root, "f", text, strlen(text), true, one_done, &ones[2], &w->why), 0);
    assert_int_equal(manager_scale_app(m, &world_root, "t/a", 4, one_done, &ones[3], &w->why), 0);
    assert_int_equal(all->n, 0);
}

static void test_several_in_flight(void **state) {
    struct world *w = *state;
    struct several all;
    struct one ones[4];
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    give_several(w, &all, ones);
    world_run(w);
    assert_int_equal(all.n, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(all.errors[i], 0);
        assert_string_equal(all.order[i], ones[i].name);
    }
    struct seen s = world_see(w, "t/a", 3);
    assert_int_equal(s.instances, 4);
    assert_int_equal(s.app_generation, 2);
    assert_true(s.wanted);
    assert_int_equal(fake_launcher_running(&w->launcher, "t/a"), 4);
    world_crash(w);
    world_start(w);
    assert_int_equal(world_see(w, "t/a", 0).instances, 4);
}

/* The n-th of them fails: those before are done, it and those built on it never happened. */
static void test_several_in_flight_and_one_fails(void **state) {
    struct world *w = *state;
    for (unsigned n = 0; n < 4; n++) {
        struct several all;
        struct one ones[4];
        world_start(w);
        assert_int_equal(world_register(w, "t/a", ""), 0);
        w->ports.store.hold = true;
        give_several(w, &all, ones);
        for (unsigned i = 0; i < n; i++) {
            unsigned before = all.n;
            while (all.n == before)
                fake_store_finish(&w->ports, 1);
        }
        w->ports.store.fail = -EIO;
        w->ports.store.fail_n = 1;
        while (all.n < 4)
            fake_store_finish(&w->ports, 1);
        w->ports.store.hold = false;
        w->ports.store.fail = 0;
        world_run(w);
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(all.errors[i], i < n ? 0 : -EIO);
        static const uint32_t instances[] = {1, 2, 2, 3};
        static const bool wanted[] = {true, true, false, true};
        struct seen s = world_see(w, "t/a", 0);
        assert_int_equal(s.instances, instances[n]);
        assert_int_equal(s.wanted, wanted[n]);
        assert_int_equal(s.app_generation, n < 3 ? 1 : 2);
        assert_int_equal(fake_launcher_running(&w->launcher, "t/a"), wanted[n] ? instances[n] : 0);
        world_crash(w);
        world_start(w);
        assert_int_equal(world_see(w, "t/a", 0).instances, instances[n]);
        assert_int_equal(world_see(w, "t/a", 0).wanted, wanted[n]);
        assert_int_equal(world_do(w, "unregister", "t/a"), 0);
        world_crash(w);
    }
}

/* Two registrations of a new app at once, and the first fails. */
static void test_new_app_twice(void **state) {
    struct world *w = *state;
    const char *text = "[app]\nname = t/a\ncommand = /bin/app\n";
    world_start(w);
    for (unsigned fail = 0; fail < 2; fail++) {
        struct several all = {0};
        struct one one = {&all, "register"};
        w->ports.store.fail = fail ? 0 : -ENOSPC;
        for (unsigned i = 0; i < 2; i++)
            assert_int_equal(manager_register(w->manager, &world_root, "f", text, strlen(text), true,
                                              one_done, &one, &w->why),
                             0);
        assert_int_equal(all.n, 0); /* also the second is only answered when it is on the disk */
        assert_int_equal(world_do(w, "stop", "t/a"), -ENOENT);
        world_run(w);
        assert_int_equal(all.n, 2);
        assert_int_equal(all.errors[1], w->ports.store.fail);
        assert_int_equal(world_see(w, "t/a", 0).found, fail);
    }
    assert_int_equal(w->launcher.n_spawn, 1);
    assert_int_equal(world_see(w, "t/a", 0).app_generation, 1);
}

/* A second request for what is only on its way is not answered before it has arrived. */
static void test_unchanged_waits_too(void **state) {
    struct world *w = *state;
    struct several all = {0};
    struct one one = {&all, "scale"};
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    w->ports.store.hold = true;
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(manager_scale_app(w->manager, &world_root, "t/a", 3, one_done, &one, &w->why), 0);
    world_run(w);
    assert_int_equal(all.n, 0);
    w->ports.store.fail = -ENOSPC;
    w->ports.store.hold = false;
    fake_store_finish(&w->ports, 100);
    world_run(w);
    assert_int_equal(all.n, 2);
    assert_int_equal(all.errors[0], -ENOSPC);
    assert_int_equal(all.errors[1], -ENOSPC);
}

static void test_events_are_bounded(void **state) {
    struct world *w = *state;
    w->conf.history_events = 10;
    world_start(w);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(world_register(w, "t/a", i % 2 ? "" : "environment = A=1\n"), 0);
        world_pass(w, USEC_PER_SEC);
    }
    assert_int_equal(fake_store_count(&w->ports, "event/"), 10);
    world_crash(w);
    world_start(w);
    assert_int_equal(fake_store_count(&w->ports, "event/"), 10);
    assert_non_null(strstr(world_events(w, NULL), "daemon started"));
}

struct page {
    uint64_t last;
    unsigned n;
};

static void page_read(void *userdata, int error, const struct event_view *events, size_t n) {
    struct page *p = userdata;
    assert_int_equal(error, 0);
    for (size_t i = 0; i < n; i++) {
        assert_true(events[i].seq > p->last);
        p->last = events[i].seq;
    }
    p->n += (unsigned)n;
}

static void test_events_are_followed(void **state) {
    struct world *w = *state;
    struct page p = {0};
    world_start(w);
    assert_int_equal(world_register(w, "t/a", ""), 0);
    assert_int_equal(world_register(w, "t/b", ""), 0);
    assert_int_equal(manager_events(w->manager, &world_root, NULL, 0, 2, page_read, &p, &w->why), 0);
    world_run(w);
    assert_int_equal(p.n, 2);
    assert_int_equal(world_do(w, "stop", "t/a"), 0);
    p.n = 0;
    assert_int_equal(manager_events(w->manager, &world_root, "t/b", p.last, 100, page_read, &p, &w->why), 0);
    world_run(w);
    assert_int_equal(p.n, 0);
    assert_int_equal(manager_events(w->manager, &world_root, NULL, p.last, 100, page_read, &p, &w->why), 0);
    world_run(w);
    assert_int_equal(p.n, 3); /* stop asked, exited, stopped */
    assert_int_equal(manager_events(w->manager, &world_root, NULL, p.last, 100, page_read, &p, &w->why), 0);
    world_run(w);
    assert_int_equal(p.n, 3);
}

static void take_exits(void *userdata, int error, const struct exit_record *exits, size_t n) {
    struct exits *ret = userdata;
    assert_int_equal(error, 0);
    ret->n = n;
    memcpy(ret->list, exits, n * sizeof(*exits));
}

static void test_history_is_limited_to_the_newest(void **state) {
    struct world *w = *state;
    world_start(w);
    assert_int_equal(world_register(w, "t/a", "instances = 2\n"), 0);
    for (unsigned i = 0; i < 6; i++) {
        world_pass(w, 20 * USEC_PER_SEC);
        crash(w, "t/a", i < 3 ? 1 : 0); /* the newest are not those of the last instance */
    }
    struct exits e = {.n = SIZE_MAX};
    assert_int_equal(manager_history(w->manager, &world_root, "t/a", 2, take_exits, &e, &w->why), 0);
    world_run(w);
    assert_int_equal(e.n, 2);
    assert_int_equal(e.list[0].number, 0);
    assert_int_equal(e.list[1].number, 0);
    assert_int_equal(e.list[0].seq, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        world_test(test_full_disk),
        world_test(test_exit_is_not_forgotten),
        world_test(test_refused_at_once),
        world_test(test_several_in_flight),
        world_test(test_several_in_flight_and_one_fails),
        world_test(test_new_app_twice),
        world_test(test_unchanged_waits_too),
        world_test(test_events_are_bounded),
        world_test(test_events_are_followed),
        world_test(test_history_is_limited_to_the_newest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
