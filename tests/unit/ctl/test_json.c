/* SPDX-License-Identifier: Apache-2.0 */
/* JSON of whatever comes: always valid. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tree.h"

#include "ctl/json.h"

#include <math.h>
#include <string.h>

static void expect_text(const char *data, size_t len, const char *json) {
    struct text_buf b = {0};
    json_add_text(&b, data, len);
    assert_string_equal(b.data, json);
    text_buf_free(&b);
}

static void texts_are_escaped(void **state) {
    (void)state;
    expect_text("", 0, "\"\"");
    expect_text("plain é €", strlen("plain é €"), "\"plain é €\"");
    expect_text("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
    expect_text("\n\t\r\b", 4, "\"\\n\\t\\u000d\\u0008\"");
    expect_text("nul\0end", 7, "\"nul\\u0000end\"");
    expect_text("\x1b[31m", 5, "\"\\u001b[31m\"");
    expect_text("\x7f\xc2\x9b", 3, "\"\\u007f\\u009b\""); /* 0x9b steers terminals too */
}

static void what_is_no_utf8_is_replaced(void **state) {
    (void)state;
    expect_text("a\xff"
                "b",
                3, "\"a\\ufffdb\"");
    expect_text("\xc3", 1, "\"\\ufffd\"");                       /* cut off */
    expect_text("\xc0\xaf", 2, "\"\\ufffd\\ufffd\"");            /* overlong */
    expect_text("\xed\xa0\x80", 3, "\"\\ufffd\\ufffd\\ufffd\""); /* surrogate */
    expect_text("\xf5\x80\x80\x80", 4, "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
}

static void trees_become_json(void **state) {
    struct arena a = {0};
    struct text_buf b = {0};
    struct value *list = tree_list(&a, NULL, NULL);
    (void)state;
    json_add(&b, list);
    assert_string_equal(b.data, "[]\n");
    text_buf_free(&b);
    struct value *app = tree_app(&a, list, "t/a", "critical", 900, "running", true);
    tree_instance(&a, app, 0, "running", 77, 2);
    struct value *number = value_new(&a, VALUE_INT, "nice");
    number->integer = -10;
    value_append(app, number);
    struct value *real = value_new(&a, VALUE_DOUBLE, "nan");
    real->real = NAN;
    value_append(app, real);
    value_add_uint(&a, app, "big", UINT64_MAX);
    tree_dict(&a, list, NULL);
    json_add(&b, list);
    assert_string_equal(
        b.data,
        "[{\"name\":\"t/a\",\"class\":\"critical\",\"rank\":900,\"state\":\"running\",\"wanted\":true,"
        "\"generation\":3,\"instances\":[{\"number\":0,\"state\":\"running\",\"pid\":77,\"restarts\":2,"
        "\"since_usec\":1699999808000000}],\"nice\":-10,\"nan\":null,\"big\":18446744073709551615},\n"
        " {}]\n");
    text_buf_free(&b);
    arena_free(&a);
}

static void big_trees_fit(void **state) {
    struct arena a = {0};
    struct value *list = tree_list(&a, NULL, NULL);
    (void)state;
    for (int i = 0; i < 20000; i++)
        value_add_uint(&a, list, NULL, (uint64_t)i);
    char *long_text = arena_copy(&a, "x", 1);
    assert_non_null(long_text);
    assert_non_null(arena_take(&a, 200000));
    assert_int_equal(value_len(list), 20000);
    assert_int_equal(list->list.last->number, 19999);
    arena_free(&a);
}

static void fields_have_fallbacks(void **state) {
    struct arena a = {0};
    struct value *d = tree_dict(&a, NULL, NULL);
    (void)state;
    value_add_text(&a, d, "text", "x");
    value_add_uint(&a, d, "number", 5);
    assert_string_equal(value_text(d, "number", "none"), "none");
    assert_int_equal(value_uint(d, "text", 9), 9);
    assert_int_equal(value_uint(d, "number", 9), 5);
    assert_int_equal(value_uint(NULL, "number", 9), 9);
    assert_false(value_bool(d, "number"));
    assert_true(value_has(d, "text"));
    assert_false(value_has(d, "other"));
    assert_int_equal(value_len(value_get(d, "text")), 0);
    arena_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_escaped),     cmocka_unit_test(what_is_no_utf8_is_replaced),
        cmocka_unit_test(trees_become_json),     cmocka_unit_test(big_trees_fit),
        cmocka_unit_test(fields_have_fallbacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
