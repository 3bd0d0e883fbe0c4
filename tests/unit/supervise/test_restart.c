/* SPDX-License-Identifier: Apache-2.0 */
/* The restart rules: their order, their limits, and what must hold whatever happens. */
#include "base/attr.h"
#include "base/clock.h"
#include "streamkeeper/wire.h"
#include "supervise/restart.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SEC USEC_PER_SEC
#define NOW (5000 * SEC)

static struct restart_policy policy(void) {
    struct restart_policy p = {.when = RESTART_POLICY_ALWAYS,
                               .delay_usec = SEC,
                               .delay_max_usec = 300 * SEC,
                               .budget_starts = 10,
                               .budget_usec = 600 * SEC,
                               .stable_usec = 10 * SEC};
    p.success[0] = 1;                               /* 0 */
    p.success[143 / 64] |= UINT64_C(1) << 143 % 64; /* SIGTERM */
    p.no_restart[78 / 64] |= UINT64_C(1) << 78 % 64;
    return p;
}

static const struct run_exit crash = {.end = RUN_END_CODE, .code = 1};
static const struct run_exit done = {.end = RUN_END_CODE, .code = 0};
static const struct run_exit terminated = {.end = RUN_END_SIGNAL, .code = SIGTERM};
static const struct run_exit killed = {.end = RUN_END_SIGNAL, .code = SIGKILL};
static const struct run_exit forbidden = {.end = RUN_END_CODE, .code = 78};
static const struct run_exit unknown = {.end = RUN_END_UNKNOWN};
static const struct run_exit no_start = {.end = RUN_END_FAILED_START, .code = ENOENT, .stage = SK_STAGE_EXEC};

static void rules_come_in_order(void **state) {
    (void)state;
    enum {
        ALWAYS = RESTART_POLICY_ALWAYS,
        FAILURE = RESTART_POLICY_ON_FAILURE,
        NEVER = RESTART_POLICY_NEVER
    };
    const struct {
        const struct run_exit *exit;
        int when;
        bool wanted, stable, spent;
        enum restart_verdict verdict;
    } cases[] = {
        {&forbidden, ALWAYS, false, true, true, RESTART_NOT_WANTED},
        {&forbidden, NEVER, true, true, true, RESTART_FORBIDDEN},
        {&done, FAILURE, true, true, true, RESTART_DONE},
        {&done, NEVER, true, true, true, RESTART_DONE},
        {&terminated, FAILURE, true, true, false, RESTART_DONE},
        {&killed, NEVER, true, true, true, RESTART_NEVER},
        {&no_start, NEVER, true, false, false, RESTART_NEVER},
        {&killed, FAILURE, true, true, true, RESTART_BUDGET},
        {&done, ALWAYS, true, true, true, RESTART_BUDGET},
        {&killed, FAILURE, true, true, false, RESTART_NOW},
        {&unknown, FAILURE, true, true, false, RESTART_NOW},
        {&done, ALWAYS, true, true, false, RESTART_NOW},
        {&crash, ALWAYS, true, false, false, RESTART_DELAYED},
        {&unknown, FAILURE, true, false, false, RESTART_DELAYED},
        {&no_start, FAILURE, true, false, false, RESTART_DELAYED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct restart_policy p = policy();
        p.when = (enum restart_when)cases[i].when;
        if (cases[i].spent)
            p.budget_starts = 0;
        struct restart_history h = {0};
        struct restart_decision d =
            restart_decide(&p, &h, cases[i].exit, cases[i].wanted, cases[i].stable, NOW, 0);
        if (d.verdict != cases[i].verdict)
            fail_msg("case %zu: %s", i, restart_verdict_name(d.verdict));
        assert_int_equal(d.delay_usec, d.verdict == RESTART_DELAYED ? SEC : 0);
    }
}

static void a_stage_or_an_unknown_end_never_matches_an_exit_code(void **state) {
    (void)state;
    struct restart_policy p = policy();
    memset(p.success, 0xff, sizeof(p.success));
    assert_true(run_exit_is_success(&p, &crash));
    assert_true(run_exit_is_success(&p, &killed));
    assert_false(run_exit_is_success(&p, &no_start));
    assert_false(run_exit_is_success(&p, &unknown));
    assert_false(run_exit_is_success(&p, &(struct run_exit){.end = RUN_END_CODE, .code = 256}));
    assert_false(
        run_exit_is_success(&p, &(struct run_exit){.end = RUN_END_SIGNAL, .code = UINT32_MAX - 127 + 256}));
    assert_false(
        run_exit_is_success(&p, &(struct run_exit){.end = RUN_END_CODE, .code = 0, .not_ready = true}));
    struct restart_history h = {0};
    memset(p.no_restart, 0xff, sizeof(p.no_restart));
    assert_int_equal(restart_decide(&p, &h, &no_start, true, false, NOW, 0).verdict, RESTART_DELAYED);
    assert_int_equal(restart_decide(&p, &h, &unknown, true, false, NOW, 0).verdict, RESTART_DELAYED);
}

static uint64_t delay_at(const struct restart_policy *p, uint32_t runs, uint64_t jitter) {
    struct restart_history h = {.unstable_runs = runs};
    struct restart_decision d = restart_decide(p, &h, &crash, true, false, NOW, jitter);
    assert_int_equal(d.verdict, RESTART_DELAYED);
    return d.delay_usec;
}

static void the_delay_doubles_up_to_its_cap(void **state) {
    (void)state;
    struct restart_policy p = policy();
    const uint64_t want[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300};
    for (uint32_t i = 0; i < ARRAY_LEN(want); i++)
        assert_int_equal(delay_at(&p, i, 0), want[i] * SEC);
    assert_int_equal(delay_at(&p, UINT32_MAX, 0), 300 * SEC);
    p.delay_usec = 0;
    assert_int_equal(delay_at(&p, UINT32_MAX, 99), 0);
    p.delay_usec = 400 * SEC; /* above its own cap */
    assert_int_equal(delay_at(&p, 0, 0), 300 * SEC);
    p.delay_usec = 3;
    p.delay_max_usec = UINT64_MAX; /* "infinity": no wrap */
    uint64_t before = 0;
    for (uint32_t i = 0; i < 70; i++) {
        uint64_t delay = delay_at(&p, i, 0);
        assert_true(delay > before || delay == UINT64_MAX);
        before = delay;
    }
    assert_int_equal(before, UINT64_MAX);
}

static uint64_t next_random(uint64_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void jitter_takes_at_most_a_tenth_and_spreads(void **state) {
    (void)state;
    struct restart_policy p = policy();
    uint64_t seed = 4711, least = UINT64_MAX, most = 0;
    for (int i = 0; i < 20000; i++) {
        uint64_t delay = delay_at(&p, 4, next_random(&seed));
        assert_true(delay >= 16 * SEC - 16 * SEC / 10 && delay <= 16 * SEC);
        least = MIN(least, delay);
        most = MAX(most, delay);
    }
    assert_true(least < 16 * SEC * 91 / 100);
    assert_true(most > 16 * SEC * 99 / 100);
}

static void the_budget_is_never_exceeded_in_any_window(void **state) {
    (void)state;
    uint64_t seed = 12345;
    for (int round = 0; round < 200; round++) {
        struct restart_policy p = policy();
        p.budget_starts = (uint32_t)(next_random(&seed) % (RESTART_HISTORY_MAX + 2));
        p.budget_usec = next_random(&seed) % (100 * SEC);
        struct restart_history h = {0};
        uint64_t starts[1000], now = NOW;
        size_t n = 0;
        for (int step = 0; step < 1000; step++) {
            now += next_random(&seed) % (3 * SEC);
            bool stable = next_random(&seed) % 2;
            struct restart_decision d = restart_decide(&p, &h, &crash, true, stable, now, next_random(&seed));
            restart_note_run(&h, stable);
            if (d.verdict == RESTART_BUDGET)
                continue;
            now += d.delay_usec % (5 * SEC);
            restart_note_start(&h, now);
            starts[n++] = now;
            uint32_t limit = MIN(p.budget_starts, RESTART_HISTORY_MAX);
            assert_true(limit > 0);
            if (n > limit)
                assert_true(now - starts[n - 1 - limit] >= p.budget_usec);
        }
        if (p.budget_starts > 0)
            assert_true(n > 0);
    }
}

static void the_budget_comes_back_when_the_window_has_passed(void **state) {
    (void)state;
    struct restart_policy p = policy();
    p.budget_starts = 2;
    struct restart_history h = {0};
    restart_note_start(&h, NOW);
    restart_note_start(&h, NOW + SEC);
    assert_int_equal(restart_decide(&p, &h, &crash, true, true, NOW + 600 * SEC - 1, 0).verdict,
                     RESTART_BUDGET);
    assert_int_equal(restart_decide(&p, &h, &crash, true, true, NOW + 600 * SEC, 0).verdict, RESTART_NOW);
    restart_forget(&h);
    assert_int_equal(restart_decide(&p, &h, &crash, true, true, NOW + SEC, 0).verdict, RESTART_NOW);
    assert_int_equal(h.unstable_runs, 0);
}

static void a_stable_run_begins_anew(void **state) {
    (void)state;
    struct restart_history h = {0};
    restart_note_run(&h, false);
    restart_note_run(&h, false);
    assert_int_equal(h.unstable_runs, 2);
    restart_note_run(&h, true);
    assert_int_equal(h.unstable_runs, 0);
    h.unstable_runs = UINT32_MAX;
    restart_note_run(&h, false);
    assert_int_equal(h.unstable_runs, UINT32_MAX);
}

static void an_unwanted_instance_never_restarts(void **state) {
    (void)state;
    uint64_t seed = 99;
    for (int i = 0; i < 20000; i++) {
        struct restart_policy p = policy();
        p.when = (enum restart_when)(next_random(&seed) % 3);
        struct restart_history h = {.unstable_runs = (uint32_t)next_random(&seed)};
        struct run_exit exit = {.end = (enum run_end)(next_random(&seed) % RUN_END_MAX),
                                .code = (uint32_t)(next_random(&seed) % 256)};
        assert_int_equal(
            restart_decide(&p, &h, &exit, false, next_random(&seed) % 2, NOW, next_random(&seed)).verdict,
            RESTART_NOT_WANTED);
    }
}

static void exits_in_words(void **state) {
    (void)state;
    const struct {
        struct run_exit exit;
        const char *text;
    } cases[] = {
        {{.end = RUN_END_CODE, .code = 1}, "exit code 1"},
        {{.end = RUN_END_CODE, .code = 3, .oom_killed = true}, "exit code 3 (out of memory in its group)"},
        {{.end = RUN_END_SIGNAL, .code = SIGKILL}, "killed by SIGKILL"},
        {{.end = RUN_END_SIGNAL, .code = SIGKILL, .oom_killed = true}, "killed by SIGKILL (out of memory)"},
        {{.end = RUN_END_SIGNAL, .code = SIGSEGV, .dumped = true}, "killed by SIGSEGV (core dumped)"},
        {{.end = RUN_END_SIGNAL, .code = 45}, "killed by signal 45"},
        {{.end = RUN_END_UNKNOWN}, "ended, how is unknown"},
        {{.end = RUN_END_FAILED_START, .code = ENOENT, .stage = SK_STAGE_EXEC},
         "exec: No such file or directory"},
        {{.end = RUN_END_FAILED_START, .code = 99999, .stage = SK_STAGE_EXEC}, "exec: unknown error"},
        {{.end = RUN_END_CODE, .code = 143, .not_ready = true}, "not ready in time, then exit code 143"},
        {{.end = RUN_END_SIGNAL, .code = SIGTERM, .not_ready = true},
         "not ready in time, then killed by SIGTERM"},
    };
    char buf[128];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(run_exit_text(&cases[i].exit, buf, sizeof(buf)), cases[i].text);
    char small[8];
    assert_string_equal(run_exit_text(&crash, small, sizeof(small)), "exit co");
}

static void every_verdict_has_words(void **state) {
    (void)state;
    for (unsigned v = 0; v < RESTART_VERDICT_MAX; v++) {
        assert_non_null(restart_verdict_name((enum restart_verdict)v));
        for (unsigned other = 0; other < v; other++)
            assert_string_not_equal(restart_verdict_name((enum restart_verdict)v),
                                    restart_verdict_name((enum restart_verdict)other));
    }
    assert_string_equal(restart_verdict_name(RESTART_VERDICT_MAX), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_come_in_order),
        cmocka_unit_test(a_stage_or_an_unknown_end_never_matches_an_exit_code),
        cmocka_unit_test(the_delay_doubles_up_to_its_cap),
        cmocka_unit_test(jitter_takes_at_most_a_tenth_and_spreads),
        cmocka_unit_test(the_budget_is_never_exceeded_in_any_window),
        cmocka_unit_test(the_budget_comes_back_when_the_window_has_passed),
        cmocka_unit_test(a_stable_run_begins_anew),
        cmocka_unit_test(an_unwanted_instance_never_restarts),
        cmocka_unit_test(exits_in_words),
        cmocka_unit_test(every_verdict_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
