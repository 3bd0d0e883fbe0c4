/* SPDX-License-Identifier: Apache-2.0 */
/* Random lives: requests, crashes, deaths of daemon and launcher at any moment, a disk that fails. Whatever
 * happens, no instance runs twice, what the manager says is so, and in the end all is as it was asked for.
 * The seed of a failure is printed; `test_manager_random FIRST [LAST]` repeats it. */
#include "world.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS 120
#define STEPS 150

static unsigned seed_of_life, step_of_life;

#define wrong(...)                                                         \
    do {                                                                   \
        print_message("# seed %u, step %u\n", seed_of_life, step_of_life); \
        fail_msg(__VA_ARGS__);                                             \
    } while (0)

static const char *const names[] = {"t/a", "t/b", "u/c"};
static uint64_t seed_now;

static unsigned pick(unsigned n) {
    seed_now ^= seed_now << 13;
    seed_now ^= seed_now >> 7;
    seed_now ^= seed_now << 17;
    return (unsigned)((seed_now >> 11) % n);
}

static unsigned forgotten; /* answers of requests that a death cut off never come */

static void answered(void *userdata ATTR_UNUSED, const struct verb_result *r ATTR_UNUSED) {
    forgotten--;
}

static void ask(struct world *w) {
    static const char *const classes[] = {"standard", "adhoc"}, *const ready[] = {"none", "exec:/bin/probe"};
    struct manager *m = w->manager;
    const char *name = names[pick(3)];
    char text[512];
    int r = -1;
    forgotten++;
    switch (pick(8)) {
    case 0:
    case 1:
    case 2:
        snprintf(text, sizeof(text),
                 "[app]\nname = %s\ncommand = /bin/app\nclass = %s\ninstances = %u\nenvironment = "
                 "A=%u\n[ready]\nprobe = "
                 "%s\n[restart]\nbudget = 1000 in 1h\ndelay-max = 5s\n[stop]\ntimeout = 5s\n",
                 name, classes[pick(2)], 1 + pick(strcmp(name, "u/c") ? 4 : 2), pick(3), ready[pick(2)]);
        r = manager_register(m, &world_root, "f", text, strlen(text), pick(4), answered, w, &w->why);
        break;
    case 3:
        r = manager_start_app(m, &world_root, name, answered, w, &w->why);
        break;
    case 4:
        r = manager_stop_app(m, &world_root, name, answered, w, &w->why);
        break;
    case 5:
        r = manager_restart_app(m, &world_root, name, pick(2) ? MANAGER_ALL_INSTANCES : pick(3), answered, w,
                                &w->why);
        break;
    case 6:
        r = manager_scale_app(m, &world_root, name, 1 + pick(4), answered, w, &w->why);
        break;
    default:
        if (pick(3) == 0)
            r = manager_unregister(m, &world_root, name, pick(2), answered, w, &w->why);
        break;
    }
    forgotten -= r < 0;
}

static struct fake_child *some_child(struct world *w) {
    for (unsigned tries = 0; w->launcher.n > 0 && tries < 20; tries++) {
        struct fake_child *c = w->launcher.children[pick((unsigned)w->launcher.n)];
        if (!c->has_exited && !c->forgotten)
            return c;
    }
    return NULL;
}

static void end_some(struct world *w) {
    struct fake_child *c = some_child(w);
    static const enum msg_exit_how hows[] = {MSG_EXIT_CODE, MSG_EXIT_CODE, MSG_EXIT_SIGNAL, MSG_EXIT_DUMPED};
    unsigned how = pick(4);
    if (c)
        fake_launcher_exit(&w->launcher, c, hows[how], how < 2 ? how : SIGSEGV);
}

static void die(struct world *w) {
    bool launcher_too = pick(3) == 0;
    world_crash_keeping(w, pick(2) ? UINT32_MAX : pick(6));
    forgotten = 0;
    w->ports.store.hold = false;
    /* Without groups nothing but a handover from launcher to launcher finds them; it knows no names. */
    w->launcher.no_names = launcher_too && w->ports.groups.none;
    if (launcher_too && !w->ports.groups.none)
        fake_launcher_die(&w->launcher);
    for (unsigned n = pick(4); n > 0; n--) { /* and while nobody listens */
        struct fake_child *c = some_child(w);
        if (c)
            fake_launcher_exit(&w->launcher, c, MSG_EXIT_CODE, 3);
    }
    w->launcher.twice = pick(2);
    w->launcher.exits_first = pick(2);
    w->launcher.adopt_error = pick(5) ? 0 : ESRCH;
    fake_clock_pass(&w->ports, pick(3) * USEC_PER_SEC);
    world_start(w);
}

static void misbehave(struct world *w) {
    struct fake_program *app = fake_launcher_program(&w->launcher, "/bin/app");
    struct fake_program *probe = fake_launcher_program(&w->launcher, "/bin/probe");
    switch (pick(6)) {
    case 0:
        app->ignores_stop = pick(2);
        break;
    case 1:
        app->error = pick(3) ? 0 : ENOENT;
        app->stage = SK_STAGE_EXEC;
        break;
    case 2:
        app->leaves_behind = (int)pick(2);
        break;
    case 3:
        probe->ends = pick(3);
        probe->code = pick(3) == 0;
        break;
    case 4:
        w->ports.store.fail = pick(3) ? 0 : -ENOSPC;
        break;
    default:
        w->ports.store.hold = pick(2);
        if (!w->ports.store.hold)
            fake_store_finish(&w->ports, pick(10));
        break;
    }
}

static void check_instance(struct world *w, const char *name, uint32_t number) {
    unsigned running = 0;
    const struct fake_child *alive = NULL;
    for (size_t i = 0; i < w->launcher.n; i++) {
        const struct fake_child *c = w->launcher.children[i];
        char full[160];
        snprintf(full, sizeof(full), "%s/%s", c->tenant, c->app);
        if (c->has_exited || c->helper || c->number != number || strcmp(full, name))
            continue;
        running += !alive || alive->pid != c->pid;
        alive = c;
    }
    if (running > 1)
        wrong("%s/%u runs %u times", name, number, running);
    struct seen s = world_see(w, name, number);
    if (!s.found) {
        if (running)
            wrong("%s/%u runs, and nobody knows it", name, number);
        return;
    }
    bool silent = alive && s.pid == 0 && s.state == INSTANCE_STARTING;
    if ((s.pid != 0) != (alive != NULL) && !silent)
        wrong("%s/%u is said to be %s with pid %d, in truth it has pid %d", name, number,
              instance_state_name(s.state), (int)s.pid, alive ? (int)alive->pid : 0);
    if (alive && !silent && s.pid != (pid_t)alive->pid)
        wrong("%s/%u has another pid than it is said to have", name, number);
    if (alive && !instance_state_has_process(s.state))
        wrong("%s/%u runs, and is said to be %s", name, number, instance_state_name(s.state));
}

static void check(struct world *w) {
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        for (uint32_t n = 0; n < 5; n++)
            check_instance(w, names[i], n);
}

/* No end is in the history twice. */
static void check_history(struct world *w, const char *name) {
    static struct exits e;
    world_exits(w, name, &e);
    for (size_t i = 0; i < e.n && i < 300; i++)
        for (size_t k = 0; k < i; k++)
            if ((e.list[i].pid != 0 && e.list[i].pid == e.list[k].pid) ||
                (e.list[i].seq == e.list[k].seq && e.list[i].number == e.list[k].number))
                wrong("%s: pid %u ended twice (%u, %u)", name, e.list[i].pid, (unsigned)e.list[i].seq,
                      (unsigned)e.list[k].seq);
}

static void calm_down(struct world *w) {
    w->ports.store.hold = false;
    w->ports.store.fail = 0;
    fake_store_finish(&w->ports, 1000);
    memset(w->launcher.programs, 0, sizeof(w->launcher.programs));
    fake_launcher_program(&w->launcher, "/bin/probe")->ends = true;
    fake_launcher_program(&w->launcher, "state-tool")->ends = true;
    for (size_t i = 0; i < w->launcher.n; i++) { /* helpers that hang */
        struct fake_child *c = w->launcher.children[i];
        if (c->helper && !c->has_exited && !c->forgotten)
            fake_launcher_exit(&w->launcher, c, MSG_EXIT_CODE, 0);
    }
    for (unsigned i = 0; i < 40; i++)
        world_pass(w, 10 * USEC_PER_SEC);
}

static void check_end(struct world *w) {
    calm_down(w);
    check(w);
    assert_int_equal(forgotten, 0); /* every request was answered */
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct seen s = world_see(w, names[i], 0);
        if (!s.found)
            continue;
        for (uint32_t n = 0; n < s.instances; n++) {
            struct seen one = world_see(w, names[i], n);
            if (one.state != (s.wanted ? INSTANCE_RUNNING : INSTANCE_STOPPED))
                wrong("%s/%u is %s (%s), and %swanted", names[i], n, instance_state_name(one.state), one.why,
                      s.wanted ? "" : "not ");
            if (s.wanted && (one.generation != one.app_generation || one.outdated))
                wrong("%s/%u is of generation %u", names[i], n, (unsigned)one.generation);
        }
        check_history(w, names[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (world_see(w, names[i], 0).found)
            assert_int_equal(world_do(w, pick(2) ? "unregister" : "purge", names[i]), 0);
    calm_down(w);
    world_crash(w); /* what could not be deleted on a full disk, the next daemon deletes */
    world_start(w);
    calm_down(w);
    for (size_t i = 0; i < w->ports.store.n; i++)
        if (strncmp(w->ports.store.entries[i].key, "event/", 6) != 0 &&
            strncmp(w->ports.store.entries[i].key, "service/", 8) != 0)
            wrong("'%s' is left in the registry", w->ports.store.entries[i].key);
    for (size_t i = 0; i < w->ports.groups.n; i++)
        if (w->ports.groups.leaves[i].exists || w->ports.groups.leaves[i].processes)
            wrong("the leaf of %s.%u in %s is left, with %d processes", w->ports.groups.leaves[i].app,
                  w->ports.groups.leaves[i].number, w->ports.groups.leaves[i].class,
                  w->ports.groups.leaves[i].processes);
}

static void live(uint64_t seed) {
    void *state = NULL;
    seed_of_life = (unsigned)seed;
    seed_now = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    forgotten = 0;
    assert_int_equal(world_setup(&state), 0);
    struct world *w = state;
    w->conf.start_burst = 1 + pick(20);
    w->ports.groups.none = pick(10) == 0;
    world_start(w);
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned what = pick(20);
        step_of_life = step;
        if (what < 7)
            ask(w);
        else if (what < 12)
            end_some(w);
        else if (what < 16)
            fake_clock_pass(&w->ports, pick(8) * USEC_PER_SEC);
        else if (what < 18)
            misbehave(w);
        else if (what < 19)
            die(w);
        if (pick(3))
            world_run(w);
        else
            continue;
        check(w);
    }
    world_run(w);
    check_end(w);
    world_teardown(&state);
}

static uint64_t arg_first = 1, arg_last = SEEDS;

static void test_lives(void **state) {
    (void)state;
    for (uint64_t seed = arg_first; seed <= arg_last; seed++)
        live(seed);
}

int main(int argc, char **argv) {
    if (argc > 1)
        arg_first = arg_last = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        arg_last = strtoull(argv[2], NULL, 10);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lives)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
