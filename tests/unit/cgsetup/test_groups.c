/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of mounts and groups as text, class names from a folder, and groups on a tree that looks like the
 * kernel's. */
#include "base/attr.h"
#include "base/text.h"
#include "cgsetup/classes.h"
#include "cgsetup/groups.h"
#include "cgsetup/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];

static int set_up(void **state) {
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/streamkeeper-groups-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

static const char *below(const char *name) {
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text) {
    FILE *f = fopen(below(name), "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static void mounts_of_hosts(void **state) {
    (void)state;
    struct cgroup_mount m;
    assert_int_equal(
        mounts_parse("30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n", &m),
        0);
    assert_string_equal(m.path, "/sys/fs/cgroup");
    assert_string_equal(m.root, "/");
    const char *hybrid = "25 20 0:22 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
                         "26 25 0:23 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
                         "27 25 0:24 / /sys/fs/cgroup/unified rw shared:7 master:2 - cgroup2 cgroup2 rw\n";
    assert_int_equal(mounts_parse(hybrid, &m), 0);
    assert_string_equal(m.path, "/sys/fs/cgroup/unified");
    const char *two = "1 0 0:24 / /run/elsewhere rw - cgroup2 none rw\n"
                      "2 0 0:24 /docker/x /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
    assert_int_equal(mounts_parse(two, &m), 0);
    assert_string_equal(m.path, "/sys/fs/cgroup");
    assert_string_equal(m.root, "/docker/x");
    static const char *const none[] = {"", "26 25 0:23 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n",
                                       "rubbish\n\n - cgroup2 \n", "1 2 3 / - cgroup2 x\n"};
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        assert_int_equal(mounts_parse(none[i], &m), -ENOENT);
}

static void own_groups(void **state) {
    (void)state;
    char path[32];
    assert_int_equal(mounts_parse_cgroup("3:cpu:/x\n0::/a/b.service\n", path, sizeof(path)), 0);
    assert_string_equal(path, "/a/b.service");
    assert_int_equal(mounts_parse_cgroup("0::/\n", path, sizeof(path)), 0);
    assert_string_equal(path, "/");
    assert_int_equal(mounts_parse_cgroup("3:cpu:/x\n", path, sizeof(path)), -ENOENT);
    assert_int_equal(
        mounts_parse_cgroup("0::/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", path, sizeof(path)),
        -ENAMETOOLONG);
}

static void words(void **state) {
    (void)state;
    assert_true(groups_has_word("cpuset cpu io\n", "cpu"));
    assert_true(groups_has_word("io", "io"));
    assert_false(groups_has_word("cpuset io", "cpu"));
    assert_false(groups_has_word("", "cpu"));
    assert_string_equal(groups_controllers[0], "memory");
}

static void class_names(void **state) {
    (void)state;
    CLEANUP(cleanup_text_list) char **names = NULL;
    assert_int_equal(classes_list(folder, &names), 0); /* no folder classes.d: the shipped ones */
    assert_int_equal(text_list_len(names), 3);
    assert_true(text_list_contains(names, "critical") && text_list_contains(names, "standard") &&
                text_list_contains(names, "adhoc"));
    assert_int_equal(mkdir(below("classes.d"), 0755), 0);
    write_file("classes.d/gold.conf", "");
    write_file("classes.d/gold.conf.dpkg-old", "");
    write_file("classes.d/.hidden.conf", "");
    write_file("classes.d/UPPER.conf", "");
    write_file("classes.d/.conf", "");
    CLEANUP(cleanup_text_list) char **own = NULL;
    assert_int_equal(classes_list(folder, &own), 0);
    assert_int_equal(text_list_len(own), 1);
    assert_string_equal(own[0], "gold");
}

static void controllers_are_enabled_and_read_back(void **state) {
    (void)state;
    char text[64];
    write_file("cgroup.controllers", "cpuset cpu io memory hugetlb pids\n");
    write_file("cgroup.subtree_control", "memory io cpu\n");
    assert_int_equal(groups_enabled(folder, "cgroup.controllers", text, sizeof(text)), 0);
    assert_string_equal(text, "memory io cpu pids");
    assert_int_equal(groups_enable(folder), 0);
    /* A plain file keeps what was written last: the one that was missing. */
    FILE *f = fopen(below("cgroup.subtree_control"), "r");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof(text), f));
    fclose(f);
    assert_memory_equal(text, "+pids", 5);
    assert_int_equal(groups_enabled("/no/such/group", "cgroup.controllers", text, sizeof(text)), -ENOENT);
}

static void empty_trees_are_removed(void **state) {
    (void)state;
    assert_int_equal(groups_make(below("root")), 0);
    assert_int_equal(groups_make(below("root")), 0);
    assert_int_equal(groups_make(below("root/a")), 0);
    assert_int_equal(groups_make(below("root/a/b")), 0);
    assert_int_equal(groups_make(below("root/c")), 0);
    write_file("root/c/lives", ""); /* what is no group makes it as busy as a process would */
    assert_true(groups_remove(below("root")) < 0);
    assert_int_equal(access(below("root/a"), F_OK), -1);
    assert_int_equal(access(below("root/c"), F_OK), 0);
    assert_int_equal(unlink(below("root/c/lives")), 0);
    assert_int_equal(groups_remove(below("root")), 0);
    assert_int_equal(groups_remove(below("root")), 0);
    assert_int_equal(symlink("/tmp", below("link")), 0);
    assert_true(groups_remove(below("link")) < 0);
    assert_int_equal(access(below("link"), F_OK), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mounts_of_hosts),
        cmocka_unit_test(own_groups),
        cmocka_unit_test(words),
        cmocka_unit_test_setup_teardown(class_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(controllers_are_enabled_and_read_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(empty_trees_are_removed, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
