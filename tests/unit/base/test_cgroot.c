/* SPDX-License-Identifier: Apache-2.0 */
/* The file that tells of the cgroup tree: round trip, unknown keys, and what is refused. */
#include "base/attr.h"
#include "base/cgroot.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void it_reads_back(void **state) {
    (void)state;
    for (unsigned mode = 0; mode < CGROOT_MODE_MAX; mode++) {
        struct cgroot out = {.mode = (enum cgroot_mode)mode,
                             .path = "/sys/fs/cgroup/a=b",
                             .controllers = "cpu memory",
                             .reason = "bound to v1: boot with …"},
                      back;
        char text[1024];
        assert_int_equal(cgroot_print(&out, text, sizeof(text)), 0);
        assert_int_equal(cgroot_parse(text, &back), 0);
        assert_int_equal(back.mode, out.mode);
        assert_string_equal(back.path, out.path);
        assert_string_equal(back.controllers, out.controllers);
        assert_string_equal(back.reason, out.reason);
    }
}

static void order_and_unknown_keys_do_not_matter(void **state) {
    (void)state;
    struct cgroot c;
    assert_int_equal(cgroot_parse("later=x\npath=/a\nmode=unified", &c), 0); /* no newline at the end */
    assert_int_equal(c.mode, CGROOT_UNIFIED);
    assert_string_equal(c.path, "/a");
    assert_string_equal(c.controllers, "");
    assert_int_equal(cgroot_parse("mode=none\npath=\n", &c), 0);
    assert_string_equal(c.path, "");
}

static void what_is_wrong_is_refused_untouched(void **state) {
    (void)state;
    char long_path[700] = "mode=hybrid\npath=/";
    memset(long_path + strlen(long_path), 'x', 600);
    const char *const bad[] = {
        "",
        "path=/a\n",
        "mode=\npath=/a\n",
        "mode=unifiedx\npath=/a\n",
        "mode=uni\npath=/a\n",
        "Mode=unified\npath=/a\n",
        "mode=unified\n",
        "mode=unified\npath=\n",
        "mode=hybrid\npath=relative\n",
        "mode=none\nnonsense\n",
        "\nmode=none\n",
        "mode=none\n\n",
        long_path,
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct cgroot c, before;
        memset(&c, 0x55, sizeof(c));
        before = c;
        if (cgroot_parse(bad[i], &c) != -EINVAL)
            fail_msg("'%s' was taken", bad[i]);
        assert_memory_equal(&c, &before, sizeof(c));
    }
}

static void the_longest_path_fits(void **state) {
    (void)state;
    struct cgroot c = {.mode = CGROOT_UNIFIED}, back;
    char text[1024];
    memset(c.path, 'x', sizeof(c.path) - 1);
    c.path[0] = '/';
    assert_int_equal(cgroot_print(&c, text, sizeof(text)), 0);
    assert_int_equal(cgroot_parse(text, &back), 0);
    assert_string_equal(back.path, c.path);
    assert_int_equal(cgroot_print(&c, text, 100), -ENAMETOOLONG);
    strcpy(c.reason, "two\nlines");
    assert_int_equal(cgroot_print(&c, text, sizeof(text)), -EINVAL);
}

static void modes_have_names(void **state) {
    (void)state;
    assert_string_equal(cgroot_mode_name(CGROOT_NONE), "none");
    assert_string_equal(cgroot_mode_name(CGROOT_HYBRID), "hybrid");
    assert_string_equal(cgroot_mode_name(CGROOT_UNIFIED), "unified");
    assert_string_equal(cgroot_mode_name(CGROOT_MODE_MAX), "none");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_reads_back),
        cmocka_unit_test(order_and_unknown_keys_do_not_matter),
        cmocka_unit_test(what_is_wrong_is_refused_untouched),
        cmocka_unit_test(the_longest_path_fits),
        cmocka_unit_test(modes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
