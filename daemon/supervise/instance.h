/* SPDX-License-Identifier: Apache-2.0 */
/* The life of one instance, as a table of state x event. Pure: no clock, no process, no group; events and the
 * time go in, a state and a set of actions come out, and the caller (manager) carries the actions out.
 *
 *     stopped --WANT--> gated --GO--> starting --READY--> running
 *        ^                ^              |  |                |
 *        |                |   SPAWN_FAILED  EXITED           EXITED or STOP
 *        |                |              v  v                v
 *        |                |     failed-start stopping <------+
 *        |                |              |      | EMPTY: what now? (restart.h)
 *        |                +-DELAY_OVER---+------+--> backoff --DELAY_OVER--> gated
 *        +-- STOP ----------------------------- +--> held, stopped
 *
 *  - `gated`: it is to run and waits for its turn or a precondition; the manager says GO.
 *  - `starting` lasts from the request to the launcher until readiness. READY may overtake SPAWNED (they come
 *    over different sockets): it is remembered. The time for readiness counts from SPAWNED.
 *  - `stopping` lasts until the group is empty, whoever began it: an operator, a failed readiness, or the
 *    main process by ending. Nothing of an instance survives its stop, so nothing is started again before
 *    EMPTY; and EMPTY counts only after EXITED, because without the exit nothing can be decided. A stop never
 *    gives up: after the grace it kills, and kills again every INSTANCE_KILL_AGAIN_USEC.
 *  - `backoff` waits for DELAY_OVER; `failed-start` too, unless the policy is never to restart; `held` and
 *    `stopped` wait for somebody to act.
 *
 * An operator's stop never looks like a crash, whatever the process does then. A start that was asked for
 * never counts against the budget, and one by a person (manual) begins a new budget. An event that makes no
 * sense in a state changes nothing (the table says so in every such cell). */
#ifndef SUPERVISE_INSTANCE_H
#define SUPERVISE_INSTANCE_H

#include "supervise/restart.h"

#include <stdbool.h>
#include <stdint.h>

enum instance_state {
    INSTANCE_STOPPED,
    INSTANCE_GATED,
    INSTANCE_STARTING,
    INSTANCE_RUNNING,
    INSTANCE_STOPPING,
    INSTANCE_BACKOFF,
    INSTANCE_HELD,
    INSTANCE_FAILED_START,
    INSTANCE_STATE_MAX,
    INSTANCE_STATE_INVALID = -22,
};

enum instance_event {
    INSTANCE_WANT,         /* it is to run (registration, start, boot) */
    INSTANCE_GO,           /* its turn has come */
    INSTANCE_SPAWNED,      /* the launcher has started the process */
    INSTANCE_SPAWN_FAILED, /* it could not; args: stage, error */
    INSTANCE_READY,
    INSTANCE_NOT_READY, /* the time for readiness is over, or the watchdog of the app is */
    INSTANCE_EXITED,    /* the main process is gone; args: exit */
    INSTANCE_EMPTY,     /* no process is left in the group */
    INSTANCE_STOP, /* an operator, an unregistration, a scale-down, a new generation, or the shutdown wants it
                      down */
    INSTANCE_STOP_DUE, /* the grace is over */
    INSTANCE_DELAY_OVER,
    INSTANCE_EVENT_MAX,
};

/* What the caller has to do, in this order. */
enum instance_action {
    INSTANCE_DO_SPAWN = 1 << 0, /* make the group, ask the launcher; then SPAWNED or SPAWN_FAILED will come */
    INSTANCE_DO_WATCH_READY = 1 << 1, /* begin the readiness probe (at once READY when the probe is none) */
    INSTANCE_DO_END_READY = 1 << 2,   /* end the probe */
    INSTANCE_DO_SIGNAL = 1 << 3,      /* send the stop signal to the main process */
    INSTANCE_DO_KILL = 1 << 4,        /* kill everything in the group */
    INSTANCE_DO_SWEEP = 1 << 5,  /* kill what is left in the group; EMPTY when (or if already) nothing is */
    INSTANCE_DO_RECORD = 1 << 6, /* a run is over: `exit` and `last_verdict` belong into the history */
};

#define INSTANCE_KILL_AGAIN_USEC UINT64_C(2000000)

enum instance_want { INSTANCE_WANT_DOWN, INSTANCE_WANT_UP };

/* The machine's own memory, begun by instance_init. The owner reads it and changes it only through the
 * functions below. */
struct instance {
    enum instance_state state;
    enum instance_want want;
    bool manual;           /* the next start was asked for by a person */
    bool automatic;        /* the next start is a restart of ours, and counts */
    bool ready_seen;       /* READY came before SPAWNED */
    bool has_exit;         /* the main process of this run is gone, `exit` is known */
    bool stop_intended;    /* the present stop was asked for */
    bool was_ready;        /* this run got as far as running */
    bool not_ready;        /* this run ends because it was not ready in time, or missed its watchdog */
    struct run_exit exit;  /* of the last run */
    uint64_t since_usec;   /* monotonic: when the state began */
    uint64_t started_usec; /* monotonic: SPAWNED of this run; 0 before */
    uint64_t
        deadline_usec; /* monotonic: when `deadline_event` is to be fed; USEC_NEVER when nothing is due */
    enum instance_event deadline_event; /* NOT_READY, STOP_DUE or DELAY_OVER; else INSTANCE_EVENT_MAX */
    struct restart_history history;
    uint32_t restarts;                 /* automatic starts since the last manual one */
    enum restart_verdict last_verdict; /* why it is in backoff, held or stopped */
};

struct instance_args {
    const struct run_exit *exit;         /* EXITED, SPAWN_FAILED */
    const struct restart_policy *policy; /* always */
    uint64_t now_usec;                   /* monotonic; always */
    uint64_t jitter;                     /* any random number; spreads delays */
    bool manual;                         /* WANT: a person asked; also acts in backoff, failed-start, held */
};

/* Stopped, wanted down, nothing due. */
void instance_init(struct instance *i, uint64_t now_usec);

/* Feeds one event. Returns the actions to carry out (0: nothing to do). */
unsigned instance_feed(struct instance *i, enum instance_event event, const struct instance_args *args);

/* Takes over a process that runs already (after a restart of the daemon): the state becomes running (ready)
 * or starting, with the given start time; the caller begins the probe itself. The time for readiness counts
 * from now: what the process said meanwhile is lost. Only from stopped. */
void instance_adopt(struct instance *i, bool ready, uint64_t started_usec, const struct instance_args *args);

/* Puts back, after a restart of the daemon, where the last run had led: held (FORBIDDEN, BUDGET) or stopped.
 * Only from stopped. */
void instance_restore(struct instance *i, enum restart_verdict verdict, uint64_t now_usec);

/* The process asks for more time: in starting, NOT_READY comes not before now + usec. Else nothing. */
void instance_extend(struct instance *i, uint64_t usec, uint64_t now_usec);

/* The process has, or feeds, a watchdog: in running, NOT_READY comes after usec without another call;
 * USEC_NEVER ends the watchdog. Else nothing. */
void instance_watchdog(struct instance *i, uint64_t usec, uint64_t now_usec);

const char *instance_state_name(enum instance_state state);
enum instance_state instance_state_from_name(const char *name); /* INSTANCE_STATE_INVALID for none */

/* True in the states that have, or may have, a process. */
bool instance_state_has_process(enum instance_state state);

#endif
