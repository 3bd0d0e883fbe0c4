/* SPDX-License-Identifier: Apache-2.0 */
/* The ways through the table that matter: starts, stops, crashes, restarts, and who asked for what. */
#include "rig.h"

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
    /* Also while it starts, and by nobody in particular. */
    r = rig_in(INSTANCE_STARTING);
    feed(&r, INSTANCE_STOP);
    feed(&r, INSTANCE_WANT);
    feed(&r, INSTANCE_EXITED);
    r.now += SEC;
    feed(&r, INSTANCE_EMPTY);
    assert_int_equal(r.i.last_verdict, RESTART_ASKED);
    assert_int_equal(r.i.state, INSTANCE_GATED);
    assert_int_equal(r.i.since_usec, r.now);
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
    r = rig(); /* nothing to extend before the process is there */
    feed(&r, INSTANCE_WANT);
    feed(&r, INSTANCE_GO);
    instance_extend(&r.i, SEC, r.now);
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
    instance_extend(&r.i, 2 * SEC, r.now); /* is for starting only */
    assert_int_equal(r.i.deadline_usec, r.now + SEC);
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
        assert_int_equal(r.i.want, v == RESTART_NOT_WANTED ? INSTANCE_WANT_DOWN : INSTANCE_WANT_UP);
        check_deadline(&r.i);
    }
}

static void only_who_asked_skips_the_decision(void **state) {
    (void)state;
    /* A want by nobody in particular while a crash is swept: the crash is decided like any other. */
    struct rig r = rig_in(INSTANCE_RUNNING);
    feed(&r, INSTANCE_EXITED);
    feed(&r, INSTANCE_WANT);
    feed(&r, INSTANCE_EMPTY);
    assert_int_equal(r.i.state, INSTANCE_BACKOFF);
    /* By a person: at once, with a new budget. */
    r = rig_in(INSTANCE_RUNNING);
    feed(&r, INSTANCE_EXITED);
    want_by_hand(&r);
    feed(&r, INSTANCE_EMPTY);
    assert_int_equal(r.i.last_verdict, RESTART_ASKED);
    /* Stopped while it crashed and wanted again, as a new generation does: asked for. */
    r = rig_in(INSTANCE_RUNNING);
    feed(&r, INSTANCE_EXITED);
    feed(&r, INSTANCE_STOP);
    feed(&r, INSTANCE_WANT);
    feed(&r, INSTANCE_EMPTY);
    assert_int_equal(r.i.last_verdict, RESTART_ASKED);
    /* ... and a person who takes the word back has not asked. */
    r = rig_in(INSTANCE_RUNNING);
    feed(&r, INSTANCE_EXITED);
    want_by_hand(&r);
    feed(&r, INSTANCE_STOP);
    assert_false(r.i.manual);
    feed(&r, INSTANCE_EMPTY);
    assert_int_equal(r.i.last_verdict, RESTART_NOT_WANTED);
}

static void a_stop_while_it_waits_leaves_nothing_behind(void **state) {
    (void)state;
    const enum instance_state waiting[] = {INSTANCE_GATED, INSTANCE_BACKOFF, INSTANCE_HELD,
                                           INSTANCE_FAILED_START};
    for (size_t n = 0; n < sizeof(waiting) / sizeof(*waiting); n++) {
        struct rig r = rig_in(waiting[n]);
        r.i.manual = r.i.automatic = true;
        r.now += SEC;
        feed(&r, INSTANCE_STOP);
        assert_int_equal(r.i.state, INSTANCE_STOPPED);
        assert_int_equal(r.i.want, INSTANCE_WANT_DOWN);
        assert_int_equal(r.i.last_verdict, RESTART_NOT_WANTED);
        assert_false(r.i.manual || r.i.automatic);
        assert_int_equal(r.i.since_usec, r.now);
    }
}

/* Wherever the end of a run leads, the state begins then. */
static void every_way_out_of_a_run_has_its_time(void **state) {
    (void)state;
    const struct {
        enum restart_when when;
        uint32_t budget;
        struct run_exit exit;
        enum instance_state next;
    } cases[] = {
        {RESTART_POLICY_ALWAYS, 3, {.end = RUN_END_CODE, .code = 1, .run_usec = SEC}, INSTANCE_BACKOFF},
        {RESTART_POLICY_ALWAYS, 3, {.end = RUN_END_CODE, .code = 1, .run_usec = 10 * SEC}, INSTANCE_GATED},
        {RESTART_POLICY_ALWAYS,
         3,
         {.end = RUN_END_CODE, .code = 1, .run_usec = 10 * SEC - 1},
         INSTANCE_BACKOFF},
        {RESTART_POLICY_ALWAYS, 0, {.end = RUN_END_CODE, .code = 1}, INSTANCE_HELD},
        {RESTART_POLICY_ON_FAILURE, 3, {.end = RUN_END_CODE, .code = 0}, INSTANCE_STOPPED},
        {RESTART_POLICY_NEVER, 3, {.end = RUN_END_CODE, .code = 1}, INSTANCE_STOPPED},
    };
    for (size_t n = 0; n < sizeof(cases) / sizeof(*cases); n++) {
        struct rig r = rig_in(INSTANCE_RUNNING);
        r.p.when = cases[n].when;
        r.p.budget_starts = cases[n].budget;
        feed_exit(&r, INSTANCE_EXITED, cases[n].exit);
        r.now += SEC;
        feed(&r, INSTANCE_EMPTY);
        assert_int_equal(r.i.state, cases[n].next);
        assert_int_equal(r.i.since_usec, r.now);
        check_deadline(&r.i);
    }
}

static void a_run_of_unknown_length_is_not_stable(void **state) {
    (void)state;
    struct rig r = rig_in(INSTANCE_RUNNING);
    r.p.stable_usec = 0;
    feed_exit(&r, INSTANCE_EXITED, (struct run_exit){.end = RUN_END_UNKNOWN});
    feed(&r, INSTANCE_EMPTY);
    assert_int_equal(r.i.state, INSTANCE_BACKOFF);
}

static void an_old_restart_no_longer_counts(void **state) {
    (void)state;
    struct rig r = rig_in(INSTANCE_RUNNING);
    r.p.budget_starts = 1;
    for (int n = 0; n < 5; n++) { /* one in each window: for ever */
        feed_exit(&r, INSTANCE_EXITED,
                  (struct run_exit){.end = RUN_END_CODE, .code = 1, .run_usec = 20 * SEC});
        feed(&r, INSTANCE_EMPTY);
        assert_int_equal(r.i.state, INSTANCE_GATED);
        feed(&r, INSTANCE_GO);
        feed(&r, INSTANCE_SPAWNED);
        feed(&r, INSTANCE_READY);
        r.now += r.p.budget_usec;
    }
    assert_int_equal(r.i.restarts, 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
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
        cmocka_unit_test(only_who_asked_skips_the_decision),
        cmocka_unit_test(a_stop_while_it_waits_leaves_nothing_behind),
        cmocka_unit_test(every_way_out_of_a_run_has_its_time),
        cmocka_unit_test(a_run_of_unknown_length_is_not_stable),
        cmocka_unit_test(an_old_restart_no_longer_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
