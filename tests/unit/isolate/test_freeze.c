/* SPDX-License-Identifier: Apache-2.0 */
/* Freezing, thawing and evicting, and the memory ladder with its kill rules, each exactly at its number. */
#include "rig.h"

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

/* At the floor and hot: three seconds later somebody is frozen. Returns the ticks since the floor. */
static unsigned freeze_first(void) {
    unsigned ticks = 0;
    rig.classes[ADHOC].cpu_milli = 300;
    hot(50 * PERCENT);
    while (rig_target(&rig, ADHOC)->cpu_milli != 200)
        rig_tick(&rig);
    for (; !rig_verdict(&rig, ACT_FREEZE); ticks++) {
        rig_tick(&rig);
        assert_true(ticks < 30);
    }
    return ticks;
}

static void test_biggest_first(void **state ATTR_UNUSED) {
    for (unsigned i = 0; i < 8; i++) {
        rig_leaf(&rig, ADHOC)->started_usec = i;
        rig.leaf_rates[i].cpu_milli = i == 5 ? 100 : 10;
    }
    rig_leaf(&rig, STANDARD);
    rig.leaf_rates[8].cpu_milli = 3000;
    rig_leaf(&rig, ADHOC); /* uses nothing */
    rig_tick(&rig);
    assert_int_equal(freeze_first(), 8); /* a second for the step to the floor, and three */
    const struct verdict *v = rig_verdict(&rig, ACT_FREEZE);
    assert_int_equal(v->leaf, 6);
    assert_int_equal(v->amount, 10 * SECOND);
    assert_int_equal(rig_target(&rig, ADHOC)->state[RES_CPU], LADDER_FROZEN);
    assert_true(rig_target(&rig, ADHOC)->hold_starts);
    assert_int_equal(governor_leaf(rig.g, 6), LEAF_FROZEN);
    rig_ticks(&rig, 2); /* then two, the newest of equals first; then four */
    assert_int_equal(rig.a->n_verdicts, 2);
    assert_int_equal(rig.a->verdicts[0].leaf, 8);
    assert_int_equal(rig.a->verdicts[1].leaf, 7);
    rig_ticks(&rig, 2);
    assert_int_equal(rig.a->n_verdicts, 4);
    rig_ticks(&rig, 2);
    assert_int_equal(rig.a->n_verdicts, 1); /* and none that uses nothing */
    assert_int_equal(rig.a->verdicts[0].leaf, 1);
}

static void test_holds_double(void **state ATTR_UNUSED) {
    static const uint64_t holds[2][4] = {{10, 20, 40, 0}, {10, 20, 20, 20}};
    for (unsigned member = 0; member < 2; member++) {
        rig_free(&rig);
        rig_init(&rig);
        rig_leaf(&rig, ADHOC)->member = member;
        rig.leaf_rates[0].cpu_milli = 200;
        rig.classes[CRITICAL].cpu_milli = 1000;
        rig_tick(&rig);
        freeze_first();
        for (unsigned i = 0; i < 4 && holds[member][i]; i++) {
            assert_int_equal(rig_verdict(&rig, ACT_FREEZE)->amount, holds[member][i] * SECOND);
            hot(0); /* it helps */
            rig.leaf_rates[0].cpu_milli = 0;
            unsigned ticks = 0;
            while (!rig_verdict(&rig, ACT_THAW)) {
                rig_tick(&rig);
                ticks++;
            }
            assert_int_equal(ticks, holds[member][i] * 2);
            assert_int_equal(rig_verdict(&rig, ACT_THAW)->rule, RULE_HOLD_OVER);
            hot(50 * PERCENT);
            rig.leaf_rates[0].cpu_milli = 200;
            bool again = i + 1 < 4 && holds[member][i + 1];
            if (again)
                assert_non_null(rig_until(&rig, ACT_FREEZE, 24));
        }
        /* More than a minute of five: evicted in place of frozen. */
        const struct verdict *v = rig_until(&rig, ACT_STOP, 24);
        assert_non_null(v);
        assert_int_equal(v->rule, RULE_FROZEN_LONG);
        assert_true(v->facts[0].value > 60 * SECOND);
        assert_int_equal(rig_target(&rig, ADHOC)->state[RES_CPU], LADDER_EVICT);
        assert_int_equal(governor_leaf(rig.g, 1), LEAF_STOPPING);
        for (unsigned i = 0; i < 19; i++) {
            rig_tick(&rig);
            assert_null(rig_verdict(&rig, ACT_KILL));
        }
        rig_tick(&rig);
        assert_non_null(rig_rule(&rig, ACT_KILL, RULE_STOP_TIMEOUT));
        assert_int_equal(governor_leaf(rig.g, 1), LEAF_KILLED);
    }
}

/* Frozen for a minute and not more is no reason; and what is long ago does not count. */
static void test_no_eviction_below_the_limit(void **state ATTR_UNUSED) {
    rig.conf.evict_frozen_usec = 70 * SECOND;
    rig.conf.relapse_usec = 5 * SECOND;
    governor_configure(rig.g, &rig.conf);
    rig_leaf(&rig, ADHOC);
    rig.leaf_rates[0].cpu_milli = 200;
    rig_tick(&rig);
    freeze_first();
    for (unsigned i = 0; i < 20; i++) {
        hot(0);
        assert_non_null(rig_until(&rig, ACT_THAW, 21));
        rig_ticks(&rig, 60); /* ten seconds of sixty or so: fifty of three hundred */
        hot(50 * PERCENT);
        while (!rig_verdict(&rig, ACT_FREEZE)) {
            rig_tick(&rig);
            assert_null(rig_verdict(&rig, ACT_STOP));
        }
    }
}

static void test_all_at_once_when_late(void **state ATTR_UNUSED) {
    for (unsigned i = 0; i < 10; i++) {
        rig_leaf(&rig, ADHOC);
        rig.leaf_rates[i].cpu_milli = 20;
    }
    rig_tick(&rig);
    rig.classes[ADHOC].cpu_milli = 300;
    unsigned frozen = 0;
    for (unsigned i = 0; i < 40 && frozen == 0; i++) {
        rig.sample.classes[CRITICAL].slack_ppm = -1;
        rig.sample.classes[CRITICAL].slack_reports++;
        rig_tick(&rig);
        for (uint32_t k = 0; k < rig.a->n_verdicts; k++)
            frozen += rig.a->verdicts[k].act == ACT_FREEZE;
    }
    assert_int_equal(frozen, 10);
}

static void test_not_the_cause(void **state ATTR_UNUSED) {
    rig_leaf(&rig, ADHOC);
    rig.leaf_rates[0].cpu_milli = 200;
    rig_tick(&rig);
    freeze_first();
    rig.leaf_rates[0].cpu_milli = 0; /* it is frozen, and it stays hot */
    const struct verdict *v = rig_until(&rig, ACT_ALARM, 8);
    assert_non_null(v);
    assert_int_equal(v->rule, RULE_NOT_THE_CAUSE);
    assert_non_null(rig_rule(&rig, ACT_THAW, RULE_NOT_THE_CAUSE));
    rig.leaf_rates[0].cpu_milli = 200;
    for (unsigned i = 0; i < 119; i++) {
        rig_tick(&rig);
        assert_null(rig_verdict(&rig, ACT_FREEZE)); /* not again for a minute */
    }
    assert_non_null(rig_until(&rig, ACT_FREEZE, 10));
}

static void test_thawed_when_idle(void **state ATTR_UNUSED) {
    rig_leaf(&rig, ADHOC);
    rig.leaf_rates[0].cpu_milli = 200;
    rig.classes[CRITICAL].cpu_milli = 2000;
    rig_tick(&rig);
    freeze_first();
    hot(0);
    rig.classes[CRITICAL].cpu_milli = 0;
    const struct verdict *v = rig_until(&rig, ACT_THAW, 14);
    assert_non_null(v);
    assert_int_equal(v->rule, RULE_PROTECTED_IDLE);
}

static void test_new_process_is_thawed(void **state ATTR_UNUSED) {
    struct leaf_reading *l = rig_leaf(&rig, ADHOC);
    rig.leaf_rates[0].cpu_milli = 200;
    rig_tick(&rig);
    freeze_first();
    l->started_usec = 77;
    rig_tick(&rig);
    assert_non_null(rig_rule(&rig, ACT_THAW, RULE_NEW_PROCESS));
    assert_int_equal(governor_leaf(rig.g, 1), LEAF_RUN);
    rig_until(&rig, ACT_FREEZE, 20);
    rig.sample.n_leaves = 0;
    rig_tick(&rig);
    assert_int_equal(governor_leaf(rig.g, 1), LEAF_RUN);
    rig_tick(&rig);
    assert_int_equal(rig_target(&rig, ADHOC)->state[RES_CPU], LADDER_SQUEEZE);
}

static void test_too_many(void **state ATTR_UNUSED) {
    rig.setup.leaves_max = 2;
    rig_start(&rig);
    for (unsigned i = 0; i < 3; i++)
        rig_leaf(&rig, ADHOC);
    rig_tick(&rig);
    assert_non_null(rig_rule(&rig, ACT_ALARM, RULE_TOO_MANY));
    rig_tick(&rig);
    assert_null(rig_verdict(&rig, ACT_ALARM));
}

/* Without the controller there is no squeeze: the ladder goes on to the freezer. */
static void test_no_controller(void **state ATTR_UNUSED) {
    rig.setup.can_limit[RES_CPU] = false;
    rig_start(&rig);
    rig_leaf(&rig, ADHOC);
    rig.leaf_rates[0].cpu_milli = 200;
    rig.classes[ADHOC].cpu_milli = 300;
    hot(50 * PERCENT);
    assert_non_null(rig_until(&rig, ACT_FREEZE, 16));
    assert_int_equal(rig_target(&rig, ADHOC)->cpu_milli, NO_LIMIT);
}

static struct leaf_reading *hog(uint64_t mib) {
    struct leaf_reading *l = rig_leaf(&rig, ADHOC);
    l->memory_bytes = mib * MIB;
    rig.sample.classes[ADHOC].memory_bytes += mib * MIB;
    return l;
}

static void test_memory_short(void **state ATTR_UNUSED) {
    hog(3000);
    rig.sample.classes[CRITICAL].memory_bytes = 600 * MIB;
    rig.sample.classes[CRITICAL].protected_bytes = 1000 * MIB;
    rig.sample.memory_available = 700 * MIB; /* 5 % of 10000 and half of the 400 not used yet */
    rig_ticks(&rig, 4);
    assert_null(rig_verdict(&rig, ACT_RECLAIM));
    rig.sample.memory_available = 690 * MIB;
    rig_tick(&rig);
    const struct verdict *v = rig_verdict(&rig, ACT_RECLAIM);
    assert_non_null(v);
    assert_int_equal(v->amount, 10 * MIB);
    assert_int_equal(v->class, ADHOC);
    assert_int_equal(rig_target(&rig, ADHOC)->memory_high, NO_LIMIT); /* the gentle way first */
    rig.sample.memory_available = 300 * MIB;
    rig_tick(&rig);
    assert_null(rig_verdict(&rig, ACT_RECLAIM));
    rig_tick(&rig);
    assert_int_equal(rig_verdict(&rig, ACT_RECLAIM)->amount, 400 * MIB);
    assert_int_equal(rig_target(&rig, ADHOC)->memory_high, 2600 * MIB);
    rig.sample.memory_available = 210 * MIB; /* 490 short: all of it, under 5 % */
    rig.sample.classes[ADHOC].memory_bytes = 1200 * MIB;
    rig_ticks(&rig, 2);
    assert_int_equal(rig_verdict(&rig, ACT_RECLAIM)->amount, 200 * MIB); /* down to the floor: 10 % */
    assert_int_equal(rig_target(&rig, ADHOC)->memory_high, 1000 * MIB);
    assert_true(rig_target(&rig, ADHOC)->hold_starts);
    /* Back: 5 % more than the target free, 2 % a second, away when it has no effect. */
    rig.sample.memory_available = 1199 * MIB;
    rig_ticks(&rig, 10);
    assert_int_equal(rig_target(&rig, ADHOC)->memory_high, 1000 * MIB);
    rig.sample.memory_available = 1200 * MIB;
    rig_tick(&rig);
    assert_int_equal(rig_target(&rig, ADHOC)->memory_high, 1200 * MIB);
    assert_non_null(rig_until(&rig, ACT_OPEN, 16));
    assert_int_equal(rig_target(&rig, ADHOC)->memory_high, NO_LIMIT);
}

static void test_no_two_kills_at_once(void **state ATTR_UNUSED) {
    hog(3000);
    hog(2000);
    rig_ticks(&rig, 2);
    rig.sample.memory_available = 200 * MIB; /* exactly 2 % */
    rig_ticks(&rig, 4);
    assert_null(rig_verdict(&rig, ACT_KILL));
    rig.sample.memory_available = 200 * MIB - 1;
    rig_tick(&rig);
    const struct verdict *v = rig_verdict(&rig, ACT_KILL);
    assert_non_null(v);
    assert_int_equal(v->rule, RULE_KILL_AVAILABLE);
    assert_int_equal(v->leaf, 1);
    rig_ticks(&rig, 7);
    rig.leaves[0].memory_bytes = 99 * MIB; /* it goes */
    assert_int_equal(governor_leaf(rig.g, 2), LEAF_RUN);
    rig_tick(&rig); /* four seconds */
    assert_int_equal(rig_verdict(&rig, ACT_KILL)->leaf, 2);
    hog(1500);
    for (unsigned i = 0; i < 11; i++) {
        rig_tick(&rig);
        assert_int_equal(governor_leaf(rig.g, 3), LEAF_RUN); /* the last one is not gone yet */
    }
    rig_tick(&rig); /* the first one is told again after ten seconds, and that is a kill too */
    assert_non_null(rig_rule(&rig, ACT_KILL, RULE_KILL_AGAIN));
    rig.sample.n_leaves = 3;
    rig.leaves[1].memory_bytes = 0;
    rig_ticks(&rig, 7);
    assert_int_equal(governor_leaf(rig.g, 3), LEAF_RUN);
    rig_tick(&rig);
    assert_int_equal(governor_leaf(rig.g, 3), LEAF_KILLED);
}

static void test_declared_memory_is_no_excess(void **state ATTR_UNUSED) {
    hog(3000)->declared_bytes = 3000 * MIB;
    hog(99); /* less than 1 % of the host: not worth it */
    rig_ticks(&rig, 2);
    rig.sample.memory_available = 0;
    rig_ticks(&rig, 10);
    assert_int_equal(governor_leaf(rig.g, 1), LEAF_RUN);
    assert_int_equal(governor_leaf(rig.g, 2), LEAF_RUN);
    hog(100);
    rig_tick(&rig);
    assert_int_equal(governor_leaf(rig.g, 3), LEAF_KILLED);
}

static void test_swap(void **state ATTR_UNUSED) {
    hog(3000);
    rig.sample.swap_total = 1000 * MIB;
    rig.sample.swap_free = 0;
    rig_ticks(&rig, 20);
    assert_int_equal(governor_leaf(rig.g, 1), LEAF_RUN); /* a full swap beside free memory is nothing */
    rig.sample.memory_available = 499 * MIB;
    rig.sample.swap_free = 100 * MIB;
    rig_ticks(&rig, 6);
    assert_int_equal(governor_leaf(rig.g, 1), LEAF_RUN);
    rig.sample.swap_free = 100 * MIB - 1;
    rig_tick(&rig);
    assert_non_null(rig_rule(&rig, ACT_KILL, RULE_KILL_SWAP));
}

/* Rule B: each sign by itself, and only when the lowest class takes memory. */
static void expect_kill_at(enum verdict_rule rule, unsigned from, unsigned to, bool blamed) {
    for (unsigned i = 1; i <= to; i++) {
        rig.sample.classes[ADHOC].memory_bytes += blamed ? 20 * MIB : 0;
        rig_tick(&rig);
        if (i < from || !blamed)
            assert_null(rig_verdict(&rig, ACT_KILL));
        else if (rig_verdict(&rig, ACT_KILL)) {
            assert_int_equal(rig_verdict(&rig, ACT_KILL)->rule, rule);
            return;
        }
    }
    assert_false(blamed);
}

static void grow_before(bool blamed) {
    rig_free(&rig);
    rig_init(&rig);
    hog(3000);
    for (unsigned i = 0; i < 24; i++) {
        rig.sample.classes[ADHOC].memory_bytes += blamed ? 20 * MIB : 0;
        rig_tick(&rig);
    }
}

static void test_hurt(void **state ATTR_UNUSED) {
    for (unsigned blamed = 0; blamed < 2; blamed++) {
        grow_before(blamed);
        rig.classes[CRITICAL].low = 8; /* under ten a second */
        expect_kill_at(RULE_KILL_LOW, 100, 10, false);
        grow_before(blamed);
        rig.classes[CRITICAL].low = 10;
        expect_kill_at(RULE_KILL_LOW, 2, 4, blamed);

        grow_before(blamed);
        rig.classes[CRITICAL].refaults = 200;
        expect_kill_at(RULE_KILL_REFAULT, 100, 20, false);
        grow_before(blamed);
        rig.classes[CRITICAL].refaults = 202;
        expect_kill_at(RULE_KILL_REFAULT, 6, 8, blamed); /* two seconds after the window is full */

        grow_before(blamed);
        rig.classes[CRITICAL].full[RES_MEMORY] = 5 * PERCENT;
        expect_kill_at(RULE_KILL_FULL, 100, 40, false);
        grow_before(blamed);
        rig.classes[CRITICAL].full[RES_MEMORY] = 5 * PERCENT + 200;
        expect_kill_at(RULE_KILL_FULL, 18, 24, blamed);
    }
}

static void test_shrunk(void **state ATTR_UNUSED) {
    hog(3000);
    rig.classes[ADHOC].io[IO_RBYTES] = 100 * MIB; /* a page cache that is turned over */
    rig.classes[CRITICAL].io[IO_WBYTES] = MIB;
    rig.sample.classes[CRITICAL].protected_bytes = 2000 * MIB;
    rig.sample.classes[CRITICAL].memory_bytes = 1000 * MIB; /* the most it ever had */
    rig_ticks(&rig, 24);
    rig.classes[CRITICAL].some[RES_IO] = 90 * PERCENT;
    rig.sample.classes[CRITICAL].memory_bytes = 950 * MIB; /* 5 % less: not more than that */
    rig_ticks(&rig, 20);
    assert_int_equal(governor_leaf(rig.g, 1), LEAF_RUN);
    rig.sample.classes[CRITICAL].memory_bytes = 949 * MIB;
    rig_ticks(&rig, 4);
    assert_int_equal(governor_leaf(rig.g, 1), LEAF_RUN);
    rig_tick(&rig);
    assert_non_null(rig_rule(&rig, ACT_KILL, RULE_KILL_SHRUNK));
}

/* Rule A. */
static void test_stuck(void **state ATTR_UNUSED) {
    for (unsigned recovers = 0; recovers < 2; recovers++) {
        rig_free(&rig);
        rig_init(&rig);
        struct leaf_reading *l = hog(1000);
        l->memory_high_bytes = 1000 * MIB;
        rig.leaf_rates[0].high = 10;
        rig.leaf_rates[0].full = 40 * PERCENT;
        rig_ticks(&rig, 40);
        assert_int_equal(governor_leaf(rig.g, 1), LEAF_RUN);
        rig.leaf_rates[0].full = 40 * PERCENT + 2;
        rig_ticks(&rig, 20);
        assert_int_equal(governor_leaf(rig.g, 1), LEAF_RUN);
        rig_tick(&rig); /* ten seconds */
        assert_non_null(rig_rule(&rig, ACT_FREEZE, RULE_KILL_STUCK));
        rig.leaf_rates[0] = (struct rig_leaf){0};
        l->memory_bytes = recovers ? 970 * MIB : 990 * MIB;
        rig_ticks(&rig, 9);
        assert_int_equal(governor_leaf(rig.g, 1), LEAF_FROZEN);
        rig_tick(&rig); /* and five */
        assert_int_equal(governor_leaf(rig.g, 1), recovers ? LEAF_RUN : LEAF_KILLED);
        assert_non_null(recovers ? rig_rule(&rig, ACT_THAW, RULE_HOLD_OVER)
                                 : rig_rule(&rig, ACT_KILL, RULE_KILL_STUCK));
    }
}

static void test_stuck_needs_every_second(void **state ATTR_UNUSED) {
    hog(1000)->memory_high_bytes = 1000 * MIB;
    for (unsigned i = 0; i < 100; i++) {
        rig.leaf_rates[0].high = i % 10 == 9 ? 0 : 10;
        rig.leaf_rates[0].full = 90 * PERCENT;
        rig_tick(&rig);
    }
    assert_int_equal(governor_leaf(rig.g, 1), LEAF_RUN);
}

static void test_who_stalled_whom(void **state ATTR_UNUSED) {
    rig_leaf(&rig, ADHOC);
    rig_leaf(&rig, ADHOC);
    rig_leaf(&rig, CRITICAL);
    rig.leaf_rates[0].cpu_milli = 300;
    rig.leaf_rates[1].cpu_milli = 100;
    rig.leaf_rates[2].cpu_milli = 3000;
    rig_ticks(&rig, 4);
    hot(14 * PERCENT);
    rig_ticks(&rig, 10);
    struct leaf_blame a, b, c;
    assert_true(governor_blame(rig.g, 1, &a) && governor_blame(rig.g, 2, &b) && governor_blame(rig.g, 3, &c));
    assert_in_range(a.stalled_usec[RES_CPU], b.stalled_usec[RES_CPU] * 3, b.stalled_usec[RES_CPU] * 3 + 20);
    assert_in_range(a.stalled_usec[RES_CPU] + b.stalled_usec[RES_CPU], 600000,
                    700000); /* 14 % of five seconds */
    assert_int_equal(c.stalled_usec[RES_CPU], 0);
    assert_false(governor_blame(rig.g, 99, &a));
}

#define RIG(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void) {
    static const struct CMUnitTest tests[] = {
        RIG(biggest_first),
        RIG(holds_double),
        RIG(no_eviction_below_the_limit),
        RIG(all_at_once_when_late),
        RIG(not_the_cause),
        RIG(thawed_when_idle),
        RIG(new_process_is_thawed),
        RIG(too_many),
        RIG(no_controller),
        RIG(memory_short),
        RIG(no_two_kills_at_once),
        RIG(declared_memory_is_no_excess),
        RIG(swap),
        RIG(hurt),
        RIG(shrunk),
        RIG(stuck),
        RIG(stuck_needs_every_second),
        RIG(who_stalled_whom),
    };
    return cmocka_run_group_tests_name("freeze", tests, NULL, NULL);
}
