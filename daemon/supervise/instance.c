/* SPDX-License-Identifier: Apache-2.0 */
/* The table of states and events and its reactions; carries nothing out itself. */
#include "supervise/instance.h"

#include "base/attr.h"
#include "base/clock.h"

#include <assert.h>
#include <string.h>

typedef unsigned reaction(struct instance *i, const struct instance_args *args);

static void enter(struct instance *i, enum instance_state state, uint64_t now_usec) {
    i->state = state;
    i->since_usec = now_usec;
    i->deadline_usec = USEC_NEVER;
    i->deadline_event = INSTANCE_EVENT_MAX;
}

static void arm(struct instance *i, enum instance_event event, uint64_t delay_usec, uint64_t now_usec) {
    i->deadline_event = event;
    i->deadline_usec = usec_add(now_usec, delay_usec);
}

static unsigned ignore(struct instance *i ATTR_UNUSED, const struct instance_args *args ATTR_UNUSED) {
    return 0;
}

/* Notes who asked for the next start. */
static void note_want(struct instance *i, bool manual) {
    i->want = INSTANCE_WANT_UP;
    if (!manual)
        return;
    i->manual = true;
    i->automatic = false;
    i->restarts = 0;
    restart_forget(&i->history);
}

static unsigned want_start(struct instance *i, const struct instance_args *args) {
    note_want(i, args->manual);
    i->automatic = false;
    enter(i, INSTANCE_GATED, args->now_usec);
    return 0;
}

/* Only a person cuts a delay short or frees what is held. */
static unsigned want_by_hand(struct instance *i, const struct instance_args *args) {
    return args->manual ? want_start(i, args) : 0;
}

static unsigned want_noted(struct instance *i, const struct instance_args *args) {
    note_want(i, args->manual);
    return 0;
}

static unsigned go(struct instance *i, const struct instance_args *args) {
    if (i->automatic) {
        restart_note_start(&i->history, args->now_usec);
        i->restarts++;
    }
    i->manual = i->automatic = i->ready_seen = i->has_exit = false;
    i->stop_intended = i->was_ready = i->not_ready = false;
    i->started_usec = 0;
    enter(i, INSTANCE_STARTING, args->now_usec);
    return INSTANCE_DO_SPAWN;
}

static unsigned ready(struct instance *i, const struct instance_args *args) {
    if (i->started_usec == 0) {
        i->ready_seen = true;
        return 0;
    }
    i->was_ready = true;
    enter(i, INSTANCE_RUNNING, args->now_usec);
    return INSTANCE_DO_END_READY;
}

static unsigned spawned(struct instance *i, const struct instance_args *args) {
    if (i->started_usec != 0)
        return 0;
    i->started_usec = args->now_usec;
    if (i->ready_seen)
        return ready(i, args);
    arm(i, INSTANCE_NOT_READY, args->policy->ready_usec, args->now_usec);
    return INSTANCE_DO_WATCH_READY;
}

static void begin_stop(struct instance *i, const struct instance_args *args) {
    enter(i, INSTANCE_STOPPING, args->now_usec);
    arm(i, INSTANCE_STOP_DUE, args->policy->stop_usec, args->now_usec);
}

/* The stop was asked for before the process was there: now there is somebody to signal. */
static unsigned spawned_too_late(struct instance *i, const struct instance_args *args) {
    if (i->started_usec != 0 || i->has_exit)
        return 0;
    i->started_usec = args->now_usec;
    arm(i, INSTANCE_STOP_DUE, args->policy->stop_usec, args->now_usec);
    return INSTANCE_DO_SIGNAL;
}

static unsigned stop_start(struct instance *i, const struct instance_args *args) {
    i->want = INSTANCE_WANT_DOWN;
    i->stop_intended = true;
    begin_stop(i, args);
    return INSTANCE_DO_END_READY | (i->started_usec ? INSTANCE_DO_SIGNAL : 0u);
}

static unsigned stop_run(struct instance *i, const struct instance_args *args) {
    i->want = INSTANCE_WANT_DOWN;
    i->stop_intended = true;
    begin_stop(i, args);
    return INSTANCE_DO_SIGNAL;
}

static unsigned stop_noted(struct instance *i, const struct instance_args *args ATTR_UNUSED) {
    i->want = INSTANCE_WANT_DOWN;
    i->manual = false;
    i->stop_intended = true;
    return 0;
}

/* Nothing runs: down at once. */
static unsigned stop_waiting(struct instance *i, const struct instance_args *args) {
    i->want = INSTANCE_WANT_DOWN;
    i->manual = i->automatic = false;
    i->last_verdict = RESTART_NOT_WANTED;
    enter(i, INSTANCE_STOPPED, args->now_usec);
    return 0;
}

static unsigned give_up_start(struct instance *i, const struct instance_args *args) {
    if (i->started_usec == 0)
        return 0;
    i->not_ready = true;
    begin_stop(i, args);
    return INSTANCE_DO_END_READY | INSTANCE_DO_SIGNAL;
}

static unsigned give_up_run(struct instance *i, const struct instance_args *args) {
    i->not_ready = true;
    begin_stop(i, args);
    return INSTANCE_DO_SIGNAL;
}

static void note_exit(struct instance *i, const struct instance_args *args) {
    i->exit = *args->exit;
    i->exit.not_ready = i->not_ready;
    i->has_exit = true;
}

/* The main process is gone; what it left behind goes too. */
static unsigned sweep(struct instance *i, const struct instance_args *args) {
    note_exit(i, args);
    if (i->state != INSTANCE_STOPPING)
        enter(i, INSTANCE_STOPPING, args->now_usec);
    arm(i, INSTANCE_STOP_DUE, INSTANCE_KILL_AGAIN_USEC, args->now_usec);
    return INSTANCE_DO_SWEEP;
}

static unsigned exited_starting(struct instance *i, const struct instance_args *args) {
    return sweep(i, args) | INSTANCE_DO_END_READY;
}

static unsigned exited_stopping(struct instance *i, const struct instance_args *args) {
    return i->has_exit ? 0 : sweep(i, args);
}

static unsigned spawn_failed_stopping(struct instance *i, const struct instance_args *args) {
    return i->started_usec || i->has_exit ? 0 : sweep(i, args);
}

static unsigned kill_again(struct instance *i, const struct instance_args *args) {
    arm(i, INSTANCE_STOP_DUE, INSTANCE_KILL_AGAIN_USEC, args->now_usec);
    return i->has_exit ? INSTANCE_DO_SWEEP : INSTANCE_DO_KILL;
}

/* A run is over and nothing of it is left: what now? */
static unsigned settle(struct instance *i, const struct instance_args *args) {
    bool stable = i->was_ready && i->exit.run_usec > 0 && i->exit.run_usec >= args->policy->stable_usec;
    bool wanted = i->want == INSTANCE_WANT_UP;
    if (wanted && (i->stop_intended || i->manual)) {
        i->last_verdict = RESTART_ASKED;
        enter(i, INSTANCE_GATED, args->now_usec);
        return INSTANCE_DO_RECORD;
    }
    struct restart_decision d =
        restart_decide(args->policy, &i->history, &i->exit, wanted, stable, args->now_usec, args->jitter);
    i->last_verdict = d.verdict;
    if (wanted)
        restart_note_run(&i->history, stable);
    bool failed_start = i->exit.end == RUN_END_FAILED_START;
    switch (d.verdict) {
    case RESTART_NOW:
        i->automatic = true;
        enter(i, INSTANCE_GATED, args->now_usec);
        break;
    case RESTART_DELAYED:
        enter(i, failed_start ? INSTANCE_FAILED_START : INSTANCE_BACKOFF, args->now_usec);
        arm(i, INSTANCE_DELAY_OVER, d.delay_usec, args->now_usec);
        break;
    case RESTART_FORBIDDEN:
    case RESTART_BUDGET:
        enter(i, INSTANCE_HELD, args->now_usec);
        break;
    case RESTART_NEVER:
        enter(i, failed_start ? INSTANCE_FAILED_START : INSTANCE_STOPPED, args->now_usec);
        break;
    case RESTART_NONE:
    case RESTART_ASKED:
    case RESTART_NOT_WANTED:
    case RESTART_DONE:
    case RESTART_VERDICT_MAX:
        enter(i, INSTANCE_STOPPED, args->now_usec);
        break;
    }
    return INSTANCE_DO_RECORD;
}

static unsigned empty_stopping(struct instance *i, const struct instance_args *args) {
    return i->has_exit ? settle(i, args) : 0;
}

static unsigned spawn_failed(struct instance *i, const struct instance_args *args) {
    if (i->started_usec != 0)
        return 0;
    note_exit(i, args);
    return settle(i, args) | INSTANCE_DO_END_READY;
}

static unsigned delay_over(struct instance *i, const struct instance_args *args) {
    if (i->deadline_event != INSTANCE_DELAY_OVER)
        return 0;
    i->automatic = true;
    enter(i, INSTANCE_GATED, args->now_usec);
    return 0;
}

static unsigned stop_stopped(struct instance *i, const struct instance_args *args ATTR_UNUSED) {
    i->want = INSTANCE_WANT_DOWN;
    return 0;
}

/* clang-format off */
static reaction *const table[INSTANCE_STATE_MAX][INSTANCE_EVENT_MAX] = {
    [INSTANCE_STOPPED] = {
        [INSTANCE_WANT] = want_start,           [INSTANCE_GO] = ignore,
        [INSTANCE_SPAWNED] = ignore,            [INSTANCE_SPAWN_FAILED] = ignore,
        [INSTANCE_READY] = ignore,              [INSTANCE_NOT_READY] = ignore,
        [INSTANCE_EXITED] = ignore,             [INSTANCE_EMPTY] = ignore,
        [INSTANCE_STOP] = stop_stopped,         [INSTANCE_STOP_DUE] = ignore,
        [INSTANCE_DELAY_OVER] = ignore,
    },
    [INSTANCE_GATED] = {
        [INSTANCE_WANT] = want_noted,           [INSTANCE_GO] = go,
        [INSTANCE_SPAWNED] = ignore,            [INSTANCE_SPAWN_FAILED] = ignore,
        [INSTANCE_READY] = ignore,              [INSTANCE_NOT_READY] = ignore,
        [INSTANCE_EXITED] = ignore,             [INSTANCE_EMPTY] = ignore,
        [INSTANCE_STOP] = stop_waiting,         [INSTANCE_STOP_DUE] = ignore,
        [INSTANCE_DELAY_OVER] = ignore,
    },
    [INSTANCE_STARTING] = {
        [INSTANCE_WANT] = ignore,               [INSTANCE_GO] = ignore,
        [INSTANCE_SPAWNED] = spawned,           [INSTANCE_SPAWN_FAILED] = spawn_failed,
        [INSTANCE_READY] = ready,               [INSTANCE_NOT_READY] = give_up_start,
        [INSTANCE_EXITED] = exited_starting,    [INSTANCE_EMPTY] = ignore,
        [INSTANCE_STOP] = stop_start,           [INSTANCE_STOP_DUE] = ignore,
        [INSTANCE_DELAY_OVER] = ignore,
    },
    [INSTANCE_RUNNING] = {
        [INSTANCE_WANT] = ignore,               [INSTANCE_GO] = ignore,
        [INSTANCE_SPAWNED] = ignore,            [INSTANCE_SPAWN_FAILED] = ignore,
        [INSTANCE_READY] = ignore,              [INSTANCE_NOT_READY] = give_up_run,
        [INSTANCE_EXITED] = sweep,              [INSTANCE_EMPTY] = ignore,
        [INSTANCE_STOP] = stop_run,             [INSTANCE_STOP_DUE] = ignore,
        [INSTANCE_DELAY_OVER] = ignore,
    },
    [INSTANCE_STOPPING] = {
        [INSTANCE_WANT] = want_noted,           [INSTANCE_GO] = ignore,
        [INSTANCE_SPAWNED] = spawned_too_late,  [INSTANCE_SPAWN_FAILED] = spawn_failed_stopping,
        [INSTANCE_READY] = ignore,              [INSTANCE_NOT_READY] = ignore,
        [INSTANCE_EXITED] = exited_stopping,    [INSTANCE_EMPTY] = empty_stopping,
        [INSTANCE_STOP] = stop_noted,           [INSTANCE_STOP_DUE] = kill_again,
        [INSTANCE_DELAY_OVER] = ignore,
    },
    [INSTANCE_BACKOFF] = {
        [INSTANCE_WANT] = want_by_hand,         [INSTANCE_GO] = ignore,
        [INSTANCE_SPAWNED] = ignore,            [INSTANCE_SPAWN_FAILED] = ignore,
        [INSTANCE_READY] = ignore,              [INSTANCE_NOT_READY] = ignore,
        [INSTANCE_EXITED] = ignore,             [INSTANCE_EMPTY] = ignore,
        [INSTANCE_STOP] = stop_waiting,         [INSTANCE_STOP_DUE] = ignore,
        [INSTANCE_DELAY_OVER] = delay_over,
    },
    [INSTANCE_HELD] = {
        [INSTANCE_WANT] = want_by_hand,         [INSTANCE_GO] = ignore,
        [INSTANCE_SPAWNED] = ignore,            [INSTANCE_SPAWN_FAILED] = ignore,
        [INSTANCE_READY] = ignore,              [INSTANCE_NOT_READY] = ignore,
        [INSTANCE_EXITED] = ignore,             [INSTANCE_EMPTY] = ignore,
        [INSTANCE_STOP] = stop_waiting,         [INSTANCE_STOP_DUE] = ignore,
        [INSTANCE_DELAY_OVER] = ignore,
    },
    [INSTANCE_FAILED_START] = {
        [INSTANCE_WANT] = want_by_hand,         [INSTANCE_GO] = ignore,
        [INSTANCE_SPAWNED] = ignore,            [INSTANCE_SPAWN_FAILED] = ignore,
        [INSTANCE_READY] = ignore,              [INSTANCE_NOT_READY] = ignore,
        [INSTANCE_EXITED] = ignore,             [INSTANCE_EMPTY] = ignore,
        [INSTANCE_STOP] = stop_waiting,         [INSTANCE_STOP_DUE] = ignore,
        [INSTANCE_DELAY_OVER] = delay_over,
    },
};
/* clang-format on */
static_assert(INSTANCE_STATE_MAX == 8, "a new state needs its row in the table and in its test");
static_assert(INSTANCE_EVENT_MAX == 11, "a new event needs its cell in every row and in the test");

void instance_init(struct instance *i, uint64_t now_usec) {
    *i = (struct instance){.want = INSTANCE_WANT_DOWN};
    enter(i, INSTANCE_STOPPED, now_usec);
}

unsigned instance_feed(struct instance *i, enum instance_event event, const struct instance_args *args) {
    assert((unsigned)i->state < INSTANCE_STATE_MAX && (unsigned)event < INSTANCE_EVENT_MAX);
    reaction *react = table[i->state][event];
    assert(react);
    return react(i, args);
}

void instance_adopt(struct instance *i, bool is_ready, uint64_t started_usec,
                    const struct instance_args *args) {
    assert(i->state == INSTANCE_STOPPED);
    i->want = INSTANCE_WANT_UP;
    i->started_usec = MAX(started_usec, UINT64_C(1));
    i->was_ready = is_ready;
    enter(i, is_ready ? INSTANCE_RUNNING : INSTANCE_STARTING, args->now_usec);
    if (!is_ready)
        arm(i, INSTANCE_NOT_READY, args->policy->ready_usec, args->now_usec);
}

void instance_restore(struct instance *i, enum restart_verdict verdict, uint64_t now_usec) {
    assert(i->state == INSTANCE_STOPPED);
    bool held = verdict == RESTART_FORBIDDEN || verdict == RESTART_BUDGET;
    i->last_verdict = verdict;
    i->want = verdict == RESTART_NOT_WANTED ? INSTANCE_WANT_DOWN : INSTANCE_WANT_UP;
    enter(i, held ? INSTANCE_HELD : INSTANCE_STOPPED, now_usec);
}

void instance_extend(struct instance *i, uint64_t usec, uint64_t now_usec) {
    if (i->state == INSTANCE_STARTING && i->deadline_event == INSTANCE_NOT_READY)
        i->deadline_usec = MAX(i->deadline_usec, usec_add(now_usec, usec));
}

void instance_watchdog(struct instance *i, uint64_t usec, uint64_t now_usec) {
    if (i->state == INSTANCE_RUNNING)
        arm(i, INSTANCE_NOT_READY, usec, now_usec);
}

static const char *const state_names[] = {
    [INSTANCE_STOPPED] = "stopped",   [INSTANCE_GATED] = "gated",
    [INSTANCE_STARTING] = "starting", [INSTANCE_RUNNING] = "running",
    [INSTANCE_STOPPING] = "stopping", [INSTANCE_BACKOFF] = "backoff",
    [INSTANCE_HELD] = "held",         [INSTANCE_FAILED_START] = "failed-start",
};
static_assert(ARRAY_LEN(state_names) == INSTANCE_STATE_MAX, "a state without a name");

const char *instance_state_name(enum instance_state state) {
    return (unsigned)state < INSTANCE_STATE_MAX ? state_names[state] : "invalid";
}

enum instance_state instance_state_from_name(const char *name) {
    for (unsigned s = 0; s < INSTANCE_STATE_MAX; s++)
        if (strcmp(state_names[s], name) == 0)
            return (enum instance_state)s;
    return INSTANCE_STATE_INVALID;
}

bool instance_state_has_process(enum instance_state state) {
    return state == INSTANCE_STARTING || state == INSTANCE_RUNNING || state == INSTANCE_STOPPING;
}
