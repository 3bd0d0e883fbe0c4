/* SPDX-License-Identifier: Apache-2.0 */
/* Walks every cell of the table against a table of its own, then the ways that matter. */
#include "base/attr.h"
#include "base/clock.h"
#include "supervise/instance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SEC  USEC_PER_SEC
#define T0   (1000 * SEC)
#define SAME INSTANCE_STATE_MAX /* of the expectations: the event changes nothing at all */

static struct restart_policy policy(void) {
    return (struct restart_policy){.when = RESTART_POLICY_ALWAYS,
                                   .delay_usec = SEC,
                                   .delay_max_usec = 60 * SEC,
                                   .budget_starts = 3,
                                   .budget_usec = 600 * SEC,
                                   .stable_usec = 10 * SEC,
                                   .success = {1},
                                   .stop_usec = 30 * SEC,
                                   .ready_usec = 120 * SEC};
}

/* An instance with its policy, and the hand that feeds it. */
struct rig {
    struct instance i;
    struct restart_policy p;
    uint64_t now;
};
static struct rig rig(void) {
    struct rig r = {.p = policy(), .now = T0};
    instance_init(&r.i, T0);
    return r;
}

static unsigned feed_exit(struct rig *r, enum instance_event event, struct run_exit exit) {
    struct instance_args args = {.exit = &exit, .policy = &r->p, .now_usec = r->now};
    return instance_feed(&r->i, event, &args);
}

static unsigned feed(struct rig *r, enum instance_event event) {
    return feed_exit(r, event, (struct run_exit){.end = RUN_END_CODE, .code = 1, .run_usec = SEC});
}

static void want_by_hand(struct rig *r) {
    instance_feed(&r->i, INSTANCE_WANT,
                  &(struct instance_args){.policy = &r->p, .now_usec = r->now, .manual = true});
}

/* A rig in the given state, reached by the shortest way. */
static struct rig rig_in(enum instance_state state) {
    struct rig r = rig();
    switch (state) {
    case INSTANCE_STOPPED:
    case INSTANCE_STATE_MAX:
    case INSTANCE_STATE_INVALID:
        return r;
    case INSTANCE_GATED:
        feed(&r, INSTANCE_WANT);
        break;
    case INSTANCE_STARTING:
    case INSTANCE_RUNNING:
    case INSTANCE_STOPPING:
        feed(&r, INSTANCE_WANT);
        feed(&r, INSTANCE_GO);
        feed(&r, INSTANCE_SPAWNED);
        if (state != INSTANCE_STARTING)
            feed(&r, INSTANCE_READY);
        if (state == INSTANCE_STOPPING)
            feed(&r, INSTANCE_STOP);
        break;
    case INSTANCE_BACKOFF:
    case INSTANCE_HELD:
        r.p.budget_starts = state == INSTANCE_HELD ? 0 : 3;
        feed(&r, INSTANCE_WANT);
        feed(&r, INSTANCE_GO);
        feed(&r, INSTANCE_SPAWNED);
        feed(&r, INSTANCE_EXITED);
        feed(&r, INSTANCE_EMPTY);
        break;
    case INSTANCE_FAILED_START:
        feed(&r, INSTANCE_WANT);
        feed(&r, INSTANCE_GO);
        feed_exit(&r, INSTANCE_SPAWN_FAILED, (struct run_exit){.end = RUN_END_FAILED_START});
        break;
    }
    assert_int_equal(r.i.state, state);
    return r;
}

struct expectation {
    enum instance_state next;
    unsigned actions;
    bool changes; /* stays in the state, but not untouched */
};

#define NOTHING \
    { SAME, 0, false }
#define TO(state, actions) \
    { INSTANCE_##state, actions, false }
#define STAYS(state, actions) \
    { INSTANCE_##state, actions, true }

/* What the header promises for each state reached as in rig_in, in the order of the events: WANT GO SPAWNED
 * SPAWN_FAILED READY NOT_READY EXITED EMPTY STOP STOP_DUE DELAY_OVER. */
static const struct expectation expected[][11] = {
    [INSTANCE_STOPPED] = {TO(GATED, 0), NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING,
                          NOTHING, NOTHING, NOTHING},
    [INSTANCE_GATED] = {NOTHING, TO(STARTING, INSTANCE_DO_SPAWN), NOTHING, NOTHING, NOTHING, NOTHING, NOTHING,
                        NOTHING, TO(STOPPED, 0), NOTHING, NOTHING},
    [INSTANCE_STARTING] = {NOTHING, NOTHING, NOTHING, NOTHING, TO(RUNNING, INSTANCE_DO_END_READY),
                           TO(STOPPING, INSTANCE_DO_END_READY | INSTANCE_DO_SIGNAL),
                           TO(STOPPING, INSTANCE_DO_END_READY | INSTANCE_DO_SWEEP), NOTHING,
                           TO(STOPPING, INSTANCE_DO_END_READY | INSTANCE_DO_SIGNAL), NOTHING, NOTHING},
    [INSTANCE_RUNNING] = {NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, TO(STOPPING, INSTANCE_DO_SIGNAL),
                          TO(STOPPING, INSTANCE_DO_SWEEP), NOTHING, TO(STOPPING, INSTANCE_DO_SIGNAL), NOTHING,
                          NOTHING},
    [INSTANCE_STOPPING] = {STAYS(STOPPING, 0), NOTHING, NOTHING, NOTHING, NOTHING, NOTHING,
                           STAYS(STOPPING, INSTANCE_DO_SWEEP), NOTHING, NOTHING,
                           STAYS(STOPPING, INSTANCE_DO_KILL), NOTHING},
    [INSTANCE_BACKOFF] = {NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING,
                          TO(STOPPED, 0), NOTHING, TO(GATED, 0)},
    [INSTANCE_HELD] = {NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, TO(STOPPED, 0),
                       NOTHING, NOTHING},
    [INSTANCE_FAILED_START] = {NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING,
                               TO(STOPPED, 0), NOTHING, TO(GATED, 0)},
};

static void every_cell(void **state) {
    (void)state;
    assert_int_equal(ARRAY_LEN(expected), INSTANCE_STATE_MAX);
    for (unsigned s = 0; s < INSTANCE_STATE_MAX; s++)
        for (unsigned e = 0; e < INSTANCE_EVENT_MAX; e++) {
            struct rig r = rig_in((enum instance_state)s);
            struct instance before = r.i;
            const struct expectation *x = &expected[s][e];
            r.now += 5;
            unsigned actions = feed(&r, (enum instance_event)e);
            enum instance_state next = x->next == SAME ? (enum instance_state)s : x->next;
            if (r.i.state != next || actions != x->actions)
                fail_msg("%s, event %u: to %s with actions %#x, not %s with %#x",
                         instance_state_name((enum instance_state)s), e, instance_state_name(r.i.state),
                         actions, instance_state_name(next), x->actions);
            if (x->next == SAME && memcmp(&before, &r.i, sizeof(before)) != 0)
                fail_msg("%s, event %u: changed something", instance_state_name((enum instance_state)s), e);
            assert_int_equal(r.i.since_usec, x->next == SAME || x->changes ? before.since_usec : r.now);
        }
}

/* After any event the deadline fits the state: nothing waits for ever by mistake, nothing fires in the wrong
 * state. */
static void check_deadline(const struct instance *i) {
    bool due = i->deadline_usec != USEC_NEVER;
    switch (i->state) {
    case INSTANCE_STOPPED:
    case INSTANCE_GATED:
    case INSTANCE_HELD:
        assert_false(due);
        break;
    case INSTANCE_STARTING:
        assert_int_equal(due, i->started_usec != 0);
        break;
    case INSTANCE_RUNNING:
        break;
    case INSTANCE_STOPPING:
        assert_true(due);
        assert_int_equal(i->deadline_event, INSTANCE_STOP_DUE);
        break;
    case INSTANCE_BACKOFF:
        assert_true(due);
        assert_int_equal(i->deadline_event, INSTANCE_DELAY_OVER);
        break;
    case INSTANCE_FAILED_START:
        if (due)
            assert_int_equal(i->deadline_event, INSTANCE_DELAY_OVER);
        break;
    case INSTANCE_STATE_MAX:
    case INSTANCE_STATE_INVALID:
        fail();
    }
}

static uint64_t next_random(uint64_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Random events: never two processes at once, never a start of something unwanted, never a leftover start. */
static void random_events_keep_the_invariants(void **state) {
    (void)state;
    uint64_t seed = 88172645463325252ULL;
    for (int round = 0; round < 300; round++) {
        struct rig r = rig();
        r.p.when = (enum restart_when)(next_random(&seed) % 3);
        r.p.no_restart[0] = 1u << 7;
        bool requested = false, swept = true;
        for (int step = 0; step < 300; step++) {
            r.now += next_random(&seed) % (3 * SEC);
            enum instance_event event = (enum instance_event)(next_random(&seed) % INSTANCE_EVENT_MAX);
            struct run_exit exit = {.end = event == INSTANCE_SPAWN_FAILED
                                               ? RUN_END_FAILED_START
                                               : (enum run_end)(next_random(&seed) % RUN_END_FAILED_START),
                                    .code = (uint32_t)(next_random(&seed) % 12),
                                    .run_usec = next_random(&seed) % (20 * SEC)};
            struct instance_args args = {.exit = &exit,
                                         .policy = &r.p,
                                         .now_usec = r.now,
                                         .jitter = next_random(&seed),
                                         .manual = next_random(&seed) % 4 == 0};
            enum instance_want want = r.i.want;
            unsigned actions = instance_feed(&r.i, event, &args);
            check_deadline(&r.i);
            if (actions & INSTANCE_DO_SPAWN) {
                assert_false(requested);
                assert_true(swept);
                assert_int_equal(want, INSTANCE_WANT_UP);
                requested = true;
                swept = false;
            }
            if (actions & INSTANCE_DO_RECORD) {
                assert_true(requested);
                assert_true(r.i.has_exit);
                assert_int_not_equal(r.i.last_verdict, RESTART_NONE);
                requested = false;
                swept = true;
            }
            assert_int_equal(requested, instance_state_has_process(r.i.state));
            if (r.i.want == INSTANCE_WANT_DOWN)
                assert_true(r.i.state == INSTANCE_STOPPED || r.i.state == INSTANCE_STOPPING);
        }
    }
}

static void a_plain_life(void **state) {
    (void)state;
    struct rig r = rig();
    assert_int_equal(r.i.deadline_usec, USEC_NEVER);
    feed(&r, INSTANCE_WANT);
    assert_int_equal(feed(&r, INSTANCE_GO), INSTANCE_DO_SPAWN);
    assert_int_equal(r.i.deadline_usec, USEC_NEVER);
    r.now += SEC;
    assert_int_equal(feed(&r, INSTANCE_SPAWNED), INSTANCE_DO_WATCH_READY);
    assert_int_equal(r.i.started_usec, T0 + SEC);
    assert_int_equal(r.i.deadline_event, INSTANCE_NOT_READY);
    assert_int_equal(r.i.deadline_usec, T0 + SEC + r.p.ready_usec);
    assert_int_equal(feed(&r, INSTANCE_READY), INSTANCE_DO_END_READY);
    assert_int_equal(r.i.deadline_usec, USEC_NEVER);
    assert_int_equal(feed(&r, INSTANCE_STOP), INSTANCE_DO_SIGNAL);
    assert_int_equal(r.i.deadline_usec, r.now + r.p.stop_usec);
    assert_int_equal(feed_exit(&r, INSTANCE_EXITED, (struct run_exit){.end = RUN_END_CODE, .code = 1}),
                     INSTANCE_DO_SWEEP);
    assert_int_equal(feed(&r, INSTANCE_EMPTY), INSTANCE_DO_RECORD);
    assert_int_equal(r.i.state, INSTANCE_STOPPED);
    assert_int_equal(r.i.last_verdict, RESTART_NOT_WANTED);
    assert_int_equal(r.i.restarts, 0);
}

static void a_stop_kills_and_kills_again(void **state) {
    (void)state;
    struct rig r = rig_in(INSTANCE_STOPPING);
    for (int n = 0; n < 20; n++) {
        r.now = r.i.deadline_usec;
        assert_int_equal(feed(&r, r.i.deadline_event), INSTANCE_DO_KILL);
        assert_int_equal(r.i.state, INSTANCE_STOPPING);
        assert_int_equal(r.i.deadline_usec, r.now + INSTANCE_KILL_AGAIN_USEC);
    }
    feed(&r, INSTANCE_EXITED);
    r.now = r.i.deadline_usec;
    assert_int_equal(feed(&r, r.i.deadline_event), INSTANCE_DO_SWEEP);
}

static void an_empty_group_without_an_exit_decides_nothing(void **state) {
    (void)state;
    struct rig r = rig_in(INSTANCE_STOPPING);
    assert_int_equal(feed(&r, INSTANCE_EMPTY), 0);
    assert_int_equal(r.i.state, INSTANCE_STOPPING);
    feed(&r, INSTANCE_EXITED);
    assert_int_equal(feed(&r, INSTANCE_EMPTY), INSTANCE_DO_RECORD);
}

static void a_second_exit_is_not_believed(void **state) {
    (void)state;
    struct rig r = rig_in(INSTANCE_RUNNING);
    feed_exit(&r, INSTANCE_EXITED, (struct run_exit){.end = RUN_END_SIGNAL, .code = 9});
    assert_int_equal(feed_exit(&r, INSTANCE_EXITED, (struct run_exit){.end = RUN_END_UNKNOWN}), 0);
    assert_int_equal(r.i.exit.end, RUN_END_SIGNAL);
}

static void ready_may_overtake_spawned(void **state) {
    (void)state;
    struct rig r = rig();
    feed(&r, INSTANCE_WANT);
    feed(&r, INSTANCE_GO);
    assert_int_equal(feed(&r, INSTANCE_READY), 0);
    assert_int_equal(r.i.state, INSTANCE_STARTING);
    assert_int_equal(feed(&r, INSTANCE_SPAWNED), INSTANCE_DO_END_READY);
    assert_int_equal(r.i.state, INSTANCE_RUNNING);
    assert_true(r.i.was_ready);
    /* ... and is forgotten when the start fails. */
    r = rig();
    feed(&r, INSTANCE_WANT);
    feed(&r, INSTANCE_GO);
    feed(&r, INSTANCE_READY);
    feed_exit(&r, INSTANCE_SPAWN_FAILED, (struct run_exit){.end = RUN_END_FAILED_START});
    feed(&r, INSTANCE_DELAY_OVER);
    feed(&r, INSTANCE_GO);
    assert_int_equal(feed(&r, INSTANCE_SPAWNED), INSTANCE_DO_WATCH_READY);
    assert_int_equal(r.i.state, INSTANCE_STARTING);
}

static void a_stop_before_spawned_signals_once_there_is_somebody(void **state) {
    (void)state;
    struct rig r = rig();
    feed(&r, INSTANCE_WANT);
    feed(&r, INSTANCE_GO);
    assert_int_equal(feed(&r, INSTANCE_STOP), INSTANCE_DO_END_READY);
    r.now += SEC;
    assert_int_equal(feed(&r, INSTANCE_SPAWNED), INSTANCE_DO_SIGNAL);
    assert_int_equal(r.i.deadline_usec, r.now + r.p.stop_usec);
    assert_int_equal(feed(&r, INSTANCE_SPAWNED), 0);
    feed(&r, INSTANCE_EXITED);
    feed(&r, INSTANCE_EMPTY);
    assert_int_equal(r.i.state, INSTANCE_STOPPED);
}

static void a_stop_before_a_failed_start_ends_stopped(void **state) {
    (void)state;
    struct rig r = rig();
    feed(&r, INSTANCE_WANT);
    feed(&r, INSTANCE_GO);
    feed(&r, INSTANCE_STOP);
    struct run_exit failed = {.end = RUN_END_FAILED_START, .stage = 10, .code = 2};
    assert_int_equal(feed_exit(&r, INSTANCE_SPAWN_FAILED, failed), INSTANCE_DO_SWEEP);
    assert_int_equal(feed(&r, INSTANCE_EMPTY), INSTANCE_DO_RECORD);
    assert_int_equal(r.i.state, INSTANCE_STOPPED);
    assert_int_equal(r.i.last_verdict, RESTART_NOT_WANTED);
    assert_int_equal(r.i.exit.stage, 10);
}

static void a_crash_waits_then_counts(void **state) {
    (void)state;
    struct rig r = rig_in(INSTANCE_BACKOFF);
    assert_int_equal(r.i.last_verdict, RESTART_DELAYED);
    assert_int_equal(r.i.deadline_usec, r.now + SEC);
    assert_int_equal(r.i.restarts, 0);
    r.now = r.i.deadline_usec;
    feed(&r, r.i.deadline_event);
    assert_int_equal(r.i.state, INSTANCE_GATED);
    assert_int_equal(r.i.history.n, 0); /* counts when it starts, not when it may */
    feed(&r, INSTANCE_GO);
    assert_int_equal(r.i.restarts, 1);
    assert_int_equal(r.i.history.n, 1);
    feed(&r, INSTANCE_SPAWNED);
    feed(&r, INSTANCE_EXITED);
    feed(&r, INSTANCE_EMPTY);
    assert_int_equal(r.i.deadline_usec, r.now + 2 * SEC);
}

static void a_stable_run_is_restarted_at_once(void **state) {
    (void)state;
    struct rig r = rig_in(INSTANCE_RUNNING);
    feed_exit(&r, INSTANCE_EXITED, (struct run_exit){.end = RUN_END_SIGNAL, .code = 9, .run_usec = 10 * SEC});
    assert_int_equal(feed(&r, INSTANCE_EMPTY), INSTANCE_DO_RECORD);
    assert_int_equal(r.i.state, INSTANCE_GATED);
    assert_int_equal(r.i.last_verdict, RESTART_NOW);
    feed(&r, INSTANCE_GO);
    assert_int_equal(r.i.restarts, 1);
    /* As long, but never ready: not stable. */
    feed(&r, INSTANCE_SPAWNED);
    feed_exit(&r, INSTANCE_EXITED, (struct run_exit){.end = RUN_END_SIGNAL, .code = 9, .run_usec = 99 * SEC});
    feed(&r, INSTANCE_EMPTY);
    assert_int_equal(r.i.state, INSTANCE_BACKOFF);
}

static void the_budget_holds_and_a_person_frees(void **state) {
    (void)state;
    struct rig r = rig_in(INSTANCE_RUNNING);
    const struct run_exit stable_crash = {.end = RUN_END_CODE, .code = 1, .run_usec = 20 * SEC};
    for (unsigned n = 0; n < r.p.budget_starts; n++) {
        feed_exit(&r, INSTANCE_EXITED, stable_crash);
        feed(&r, INSTANCE_EMPTY);
        assert_int_equal(r.i.state, INSTANCE_GATED);
        feed(&r, INSTANCE_GO);
        feed(&r, INSTANCE_SPAWNED);
        feed(&r, INSTANCE_READY);
        r.now += 20 * SEC;
    }
    feed_exit(&r, INSTANCE_EXITED, stable_crash);
    feed(&r, INSTANCE_EMPTY);
    assert_int_equal(r.i.state, INSTANCE_HELD);
    assert_int_equal(r.i.last_verdict, RESTART_BUDGET);
    assert_int_equal(r.i.restarts, 3);
    feed(&r, INSTANCE_WANT); /* nobody in particular: stays held */
    assert_int_equal(r.i.state, INSTANCE_HELD);
    want_by_hand(&r);
    assert_int_equal(r.i.state, INSTANCE_GATED);
    assert_int_equal(r.i.restarts, 0);
    assert_int_equal(r.i.history.n, 0);
    feed(&r, INSTANCE_GO);
    assert_int_equal(r.i.history.n, 0);
    assert_int_equal(r.i.restarts, 0);
}

static void a_restart_that_was_asked_for_does_not_count(void **state) {
    (void)state;
    struct rig r = rig_in(INSTANCE_STOPPING);
    want_by_hand(&r);
    assert_int_equal(r.i.state, INSTANCE_STOPPING);
    feed_exit(&r, INSTANCE_EXITED, (struct run_exit){.end = RUN_END_SIGNAL, .code = 9});
    feed(&r, INSTANCE_EMPTY);
    assert_int_equal(r.i.state, INSTANCE_GATED);
    assert_int_equal(r.i.last_verdict, RESTART_ASKED);
    feed(&r, INSTANCE_GO);
    assert_int_equal(r.i.restarts, 0);
    assert_int_equal(r.i.history.n, 0);
    /* The last word counts: stop, start, stop. */
    r = rig_in(INSTANCE_STOPPING);
    want_by_hand(&r);
    feed(&r, INSTANCE_STOP);
    feed(&r, INSTANCE_EXITED);
    feed(&r, INSTANCE_EMPTY);
    assert_int_equal(r.i.state, INSTANCE_STOPPED);
    assert_int_equal(r.i.want, INSTANCE_WANT_DOWN);
}

static void an_operators_stop_in_a_crash_is_no_crash(void **state) {
    (void)state;
    struct rig r = rig_in(INSTANCE_RUNNING);
    feed(&r, INSTANCE_EXITED);
    feed(&r, INSTANCE_STOP);
    feed(&r, INSTANCE_EMPTY);
    assert_int_equal(r.i.state, INSTANCE_STOPPED);
    assert_int_equal(r.i.last_verdict, RESTART_NOT_WANTED);
    assert_int_equal(r.i.history.unstable_runs, 0);
}

static void not_ready_in_time_is_a_failure_whatever_the_exit_code(void **state) {
    (void)state;
    struct rig r = rig_in(INSTANCE_STARTING);
    r.p.when = RESTART_POLICY_ON_FAILURE;
    r.now = r.i.deadline_usec;
    feed(&r, r.i.deadline_event);
    assert_int_equal(r.i.state, INSTANCE_STOPPING);
    feed_exit(&r, INSTANCE_EXITED, (struct run_exit){.end = RUN_END_CODE, .code = 0, .run_usec = 120 * SEC});
    feed(&r, INSTANCE_EMPTY);
    assert_true(r.i.exit.not_ready);
    assert_int_equal(r.i.state, INSTANCE_BACKOFF);
}

static void time_for_readiness_can_be_extended(void **state) {
    (void)state;
    struct rig r = rig_in(INSTANCE_STARTING);
    uint64_t due = r.i.deadline_usec;
    instance_extend(&r.i, SEC, r.now); /* never shorter */
    assert_int_equal(r.i.deadline_usec, due);
    instance_extend(&r.i, r.p.ready_usec + SEC, r.now);
    assert_int_equal(r.i.deadline_usec, due + SEC);
    instance_extend(&r.i, USEC_NEVER, r.now);
    assert_int_equal(r.i.deadline_usec, USEC_NEVER);
    r = rig_in(INSTANCE_STOPPING); /* a stop is not the app's to extend */
    due = r.i.deadline_usec;
    instance_extend(&r.i, 900 * SEC, r.now);
    assert_int_equal(r.i.deadline_usec, due);
}

static void a_watchdog_that_is_missed_stops_the_run(void **state) {
    (void)state;
    struct rig r = rig_in(INSTANCE_STARTING);
    instance_watchdog(&r.i, SEC, r.now);
    assert_int_equal(r.i.deadline_usec, r.now + r.p.ready_usec);
    r = rig_in(INSTANCE_RUNNING);
    instance_watchdog(&r.i, SEC, r.now);
    assert_int_equal(r.i.deadline_usec, r.now + SEC);
    instance_watchdog(&r.i, USEC_NEVER, r.now);
    assert_int_equal(r.i.deadline_usec, USEC_NEVER);
    instance_watchdog(&r.i, SEC, r.now);
    assert_int_equal(feed(&r, r.i.deadline_event), INSTANCE_DO_SIGNAL);
    assert_true(r.i.not_ready);
}

static void a_failed_start_waits_holds_or_stays(void **state) {
    (void)state;
    const struct run_exit failed = {.end = RUN_END_FAILED_START, .stage = 10, .code = 2};
    struct rig r = rig();
    feed(&r, INSTANCE_WANT);
    feed(&r, INSTANCE_GO);
    assert_int_equal(feed_exit(&r, INSTANCE_SPAWN_FAILED, failed),
                     INSTANCE_DO_RECORD | INSTANCE_DO_END_READY);
    assert_int_equal(r.i.state, INSTANCE_FAILED_START);
    assert_int_equal(r.i.deadline_usec, r.now + SEC);
    for (unsigned n = 0; n < r.p.budget_starts; n++) {
        assert_int_equal(r.i.state, INSTANCE_FAILED_START);
        feed(&r, INSTANCE_DELAY_OVER);
        feed(&r, INSTANCE_GO);
        feed_exit(&r, INSTANCE_SPAWN_FAILED, failed);
    }
    assert_int_equal(r.i.state, INSTANCE_HELD);
    r = rig();
    r.p.when = RESTART_POLICY_NEVER;
    feed(&r, INSTANCE_WANT);
    feed(&r, INSTANCE_GO);
    feed_exit(&r, INSTANCE_SPAWN_FAILED, failed);
    assert_int_equal(r.i.state, INSTANCE_FAILED_START);
    assert_int_equal(r.i.deadline_usec, USEC_NEVER);
    assert_int_equal(feed(&r, INSTANCE_DELAY_OVER), 0);
    assert_int_equal(r.i.state, INSTANCE_FAILED_START);
    want_by_hand(&r);
    assert_int_equal(r.i.state, INSTANCE_GATED);
}

static void a_person_cuts_the_delay_short(void **state) {
    (void)state;
    struct rig r = rig_in(INSTANCE_BACKOFF);
    want_by_hand(&r);
    assert_int_equal(r.i.state, INSTANCE_GATED);
    assert_true(r.i.manual);
    feed(&r, INSTANCE_GO);
    assert_int_equal(r.i.restarts, 0);
    assert_false(r.i.manual);
}

static void processes_are_adopted(void **state) {
    (void)state;
    struct rig r = rig();
    struct instance_args args = {.policy = &r.p, .now_usec = r.now};
    instance_adopt(&r.i, true, T0 - 50 * SEC, &args);
    assert_int_equal(r.i.state, INSTANCE_RUNNING);
    assert_int_equal(r.i.want, INSTANCE_WANT_UP);
    assert_int_equal(r.i.started_usec, T0 - 50 * SEC);
    assert_int_equal(r.i.deadline_usec, USEC_NEVER);
    feed_exit(&r, INSTANCE_EXITED, (struct run_exit){.end = RUN_END_CODE, .code = 1, .run_usec = 50 * SEC});
    feed(&r, INSTANCE_EMPTY);
    assert_int_equal(r.i.last_verdict, RESTART_NOW);
    r = rig();
    instance_adopt(&r.i, false, 0, &args);
    assert_int_equal(r.i.state, INSTANCE_STARTING);
    assert_int_equal(r.i.deadline_usec, r.now + r.p.ready_usec);
    assert_int_equal(feed(&r, INSTANCE_READY), INSTANCE_DO_END_READY);
    assert_int_equal(r.i.state, INSTANCE_RUNNING);
}

static void what_was_held_is_held_again(void **state) {
    (void)state;
    for (unsigned v = 0; v < RESTART_VERDICT_MAX; v++) {
        struct rig r = rig();
        instance_restore(&r.i, (enum restart_verdict)v, r.now);
        bool held = v == RESTART_BUDGET || v == RESTART_FORBIDDEN;
        assert_int_equal(r.i.state, held ? INSTANCE_HELD : INSTANCE_STOPPED);
        assert_int_equal(r.i.last_verdict, v);
        check_deadline(&r.i);
    }
}

static void names_go_both_ways(void **state) {
    (void)state;
    for (unsigned s = 0; s < INSTANCE_STATE_MAX; s++) {
        const char *name = instance_state_name((enum instance_state)s);
        assert_int_equal(instance_state_from_name(name), s);
    }
    assert_int_equal(instance_state_from_name("Running"), INSTANCE_STATE_INVALID);
    assert_int_equal(instance_state_from_name(""), INSTANCE_STATE_INVALID);
    assert_string_equal(instance_state_name(INSTANCE_STATE_MAX), "invalid");
    assert_string_equal(instance_state_name(INSTANCE_STATE_INVALID), "invalid");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell),
        cmocka_unit_test(random_events_keep_the_invariants),
        cmocka_unit_test(a_plain_life),
        cmocka_unit_test(a_stop_kills_and_kills_again),
        cmocka_unit_test(an_empty_group_without_an_exit_decides_nothing),
        cmocka_unit_test(a_second_exit_is_not_believed),
        cmocka_unit_test(ready_may_overtake_spawned),
        cmocka_unit_test(a_stop_before_spawned_signals_once_there_is_somebody),
        cmocka_unit_test(a_stop_before_a_failed_start_ends_stopped),
        cmocka_unit_test(a_crash_waits_then_counts),
        cmocka_unit_test(a_stable_run_is_restarted_at_once),
        cmocka_unit_test(the_budget_holds_and_a_person_frees),
        cmocka_unit_test(a_restart_that_was_asked_for_does_not_count),
        cmocka_unit_test(an_operators_stop_in_a_crash_is_no_crash),
        cmocka_unit_test(not_ready_in_time_is_a_failure_whatever_the_exit_code),
        cmocka_unit_test(time_for_readiness_can_be_extended),
        cmocka_unit_test(a_watchdog_that_is_missed_stops_the_run),
        cmocka_unit_test(a_failed_start_waits_holds_or_stays),
        cmocka_unit_test(a_person_cuts_the_delay_short),
        cmocka_unit_test(processes_are_adopted),
        cmocka_unit_test(what_was_held_is_held_again),
        cmocka_unit_test(names_go_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
