/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "manager/record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char longest[] = "a234567890123456789012345678901234567890123456789012345678901234";

static void test_there_and_back(void **state) {
    (void)state;
    static const char *const names[] = {"a", "t-1", "x_y", longest};
    static const uint32_t numbers[] = {0, 9, 999, 9999};
    char key[RECORD_KEY_MAX], tenant[NAME_LEN_MAX + 1], app[NAME_LEN_MAX + 1];
    assert_int_equal(strlen(longest), NAME_LEN_MAX);
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 4; k++) {
            uint32_t n = 77;
            record_app_key(key, names[i], names[k]);
            assert_int_equal(record_key_app(key, tenant, app, NULL), 0);
            assert_string_equal(tenant, names[i]);
            assert_string_equal(app, names[k]);
            assert_int_equal(record_key_app(key, tenant, app, &n), -EBADMSG);
            record_run_key(key, names[i], names[k], numbers[k]);
            assert_int_equal(record_key_app(key, tenant, app, &n), 0);
            assert_int_equal(n, numbers[k]);
            assert_string_equal(app, names[k]);
            assert_int_equal(record_key_app(key, tenant, app, NULL), -EBADMSG);
        }
}

static void test_sequences(void **state) {
    (void)state;
    static const uint64_t seqs[] = {0, 1, 0xabcdef, UINT64_MAX};
    char key[RECORD_KEY_MAX], before[RECORD_KEY_MAX] = "";
    for (size_t i = 0; i < 4; i++) {
        uint64_t seq = 5;
        record_event_key(key, seqs[i]);
        assert_true(strcmp(before, key) < 0); /* the order of keys is the order of things */
        strcpy(before, key);
        assert_int_equal(record_key_seq(key, &seq), 0);
        assert_true(seq == seqs[i]);
        record_exit_key(key, "t", longest, 999, seqs[i]);
        assert_int_equal(record_key_seq(key, &seq), 0);
        assert_true(seq == seqs[i]);
        assert_true(strlen(key) < RECORD_KEY_MAX);
    }
    record_run_key(key, "t", "a", 9);
    record_run_key(before, "t", "a", 10);
    assert_true(strcmp(key, before) < 0);
}

static void test_prefix(void **state) {
    (void)state;
    char prefix[RECORD_KEY_MAX], key[RECORD_KEY_MAX];
    record_app_prefix(prefix, "exit", "t", "a");
    record_exit_key(key, "t", "a", 3, 4);
    assert_memory_equal(key, prefix, strlen(prefix));
    record_exit_key(key, "t", "a-b", 3, 4); /* not those of an app whose name only begins so */
    assert_memory_not_equal(key, prefix, strlen(prefix));
}

static void test_what_is_no_key(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "app",
                                      "app/",
                                      "app/t",
                                      "app/t/",
                                      "app//a",
                                      "app/T/a",
                                      "app/t/a b",
                                      "app/t/a/x",
                                      "app/t/a/",
                                      "app/t/-a",
                                      "run/t/a/",
                                      "run/t/a/-1",
                                      "run/t/a/1x",
                                      "run/t/a/99999999999",
                                      "run/t/a/0001/0002",
                                      "app/../a",
                                      "app/t/."};
    char tenant[NAME_LEN_MAX + 1], app[NAME_LEN_MAX + 1], key[RECORD_KEY_MAX];
    uint32_t n = 1;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(record_key_app(bad[i], tenant, app, strncmp(bad[i], "run", 3) == 0 ? &n : NULL),
                         -EBADMSG);
    snprintf(key, sizeof(key), "app/t/%sx", longest);
    assert_int_equal(record_key_app(key, tenant, app, NULL), -EBADMSG);
    static const char *const bad_seq[] = {"",
                                          "event",
                                          "event/",
                                          "event/1",
                                          "event/00000000000000g0",
                                          "event/000000000000000G",
                                          "event/00000000000000000",
                                          "event/000000000000001 "};
    uint64_t seq = 3;
    for (size_t i = 0; i < sizeof(bad_seq) / sizeof(bad_seq[0]); i++)
        assert_int_equal(record_key_seq(bad_seq[i], &seq), -EBADMSG);
    assert_int_equal(seq, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_there_and_back),
                                       cmocka_unit_test(test_sequences), cmocka_unit_test(test_prefix),
                                       cmocka_unit_test(test_what_is_no_key)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
