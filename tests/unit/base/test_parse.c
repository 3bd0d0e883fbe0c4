/* SPDX-License-Identifier: Apache-2.0 */
/* Every parser at its limits: what it takes, what it refuses, and that a refusal touches nothing. */
#include "base/attr.h"
#include "base/parse.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Forms that no number has. */
static const char *const never[] = {"",  " ", " 1",  "1 ", "1\n", "+1", "0x10", "1e3",
                                    "a", "-", "--1", "١",  ".",   ".5", "1,5"};

static void u64(void **state) {
    (void)state;
    const struct {
        const char *text;
        int result;
        uint64_t value;
    } cases[] = {
        {"0", 0, 0},
        {"007", 0, 7},
        {"18446744073709551615", 0, UINT64_MAX},
        {"18446744073709551616", -ERANGE, 0},
        {"99999999999999999999999999", -ERANGE, 0},
        {"18446744073709551616x", -ERANGE, 0},
        {"-1", -EINVAL, 0},
        {"-0", -EINVAL, 0},
        {"1.0", -EINVAL, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t v = 42;
        assert_int_equal(parse_u64(cases[i].text, &v), cases[i].result);
        assert_int_equal(v, cases[i].result == 0 ? cases[i].value : 42);
    }
    for (size_t i = 0; i < ARRAY_LEN(never); i++) {
        uint64_t v = 42;
        assert_int_equal(parse_u64(never[i], &v), -EINVAL);
        assert_int_equal(v, 42);
    }
}

static void u32(void **state) {
    (void)state;
    uint32_t v = 42;
    assert_int_equal(parse_u32("4294967296", &v), -ERANGE);
    assert_int_equal(parse_u32("-1", &v), -EINVAL);
    assert_int_equal(v, 42);
    assert_int_equal(parse_u32("4294967295", &v), 0);
    assert_int_equal(v, UINT32_MAX);
}

static void i32(void **state) {
    (void)state;
    const struct {
        const char *text;
        int result;
        int32_t value;
    } cases[] = {
        {"0", 0, 0},
        {"-0", 0, 0},
        {"2147483647", 0, INT32_MAX},
        {"2147483648", -ERANGE, 0},
        {"-2147483648", 0, INT32_MIN},
        {"-2147483649", -ERANGE, 0},
        {"-", -EINVAL, 0},
        {"--1", -EINVAL, 0},
        {"+1", -EINVAL, 0},
        {"-18446744073709551616", -ERANGE, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int32_t v = 42;
        assert_int_equal(parse_i32(cases[i].text, &v), cases[i].result);
        assert_int_equal(v, cases[i].result == 0 ? cases[i].value : 42);
    }
}

static void booleans(void **state) {
    (void)state;
    static const char *const yes[] = {"yes", "true", "on", "1"}, *const no[] = {"no", "false", "off", "0"};
    static const char *const neither[] = {"", "Yes", "TRUE", "y", "yess", "2", "00", " yes"};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        bool v = false;
        assert_int_equal(parse_bool(yes[i], &v), 0);
        assert_true(v);
        assert_int_equal(parse_bool(no[i], &v), 0);
        assert_false(v);
    }
    for (size_t i = 0; i < ARRAY_LEN(neither); i++) {
        bool v = true;
        assert_int_equal(parse_bool(neither[i], &v), -EINVAL);
        assert_true(v);
    }
}

static void sizes(void **state) {
    (void)state;
    const struct {
        const char *text;
        int result;
        uint64_t value;
    } cases[] = {
        {"0", 0, 0},
        {"1024", 0, 1024},
        {"4K", 0, 4096},
        {"1.5G", 0, 1536 * 1024 * 1024ULL},
        {"0.001K", 0, 1},
        {"0.5K", 0, 512},
        {"1.999T", 0, 1999ULL * (1ULL << 40) / 1000},
        {"8388607T", 0, 8388607ULL << 40},
        {"8388608T", -ERANGE, 0}, /* one beyond INT64_MAX */
        {"9223372036854775807", 0, INT64_MAX},
        {"9223372036854775808", -ERANGE, 0},
        {"99999999999999999999T", -ERANGE, 0},
        {"1.5", -EINVAL, 0}, /* no part of a byte */
        {"1.0", 0, 1},
        {"1k", -EINVAL, 0},
        {"1KB", -EINVAL, 0},
        {"1 K", -EINVAL, 0},
        {"K", -EINVAL, 0},
        {"1.", -EINVAL, 0},
        {"1.G", -EINVAL, 0},
        {"1.2345G", -EINVAL, 0},
        {"-1K", -EINVAL, 0},
        {"infinity", -EINVAL, 0},
        {"1E", -EINVAL, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t v = 42;
        int r = parse_size(cases[i].text, &v);
        if (r != cases[i].result || v != (r == 0 ? cases[i].value : 42))
            fail_msg("'%s': %d, %llu", cases[i].text, r, (unsigned long long)v);
    }
    for (size_t i = 0; i < ARRAY_LEN(never); i++) {
        uint64_t v = 42;
        assert_int_equal(parse_size(never[i], &v), -EINVAL);
    }
}

static void durations(void **state) {
    (void)state;
    const struct {
        const char *text;
        int result;
        uint64_t value;
    } cases[] = {
        {"0", 0, 0},
        {"90", 0, 90000000},
        {"1.5", 0, 1500000},
        {"500ms", 0, 500000},
        {"7us", 0, 7},
        {"1s", 0, 1000000},
        {"5m", 0, 300000000},
        {"5min", 0, 300000000},
        {"2h", 0, 7200000000},
        {"1d", 0, 86400000000},
        {"1m30s", 0, 90000000},
        {"1d2h3m4s5ms6us", 0, 93784005006},
        {"0s1s", 0, 1000000},
        {"0.5s", 0, 500000},
        {"0.001us", 0, 0}, /* below the unit of everything */
        {"infinity", 0, UINT64_MAX},
        {"106751991d", 0, 106751991ULL * 86400000000},
        {"106751992d", -ERANGE, 0},
        {"18446744073709551615d", -ERANGE, 0},
        {"9223372036854775807us1us", -ERANGE, 0},
        {"1m30", -EINVAL, 0}, /* seconds without their unit only alone */
        {"0s5", -EINVAL, 0},
        {"1 m", -EINVAL, 0},
        {"1m 30s", -EINVAL, 0},
        {"1M", -EINVAL, 0},
        {"1mn", -EINVAL, 0},
        {"s", -EINVAL, 0},
        {"-1s", -EINVAL, 0},
        {"Infinity", -EINVAL, 0},
        {"infinity1", -EINVAL, 0},
        {"1infinity", -EINVAL, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t v = 42;
        int r = parse_duration(cases[i].text, &v);
        if (r != cases[i].result || v != (r == 0 ? cases[i].value : 42))
            fail_msg("'%s': %d, %llu", cases[i].text, r, (unsigned long long)v);
    }
    for (size_t i = 0; i < ARRAY_LEN(never); i++) {
        uint64_t v = 42;
        assert_int_equal(parse_duration(never[i], &v), -EINVAL);
    }
}

static void thousandths(void **state) {
    (void)state;
    const struct {
        const char *text;
        int result;
        uint32_t value;
    } cases[] = {
        {"0", 0, 0},
        {"1.5", 0, 1500},
        {"0.001", 0, 1},
        {"12.34", 0, 12340},
        {"1.", -EINVAL, 0},
        {"1.0005", -EINVAL, 0},
        {"4294967.295", 0, UINT32_MAX},
        {"4294967.296", -ERANGE, 0},
        {"1.5K", -EINVAL, 0},
        {"-1", -EINVAL, 0},
        {"18446744073709551", -ERANGE, 0},
        {"18446744073709551616", -ERANGE, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t v = 42;
        assert_int_equal(parse_milli(cases[i].text, &v), cases[i].result);
        assert_int_equal(v, cases[i].result == 0 ? cases[i].value : 42);
    }
    for (size_t i = 0; i < ARRAY_LEN(never); i++) {
        uint32_t v = 42;
        assert_int_equal(parse_milli(never[i], &v), -EINVAL);
    }
}

static void signals(void **state) {
    (void)state;
    const struct {
        const char *text;
        int result, signo;
    } cases[] = {
        {"SIGTERM", 0, 15},
        {"TERM", 0, 15},
        {"15", 0, 15},
        {"SIGKILL", 0, 9},
        {"1", 0, 1},
        {"64", 0, 64},
        {"0", -ERANGE, 0},
        {"65", -ERANGE, 0},
        {"sigterm", -EINVAL, 0},
        {"SIG", -EINVAL, 0},
        {"", -EINVAL, 0},
        {"SIGSIGTERM", -EINVAL, 0},
        {"-9", -EINVAL, 0},
        {"99999999999", -ERANGE, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int v = 42;
        int r = parse_signal(cases[i].text, &v);
        if (r != cases[i].result || v != (r == 0 ? cases[i].signo : 42))
            fail_msg("'%s': %d, %d", cases[i].text, r, v);
    }
}

static void signal_names_read_back(void **state) {
    (void)state;
    char buf[32];
    int named = 0;
    for (int signo = 1; signo <= 64; signo++) {
        const char *name = signal_name(signo, buf, sizeof(buf));
        int back = 0;
        if (strncmp(name, "SIG", 3) == 0) {
            assert_int_equal(parse_signal(name, &back), 0);
            assert_int_equal(back, signo);
            named++;
        }
    }
    assert_int_equal(named, 31); /* all that are not real-time */
    assert_string_equal(signal_name(45, buf, sizeof(buf)), "signal 45");
    assert_string_equal(signal_name(-3, buf, sizeof(buf)), "signal -3");
    assert_string_equal(signal_name(0, buf, sizeof(buf)), "signal 0");
    assert_string_equal(signal_name(1000, buf, sizeof(buf)), "signal 1000");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(u64),         cmocka_unit_test(u32),     cmocka_unit_test(i32),
        cmocka_unit_test(booleans),    cmocka_unit_test(sizes),   cmocka_unit_test(durations),
        cmocka_unit_test(thousandths), cmocka_unit_test(signals), cmocka_unit_test(signal_names_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
