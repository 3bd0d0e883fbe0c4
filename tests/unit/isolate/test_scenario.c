/* SPDX-License-Identifier: Apache-2.0 */
/* The governor beside a model host: hogs of all kinds, and none. plant.c checks in every tick what must
 * always hold. */
#include "plant.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct plant *plant;

static int set_up(void **state ATTR_UNUSED) {
    plant = calloc(1, sizeof(*plant));
    if (!plant)
        return -1;
    plant_init(plant, NULL);
    plant->talks = getenv("PLANT_TALKS") != NULL;
    return 0;
}

static int tear_down(void **state ATTR_UNUSED) {
    plant_free(plant);
    free(plant);
    return 0;
}

static void add_spinners(unsigned n) {
    for (unsigned i = 0; i < n; i++)
        plant_add(plant, ADHOC)->cpu_milli = 1000;
}

static void end_all(uint32_t class) {
    for (uint32_t i = 0; i < plant->n; i++)
        if (plant->leaves[i].reading.class == class) {
            plant->leaves[i].respawns = false;
            plant_end(&plant->leaves[i]);
        }
}

/* Everything is undone at most so long after `since`. */
static void expect_open_within(uint64_t usec) {
    uint64_t since = plant->now;
    plant_run(plant, usec + 5 * SECOND);
    assert_true(plant->quiet_since > 0);
    if (plant->quiet_since > since + usec)
        fail_msg("undone only after %.1f s", (double)(plant->quiet_since - since) / 1e6);
}

static void test_nobody_disturbs(void **state ATTR_UNUSED) {
    plant->cpu_base = 20000;
    plant->io_base = 200000;
    plant->critical_writes = 10 * MIB;
    add_spinners(4);
    plant_run(plant, 300 * SECOND);
    assert_int_equal(plant->notable, 0);
}

static void test_spinners(void **state ATTR_UNUSED) {
    plant->cpu_harm = 600000;
    plant_run(plant, 10 * SECOND);
    add_spinners(4);
    uint64_t since = plant->now;
    plant_run(plant, 30 * SECOND);
    assert_true(plant->cut_first > 0 && plant->cut_first - since <= 3 * SECOND);
    assert_int_equal(plant->acts[ACT_FREEZE], 0);
    end_all(ADHOC);
    expect_open_within(20 * SECOND);
    assert_int_equal(plant->acts[ACT_KILL] + plant->acts[ACT_STOP], 0);
}

/* Many short-lived processes in one instance that disturb far more than their share: only the freezer helps.
 */
static void test_fork_storm(void **state ATTR_UNUSED) {
    plant->cpu_harm = 20000000;
    struct plant_leaf *storm = plant_add(plant, ADHOC);
    storm->cpu_milli = 4000;
    storm->reading.member = true;
    plant_run(plant, 120 * SECOND);
    assert_true(plant->acts[ACT_FREEZE] > 0);
    assert_int_equal(plant->rules[RULE_NOT_THE_CAUSE], 0);
    assert_true(plant->acts[ACT_STOP] >= 1);
    end_all(ADHOC);
    expect_open_within(20 * SECOND);
}

static void test_eviction_of_who_does_not_stop(void **state ATTR_UNUSED) {
    plant->cpu_harm = 20000000;
    struct plant_leaf *storm = plant_add(plant, ADHOC);
    storm->cpu_milli = 4000;
    storm->ignores_stop = true;
    plant_run(plant, 150 * SECOND);
    assert_int_equal(plant->acts[ACT_STOP], 1);
    assert_int_equal(plant->acts[ACT_KILL], 1);
    assert_int_equal(plant->rules[RULE_STOP_TIMEOUT], 1);
    assert_false(storm->alive);
    plant_run(plant, 20 * SECOND);
    assert_true(plant_is_open(plant));
}

static void test_writers(void **state ATTR_UNUSED) {
    plant->critical_writes = 5 * MIB;
    plant->io_base = 30000;
    plant->io_harm = 1000000;
    plant_run(plant, 20 * SECOND);
    for (unsigned i = 0; i < 2; i++)
        plant_add(plant, ADHOC)->write_rate = 150 * MIB;
    uint64_t since = plant->now;
    plant_run(plant, 40 * SECOND);
    assert_true(plant->cut_first > 0 && plant->cut_first - since <= 3 * SECOND);
    assert_true(plant->acts_of[RES_IO][ACT_SQUEEZE] > 0);
    assert_int_equal(plant->acts_of[RES_CPU][ACT_SQUEEZE], 0);
    assert_int_equal(plant->acts[ACT_FREEZE], 0);
    end_all(ADHOC);
    expect_open_within(20 * SECOND);
}

static void test_readers(void **state ATTR_UNUSED) {
    plant->critical_writes = 5 * MIB;
    plant->io_harm = 1000000;
    plant_add(plant, ADHOC)->read_rate = 180 * MIB;
    plant_run(plant, 20 * SECOND);
    assert_true(plant->acts_of[RES_IO][ACT_SQUEEZE] > 0);
    end_all(ADHOC);
    expect_open_within(20 * SECOND);
}

/* The disk is so slow that even the floor hurts. */
static void test_writers_frozen(void **state ATTR_UNUSED) {
    plant->critical_writes = 5 * MIB;
    plant->io_harm = 60000000;
    plant_add(plant, ADHOC)->write_rate = 150 * MIB;
    plant_run(plant, 40 * SECOND);
    assert_true(plant->acts_of[RES_IO][ACT_FREEZE] > 0);
    assert_int_equal(plant->rules[RULE_NOT_THE_CAUSE], 0);
}

static void test_cache_thrash(void **state ATTR_UNUSED) {
    plant->critical_writes = 5 * MIB;
    plant->io_base = 20000;
    struct plant_leaf *hog = plant_add(plant, ADHOC);
    plant_run(plant, 20 * SECOND);
    hog->read_rate = 100 * MIB;
    hog->grow_rate = 500 * MIB;
    hog->memory_want = 5 * GIB;
    plant->io_base = 550000; /* it reads again what the hog pushed out */
    for (unsigned i = 0; i < 20; i++) {
        plant->critical_memory = GIB - i * 20 * MIB;
        plant_tick(plant);
    }
    assert_true(plant->rules[RULE_MEMORY_THRASH] > 0);
    assert_int_equal(plant->rules[RULE_KILL_SHRUNK], 1);
    plant->critical_memory = GIB;
    plant->io_base = 20000;
    expect_open_within(25 * SECOND);
}

static void test_anonymous_growth(void **state ATTR_UNUSED) {
    plant->swap_total = GIB;
    plant->swap_free = GIB;
    struct plant_leaf *hog = plant_add(plant, ADHOC), *small = plant_add(plant, ADHOC);
    hog->anonymous = small->anonymous = true;
    hog->grow_rate = 100 * MIB;
    hog->memory_want = 20 * GIB;
    small->reading.memory_bytes = 50 * MIB;
    plant_run(plant, 120 * SECOND);
    assert_true(plant->acts[ACT_RECLAIM] > 0);
    assert_true(plant->acts_of[RES_MEMORY][ACT_SQUEEZE] > 0);
    /* It hangs at its limit, which only the kill ends. */
    assert_int_equal(plant->rules[RULE_KILL_STUCK], 2); /* frozen, and killed */
    assert_int_equal(plant->acts[ACT_KILL], 1);
    assert_false(hog->alive);
    assert_true(small->alive);
    expect_open_within(20 * SECOND);
}

static void test_growth_too_fast(void **state ATTR_UNUSED) {
    struct plant_leaf *hog = plant_add(plant, ADHOC);
    hog->anonymous = true;
    hog->grow_rate = 12 * GIB;
    hog->memory_want = 20 * GIB;
    plant_run(plant, 3 * SECOND);
    assert_int_equal(plant->rules[RULE_KILL_AVAILABLE], 1);
    assert_false(hog->alive);
}

/* The next class's turn when the lowest has nothing left to give; never the critical one's. */
static void test_nothing_left_to_kill(void **state ATTR_UNUSED) {
    struct plant_leaf *standard = plant_add(plant, STANDARD);
    standard->anonymous = true;
    standard->reading.memory_bytes = 2 * GIB;
    plant->critical_memory = 4 * GIB + 900 * MIB;
    plant_run(plant, 2 * SECOND);
    assert_false(standard->alive);
    plant->critical_memory = 6 * GIB + 900 * MIB;
    plant_run(plant, 60 * SECOND);
    assert_int_equal(plant->acts[ACT_KILL], 1);
    assert_int_equal(plant->rules[RULE_NO_VICTIM], 1);
}

static void test_saturates_itself(void **state ATTR_UNUSED) {
    plant->critical_milli = 8000;
    plant->critical_writes = 300 * MIB;
    plant->io_base = 900000;
    plant->memory_some = 100000;
    add_spinners(4);
    plant_run(plant, 300 * SECOND);
    for (unsigned act = 0; act < ACT_ALARM; act++)
        assert_int_equal(plant->acts[act], 0);
    assert_int_equal(plant->rules[RULE_SELF], 3); /* one alarm for each resource */
}

static void test_idle_and_ramp(void **state ATTR_UNUSED) {
    plant->cpu_harm = 800000;
    plant->critical_milli = 0;
    add_spinners(4);
    plant_run(plant, 60 * SECOND);
    assert_int_equal(plant->notable, 0);
    plant->critical_milli = 2000;
    uint64_t since = plant->now;
    plant_run(plant, 20 * SECOND);
    assert_true(plant->cut_first > 0 && plant->cut_first - since <= 3 * SECOND);
    plant->critical_milli = 0;
    expect_open_within(20 * SECOND);
}

static void test_flapping(void **state ATTR_UNUSED) {
    plant->cpu_harm = 800000;
    add_spinners(4);
    for (unsigned i = 0; i < 75; i++) { /* 2 s on, 2 s off, for five minutes */
        for (uint32_t k = 0; k < plant->n; k++)
            plant->leaves[k].cpu_milli = i % 2 ? 0 : 1000;
        plant_run(plant, 4 * SECOND);
    }
    assert_in_range(plant->notable, 1, 50);
    assert_int_equal(plant->acts[ACT_STOP] + plant->acts[ACT_KILL], 0);
}

static void test_keeps_coming(void **state ATTR_UNUSED) {
    struct plant_leaf *hog = plant_add(plant, ADHOC);
    hog->anonymous = hog->respawns = true;
    hog->grow_rate = 3 * GIB;
    hog->memory_want = 20 * GIB;
    plant_run(plant, 300 * SECOND);
    assert_true(plant->acts[ACT_KILL] >= 2);
    assert_true(plant->acts[ACT_KILL] <= 300 / 20); /* its starts are held for a while after each */
}

static void test_standard_after_adhoc(void **state ATTR_UNUSED) {
    plant->cpu_harm = 800000;
    plant_add(plant, STANDARD)->cpu_milli = 2500;
    plant_run(plant, 4 * SECOND);
    assert_int_equal(plant->acts[ACT_SQUEEZE], 0); /* five seconds hot first */
    plant_run(plant, 20 * SECOND);
    assert_true(plant->answer->classes[STANDARD].state[RES_CPU] == LADDER_SQUEEZE);
    assert_true(plant->answer->classes[STANDARD].cpu_milli >= 800);
    assert_int_equal(plant->acts[ACT_FREEZE], 0);
    end_all(STANDARD);
    expect_open_within(20 * SECOND);
}

static void test_standard_never_frozen(void **state ATTR_UNUSED) {
    plant->cpu_harm = 20000000;
    plant_add(plant, STANDARD)->cpu_milli = 2500;
    plant_add(plant, ADHOC)->cpu_milli = 2500;
    plant_run(plant, 60 * SECOND); /* plant.c asserts the class of whom is frozen */
    assert_true(plant->acts[ACT_FREEZE] > 0);
    assert_int_equal(plant->answer->classes[STANDARD].cpu_milli, 800);
}

static void test_lost_pressure(void **state ATTR_UNUSED) {
    plant->cpu_harm = 800000;
    add_spinners(4);
    plant_run(plant, 20 * SECOND);
    assert_false(plant_is_open(plant));
    plant->no_psi = true;
    plant_run(plant, 40 * SECOND);
    assert_true(plant_is_open(plant));
    assert_int_equal(plant->rules[RULE_BLIND] > 0, 1);
    plant->no_psi = false;
    plant_run(plant, 10 * SECOND);
    assert_false(plant_is_open(plant));
}

static void test_clock_jumps(void **state ATTR_UNUSED) {
    plant->cpu_harm = 20000000;
    add_spinners(4);
    plant_run(plant, 20 * SECOND);
    assert_false(plant_is_open(plant));
    plant->now += 3600 * SECOND; /* a suspend */
    plant->last_kill = 0;
    plant_tick(plant);
    assert_true(plant->acts[ACT_THAW] > 0);
    plant_run(plant, 20 * SECOND);
    plant->now = 50 * SECOND; /* and backwards: all undone at once */
    memset(plant->hold_until, 0, sizeof(plant->hold_until));
    plant_tick(plant);
    assert_true(plant_is_open(plant));
    assert_true(plant->rules[RULE_CLOCK] > 0);
    plant_run(plant, 10 * SECOND);
    assert_false(plant_is_open(plant));
}

static void test_not_the_cause(void **state ATTR_UNUSED) {
    plant->cpu_base = 500000; /* somebody else's doing */
    struct plant_leaf *hog = plant_add(plant, ADHOC);
    hog->cpu_milli = 2000;
    plant_run(plant, 60 * SECOND);
    assert_true(plant->rules[RULE_NOT_THE_CAUSE] >= 1);
    assert_int_equal(plant->acts[ACT_STOP] + plant->acts[ACT_KILL], 0);
    assert_in_range(plant->acts[ACT_FREEZE], 1, 2);
}

static void test_lag(void **state ATTR_UNUSED) {
    add_spinners(4);
    plant_run(plant, 10 * SECOND);
    plant->slack_ppm = 40000;
    plant->slack_reports = 1;
    plant_run(plant, 10 * SECOND);
    assert_int_equal(plant->notable, 0); /* one report is no trend */
    plant->slack_reports = 2;
    plant_tick(plant);
    assert_int_equal(plant->rules[RULE_LAG], 1);
    plant->slack_ppm = -100000; /* missed: all are frozen at once */
    for (unsigned i = 0; i < 20; i++) {
        plant->slack_reports++;
        plant_run(plant, SECOND);
    }
    assert_true(plant->acts[ACT_FREEZE] >= 4);
    plant->slack_ppm = 500000;
    plant->slack_reports++;
    plant_run(plant, 30 * SECOND);
    assert_true(plant_is_open(plant));
}

static void test_thousand_leaves(void **state ATTR_UNUSED) {
    plant->cpu_harm = 20000000;
    for (unsigned i = 0; i < 1000; i++)
        plant_add(plant, ADHOC)->cpu_milli = 100;
    plant_run(plant, 60 * SECOND);
    assert_true(plant->acts[ACT_FREEZE] > 64);
    end_all(ADHOC);
    expect_open_within(20 * SECOND);
}

#define SCENARIO(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void) {
    static const struct CMUnitTest tests[] = {
        SCENARIO(nobody_disturbs),
        SCENARIO(spinners),
        SCENARIO(fork_storm),
        SCENARIO(eviction_of_who_does_not_stop),
        SCENARIO(writers),
        SCENARIO(readers),
        SCENARIO(writers_frozen),
        SCENARIO(cache_thrash),
        SCENARIO(anonymous_growth),
        SCENARIO(growth_too_fast),
        SCENARIO(nothing_left_to_kill),
        SCENARIO(saturates_itself),
        SCENARIO(idle_and_ramp),
        SCENARIO(flapping),
        SCENARIO(keeps_coming),
        SCENARIO(standard_after_adhoc),
        SCENARIO(standard_never_frozen),
        SCENARIO(lost_pressure),
        SCENARIO(clock_jumps),
        SCENARIO(not_the_cause),
        SCENARIO(lag),
        SCENARIO(thousand_leaves),
    };
    return cmocka_run_group_tests_name("scenario", tests, NULL, NULL);
}
