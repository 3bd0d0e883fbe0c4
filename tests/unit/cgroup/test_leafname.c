/* SPDX-License-Identifier: Apache-2.0 */
/* Names of leaves: there and back, and what is none. */
#include "base/attr.h"
#include "cgroup/leafname.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void there_and_back(void **state) {
    (void)state;
    char longest[NAME_LEN_MAX + 1];
    memset(longest, 'a', NAME_LEN_MAX);
    longest[NAME_LEN_MAX] = '\0';
    const char *const apps[] = {"a", "enrich", "a-b_c", "0", longest};
    static const uint32_t numbers[] = {0, 1, 9, 10, 4294967295};
    for (size_t i = 0; i < ARRAY_LEN(apps); i++)
        for (size_t k = 0; k < ARRAY_LEN(numbers); k++) {
            char name[LEAF_NAME_SIZE], app[NAME_LEN_MAX + 1];
            uint32_t number;
            assert_int_equal(leafname_format(apps[i], numbers[k], name), 0);
            assert_int_equal(leafname_parse(name, app, &number), 0);
            assert_string_equal(app, apps[i]);
            assert_int_equal(number, numbers[k]);
        }
}

static void none(void **state) {
    (void)state;
    static const char *const names[] = {
        "",
        ".",
        "a",
        "a.",
        ".0",
        "a.00",
        "a.01",
        "a.-1",
        "a.+1",
        "a.1x",
        "a. 1",
        "A.1",
        "a.b.1",
        "../a.1",
        "a/b.1",
        "-a.1",
        "a.4294967296",
        "a.1\n",
        "cpu.stat",
        "cgroup.procs",
        "memory.events",
        "a..1",
        "\xc3\xa4.1",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.1",
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char app[NAME_LEN_MAX + 1] = "before";
        uint32_t number = 5;
        if (leafname_parse(names[i], app, &number) != -EINVAL)
            fail_msg("\"%s\" was taken", names[i]);
        assert_string_equal(app, "before");
        assert_int_equal(number, 5);
    }
    char name[LEAF_NAME_SIZE];
    assert_int_equal(leafname_format("a.b", 1, name), -EINVAL);
    assert_int_equal(leafname_format("../x", 1, name), -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(there_and_back), cmocka_unit_test(none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
