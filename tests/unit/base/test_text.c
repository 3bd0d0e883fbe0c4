/* SPDX-License-Identifier: Apache-2.0 */
/* Names, growing texts, lists, quoting, distances, and what people read: ages, durations, sizes. */
#include "base/clock.h"
#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static uint64_t next_random(uint64_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void names(void **state) {
    (void)state;
    static const char *const good[] = {"a", "0", "a-b_c", "9lives", "a--", "a__"};
    static const char *const bad[] = {"",    "-a",  "_a", ".",   "..",  "a.b", "a/b", "A",     "aB",
                                      "a b", "a\n", "ä",  "a\t", "a:b", "~",   "a@b", "a\x7f", "a\xff"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(text_is_name(good[i]));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (text_is_name(bad[i]))
            fail_msg("'%s' is a name", bad[i]);
    char longest[NAME_LEN_MAX + 2];
    memset(longest, 'a', sizeof(longest));
    longest[NAME_LEN_MAX] = '\0';
    assert_true(text_is_name(longest));
    longest[NAME_LEN_MAX] = 'a';
    longest[NAME_LEN_MAX + 1] = '\0';
    assert_false(text_is_name(longest));
}

static void formatting_refuses_to_cut(void **state) {
    (void)state;
    char buf[6];
    assert_int_equal(text_format(buf, sizeof(buf), "%s", "12345"), 0);
    assert_string_equal(buf, "12345");
    assert_int_equal(text_format(buf, sizeof(buf), "%s", "123456"), -ENAMETOOLONG);
    assert_string_equal(buf, "12345");
}

static void a_text_grows(void **state) {
    (void)state;
    CLEANUP(cleanup_text_buf) struct text_buf b = {0};
    for (int i = 0; i < 1000; i++)
        text_buf_addf(&b, "%d,", i);
    text_buf_add(&b, "");
    text_buf_add_bytes(&b, "\0x", 2);
    assert_false(b.failed);
    assert_int_equal(b.len, 10 * 2 + 90 * 3 + 900 * 4 + 2);
    assert_int_equal(b.data[b.len], '\0');
    assert_memory_equal(b.data, "0,1,2,", 6);
    char *taken = text_buf_take(&b);
    assert_non_null(taken);
    assert_null(b.data);
    assert_int_equal(b.len, 0);
    free(taken);
}

static void an_empty_text_is_a_text(void **state) {
    (void)state;
    struct text_buf b = {0};
    AUTO_FREE char *taken = text_buf_take(&b);
    assert_string_equal(taken, "");
    text_buf_free(&b);
    text_buf_free(&b);
}

static void a_failed_text_stays_failed(void **state) {
    (void)state;
    struct text_buf b = {0};
    text_buf_add(&b, "kept");
    b.failed = true;
    text_buf_add(&b, "lost");
    assert_string_equal(b.data, "kept");
    assert_null(text_buf_take(&b));
    assert_null(b.data);
    assert_false(b.failed);
    /* A length that cannot be is a failure, not a wrap. */
    text_buf_add(&b, "x");
    text_buf_add_bytes(&b, "", SIZE_MAX);
    assert_true(b.failed);
    text_buf_free(&b);
}

static void lists(void **state) {
    (void)state;
    CLEANUP(cleanup_text_list) char **a = NULL;
    CLEANUP(cleanup_text_list) char **b = NULL;
    assert_int_equal(text_list_len(NULL), 0);
    assert_true(text_list_equal(NULL, NULL));
    assert_int_equal(text_list_copy(NULL, &b), 0);
    assert_null(b);
    assert_int_equal(text_list_add(&a, "one"), 0);
    assert_int_equal(text_list_add(&a, ""), 0);
    assert_int_equal(text_list_len(a), 2);
    assert_false(text_list_equal(a, NULL));
    assert_int_equal(text_list_copy(a, &b), 0);
    assert_true(text_list_equal(a, b));
    assert_ptr_not_equal(a[0], b[0]);
    assert_int_equal(text_list_add(&b, "three"), 0);
    assert_false(text_list_equal(a, b));
    assert_true(text_list_contains(b, "three"));
    assert_true(text_list_contains(b, ""));
    assert_false(text_list_contains(a, "three"));
    assert_false(text_list_contains(NULL, "x"));
    text_list_free(NULL);
}

static void words_are_split(void **state) {
    (void)state;
    const struct {
        const char *text;
        const char *words[6];
    } cases[] = {
        {"", {NULL}},
        {" \t\n ", {NULL}},
        {"a", {"a"}},
        {"  a   b\tc\nd ", {"a", "b", "c", "d"}},
        {"'a b' \"c d\"", {"a b", "c d"}},
        {"a'b c'd", {"ab cd"}},
        {"'' \"\"", {"", ""}},
        {"a''b", {"ab"}},
        {"'\\' \"\\\\\"", {"\\", "\\"}},
        {"\"\\\"\" '\"'", {"\"", "\""}},
        {"\"\\n\"", {"\\n"}}, /* in double quotes only \\ and \" are escapes */
        {"\\n \\  \\' \\\"", {"n", " ", "'", "\""}},
        {"$HOME `ls` *|;&>", {"$HOME", "`ls`", "*|;&>"}},
        {"\xc3\xa4 '\xff'", {"\xc3\xa4", "\xff"}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(cleanup_text_list) char **got = NULL;
        assert_int_equal(text_split_quoted(cases[i].text, &got), 0);
        size_t n = 0;
        while (cases[i].words[n])
            n++;
        if (text_list_len(got) != n)
            fail_msg("'%s': %zu words", cases[i].text, text_list_len(got));
        for (size_t k = 0; k < n; k++)
            assert_string_equal(got[k], cases[i].words[k]);
    }
    static const char *const bad[] = {"'", "\"", "a 'b", "\"a\\\"", "a\\", "\\", "'a' \"", "\"\\"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char *mark[] = {NULL}, **got = mark;
        assert_int_equal(text_split_quoted(bad[i], &got), -EINVAL);
        assert_ptr_equal(got, mark);
    }
}

static void what_is_quoted_splits_back(void **state) {
    (void)state;
    static const char letters[] = "ab \t\n'\"\\$`;\xff\x01=/,*";
    uint64_t seed = 31337;
    for (int round = 0; round < 5000; round++) {
        CLEANUP(cleanup_text_list) char **words = NULL;
        CLEANUP(cleanup_text_list) char **back = NULL;
        CLEANUP(cleanup_text_buf) struct text_buf line = {0};
        size_t n = next_random(&seed) % 5;
        for (size_t w = 0; w < n; w++) {
            char word[12];
            size_t len = next_random(&seed) % sizeof(word);
            for (size_t k = 0; k < len; k++)
                word[k] = letters[next_random(&seed) % (sizeof(letters) - 1)];
            word[len] = '\0';
            assert_int_equal(text_list_add(&words, word), 0);
            text_buf_add(&line, w ? " " : "");
            text_add_quoted(&line, word);
        }
        AUTO_FREE char *text = text_buf_take(&line);
        assert_int_equal(text_split_quoted(text, &back), 0);
        if (!text_list_equal(words, back))
            fail_msg("differs: %s", text);
    }
}

static void any_text_splits_or_is_refused(void **state) {
    (void)state;
    uint64_t seed = 99;
    static const char letters[] = "a '\"\\";
    int refused = 0;
    for (int round = 0; round < 20000; round++) {
        char text[10];
        for (size_t k = 0; k + 1 < sizeof(text); k++)
            text[k] = letters[next_random(&seed) % (sizeof(letters) - 1)];
        text[sizeof(text) - 1] = '\0';
        CLEANUP(cleanup_text_list) char **got = NULL;
        int r = text_split_quoted(text, &got);
        assert_true(r == 0 || r == -EINVAL);
        refused += r < 0;
    }
    assert_true(refused > 100 && refused < 19900);
}

static void distances(void **state) {
    (void)state;
    const struct {
        const char *a, *b;
        size_t distance;
    } cases[] = {{"", "", 0},
                 {"", "abc", 3},
                 {"abc", "", 3},
                 {"abc", "abc", 0},
                 {"abc", "abd", 1},
                 {"abc", "ab", 1},
                 {"abc", "xabc", 1},
                 {"abcd", "abdc", 1},
                 {"ab", "ba", 1},
                 {"kitten", "sitting", 3},
                 {"payments", "paymnets", 1},
                 {"ca", "abc", 3}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(text_distance(cases[i].a, cases[i].b), cases[i].distance);
        assert_int_equal(text_distance(cases[i].b, cases[i].a), cases[i].distance);
    }
    char longest[2 * NAME_LEN_MAX + 3];
    memset(longest, 'a', sizeof(longest));
    longest[2 * NAME_LEN_MAX + 1] = '\0';
    assert_int_equal(text_distance(longest, ""), 2 * NAME_LEN_MAX + 1);
    assert_int_equal(text_distance(longest, longest), 0);
    longest[2 * NAME_LEN_MAX + 1] = 'a';
    longest[2 * NAME_LEN_MAX + 2] = '\0';
    assert_true(text_distance(longest, "a") == SIZE_MAX);
    assert_true(text_distance("a", longest) == SIZE_MAX);
}

static void ages(void **state) {
    (void)state;
    const struct {
        uint64_t usec;
        const char *text;
    } cases[] = {
        {0, "0s"},
        {1, "0ms"},
        {850000, "850ms"},
        {999999, "999ms"},
        {USEC_PER_SEC, "1s"},
        {59999999, "59s"},
        {60 * USEC_PER_SEC, "1m00s"},
        {192 * USEC_PER_SEC, "3m12s"},
        {3600 * USEC_PER_SEC, "1h00m"},
        {7500 * USEC_PER_SEC, "2h05m"},
        {86400 * USEC_PER_SEC, "1d00h"},
        {(4 * 86400 + 3 * 3600 + 59) * USEC_PER_SEC, "4d03h"},
        {USEC_NEVER, "-"},
        {USEC_NEVER - 1, "213503982d08h"},
    };
    char buf[32];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(text_age(cases[i].usec, buf, sizeof(buf)), cases[i].text);
}

static void durations_read_back(void **state) {
    (void)state;
    char buf[64];
    assert_string_equal(text_duration(90 * USEC_PER_SEC, buf, sizeof(buf)), "1m30s");
    assert_string_equal(text_duration(0, buf, sizeof(buf)), "0s");
    assert_string_equal(text_duration(USEC_NEVER, buf, sizeof(buf)), "infinity");
    assert_string_equal(text_duration(INT64_MAX, buf, sizeof(buf)), "106751991d4h54s775ms807us");
    uint64_t seed = 5;
    for (int i = 0; i < 20000; i++) {
        uint64_t usec = next_random(&seed) >> (1 + next_random(&seed) % 60), back = 1;
        assert_int_equal(parse_duration(text_duration(usec, buf, sizeof(buf)), &back), 0);
        assert_int_equal(back, usec);
    }
    char small[4];
    assert_string_equal(text_duration(90 * USEC_PER_SEC, small, sizeof(small)), "1m3");
}

static void sizes_read_back(void **state) {
    (void)state;
    char buf[32];
    assert_string_equal(text_size(0, buf, sizeof(buf)), "0");
    assert_string_equal(text_size(1025, buf, sizeof(buf)), "1025");
    assert_string_equal(text_size(512ULL << 20, buf, sizeof(buf)), "512M");
    assert_string_equal(text_size(1536ULL << 20, buf, sizeof(buf)), "1536M");
    assert_string_equal(text_size(3ULL << 40, buf, sizeof(buf)), "3T");
    uint64_t seed = 6;
    for (int i = 0; i < 20000; i++) {
        uint64_t bytes = next_random(&seed) >> (1 + next_random(&seed) % 60), back = 1;
        bytes &= ~((UINT64_C(1) << next_random(&seed) % 50) - 1);
        assert_int_equal(parse_size(text_size(bytes, buf, sizeof(buf)), &back), 0);
        assert_int_equal(back, bytes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(formatting_refuses_to_cut),
        cmocka_unit_test(a_text_grows),
        cmocka_unit_test(an_empty_text_is_a_text),
        cmocka_unit_test(a_failed_text_stays_failed),
        cmocka_unit_test(lists),
        cmocka_unit_test(words_are_split),
        cmocka_unit_test(what_is_quoted_splits_back),
        cmocka_unit_test(any_text_splits_or_is_refused),
        cmocka_unit_test(distances),
        cmocka_unit_test(ages),
        cmocka_unit_test(durations_read_back),
        cmocka_unit_test(sizes_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
