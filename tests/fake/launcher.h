/* SPDX-License-Identifier: Apache-2.0 */
/* The other end of a manager's connection: a launcher that starts nothing, but knows what it would have
 * started. It speaks the real protocol (wire/msg.h) over a real socket, in the same event loop. Its children
 * outlive a connection, so that the next manager gets them replayed; they live in the fake groups, and die
 * when those are killed. */
#ifndef FAKE_LAUNCHER_H
#define FAKE_LAUNCHER_H

#include "fake/ports.h"
#include "wire/msg.h"

#include <stdbool.h>

/* What a program does; found by its path. A program nobody described runs until it is signalled. */
struct fake_program {
    const char *path;
    bool ignores_stop; /* runs on when signalled (but not when killed) */
    bool ends;         /* at once, with `code` */
    uint32_t code;
    uint32_t error, stage; /* error != 0: its start fails so */
    int leaves_behind;     /* so many processes stay in the group when it ends */
    bool silent;           /* the request is noted, and never answered */
};

struct fake_child {
    uint64_t start_id, ticks;
    uint32_t pid, flags;
    char tenant[65], app[65], class[65], program[128];
    uint32_t number;
    bool has_exited, forgotten, helper; /* helper: a probe or a tool */
    bool unknown_names;                 /* adopted without names */
    struct msg_exited exit;
    unsigned signals;
    int last_signal;
    struct fake_leaf *leaf;
    char env[4096]; /* "NAME=value\n" … */
    char argv[1024];
    int32_t nice;
    uint32_t uid, gid, umask;
    char workdir[256];
};

#define FAKE_CHILDREN 4096
struct fake_launcher {
    struct fake_ports *ports; /* borrowed */
    int socket;
    sd_event_source *source;
    struct fake_program programs[16]; /* till a NULL path */
    struct fake_child *children[FAKE_CHILDREN];
    size_t n;
    uint32_t last_pid;
    struct msg_welcome welcome;
    /* The replay: what is said besides, and when. */
    bool hold_replay; /* WELCOME only; the test goes on with fake_launcher_replay */
    bool no_names;    /* CHILD and EXITED say no names, as after the handover of a launcher that died */
    bool twice;       /* every EXITED is said twice */
    bool exits_first; /* EXITED before CHILD */
    int adopt_error;  /* positive errno: ADOPT fails */
    bool adopt_silent;
    unsigned n_hello, n_spawn, n_ready, n_done, n_forget, n_adopt, n_pong;
    struct msg_adopt last_adopt;
    char status[256];
    char removed[1024]; /* STATE_REMOVE: "tenant/app/0 " … */
    char said[64];      /* an unexpected message: a test fails on it */
};

void fake_launcher_init(struct fake_launcher *l, struct fake_ports *ports);
void fake_launcher_free(struct fake_launcher *l);

/* Connects; returns the manager's end. */
int fake_launcher_connect(struct fake_launcher *l);
/* The connection ends; children stay. */
void fake_launcher_drop(struct fake_launcher *l);
/* The launcher dies and another takes its place: it knows no child any more, though they run. */
void fake_launcher_die(struct fake_launcher *l);
void fake_launcher_replay(struct fake_launcher *l);

/* The description of a program, made when there is none; the path is borrowed. */
struct fake_program *fake_launcher_program(struct fake_launcher *l, const char *path);
/* The last start of an instance ("tenant/app"), running or not; helpers are not counted. NULL: none. */
struct fake_child *fake_launcher_child(struct fake_launcher *l, const char *name, uint32_t number);
/* Starts of an instance so far, and those that run now. */
unsigned fake_launcher_starts(struct fake_launcher *l, const char *name, uint32_t number);
unsigned fake_launcher_running(struct fake_launcher *l, const char *name);
struct fake_child *fake_launcher_helper(struct fake_launcher *l); /* the last one */

/* The process ends. */
void fake_launcher_exit(struct fake_launcher *l, struct fake_child *c, enum msg_exit_how how, uint32_t code);
void fake_launcher_send(struct fake_launcher *l, const void *data, int len, int fd);
void fake_launcher_terminate(struct fake_launcher *l, enum msg_terminate_why why);

#endif
