/* SPDX-License-Identifier: Apache-2.0 */
/* One instance as the manager holds it: the pure machine of supervise/instance.h with what it needs to act.
 * Shared by the manager's files only; see private.h. */
#ifndef MANAGER_MEMBER_H
#define MANAGER_MEMBER_H

#include "base/list.h"
#include "base/text.h"
#include "supervise/instance.h"
#include "supervise/notify.h"
#include "supervise/probe.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct sd_event_source sd_event_source;

struct manager;
struct app;

struct member {
    struct manager *manager; /* borrowed */
    struct app *app;         /* borrowed */
    uint32_t number;
    struct instance inst;
    struct list dirty; /* in manager->dirty */
    struct list gate;  /* in manager->gated[rank index] while gated */
    unsigned pending;  /* bits: 1 << enum instance_event */
    struct run_exit pending_exit;
    bool pending_manual;
    bool outdated; /* to be stopped and started again when its turn comes */
    bool doomed;   /* to be freed once it is down */
    bool replaced; /* in the present roll: while it fails, the roll halts */
    bool taken_over;

    uint64_t start_id; /* of the present or last start; key of the group watch */
    uint64_t noted_id; /* ends of starts up to this one are in the history already */
    uint64_t generation;
    uint64_t started_usec; /* CLOCK_REALTIME */
    pid_t pid;             /* 0: none */
    uint64_t start_ticks;
    int pidfd;                    /* owned */
    int leaf_fd;                  /* owned; -EBADF: no group */
    bool leaf_killed;             /* or perhaps: the next run gets a fresh leaf (groups.c) */
    char class[NAME_LEN_MAX + 1]; /* where the leaf is */
    bool watched;
    uint64_t oom_before, cpu_before; /* counters of the leaf when the run began */
    bool oom_seen;
    uint64_t exit_seq;
    bool has_last_exit;               /* inst.exit is the end of some run */
    bool run_open;                    /* loaded: the record of the last run has no end */
    char run_boot_id[40];             /* ... and was written in this boot */
    pid_t adopt_pid;                  /* loaded: the pid of that record */
    enum restart_verdict run_verdict; /* loaded: what followed its end */
    struct notify *notify;
    struct probe *probe;
    uint64_t probe_id;            /* start id of a running exec probe; 0: none */
    sd_event_source *timer;       /* the machine's deadline */
    sd_event_source *probe_timer; /* between two exec probes, and the watchdog of the app */
    uint64_t watchdog_usec;
    uint64_t state_usec; /* CLOCK_REALTIME: when the state began */
    char status[128];    /* what the app said of itself */
    char stop_why[96];   /* who or what asked for the present stop */
    char detail[128];    /* of a failed start */
};

#endif
