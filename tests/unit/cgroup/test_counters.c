/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of control files as kernels 6.1 and 6.12 write them, and what becomes of them when bytes are wrong.
 */
#include "base/attr.h"
#include "cgroup/counters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char cpu_stat[] =
    "usage_usec 5268371\nuser_usec 4021\nsystem_usec 5264350\ncore_sched.force_idle_usec 0\n"
    "nr_periods 12\nnr_throttled 3\nthrottled_usec 81234\nnr_bursts 0\nburst_usec 0\n";
static const char memory_events[] = "low 0\nhigh 1325\nmax 17\noom 2\noom_kill 1\noom_group_kill 1\n";
static const char cgroup_events[] = "populated 1\nfrozen 0\n";
static const char pids_events[] = "max 42\n";
static const char io_stat[] = "254:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n"
                              "7:0 \n"
                              "8:16 rbytes=100 wbytes=0 rios=1 wios=0 dbytes=0 dios=0 cost.usage=33\n";

static void keyed_values(void **state) {
    (void)state;
    assert_int_equal(counter_keyed(cpu_stat, "usage_usec"), 5268371);
    assert_int_equal(counter_keyed(cpu_stat, "user_usec"), 4021);
    assert_int_equal(counter_keyed(cpu_stat, "burst_usec"), 0);
    assert_int_equal(counter_keyed(memory_events, "oom_kill"), 1);
    assert_int_equal(counter_keyed(memory_events, "oom"), 2);
    assert_int_equal(counter_keyed(memory_events, "max"), 17);
    assert_int_equal(counter_keyed(cgroup_events, "populated"), 1);
    assert_int_equal(counter_keyed(pids_events, "max"), 42);
}

static void keyed_values_that_are_none(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "\n",
        "max",
        "max\n",
        "max \n",
        "max  1\n",
        "max -1\n",
        "max 1 2\n",
        "maximum 1\n",
        " max 1\n",
        "max 1x\n",
        "max 18446744073709551616\n",
        "max max\n",
        "other 1\n\n",
        "max\t1\n",
        "max 99999999999999999999999999\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (counter_keyed(texts[i], "max") != UINT64_MAX)
            fail_msg("\"%s\" gave a number", texts[i]);
    assert_int_equal(counter_keyed("a 1\nmax 7", "max"), 7); /* a last line without its end */
}

static void single_values(void **state) {
    (void)state;
    assert_int_equal(counter_single("0\n"), 0);
    assert_int_equal(counter_single("1048576\n"), 1048576);
    assert_int_equal(counter_single("12"), 12);
    assert_int_equal(counter_single("18446744073709551614\n"), UINT64_MAX - 1);
    static const char *const none[] = {"", "\n", "max\n", " 1\n", "1 \n", "1\n2\n", "-1\n", "0x10\n"};
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        if (counter_single(none[i]) != UINT64_MAX)
            fail_msg("\"%s\" gave a number", none[i]);
}

static void sums_over_devices(void **state) {
    (void)state;
    assert_int_equal(counter_io_sum(io_stat, "rbytes"), 4196);
    assert_int_equal(counter_io_sum(io_stat, "wbytes"), 8192);
    assert_int_equal(counter_io_sum(io_stat, "cost.usage"), 33);
    assert_true(counter_io_sum(io_stat, "bytes") == UINT64_MAX);
    assert_true(counter_io_sum("", "rbytes") == UINT64_MAX);
    assert_true(counter_io_sum("8:0 \n", "rbytes") == UINT64_MAX);
    assert_int_equal(counter_io_sum("8:0 rbytes=x\n8:1 rbytes=5\n", "rbytes"), 5);
    /* A sum that would not fit leaves out what does not fit, and never becomes "unknown" by wrapping. */
    assert_int_equal(counter_io_sum("8:0 rbytes=18446744073709551614\n8:1 rbytes=7\n", "rbytes"),
                     UINT64_MAX - 1);
}

static void words(void **state) {
    (void)state;
    assert_true(counter_has_word("cpuset cpu io memory pids\n", "cpu"));
    assert_true(counter_has_word("cpuset cpu io memory pids\n", "pids"));
    assert_true(counter_has_word("  io", "io"));
    assert_false(counter_has_word("cpuset io", "cpu"));
    assert_false(counter_has_word("", "cpu"));
    assert_false(counter_has_word(" \n", "cpu"));
}

/* A number that is told stands in the text. */
static void check_in_text(const char *text, uint64_t value) {
    char digits[24];
    snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
    if (value != UINT64_MAX && !strstr(text, digits))
        fail_msg("%s is not in \"%s\"", digits, text);
}

/* Any byte replaced and any cut: an answer from the text, and never a byte outside of it (the sanitizers
 * look). */
static void mutations(void **state) {
    (void)state;
    static const char *const texts[] = {cpu_stat, memory_events, cgroup_events, pids_events, io_stat};
    for (size_t t = 0; t < ARRAY_LEN(texts); t++) {
        size_t len = strlen(texts[t]);
        for (size_t i = 0; i < len; i++)
            for (int c = 0; c < 256; c += c < 48 || c > 60 ? 7 : 1) {
                char *copy = strdup(texts[t]); /* of exact size, so that reading beyond is seen */
                assert_non_null(copy);
                copy[i] = (char)c;
                check_in_text(copy, counter_keyed(copy, "max"));
                check_in_text(copy, counter_keyed(copy, "usage_usec"));
                check_in_text(copy, counter_single(copy));
                assert_false(counter_has_word(copy, ""));
                assert_true(counter_io_sum(copy, "wios") == UINT64_MAX || t == ARRAY_LEN(texts) - 1);
                free(copy);
            }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keyed_values),  cmocka_unit_test(keyed_values_that_are_none),
        cmocka_unit_test(single_values), cmocka_unit_test(sums_over_devices),
        cmocka_unit_test(words),         cmocka_unit_test(mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
