/* SPDX-License-Identifier: Apache-2.0 */
/* The system's folders, and everything below one root. */
#include "base/paths.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void without_a_root_the_systems_folders(void **state) {
    (void)state;
    const char *const roots[] = {NULL, ""};
    for (int i = 0; i < 2; i++) {
        struct paths p;
        assert_int_equal(paths_init(&p, roots[i]), 0);
        assert_string_equal(p.root, "");
        assert_string_equal(p.etc, "/etc/streamkeeper");
        assert_string_equal(p.run, "/run/streamkeeper");
        assert_string_equal(p.state, "/var/lib/streamkeeper/state");
        assert_string_equal(p.registry, "/var/lib/streamkeeper/registry");
        assert_string_equal(p.log, "/var/log/streamkeeper");
    }
}

static void with_a_root_all_is_below_it(void **state) {
    (void)state;
    struct paths p;
    assert_int_equal(paths_init(&p, "/srv/sk///"), 0);
    assert_string_equal(p.root, "/srv/sk");
    assert_string_equal(p.etc, "/srv/sk/etc");
    assert_string_equal(p.run, "/srv/sk/run");
    assert_string_equal(p.state, "/srv/sk/state");
    assert_string_equal(p.registry, "/srv/sk/registry");
    assert_string_equal(p.log, "/srv/sk/log");
    assert_int_equal(paths_init(&p, "/"), 0);
    assert_string_equal(p.etc, "/etc");
}

static void a_relative_root_is_made_absolute(void **state) {
    (void)state;
    char here[PATH_MAX], want[PATH_MAX + 8];
    assert_non_null(getcwd(here, sizeof(here)));
    struct paths p;
    assert_int_equal(paths_init(&p, "demo/"), 0);
    snprintf(want, sizeof(want), "%s/demo", here);
    assert_string_equal(p.root, want);
    snprintf(want, sizeof(want), "%s/demo/etc", here);
    assert_string_equal(p.etc, want);
    assert_int_equal(paths_init(&p, "."), 0);
    assert_string_equal(p.root, here);
    assert_int_equal(paths_init(&p, "./"), 0);
    assert_string_equal(p.root, here);
}

static void too_long_is_refused_untouched(void **state) {
    (void)state;
    struct paths p, before;
    memset(&p, 0x55, sizeof(p));
    before = p;
    char root[sizeof(p.root) + 1];
    memset(root, 'x', sizeof(root));
    root[0] = '/';
    root[sizeof(root) - 1] = '\0';
    assert_int_equal(paths_init(&p, root), -ENAMETOOLONG);
    assert_memory_equal(&p, &before, sizeof(p));
    root[sizeof(root) - 2] = '\0';
    assert_int_equal(paths_init(&p, root), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_root_the_systems_folders),
        cmocka_unit_test(with_a_root_all_is_below_it),
        cmocka_unit_test(a_relative_root_is_made_absolute),
        cmocka_unit_test(too_long_is_refused_untouched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
