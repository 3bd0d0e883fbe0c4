/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "manager/gate.h"

static void test_burst_then_one_each(void **state) {
    (void)state;
    struct gate g;
    gate_init(&g, 3, 100, 1000);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(gate_next_usec(&g, 0, 1000), 0);
        assert_true(gate_take(&g, 0, 1000));
    }
    assert_false(gate_take(&g, 0, 1000));
    assert_int_equal(gate_next_usec(&g, 0, 1000), 1100);
    assert_false(gate_take(&g, 0, 1099));
    assert_true(gate_take(&g, 0, 1100));
    assert_false(gate_take(&g, 0, 1100));
    assert_int_equal(gate_next_usec(&g, 0, 1150), 1200);
    assert_true(gate_take(&g, 0, 1250)); /* half an interval is not lost */
    assert_true(gate_take(&g, 0, 1300));
}

static void test_fills_up_to_the_burst(void **state) {
    (void)state;
    struct gate g;
    gate_init(&g, 2, 100, 0);
    assert_true(gate_take(&g, 0, 0));
    unsigned n = 0;
    while (gate_take(&g, 0, 1000000))
        n++;
    assert_int_equal(n, 2);
    assert_int_equal(gate_next_usec(&g, 0, 1000000), 1000100);
    assert_true(gate_take(&g, 0, UINT64_MAX));
}

/* Over any stretch of time no more than burst + time / interval. */
static void test_rate(void **state) {
    (void)state;
    struct gate g;
    gate_init(&g, 5, 7, 0);
    unsigned n = 0;
    for (uint64_t now = 0; now < 7000; now++)
        n += gate_take(&g, 0, now);
    assert_int_equal(n, 5 + 6999 / 7);
}

static void test_no_limit(void **state) {
    (void)state;
    struct gate g;
    gate_init(&g, 0, 0, 50);
    for (unsigned i = 0; i < 1000; i++)
        assert_true(gate_take(&g, 0, 50));
    assert_int_equal(gate_next_usec(&g, 0, 50), 0);
}

static void test_burst_of_none_is_one(void **state) {
    (void)state;
    struct gate g;
    gate_init(&g, 0, 10, 0);
    assert_true(gate_take(&g, 0, 0));
    assert_false(gate_take(&g, 0, 9));
    assert_true(gate_take(&g, 0, 10));
}

static void test_clock_that_stands_or_goes_back(void **state) {
    (void)state;
    struct gate g;
    gate_init(&g, 1, 10, 100);
    assert_true(gate_take(&g, 0, 100));
    assert_false(gate_take(&g, 0, 50));
    assert_int_equal(gate_next_usec(&g, 0, 50), 110);
    assert_true(gate_take(&g, 0, 110));
}

static void test_some_are_kept_back(void **state) {
    (void)state;
    struct gate g;
    gate_init(&g, 4, 100, 1000);
    unsigned low = 0;
    while (gate_take(&g, 1, 1000))
        low++;
    assert_int_equal(low, 3);
    assert_int_equal(gate_next_usec(&g, 1, 1000), 1100);
    assert_int_equal(gate_next_usec(&g, 0, 1000), 0);
    assert_true(gate_take(&g, 0, 1000)); /* the one kept back */
    assert_int_equal(gate_next_usec(&g, 0, 1000), 1100);
    assert_int_equal(gate_next_usec(&g, 1, 1000), 1200); /* the next token is kept back again */
    assert_false(gate_take(&g, 1, 1199));
    assert_true(gate_take(&g, 1, 1200));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_some_are_kept_back),
        cmocka_unit_test(test_burst_then_one_each),
        cmocka_unit_test(test_fills_up_to_the_burst),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_no_limit),
        cmocka_unit_test(test_burst_of_none_is_one),
        cmocka_unit_test(test_clock_that_stands_or_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
