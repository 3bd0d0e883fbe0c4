/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of lines: numbers, forms, and what the INI library would do silently and must not. Refusals are
 * in tests/golden/conf. */
#include "base/clock.h"
#include "base/text.h"
#include "conf/fault.h"
#include "conf/ini.h"
#include "conf/spec.h"

#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void cleanup_ini(struct ini_text *t) {
    ini_text_free(t);
}

static struct ini_text read_ok(const char *text, size_t len) {
    struct ini_text t = {0};
    struct reason why = {0};
    if (ini_text_read("f", text, len, &t, &why) < 0)
        fail_msg("%s", why.text);
    return t;
}

static void check_entry(const struct ini_text *t, size_t i, unsigned line, const char *section,
                        const char *key, const char *value) {
    assert_true(i < t->n);
    const struct ini_entry *e = &t->entries[i];
    assert_int_equal(e->line, line);
    assert_string_equal(e->section, section);
    if (!key) {
        assert_null(e->key);
        assert_null(e->value);
        return;
    }
    assert_string_equal(e->key, key);
    assert_string_equal(e->value, value);
}

static void test_entries_and_lines(void **state ATTR_UNUSED) {
    static const char text[] =
        "\xef\xbb\xbf; head\r\n\r\n[one]\r\n  a = 1\r\nb=2 ; why\nc = x \\\n; no\n  y\\\n z\n\n"
        "[two] # why\n d-1 =\t\"q ; r\" \t\n[three]\n#e = 1\nf = \\;";
    CLEANUP(cleanup_ini) struct ini_text t = read_ok(text, sizeof(text) - 1);
    check_entry(&t, 0, 3, "one", NULL, NULL);
    check_entry(&t, 1, 4, "one", "a", "1");
    check_entry(&t, 2, 5, "one", "b", "2");
    check_entry(&t, 3, 6, "one", "c", "x    y  z");
    check_entry(&t, 4, 11, "two", NULL, NULL);
    check_entry(&t, 5, 12, "two", "d-1", "\"q ; r\"");
    check_entry(&t, 6, 13, "three", NULL, NULL);
    check_entry(&t, 7, 15, "three", "f", "\\;");
    assert_int_equal(t.n, 8);
}

static void test_nothing(void **state ATTR_UNUSED) {
    static const char *const texts[] = {"", "\n", "\n\n\n", "; c", "#", "   \t", "\xef\xbb\xbf", "\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        CLEANUP(cleanup_ini) struct ini_text t = read_ok(texts[i], strlen(texts[i]));
        assert_int_equal(t.n, 0);
    }
}

/* The library's buffer would hold 200 bytes; every length around each power of two must come through whole.
 */
static void test_long_values_whole(void **state ATTR_UNUSED) {
    AUTO_FREE char *text = malloc(INI_TEXT_MAX + 1);
    for (size_t size = 16; size <= INI_TEXT_MAX; size *= 2)
        for (size_t len = size - 6; len <= size && len <= INI_TEXT_MAX; len++) {
            memset(text, 'x', len);
            memcpy(text, "[s]\nk=", 6);
            CLEANUP(cleanup_ini) struct ini_text t = read_ok(text, len);
            assert_int_equal(t.n, 2);
            assert_int_equal(strlen(t.entries[1].value), len - 6);
        }
}

/* A file of the largest size with the shortest entries: no quadratic work, and the store holds them. */
static void test_many_entries(void **state ATTR_UNUSED) {
    AUTO_FREE char *text = malloc(INI_TEXT_MAX);
    memcpy(text, "[s]\n", 4);
    for (size_t i = 4; i < INI_TEXT_MAX; i += 4)
        memcpy(text + i, "k=v\n", 4);
    uint64_t start = clock_monotonic_usec();
    CLEANUP(cleanup_ini) struct ini_text t = read_ok(text, INI_TEXT_MAX);
    assert_int_equal(t.n, INI_TEXT_MAX / 4);
    check_entry(&t, t.n - 1, INI_TEXT_MAX / 4, "s", "k", "v");
    assert_true(clock_monotonic_usec() - start < 2 * USEC_PER_SEC);
}

/* Each of these is as large as a spec may be and as bad as it can be made; none may hold up a daemon. */
static void test_hostile_is_quick(void **state ATTR_UNUSED) {
    static const char *const repeated[] = {"\"",
                                           "'\"",
                                           "\\",
                                           "\\\n",
                                           "[",
                                           "[a]\n",
                                           "=",
                                           "a=\n",
                                           "a=b\n",
                                           ";",
                                           " ;",
                                           "%",
                                           "\n",
                                           "a ",
                                           "\xf0\x9f\x9a\x80",
                                           "\xe2",
                                           "\t",
                                           "\"\" ",
                                           "environment = A=\n"};
    static const char *const heads[] = {"",
                                        "[app]\ncommand = ",
                                        "[app]\nenvironment = A=",
                                        "[kafka]\ninputs = ",
                                        "[restart]\nsuccess-exit = ",
                                        "[ready]\nprobe = exec:/bin/x "};
    AUTO_FREE char *text = malloc(SPEC_TEXT_MAX);
    uint64_t start = clock_monotonic_usec();
    for (size_t h = 0; h < ARRAY_LEN(heads); h++)
        for (size_t i = 0; i < ARRAY_LEN(repeated); i++) {
            size_t len = strlen(heads[h]), n = strlen(repeated[i]);
            memcpy(text, heads[h], len);
            for (; len + n <= SPEC_TEXT_MAX; len += n)
                memcpy(text + len, repeated[i], n);
            struct spec s;
            struct reason why = {0};
            assert_true(spec_parse("f", text, len, &s, &why) < 0);
            assert_memory_equal(why.text, "f:", 2);
        }
    uint64_t took = clock_monotonic_usec() - start;
    printf("%zu texts in %u ms\n", ARRAY_LEN(heads) * ARRAY_LEN(repeated), (unsigned)(took / USEC_PER_MSEC));
    assert_true(took < 20 * USEC_PER_SEC);
}

/* Messages go over a bus that wants UTF-8: whatever is cut is cut between characters. */
static void test_shown(void **state ATTR_UNUSED) {
    char buf[CONF_SHOWN_SIZE];
    assert_string_equal(conf_shown("plain é", buf), "plain é");
    assert_string_equal(conf_shown("a\x1b[2J\xff\xc3", buf), "a?[2J??");
    for (size_t n = 0; n < 40; n++) {
        char text[400] = "";
        memset(text, 'x', n);
        for (size_t i = 0; i < 40; i++)
            memcpy(text + n + 3 * i, "日", 3);
        size_t len = strlen(conf_shown(text, buf));
        assert_true(len < CONF_SHOWN_SIZE && len > CONF_SHOWN_SIZE - 8);
        assert_string_equal(buf + len - 3, "…");
        for (size_t i = 0, step; i < len; i += step)
            assert_true((step = conf_utf8_printable(buf + i, len - i)) > 0);
    }
    char exact[CONF_SHOWN_SIZE];
    memset(exact, 'y', sizeof(exact));
    exact[sizeof(exact) - 1] = '\0';
    assert_string_equal(conf_shown(exact, buf), exact);
}

static void test_utf8(void **state ATTR_UNUSED) {
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        {"a", 1},
        {"~", 1},
        {"\x7f", 0},
        {"\x1f", 0},
        {"\x80", 0},
        {"\xc2\xa0", 2},
        {"\xc2\x9f", 0},
        {"\xc1\xbf", 0},
        {"\xdf\xbf", 2},
        {"\xe0\x9f\xbf", 0},
        {"\xe0\xa0\x80", 3},
        {"\xed\x9f\xbf", 3},
        {"\xed\xa0\x80", 0},
        {"\xee\x80\x80", 3},
        {"\xf0\x8f\xbf\xbf", 0},
        {"\xf0\x90\x80\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\xf4\x90\x80\x80", 0},
        {"\xf5\x80\x80\x80", 0},
        {"\xc3", 0},
        {"\xe2\x82", 0},
        {"\xc3(", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (conf_utf8_printable(cases[i].bytes, strlen(cases[i].bytes)) != cases[i].len)
            fail_msg("case %zu", i);
    assert_int_equal(conf_utf8_printable("", 0), 0);
}

int main(void) {
    (void)setlocale(LC_ALL, ""); /* whatever it is, it must not matter */
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries_and_lines),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_long_values_whole),
        cmocka_unit_test(test_many_entries),
        cmocka_unit_test(test_hostile_is_quick),
        cmocka_unit_test(test_shown),
        cmocka_unit_test(test_utf8),
    };
    return cmocka_run_group_tests_name("ini", tests, NULL, NULL);
}
