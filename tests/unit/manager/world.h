/* SPDX-License-Identifier: Apache-2.0 */
/* A whole manager in a world of paper: fake ports, a fake launcher, time that passes only when told. One
 * thread, one loop; world_run runs it until nothing is left to do, so no test ever waits. */
#ifndef MANAGER_WORLD_H
#define MANAGER_WORLD_H

/* cmocka wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fake/launcher.h"
#include "fake/ports.h"
#include "manager/manager.h"
#include "manager/view.h"

struct answer {
    unsigned calls;
    int error;
    bool changed;
    uint64_t generation;
    char name[160], text[600];
};

struct world {
    sd_event *loop;
    struct fake_ports ports;
    struct fake_launcher launcher;
    struct manager *manager; /* NULL: none runs */
    struct daemon_conf conf;
    struct host_facts host;
    struct cgroot cgroot;
    char dir[64];
    bool default_tenant; /* no tenants.d */
    unsigned n_ready, n_end;
    enum manager_end end;
    struct answer answer; /* the last one; world_ask clears it */
    struct reason why;
};

int world_setup(void **state);
int world_teardown(void **state);

/* Starts a manager over what is there; world_start expects it to serve. */
void world_begin(struct world *w);
void world_start(struct world *w);
/* kill -9: the first `kept` store operations that wait still happen. */
void world_crash_keeping(struct world *w, unsigned kept);
void world_crash(struct world *w); /* ... all of them */
/* The manager ends in good order, having told so. */
void world_end(struct world *w);
void world_run(struct world *w);
void world_pass(struct world *w, uint64_t usec);

extern const struct caller world_root;
void world_answer(void *userdata, const struct verb_result *r);

/* Verbs: `world_ask(w, manager_stop_app(w->manager, &world_root, "t/a", world_answer, w, &w->why))` runs the
 * loop and returns the error, whether refused at once or answered. */
#define world_ask(w, call) (memset(&(w)->answer, 0, sizeof((w)->answer)), world_asked(w, call))
int world_asked(struct world *w, int r);
int world_register(struct world *w, const char *name, const char *more);
int world_register_as(struct world *w, const struct caller *who, const char *name, const char *more);
int world_do(struct world *w, const char *verb,
             const char *name); /* start, stop, restart, unregister, purge */
int world_scale(struct world *w, const char *name, uint32_t n);

struct seen {
    bool found;
    enum instance_state state;
    pid_t pid;
    uint32_t restarts, instances;
    uint64_t generation, app_generation, next_usec, since_usec;
    bool outdated, wanted, has_exit;
    struct run_exit exit;
    char why[256], summary[32], class[65];
    uint64_t tasks;
};
struct seen world_see(struct world *w, const char *name, uint32_t number);

#define assert_state(w, name, number, want) \
    assert_string_equal(instance_state_name(world_see(w, name, number).state), instance_state_name(want))

struct exits {
    size_t n;
    struct exit_record list[300];
};
void world_exits(struct world *w, const char *name, struct exits *ret);
/* Events of an app (NULL: of all), as "kind text\n". */
const char *world_events(struct world *w, const char *name);
unsigned world_count_events(struct world *w, const char *name, const char *kind);

#define child_of(w, name, number) fake_launcher_child(&(w)->launcher, name, number)
#define crash(w, name, number) \
    (fake_launcher_exit(&(w)->launcher, child_of(w, name, number), MSG_EXIT_CODE, 1), world_run(w))

#define world_test(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)

#endif
