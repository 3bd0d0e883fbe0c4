/* SPDX-License-Identifier: Apache-2.0 */
/* The map against a plain array, over many random steps with keys that collide. */
#include "cgroup/keymap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cmocka.h>

#define KEYS 400

static uint64_t key_of(size_t i) {
    /* Some near, some far apart, the extremes among them. */
    return i % 3 == 0 ? i : i % 3 == 1 ? UINT64_MAX - i : (uint64_t)i << 40;
}

static void like_an_array(void **state) {
    (void)state;
    static char things[KEYS];
    for (unsigned seed = 1; seed <= 20; seed++) {
        struct keymap m = {0};
        bool in[KEYS] = {false};
        size_t n = 0;
        srandom(seed);
        for (unsigned step = 0; step < 5000; step++) {
            size_t i = (size_t)random() % KEYS;
            /* In turns mostly growing and mostly shrinking. */
            if ((size_t)random() % 10 < (step / 500 % 2 ? 3u : 7u)) {
                assert_int_equal(keymap_set(&m, key_of(i), &things[i]), 0);
                n += !in[i];
                in[i] = true;
            } else {
                assert_ptr_equal(keymap_remove(&m, key_of(i)), in[i] ? &things[i] : NULL);
                n -= in[i];
                in[i] = false;
            }
            assert_int_equal(m.n, n);
            if (step % 97 == 0)
                for (size_t k = 0; k < KEYS; k++)
                    assert_ptr_equal(keymap_get(&m, key_of(k)), in[k] ? &things[k] : NULL);
        }
        keymap_free(&m);
    }
}

static void empty(void **state) {
    (void)state;
    struct keymap m = {0};
    assert_null(keymap_get(&m, 0));
    assert_null(keymap_remove(&m, 0));
    keymap_free(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(like_an_array), cmocka_unit_test(empty)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
