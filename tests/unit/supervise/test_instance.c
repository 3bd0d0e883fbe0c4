/* SPDX-License-Identifier: Apache-2.0 */
/* Walks every cell of the table against a table of its own, then random ways through it. */
#include "base/attr.h"
#include "rig.h"

#include <string.h>

#define SAME INSTANCE_STATE_MAX /* of the expectations: the event changes nothing at all */

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
        cmocka_unit_test(names_go_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
