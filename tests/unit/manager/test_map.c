/* SPDX-License-Identifier: Apache-2.0 */
/* The map against a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "manager/map.h"

#include <stdbool.h>

static void test_empty(void **state) {
    (void)state;
    struct map m = {0};
    assert_null(map_get(&m, 1));
    assert_null(map_get(&m, 0));
    map_remove(&m, 1);
    map_remove(&m, 0);
    map_free(&m);
    map_free(&m);
}

static uint64_t seed = 88172645463325252ULL;

static uint64_t next_random(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

#define KEYS 300

/* Keys from a small set, so that they meet often; of three kinds: in a row, far apart, and equal in the bits
 * that the hash could lose. */
static uint64_t key_of(unsigned kind, unsigned i) {
    return kind == 0 ? i + 1 : kind == 1 ? (uint64_t)(i + 1) << 40 : UINT64_C(1700000000000000) + i * 64;
}

static void run(unsigned kind) {
    struct map m = {0};
    void *model[KEYS] = {0};
    static char things[64];
    size_t used = 0;
    for (unsigned step = 0; step < 200000; step++) {
        unsigned i = (unsigned)(next_random() % KEYS);
        bool fill = (step / 5000) % 2 == 0;
        unsigned what = (unsigned)(next_random() % 10);
        if (what < (fill ? 6u : 3u)) {
            void *v = &things[next_random() % sizeof(things)];
            used += !model[i];
            assert_int_equal(map_set(&m, key_of(kind, i), v), 0);
            model[i] = v;
        } else if (what < 9) {
            map_remove(&m, key_of(kind, i));
            used -= model[i] != NULL;
            model[i] = NULL;
        }
        assert_int_equal(m.used, used);
        unsigned k = (unsigned)(next_random() % KEYS);
        assert_ptr_equal(map_get(&m, key_of(kind, k)), model[k]);
        if (step % 1000 == 0)
            for (k = 0; k < KEYS; k++)
                assert_ptr_equal(map_get(&m, key_of(kind, k)), model[k]);
    }
    map_free(&m);
    assert_null(map_get(&m, key_of(kind, 0)));
}

static void test_random(void **state) {
    (void)state;
    for (unsigned kind = 0; kind < 3; kind++)
        run(kind);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_empty), cmocka_unit_test(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
