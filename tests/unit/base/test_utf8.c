/* SPDX-License-Identifier: Apache-2.0 */
/* Characters, and bytes that are none. */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static size_t encode(uint32_t code, char *s) {
    if (code < 0x80) {
        s[0] = (char)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, code >>= 6)
        s[i] = (char)(0x80 | (code & 0x3f));
    s[0] = (char)((n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0) | code);
    return n;
}

static void every_code_point(void **state) {
    (void)state;
    for (uint32_t code = 0; code < 0x110400; code++) {
        char s[5] = {0};
        size_t n = encode(code, s);
        uint32_t got = 42;
        bool is = code < 0x110000 && !(code >= 0xd800 && code < 0xe000);
        assert_int_equal(utf8_next(s, n, &got), is ? n : 0);
        assert_int_equal(got, is ? code : 42);
        for (size_t cut = 1; cut < n; cut++)
            assert_int_equal(utf8_next(s, cut, NULL), 0);
    }
}

static void what_is_no_character(void **state) {
    (void)state;
    static const char *const bad[] = {"\x80",
                                      "\xbf",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xe0\x80\x80",
                                      "\xe0\x9f\xbf",
                                      "\xf0\x80\x80\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "\xfe",
                                      "\xc3(",
                                      "\xe2\x82(",
                                      "\xed\xa0\x80"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(utf8_next(bad[i], strlen(bad[i]), NULL), 0);
        assert_false(utf8_is_valid(bad[i], strlen(bad[i])));
    }
    assert_int_equal(utf8_next("", 0, NULL), 0);
    assert_true(utf8_is_valid("", 0));
    assert_true(utf8_is_valid("gr\xc3\xbc\xc3\x9f\xf0\x9f\x98\x80", 10));
}

static void bad_bytes_are_replaced(void **state) {
    (void)state;
    CLEANUP(cleanup_text_buf) struct text_buf b = {0};
    utf8_add_valid(&b, "a\xff\xc3\xbc\0\xc3z", 7);
    assert_string_equal(b.data, "a\xef\xbf\xbd\xc3\xbc\xef\xbf\xbd\xef\xbf\xbdz");
}

static void a_clean_copy_fits_and_can_be_shown(void **state) {
    (void)state;
    char buf[8];
    assert_string_equal(utf8_copy_clean("a\n\0\x7f\xc3\xbc", 6, buf, sizeof(buf)), "a???\xc3\xbc");
    assert_string_equal(utf8_copy_clean("\xc2\x85\xc2\xa0", 4, buf, sizeof(buf)), "?\xc2\xa0");
    assert_string_equal(utf8_copy_clean("123456\xc3\xbc", 8, buf, sizeof(buf)),
                        "123456"); /* not half of it */
    assert_string_equal(utf8_copy_clean("12345\xc3\xbc", 7, buf, sizeof(buf)), "12345\xc3\xbc");
    assert_string_equal(utf8_copy_clean("x", 1, buf, 1), "");
    assert_string_equal(utf8_copy_clean("", 0, buf, sizeof(buf)), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point),
        cmocka_unit_test(what_is_no_character),
        cmocka_unit_test(bad_bytes_are_replaced),
        cmocka_unit_test(a_clean_copy_fits_and_can_be_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
