/* SPDX-License-Identifier: Apache-2.0 */
/* Batches give back what was put in, and remember what they could not take. */
#include "base/attr.h"
#include "registry/batch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void there_and_back(void **state) {
    (void)state;
    struct registry_batch *b = registry_batch_new();
    static const char bytes[] = {0, 1, (char)0xff, 0};
    registry_batch_put(b, "a", bytes, sizeof(bytes));
    registry_batch_put(b, "empty", NULL, 0);
    registry_batch_delete(b, "b");
    registry_batch_delete_prefix(b, "");
    registry_batch_delete_prefix(b, "app/");
    const struct batch_change wanted[] = {{BATCH_PUT, "a", 1, bytes, sizeof(bytes)},
                                          {BATCH_PUT, "empty", 5, "", 0},
                                          {BATCH_DELETE, "b", 1, "", 0},
                                          {BATCH_DELETE_PREFIX, "", 0, "", 0},
                                          {BATCH_DELETE_PREFIX, "app/", 4, "", 0}};
    struct batch_change c;
    size_t offset = 0;
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        assert_true(batch_next(b, &offset, &c));
        assert_int_equal(c.kind, wanted[i].kind);
        assert_int_equal(c.key_len, wanted[i].key_len);
        assert_memory_equal(c.key, wanted[i].key, c.key_len);
        assert_int_equal(c.value_len, wanted[i].value_len);
        assert_memory_equal(c.value, wanted[i].value, c.value_len);
    }
    assert_false(batch_next(b, &offset, &c));
    assert_int_equal(b->error, 0);
    assert_int_equal(b->n, ARRAY_LEN(wanted));
    registry_batch_free(b);
    registry_batch_free(NULL);
}

static void keys_of_wrong_length(void **state) {
    (void)state;
    char key[REGISTRY_KEY_MAX + 2];
    memset(key, 'k', sizeof(key));
    key[REGISTRY_KEY_MAX] = '\0';
    struct registry_batch *b = registry_batch_new();
    registry_batch_put(b, key, "v", 1);
    assert_int_equal(b->error, 0);
    key[REGISTRY_KEY_MAX] = 'k';
    key[REGISTRY_KEY_MAX + 1] = '\0';
    registry_batch_put(b, key, "v", 1);
    assert_int_equal(b->error, -EINVAL);
    registry_batch_put(b, "good", "v", 1); /* the error stays */
    assert_int_equal(b->error, -EINVAL);
    assert_int_equal(b->n, 1);
    registry_batch_free(b);

    b = registry_batch_new();
    registry_batch_delete(b, "");
    assert_int_equal(b->error, -EINVAL);
    registry_batch_free(b);
    b = registry_batch_new();
    registry_batch_put(b, "huge", "", SIZE_MAX / 2);
    assert_int_equal(b->error, -ENOMEM);
    registry_batch_free(b);
}

static void grows(void **state) {
    (void)state;
    struct registry_batch *b = registry_batch_new();
    static char value[3000];
    for (unsigned i = 0; i < 2000; i++) {
        memset(value, (int)(i & 0xff), sizeof(value));
        registry_batch_put(b, "key", value, i);
    }
    struct batch_change c;
    size_t offset = 0;
    for (unsigned i = 0; i < 2000; i++) {
        assert_true(batch_next(b, &offset, &c));
        assert_int_equal(c.value_len, i);
        for (size_t k = 0; k < c.value_len; k++)
            assert_int_equal(((const uint8_t *)c.value)[k], i & 0xff);
    }
    assert_false(batch_next(b, &offset, &c));
    registry_batch_free(b);
}

static void ends_of_prefixes(void **state) {
    (void)state;
    const struct {
        const char *prefix, *end;
    } cases[] = {{"a", "b"},       {"app/", "app0"}, {"a\xff", "b"},    {"\xff", ""},
                 {"\xff\xff", ""}, {"", ""},         {"a\x7f", "a\x80"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char end[REGISTRY_KEY_MAX];
        size_t len = prefix_end(cases[i].prefix, strlen(cases[i].prefix), end);
        assert_int_equal(len, strlen(cases[i].end));
        assert_memory_equal(end, cases[i].end, len);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(keys_of_wrong_length),
        cmocka_unit_test(grows),
        cmocka_unit_test(ends_of_prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
