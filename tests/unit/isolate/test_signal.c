/* SPDX-License-Identifier: Apache-2.0 */
/* Windows over counters: missing ones, ones that go backwards, clocks that jump, ticks that are late; and the
 * map of instances. */
#include "isolate/leafmap.h"
#include "isolate/signal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SECOND 1000000ULL

static struct signals *signals;
static struct sample sample;

static int set_up(void **state ATTR_UNUSED) {
    signals = calloc(1, sizeof(*signals));
    if (!signals)
        return -1;
    signals_reset(signals);
    sample_clear(&sample);
    sample.now_usec = 50 * SECOND;
    sample.n_classes = 2;
    return 0;
}

static int tear_down(void **state ATTR_UNUSED) {
    free(signals);
    return 0;
}

/* After `usec`, the counter shows `value`. */
static enum signals_took add(uint64_t usec, uint64_t value) {
    sample.now_usec += usec;
    sample.classes[0].some_usec[RES_CPU] = value;
    return signals_add(signals, &sample);
}

static uint64_t pressure(enum window w) {
    return signal_pressure(signals, 0, RES_CPU, false, w);
}

static void test_windows(void **state ATTR_UNUSED) {
    assert_int_equal(add(0, 0), SIGNALS_STARTED_ANEW);
    assert_int_equal(pressure(WINDOW_1S), READING_NONE);
    assert_int_equal(signals_step(signals), 0);
    assert_int_equal(add(SECOND / 2, 100000), SIGNALS_TAKEN);
    assert_int_equal(signals_step(signals), SECOND / 2);
    assert_int_equal(pressure(WINDOW_1S), 200000); /* half a window is enough */
    assert_int_equal(pressure(WINDOW_5S), READING_NONE);
    for (unsigned i = 2; i <= 9; i++)
        add(SECOND / 2, i * 100000);
    assert_int_equal(pressure(WINDOW_5S), 200000);
    assert_int_equal(pressure(WINDOW_10S), READING_NONE);
    add(SECOND / 2, 1000000);
    assert_int_equal(pressure(WINDOW_10S), 200000);
    add(SECOND / 2, 1500000);
    assert_int_equal(pressure(WINDOW_1S), 600000);
    /* More than all of the time is all of it: a tick that came late. */
    add(SECOND / 2, 3500000);
    assert_int_equal(pressure(WINDOW_1S), PPM);
    assert_int_equal(signal_pressure(signals, 1, RES_CPU, false, WINDOW_1S), READING_NONE);
    assert_int_equal(signal_pressure(signals, 2, RES_CPU, false, WINDOW_1S), READING_NONE);
}

static void test_long_history(void **state ATTR_UNUSED) {
    for (uint64_t i = 0; i < 1000; i++)
        add(SIGNAL_SPACE_USEC, i * 20000);
    assert_int_equal(pressure(WINDOW_1S), 100000);
    assert_int_equal(pressure(WINDOW_10S), 100000);
}

static void test_missing(void **state ATTR_UNUSED) {
    add(0, 0);
    for (unsigned i = 1; i <= 4; i++)
        add(SECOND / 2, i * 100000);
    add(SECOND / 2, READING_NONE);
    assert_int_equal(pressure(WINDOW_1S), READING_NONE);
    add(SECOND / 2, 600000);
    assert_int_equal(pressure(WINDOW_1S), 200000); /* from before the gap */
    add(SECOND / 2, 700000);
    assert_int_equal(pressure(WINDOW_1S), READING_NONE); /* the gap is at its beginning */
    add(SECOND / 2, 800000);
    assert_int_equal(pressure(WINDOW_1S), 200000);
}

static void test_backwards(void **state ATTR_UNUSED) {
    for (unsigned i = 0; i <= 20; i++)
        add(SECOND / 2, i * 100000);
    assert_int_equal(pressure(WINDOW_10S), 200000);
    add(SECOND / 2, 5000); /* a group made anew */
    assert_int_equal(pressure(WINDOW_1S), READING_NONE);
    assert_int_equal(pressure(WINDOW_10S), READING_NONE);
    add(SECOND / 2, 55000);
    assert_int_equal(pressure(WINDOW_1S), 100000);
    assert_int_equal(pressure(WINDOW_10S), READING_NONE);
    for (unsigned i = 2; i <= 10; i++)
        add(SECOND / 2, 5000 + i * 50000);
    assert_int_equal(pressure(WINDOW_10S), 100000);
}

static void test_disk_replaced(void **state ATTR_UNUSED) {
    sample.devices[2] = (struct device_id){8, 16};
    for (unsigned i = 0; i <= 4; i++) {
        sample.classes[0].io[2][IO_WBYTES] = i * 1000;
        add(SECOND / 2, 0);
    }
    assert_int_equal(signal_io(signals, 0, true, WINDOW_1S), 2000);
    sample.devices[2].minor = 32;
    sample.classes[0].io[2][IO_WBYTES] = 9000000; /* larger, and another counter all the same */
    add(SECOND / 2, 0);
    assert_int_equal(signal_io(signals, 0, true, WINDOW_1S), READING_NONE);
    sample.classes[0].io[2][IO_WBYTES] += 500;
    add(SECOND / 2, 0);
    assert_int_equal(signal_io(signals, 0, true, WINDOW_1S), 1000);
    assert_int_equal(signal_io(signals, 0, false, WINDOW_1S), READING_NONE);
}

static void test_clock(void **state ATTR_UNUSED) {
    for (unsigned i = 0; i <= 4; i++)
        add(SECOND / 2, i * 100000);
    assert_int_equal(add(SIGNAL_SPACE_USEC - 1, 9), SIGNALS_TOO_SOON);
    assert_int_equal(pressure(WINDOW_1S), 200000);
    assert_int_equal(add(1, 500000), SIGNALS_TAKEN);
    assert_int_equal(add(SIGNAL_GAP_USEC, 600000),
                     SIGNALS_TAKEN); /* late, but no break: ten seconds' average */
    assert_int_equal(pressure(WINDOW_1S), 10000);
    assert_int_equal(add(SIGNAL_GAP_USEC + 1, 700000), SIGNALS_STARTED_ANEW);
    assert_int_equal(pressure(WINDOW_1S), READING_NONE);
    add(SECOND / 2, 750000);
    assert_int_equal(pressure(WINDOW_1S), 100000);
    sample.now_usec = SECOND;
    assert_int_equal(signals_add(signals, &sample), SIGNALS_STARTED_ANEW);
    assert_int_equal(pressure(WINDOW_1S), READING_NONE);
    sample.now_usec = UINT64_MAX;
    assert_int_equal(signals_add(signals, &sample), SIGNALS_STARTED_ANEW);
    assert_int_equal(signals_add(signals, &sample), SIGNALS_TOO_SOON);
}

static void test_irregular(void **state ATTR_UNUSED) {
    uint64_t value = 0;
    add(0, 0);
    static const uint64_t steps[] = {200, 900, 300, 1700, 250, 4000, 500, 800};
    for (size_t i = 0; i < 5 * ARRAY_LEN(steps); i++) {
        uint64_t msec = steps[i % ARRAY_LEN(steps)];
        value += msec * 300;
        add(msec * 1000, value);
        for (unsigned w = 0; w < WINDOWS; w++)
            assert_true(pressure(w) == 300000 || (i < 6 && pressure(w) == READING_NONE));
    }
}

static void test_memory(void **state ATTR_UNUSED) {
    assert_int_equal(signal_growth(signals, 0), READING_NONE);
    for (unsigned i = 0; i <= 20; i++) {
        sample.classes[0].memory_bytes = i < 10 ? 1000 + i * 100 : 2000 - i * 10;
        add(SECOND / 2, 0);
    }
    assert_int_equal(signal_growth(signals, 0), 800); /* it may shrink on the way */
    assert_int_equal(signal_memory_most(signals, 0), 1900);
    for (unsigned i = 0; i < 100; i++) {
        sample.classes[0].memory_bytes = 700;
        add(SECOND / 2, 0);
    }
    assert_int_equal(signal_growth(signals, 0), 0);
    assert_int_equal(signal_memory_most(signals, 0), 1900);
    for (unsigned i = 0; i < 50; i++)
        add(SECOND / 2, 0);
    assert_int_equal(signal_memory_most(signals, 0), 700); /* a minute later */
}

static void test_baseline(void **state ATTR_UNUSED) {
    uint64_t value = 0;
    for (unsigned i = 0; i < 1200; i++) {
        sample.classes[0].some_usec[RES_IO] = value += 150000; /* 30 % */
        add(SECOND / 2, 0);
        signal_learn(signals, 0, RES_IO, 300 * SECOND, 500000);
        if (i == 0)
            assert_int_equal(signal_baseline(signals, 0, RES_IO), 0);
    }
    assert_in_range(signal_baseline(signals, 0, RES_IO), 255000,
                    262000); /* 1 - 1/e^2 of it after two time constants */
    for (unsigned i = 0; i < 3000; i++) {
        sample.classes[0].some_usec[RES_IO] = value += 450000;
        add(SECOND / 2, 0);
        signal_learn(signals, 0, RES_IO, 300 * SECOND, 500000);
    }
    assert_int_equal(signal_baseline(signals, 0, RES_IO), 500000); /* never more */
    signal_learn(signals, 0, RES_CPU, 300 * SECOND, 500000);
    assert_int_equal(signal_baseline(signals, 0, RES_CPU), 0);
}

static void test_leaf(void **state ATTR_UNUSED) {
    struct leaf_signal l;
    struct leaf_reading r;
    leaf_signal_reset(&l);
    leaf_reading_clear(&r);
    r.cpu_usec = 1000;
    r.high_events = 5;
    leaf_signal_add(&l, &r, 10 * SECOND);
    assert_int_equal(l.cpu_ppm, READING_NONE);
    r.cpu_usec = 2501000;
    r.high_events = 6;
    r.memory_full_usec = 4;
    leaf_signal_add(&l, &r, 15 * SECOND);
    assert_int_equal(l.cpu_ppm, 500000);
    assert_int_equal(l.high_rate, 1); /* less than one a second is not none */
    assert_int_equal(l.full_ppm, READING_NONE);
    r.cpu_usec = 1;
    leaf_signal_add(&l, &r, 20 * SECOND);
    assert_int_equal(l.cpu_ppm, READING_NONE);
    assert_int_equal(l.high_rate, 0);
    leaf_signal_add(&l, &r, 20 * SECOND);
    leaf_signal_add(&l, &r, 3 * SECOND);
    assert_int_equal(l.cpu_ppm, READING_NONE);
}

static void test_leafmap(void **state ATTR_UNUSED) {
    enum { ROOM = 300, KEYS = 2000 };
    static uint32_t number[KEYS];
    static bool taken[ROOM];
    struct leafmap *m = leafmap_new(ROOM);
    assert_non_null(m);
    uint64_t seed = 88172645463325252ULL;
    uint32_t n = 0;
    memset(number, 0xff, sizeof(number));
    for (unsigned i = 0; i < 200000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        uint32_t k = seed % KEYS;
        uint64_t key = k * 0x9e3779b97f4a7c15ULL + (k % 3);
        assert_int_equal(leafmap_get(m, key), number[k]);
        if (number[k] != LEAFMAP_NONE) {
            leafmap_remove(m, key);
            taken[number[k]] = false;
            number[k] = LEAFMAP_NONE;
            n--;
            continue;
        }
        number[k] = leafmap_add(m, key);
        assert_int_equal(number[k] == LEAFMAP_NONE, n == ROOM);
        if (number[k] == LEAFMAP_NONE)
            continue;
        assert_true(number[k] < ROOM && !taken[number[k]]);
        taken[number[k]] = true;
        n++;
    }
    leafmap_free(m);
    leafmap_free(NULL);
}

#define SIGNAL(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void) {
    static const struct CMUnitTest tests[] = {
        SIGNAL(windows),       SIGNAL(long_history), SIGNAL(missing),   SIGNAL(backwards),
        SIGNAL(disk_replaced), SIGNAL(clock),        SIGNAL(irregular), SIGNAL(memory),
        SIGNAL(baseline),      SIGNAL(leaf),         SIGNAL(leafmap),
    };
    return cmocka_run_group_tests_name("signal", tests, NULL, NULL);
}
