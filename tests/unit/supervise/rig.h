/* SPDX-License-Identifier: Apache-2.0 */
/* An instance with its policy, its clock, and the hand that feeds it. */
#ifndef TEST_RIG_H
#define TEST_RIG_H

#include "base/clock.h"
#include "supervise/instance.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SEC USEC_PER_SEC
#define T0  (1000 * SEC)

static inline struct restart_policy policy(void) {
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

struct rig {
    struct instance i;
    struct restart_policy p;
    uint64_t now;
};
static inline struct rig rig(void) {
    struct rig r = {.p = policy(), .now = T0};
    instance_init(&r.i, T0);
    return r;
}

static inline unsigned feed_exit(struct rig *r, enum instance_event event, struct run_exit exit) {
    struct instance_args args = {.exit = &exit, .policy = &r->p, .now_usec = r->now};
    return instance_feed(&r->i, event, &args);
}

static inline unsigned feed(struct rig *r, enum instance_event event) {
    return feed_exit(r, event, (struct run_exit){.end = RUN_END_CODE, .code = 1, .run_usec = SEC});
}

static inline void want_by_hand(struct rig *r) {
    instance_feed(&r->i, INSTANCE_WANT,
                  &(struct instance_args){.policy = &r->p, .now_usec = r->now, .manual = true});
}

/* A rig in the given state, reached by the shortest way. */
static inline struct rig rig_in(enum instance_state state) {
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

/* After any event the deadline fits the state: nothing waits for ever by mistake, nothing fires in the wrong
 * state. */
static inline void check_deadline(const struct instance *i) {
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

#endif
