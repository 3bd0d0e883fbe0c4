/* SPDX-License-Identifier: Apache-2.0 */
/* Errors with words, and arithmetic on times. */
#include "base/clock.h"
#include "base/reason.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_reason_is_set_and_given_context(void **state) {
    (void)state;
    struct reason r = {0};
    assert_int_equal(reason_set(&r, -EINVAL, "no such class '%s'", "gold"), -EINVAL);
    assert_int_equal(r.error, -EINVAL);
    assert_string_equal(r.text, "no such class 'gold'");
    assert_int_equal(reason_prefix(&r, "%s:%d", "a.conf", 3), -EINVAL);
    assert_string_equal(r.text, "a.conf:3: no such class 'gold'");
    assert_int_equal(reason_set(NULL, -EPERM, "x"), -EPERM);
    assert_int_equal(reason_prefix(NULL, "x"), 0);
}

static void a_reason_never_overflows(void **state) {
    (void)state;
    struct reason r = {0};
    char huge[2 * REASON_TEXT_SIZE];
    memset(huge, 'x', sizeof(huge));
    huge[sizeof(huge) - 1] = '\0';
    reason_set(&r, -EINVAL, "%s", huge);
    assert_int_equal(strlen(r.text), REASON_TEXT_SIZE - 1);
    reason_prefix(&r, "context");
    assert_int_equal(strlen(r.text), REASON_TEXT_SIZE - 1);
    assert_memory_equal(r.text, "context: xxx", 12);
    reason_prefix(&r, "%s", huge);
    assert_int_equal(strlen(r.text), REASON_TEXT_SIZE - 1);
}

static void times_do_not_wrap(void **state) {
    (void)state;
    assert_int_equal(usec_add(1, 2), 3);
    assert_true(usec_add(USEC_NEVER, 0) == USEC_NEVER);
    assert_true(usec_add(1, USEC_NEVER) == USEC_NEVER);
    assert_true(usec_add(USEC_NEVER - 1, 1) == USEC_NEVER);
    assert_true(usec_add(USEC_NEVER - 1, 2) == USEC_NEVER);
    assert_true(usec_add(USEC_NEVER - 2, 1) == USEC_NEVER - 1);
    assert_int_equal(usec_sub(3, 2), 1);
    assert_int_equal(usec_sub(2, 3), 0);
    assert_int_equal(usec_sub(2, 2), 0);
}

static void clocks_go_forward(void **state) {
    (void)state;
    uint64_t monotonic = clock_monotonic_usec(), boottime = clock_boottime_usec();
    assert_true(monotonic > 0);
    assert_true(boottime >= monotonic);
    assert_true(clock_monotonic_usec() >= monotonic);
    assert_true(clock_realtime_usec() > 1600000000 * USEC_PER_SEC);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reason_is_set_and_given_context),
        cmocka_unit_test(a_reason_never_overflows),
        cmocka_unit_test(times_do_not_wrap),
        cmocka_unit_test(clocks_go_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
