/* SPDX-License-Identifier: Apache-2.0 */
/* Hot, cool, blame, and the limits of CPU and I/O, each exactly at its number. */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct rig rig;

static int set_up(void **state ATTR_UNUSED) {
    rig_init(&rig);
    return 0;
}

static int tear_down(void **state ATTR_UNUSED) {
    rig_free(&rig);
    return 0;
}

static void hot(uint64_t ppm) {
    rig.classes[CRITICAL].some[RES_CPU] = ppm;
}

static void test_hot_of_a_second(void **state ATTR_UNUSED) {
    rig.classes[ADHOC].cpu_milli = 2000;
    rig_ticks(&rig, 4);
    hot(15 * PERCENT);
    rig_ticks(&rig, 6);
    assert_null(rig_verdict(&rig, ACT_SQUEEZE)); /* over 8 for less than half of ten seconds' worth */
    rig_free(&rig);
    rig_init(&rig);
    rig.classes[ADHOC].cpu_milli = 2000;
    rig_ticks(&rig, 4);
    hot(15 * PERCENT + 2);
    rig_ticks(&rig, 2); /* the window of a second is full: one sample over */
    assert_null(rig_verdict(&rig, ACT_SQUEEZE));
    rig_tick(&rig);
    const struct verdict *v = rig_verdict(&rig, ACT_SQUEEZE);
    assert_non_null(v);
    assert_int_equal(v->rule, RULE_HOT_1S);
    assert_int_equal(v->class, ADHOC);
    assert_int_equal(v->amount, 1000); /* half of what it used */
    assert_int_equal(v->facts[0].kind, FACT_PRESSURE_1S);
    assert_int_equal(v->facts[0].value, 15 * PERCENT + 2);
    assert_int_equal(v->facts[0].limit, 15 * PERCENT);
    assert_int_equal(v->facts[1].kind, FACT_USE);
    assert_int_equal(v->facts[1].value, 50 * PERCENT);
    assert_int_equal(rig_target(&rig, ADHOC)->cpu_milli, 1000);
    assert_int_equal(rig_target(&rig, ADHOC)->state[RES_CPU], LADDER_SQUEEZE);
    assert_int_equal(rig_target(&rig, STANDARD)->cpu_milli, NO_LIMIT);
}

static void test_hot_of_ten_seconds(void **state ATTR_UNUSED) {
    rig.classes[ADHOC].cpu_milli = 2000;
    hot(8 * PERCENT);
    rig_ticks(&rig, 60);
    assert_int_equal(rig_target(&rig, ADHOC)->cpu_milli, NO_LIMIT);
    hot(8 * PERCENT + 200);
    const struct verdict *v = rig_until(&rig, ACT_SQUEEZE, 24);
    assert_non_null(v);
    assert_int_equal(v->rule, RULE_HOT_10S);
    assert_int_equal(v->facts[0].kind, FACT_PRESSURE_10S);
}

/* An app that runs into its own cpu.max waits, but for nobody. */
static void test_own_limit_is_no_contention(void **state ATTR_UNUSED) {
    rig.classes[ADHOC].cpu_milli = 2000;
    hot(60 * PERCENT);
    for (unsigned i = 0; i < 40; i++) {
        rig.sample.classes[CRITICAL].own_limit_usec[RES_CPU] += 46 * PERCENT / 2;
        rig_tick(&rig);
        assert_null(i < 8 ? rig_verdict(&rig, ACT_SQUEEZE) : NULL);
    }
    assert_int_equal(rig_target(&rig, ADHOC)->state[RES_CPU],
                     LADDER_SQUEEZE); /* 14 % are left, over ten seconds */
    uint64_t before = rig_target(&rig, ADHOC)->cpu_milli;
    for (unsigned i = 0; i < 40; i++) {
        rig.sample.classes[CRITICAL].own_limit_usec[RES_CPU] +=
            80 * PERCENT / 2; /* several CPUs are throttled */
        rig_tick(&rig);
    }
    assert_true(rig_target(&rig, ADHOC)->cpu_milli > before);
}

static void test_samples_setting(void **state ATTR_UNUSED) {
    rig.conf.hot_samples = 4;
    governor_configure(rig.g, &rig.conf);
    rig.classes[ADHOC].cpu_milli = 2000;
    rig_ticks(&rig, 4);
    hot(16 * PERCENT);
    rig_ticks(&rig, 4);
    assert_null(rig_verdict(&rig, ACT_SQUEEZE));
    rig_tick(&rig);
    assert_non_null(rig_verdict(&rig, ACT_SQUEEZE));
}

static void test_blame(void **state ATTR_UNUSED) {
    rig.classes[ADHOC].cpu_milli = 120; /* exactly 3 % of four CPUs */
    hot(50 * PERCENT);
    rig_ticks(&rig, 4);
    assert_null(rig_verdict(&rig, ACT_ALARM));
    const struct verdict *v = rig_until(&rig, ACT_ALARM, 10);
    assert_non_null(v);
    assert_int_equal(v->rule, RULE_SELF);
    assert_int_equal(v->class, CRITICAL);
    assert_int_equal(rig_target(&rig, ADHOC)->cpu_milli, NO_LIMIT);
    rig.classes[ADHOC].cpu_milli = 124;
    assert_non_null(rig_until(&rig, ACT_SQUEEZE, 4));
    assert_int_equal(rig_target(&rig, ADHOC)->cpu_milli, 200); /* the floor: 5 % of four CPUs */
    hot(0);
    assert_non_null(rig_until(&rig, ACT_CALM, 20));
}

static void test_steps_down_to_the_floor(void **state ATTR_UNUSED) {
    rig.classes[ADHOC].cpu_milli = 4000;
    hot(50 * PERCENT);
    assert_non_null(rig_until(&rig, ACT_SQUEEZE, 6));
    assert_int_equal(rig_target(&rig, ADHOC)->cpu_milli, 2000);
    static const uint64_t steps[] = {1000, 500, 250, 200, 200};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        rig_tick(&rig); /* one step a second, not one a tick */
        assert_null(rig_verdict(&rig, ACT_SQUEEZE));
        rig_tick(&rig);
        assert_int_equal(rig_target(&rig, ADHOC)->cpu_milli, steps[i]);
        const struct verdict *v = rig_verdict(&rig, ACT_SQUEEZE);
        assert_true(i == 4 ? v == NULL : v && !v->notable);
    }
}

static void squeeze_to_floor(void) {
    rig.classes[ADHOC].cpu_milli = 300;
    hot(50 * PERCENT);
    rig_ticks(&rig, 8);
    assert_int_equal(rig_target(&rig, ADHOC)->cpu_milli, 200);
}

static void test_cool_at_its_limit(void **state ATTR_UNUSED) {
    squeeze_to_floor();
    rig.classes[CRITICAL].cpu_milli = 1000;
    rig.classes[ADHOC].cpu_milli = 200;
    hot(5 * PERCENT);
    rig_ticks(&rig, 60);
    assert_int_equal(rig_target(&rig, ADHOC)->cpu_milli, 200);
    hot(5 * PERCENT - 2);
    rig_ticks(&rig, 10); /* the first of them is below already, and five seconds */
    assert_int_equal(rig_target(&rig, ADHOC)->cpu_milli, 200);
    rig_tick(&rig);
    assert_int_equal(rig_target(&rig, ADHOC)->cpu_milli, 600);
    rig_ticks(&rig, 2);
    assert_int_equal(rig_target(&rig, ADHOC)->cpu_milli, 1000);
}

static void test_opens_at_the_ceiling(void **state ATTR_UNUSED) {
    squeeze_to_floor();
    rig.classes[CRITICAL].cpu_milli = 1000;
    rig.classes[ADHOC].cpu_milli = 1000;
    hot(0);
    /* 200 to 3400 (what is left, and a step) in eight steps, and three seconds. */
    rig_ticks(&rig, 12 + 2 * 7);
    assert_int_equal(rig_target(&rig, ADHOC)->cpu_milli, 3400);
    rig_ticks(&rig, 5);
    assert_int_equal(rig_target(&rig, ADHOC)->state[RES_CPU], LADDER_SQUEEZE);
    rig_tick(&rig);
    assert_non_null(rig_rule(&rig, ACT_OPEN, RULE_CEILING));
    assert_int_equal(rig_target(&rig, ADHOC)->cpu_milli, NO_LIMIT);
}

static void test_hog_gone(void **state ATTR_UNUSED) {
    squeeze_to_floor();
    rig.classes[ADHOC].cpu_milli = 90; /* under 3 %, under half its limit */
    rig.classes[CRITICAL].cpu_milli = 1000;
    hot(0);
    assert_non_null(rig_until(&rig, ACT_OPEN, 13));
    assert_non_null(rig_rule(&rig, ACT_OPEN, RULE_HOG_GONE));
}

static void test_relapse_takes_longer(void **state ATTR_UNUSED) {
    squeeze_to_floor();
    rig.classes[ADHOC].cpu_milli = 200;
    rig.classes[CRITICAL].cpu_milli = 1000;
    hot(0);
    unsigned spans[2];
    for (unsigned i = 0; i < 2; i++) {
        spans[i] = 0;
        while (!rig_verdict(&rig, ACT_EASE)) {
            rig_tick(&rig);
            assert_true(++spans[i] < 60);
        }
        rig.classes[ADHOC].cpu_milli = 600;
        hot(50 * PERCENT);
        rig_ticks(&rig, 4);
        rig.classes[ADHOC].cpu_milli = 200;
        hot(0);
    }
    assert_int_equal(spans[0], 12);
    assert_int_equal(spans[1], 22); /* ten seconds in place of five */
}

static void test_middle_class(void **state ATTR_UNUSED) {
    rig.classes[STANDARD].cpu_milli = 2000;
    rig.classes[ADHOC].cpu_milli = 300;
    hot(50 * PERCENT);
    assert_non_null(rig_until(&rig, ACT_SQUEEZE, 6));
    assert_int_equal(rig_target(&rig, ADHOC)->cpu_milli, 200);
    unsigned ticks = 0;
    while (rig_target(&rig, STANDARD)->cpu_milli == NO_LIMIT) {
        rig_tick(&rig);
        assert_true(++ticks <= 10);
    }
    assert_int_equal(ticks, 10); /* hot for five seconds */
    assert_int_equal(rig_target(&rig, STANDARD)->cpu_milli, 1000);
    rig_ticks(&rig, 10);
    assert_int_equal(rig_target(&rig, STANDARD)->cpu_milli, 800); /* 20 % */
    /* Back in the other order: the higher class first. */
    rig.classes[STANDARD].cpu_milli = 800;
    rig.classes[ADHOC].cpu_milli = 200;
    rig.classes[CRITICAL].cpu_milli = 100;
    hot(0);
    const struct verdict *v = rig_until(&rig, ACT_EASE, 20);
    assert_non_null(v);
    assert_int_equal(v->class, STANDARD);
    assert_int_equal(rig_target(&rig, ADHOC)->cpu_milli, 200);
}

static void test_io_writes_then_reads(void **state ATTR_UNUSED) {
    rig.classes[CRITICAL].io[IO_WBYTES] = MIB;
    rig.classes[CRITICAL].io[IO_WOPS] = 100;
    rig.classes[ADHOC].io[IO_WBYTES] = 100 * MIB;
    rig.classes[ADHOC].io[IO_WOPS] = 400;
    rig.classes[ADHOC].io[IO_RBYTES] = 50 * MIB;
    rig.classes[ADHOC].io[IO_ROPS] = 400;
    rig.classes[CRITICAL].some[RES_IO] = 40 * PERCENT;
    rig_ticks(&rig, 4);
    assert_int_equal(rig_target(&rig, ADHOC)->io[0][IO_WBYTES], NO_LIMIT);
    rig.classes[CRITICAL].some[RES_IO] = 70 * PERCENT;
    const struct verdict *v = rig_until(&rig, ACT_SQUEEZE, 6);
    assert_non_null(v);
    assert_int_equal(v->resource, RES_IO);
    const struct class_target *t = rig_target(&rig, ADHOC);
    assert_int_equal(t->io[0][IO_WBYTES], 50 * MIB);
    assert_int_equal(t->io[0][IO_WOPS], 200);
    assert_int_equal(t->io[0][IO_RBYTES], NO_LIMIT);
    assert_int_equal(t->io[1][IO_WBYTES], NO_LIMIT);
    rig_ticks(&rig, 2 * 5); /* 25, 12.5, 6.25, 3.1, 2 % of 101 MiB */
    assert_in_range(rig_target(&rig, ADHOC)->io[0][IO_WBYTES], 101 * MIB / 50 - 64 * 1024, 101 * MIB / 50);
    assert_int_equal(rig_target(&rig, ADHOC)->io[0][IO_RBYTES], NO_LIMIT);
    rig_ticks(&rig, 2 * 6);
    assert_true(rig_target(&rig, ADHOC)->io[0][IO_RBYTES] <= 25 * MIB);
    rig_leaf(&rig, ADHOC);
    rig.classes[CRITICAL].some[RES_IO] = 0;
    rig.classes[ADHOC] = (struct rig_class){0};
    v = rig_until(&rig, ACT_OPEN, 24);
    assert_non_null(v);
    assert_int_equal(v->rule, RULE_HOG_GONE);
    assert_int_equal(rig_target(&rig, ADHOC)->io[0][IO_WBYTES], NO_LIMIT);
}

static void test_io_baseline(void **state ATTR_UNUSED) {
    rig.classes[CRITICAL].io[IO_WBYTES] = MIB;
    rig.classes[CRITICAL].some[RES_IO] = 30 * PERCENT; /* it waits for its own disk */
    rig.conf.hot_10s[RES_IO] = 39 * PERCENT;
    governor_configure(rig.g, &rig.conf);
    rig_ticks(&rig, 4 * 600); /* four time constants */
    struct governor_view view;
    governor_view(rig.g, RES_IO, &view);
    assert_in_range(view.baseline, 29 * PERCENT, 30 * PERCENT);
    rig.classes[ADHOC].io[IO_WBYTES] = 100 * MIB;
    rig.classes[CRITICAL].some[RES_IO] = view.baseline + 40 * PERCENT - 4; /* it moved a little since */
    rig_ticks(&rig, 6);
    assert_int_equal(rig_target(&rig, ADHOC)->io[0][IO_WBYTES], NO_LIMIT);
    rig.classes[CRITICAL].some[RES_IO] = view.baseline + 40 * PERCENT + 40;
    assert_non_null(rig_until(&rig, ACT_SQUEEZE, 6));
}

/* Another disk in the slot: its limits were another disk's. */
static void test_disk_replaced(void **state ATTR_UNUSED) {
    rig.classes[CRITICAL].io[IO_WBYTES] = MIB;
    rig.classes[ADHOC].io[IO_WBYTES] = 100 * MIB;
    rig.classes[CRITICAL].some[RES_IO] = 70 * PERCENT;
    assert_non_null(rig_until(&rig, ACT_SQUEEZE, 6));
    rig.sample.devices[0].minor = 16;
    for (unsigned c = 0; c < 3; c++)
        memset(rig.sample.classes[c].io[0], 0, sizeof(rig.sample.classes[c].io[0]));
    rig_tick(&rig);
    assert_int_equal(rig_target(&rig, ADHOC)->io[0][IO_WBYTES], NO_LIMIT);
    rig_ticks(&rig, 6);
    assert_true(rig_target(&rig, ADHOC)->io[0][IO_WBYTES] != NO_LIMIT);
}

static void report(int32_t slack) {
    rig.sample.classes[CRITICAL].slack_ppm = slack;
    rig.sample.classes[CRITICAL].slack_reports++;
}

static void test_lag(void **state ATTR_UNUSED) {
    rig.classes[ADHOC].cpu_milli = 2000;
    rig_ticks(&rig, 4);
    for (unsigned i = 0; i < 4; i++) {
        report(5 * PERCENT);
        rig_tick(&rig);
        assert_null(rig_verdict(&rig, ACT_SQUEEZE));
    }
    report(5 * PERCENT - 1);
    rig_ticks(&rig, 6); /* one report, seen often */
    assert_int_equal(rig_target(&rig, ADHOC)->cpu_milli, NO_LIMIT);
    report(5 * PERCENT - 1);
    rig_tick(&rig);
    assert_non_null(rig_rule(&rig, ACT_SQUEEZE, RULE_LAG));
    /* Neither late nor in time: nothing is given back. */
    report(20 * PERCENT);
    rig_ticks(&rig, 40);
    assert_int_equal(rig_target(&rig, ADHOC)->cpu_milli, 1000);
    report(20 * PERCENT + 1);
    assert_non_null(rig_until(&rig, ACT_EASE, 12));
}

static void test_stale_lag(void **state ATTR_UNUSED) {
    rig.classes[ADHOC].cpu_milli = 2000;
    rig_ticks(&rig, 4);
    report(0);
    rig_tick(&rig);
    report(0);
    rig_tick(&rig);
    assert_non_null(rig_rule(&rig, ACT_SQUEEZE, RULE_LAG));
    /* No report for thirty seconds: there is no lag signal, so the pressure alone decides. */
    assert_non_null(rig_until(&rig, ACT_EASE, 60 + 14));
}

static void test_latency_profile(void **state ATTR_UNUSED) {
    rig.conf.profile = GOVERNOR_LATENCY;
    governor_configure(rig.g, &rig.conf);
    rig.classes[CRITICAL].cpu_milli = 1000;
    rig.classes[STANDARD].cpu_milli = 500;
    rig_ticks(&rig, 4);
    assert_int_equal(rig_target(&rig, ADHOC)->cpu_milli, 1700); /* 80 % of 4, less 1.5 */
    rig.classes[CRITICAL].cpu_milli = 1039;
    rig_ticks(&rig, 10);
    assert_int_equal(rig_target(&rig, ADHOC)->cpu_milli,
                     1700); /* less than 1 % of four CPUs: not worth a write */
    rig.classes[CRITICAL].cpu_milli = 1040;
    rig_ticks(&rig, 4);
    assert_int_equal(rig_target(&rig, ADHOC)->cpu_milli, 1660);
    rig.classes[CRITICAL].cpu_milli = 3900;
    rig_ticks(&rig, 4);
    assert_int_equal(rig_target(&rig, ADHOC)->cpu_milli, 200);
    assert_int_equal(rig_target(&rig, ADHOC)->state[RES_CPU], LADDER_OPEN);
    rig.conf.profile = GOVERNOR_WORK_CONSERVING;
    governor_configure(rig.g, &rig.conf);
    rig_tick(&rig);
    assert_int_equal(rig_target(&rig, ADHOC)->cpu_milli, NO_LIMIT);
}

static void test_inversion(void **state ATTR_UNUSED) {
    rig.classes[CRITICAL].some[RES_IO] = 90 * PERCENT;
    rig.classes[CRITICAL].cpu_milli = 3840;
    rig.classes[ADHOC].full[RES_CPU] = 90 * PERCENT;
    rig_ticks(&rig, 20);
    assert_int_equal(rig_target(&rig, ADHOC)->lift_weight, 0);
    rig.classes[ADHOC].full[RES_CPU] = 90 * PERCENT + 2;
    assert_non_null(rig_until(&rig, ACT_LIFT, 12));
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(rig_target(&rig, ADHOC)->lift_weight, 10);
        rig_tick(&rig);
    }
    assert_non_null(rig_verdict(&rig, ACT_UNLIFT)); /* two seconds */
    assert_int_equal(rig_target(&rig, ADHOC)->lift_weight, 0);
    rig_ticks(&rig, 19);
    assert_int_equal(rig_target(&rig, ADHOC)->lift_weight, 0);
    rig_tick(&rig);
    assert_int_equal(rig_target(&rig, ADHOC)->lift_weight, 10); /* again after ten */
    rig.classes[CRITICAL].cpu_milli = 3800;                     /* exactly 95 % is not over it */
    rig_ticks(&rig, 60);
    assert_int_equal(rig_target(&rig, ADHOC)->lift_weight, 0);
}

static void test_protect_setting(void **state ATTR_UNUSED) {
    struct governor *none = NULL;
    memcpy(rig.conf.protect, "batch", 6);
    assert_int_equal(governor_new(&rig.conf, &rig.setup, &none), -ENOENT);
    assert_null(none);
    memcpy(rig.conf.protect, "standard", 9);
    rig_start(&rig);
    rig.classes[STANDARD].cpu_milli = 2000;
    rig.classes[STANDARD].some[RES_CPU] = 50 * PERCENT;
    rig.classes[ADHOC].cpu_milli = 1000;
    const struct verdict *v = rig_until(&rig, ACT_SQUEEZE, 6);
    assert_non_null(v);
    assert_int_equal(v->class, ADHOC);
    assert_int_equal(v->for_class, STANDARD);
    rig_ticks(&rig, 60);
    assert_int_equal(rig_target(&rig, STANDARD)->cpu_milli, NO_LIMIT);
}

static void test_one_class(void **state ATTR_UNUSED) {
    rig.setup.n_classes = rig.sample.n_classes = 1;
    rig_start(&rig);
    hot(90 * PERCENT);
    rig.sample.memory_available = 0;
    rig_ticks(&rig, 20);
    assert_int_equal(rig_target(&rig, CRITICAL)->cpu_milli, NO_LIMIT);
    rig.setup.n_classes = 0;
    struct governor *none = NULL;
    assert_int_equal(governor_new(&rig.conf, &rig.setup, &none), -EINVAL);
    rig.setup.n_classes = 1;
    rig.setup.leaves_max = 0;
    assert_int_equal(governor_new(&rig.conf, &rig.setup, &none), -EINVAL);
}

static void test_ignored_samples(void **state ATTR_UNUSED) {
    rig.sample.n_classes = 2;
    const struct governor_answer *a = governor_tick(rig.g, &rig.sample);
    assert_true(a->ignored);
    assert_int_equal(a->classes[ADHOC].cpu_milli, NO_LIMIT); /* targets hold from the beginning */
    rig.sample.n_classes = 3;
    squeeze_to_floor();
    rig.sample.now_usec += 199999;
    a = governor_tick(rig.g, &rig.sample);
    assert_true(a->ignored);
    assert_int_equal(a->n_verdicts, 0);
    assert_int_equal(a->classes[ADHOC].cpu_milli, 200);
    rig.sample.now_usec++;
    assert_false(governor_tick(rig.g, &rig.sample)->ignored);
}

static void test_release(void **state ATTR_UNUSED) {
    squeeze_to_floor();
    rig.a = governor_release(rig.g, rig.sample.now_usec);
    assert_non_null(rig_rule(&rig, ACT_OPEN, RULE_RELEASE));
    assert_int_equal(rig_target(&rig, ADHOC)->cpu_milli, NO_LIMIT);
    rig.a = governor_release(rig.g, rig.sample.now_usec);
    assert_int_equal(rig.a->n_verdicts, 0);
}

static void test_blind(void **state ATTR_UNUSED) {
    rig.sample.classes[CRITICAL].some_usec[RES_CPU] = READING_NONE;
    rig.classes[CRITICAL].some[RES_CPU] = 0;
    for (unsigned i = 0; i < 9; i++) {
        rig_tick(&rig);
        assert_null(rig_rule(&rig, ACT_ALARM, RULE_BLIND));
    }
    const struct verdict *v = rig_until(&rig, ACT_ALARM, 3);
    assert_non_null(v);
    assert_int_equal(v->rule, RULE_BLIND);
    assert_int_equal(v->resource, RES_CPU);
    assert_null(rig_until(&rig, ACT_ALARM, 20)); /* once */
    rig.sample.classes[CRITICAL].some_usec[RES_CPU] = 0;
    assert_non_null(rig_until(&rig, ACT_CALM, 4));
}

#define RIG(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void) {
    static const struct CMUnitTest tests[] = {
        RIG(hot_of_a_second),
        RIG(hot_of_ten_seconds),
        RIG(own_limit_is_no_contention),
        RIG(samples_setting),
        RIG(blame),
        RIG(steps_down_to_the_floor),
        RIG(cool_at_its_limit),
        RIG(opens_at_the_ceiling),
        RIG(hog_gone),
        RIG(relapse_takes_longer),
        RIG(middle_class),
        RIG(io_writes_then_reads),
        RIG(io_baseline),
        RIG(disk_replaced),
        RIG(lag),
        RIG(stale_lag),
        RIG(latency_profile),
        RIG(inversion),
        RIG(protect_setting),
        RIG(one_class),
        RIG(ignored_samples),
        RIG(release),
        RIG(blind),
    };
    return cmocka_run_group_tests_name("squeeze", tests, NULL, NULL);
}
