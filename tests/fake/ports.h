/* SPDX-License-Identifier: Apache-2.0 */
/* The manager's world made of paper: every port of manager/ports.h in memory, observable and able to fail.
 * The parts outlive a manager, so that a test can end one and start the next over the same store and groups.
 */
#ifndef FAKE_PORTS_H
#define FAKE_PORTS_H

#include "manager/ports.h"

typedef struct sd_event sd_event;
typedef struct sd_event_source sd_event_source;

/* An ordered map. Commits and scans finish in the loop, in their order, one turn after they were asked for.
 */
struct fake_op;
struct fake_entry {
    char *key;
    void *value;
    size_t len;
};
struct fake_store {
    struct fake_entry *entries; /* sorted by key */
    size_t n;
    struct fake_op *first, **last;
    sd_event_source *later;
    bool hold;                  /* finish nothing until fake_store_finish */
    int fail;                   /* a negative errno that commits end with */
    unsigned fail_skip, fail_n; /* ... after so many good ones, for so many; 0: till `fail` is 0 again */
    int refuse;                 /* a negative errno that commits are refused with at once */
    unsigned n_commits, n_waiting;
};

/* A leaf. Its processes are counted; who they are the fake launcher knows. */
struct fake_leaf {
    struct fake_ports *ports;
    char class[65], tenant[65], app[65];
    uint32_t number;
    int fd; /* a memory file: its inode tells the leaf by any descriptor of it */
    bool exists;
    int processes;
    bool unkillable;
    unsigned kills;
    struct group_usage usage;
    pid_t main_pid; /* what find_main says; 0: -ENOENT */
    uint64_t main_ticks;
    char knobs[2048];
};

#define FAKE_LEAVES 2048
struct fake_groups {
    bool none;     /* no groups on this host */
    int open_fail; /* open_leaf fails with this */
    struct fake_leaf leaves[FAKE_LEAVES];
    size_t n;
    struct fake_watch {
        uint64_t key;
        struct fake_leaf *leaf;
        bool empty, oom; /* to be told */
    } watches[FAKE_LEAVES];
    size_t n_watches;
    sd_event_source *later;
    group_event_fn fn;
    void *fn_userdata;
    void (*on_kill)(void *userdata, struct fake_leaf *leaf); /* after the count became 0 */
    void *on_kill_userdata;
    char applied[8192]; /* "standard/: cpu.weight=1000\n" and so on: classes and tenants */
};

struct fake_user {
    const char *name;
    uint32_t uid, gid;
};

struct fake_ports {
    struct ports ports; /* what the manager gets */
    sd_event *loop;
    struct fake_store store;
    struct fake_groups groups;
    struct fake_user users[16]; /* till a NULL name */
    struct fake_user unix_groups[16];
    bool journal;
    int log_fail;
    char forgotten[1024]; /* "tenant/app.0 " … */
    int ask_fail;
    stop_kind_fn asked;
    void *asked_userdata;
    uint64_t monotonic_usec, realtime_usec, random;
};

void fake_ports_init(struct fake_ports *p, sd_event *loop);
void fake_ports_free(struct fake_ports *p);

/* Both clocks, and the timers (fake/timers.h). */
void fake_clock_pass(struct fake_ports *p, uint64_t usec);

/* Finishes the first n operations that wait, by hand. */
void fake_store_finish(struct fake_ports *p, unsigned n);
/* What kill -9 does: the first n operations that wait still happen, the rest is lost, nobody is told. */
void fake_store_crash(struct fake_ports *p, unsigned n);
const struct fake_entry *fake_store_find(const struct fake_ports *p, const char *key);
unsigned fake_store_count(const struct fake_ports *p, const char *prefix);
void fake_store_put(struct fake_ports *p, const char *key, const void *value, size_t len);
/* Drops all that is watched and waits for the loop: the daemon is gone. */
void fake_groups_crash(struct fake_ports *p);

/* The leaf, made when `make`; NULL. */
struct fake_leaf *fake_leaf(struct fake_ports *p, const char *class, const char *tenant, const char *app,
                            uint32_t number, bool make);
/* The leaf whose descriptor it is; NULL: of none. */
struct fake_leaf *fake_leaf_of(struct fake_ports *p, int fd);
/* Changes the number of processes, and tells a watch when none is left. */
void fake_leaf_add(struct fake_leaf *leaf, int processes);
void fake_leaf_oom(struct fake_leaf *leaf);
/* All processes go. */
void fake_leaf_kill(struct fake_leaf *leaf);

#endif
