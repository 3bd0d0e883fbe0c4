/* SPDX-License-Identifier: Apache-2.0 */
/* Groups made, found and removed: in a tree of plain folders, and in the kernel's. */
#include "base/attr.h"
#include "base/fd.h"
#include "cgroup/group.h"
#include "cgroup/tree.h"
#include "fake/cgtree.h"
#include "live.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    struct fake_cgtree fake;
    struct live live;
    struct cgtree *tree;
};

static int make_fake(void **state) {
    struct place *p = calloc(1, sizeof(*p));
    p->live.dirfd = -EBADF;
    assert_int_equal(fake_cgtree_make(&p->fake, "", NULL, 0), 0);
    assert_int_equal(cgtree_open(&p->fake.root, &p->tree), 0);
    *state = p;
    return 0;
}

static int remove_fake(void **state) {
    struct place *p = *state;
    cgtree_free(p->tree);
    fake_cgtree_remove(&p->fake);
    free(p);
    return 0;
}

static int make_live(void **state) {
    struct place *p = calloc(1, sizeof(*p));
    if (live_make(&p->live) == 0)
        assert_int_equal(cgtree_open(&p->live.root, &p->tree), 0);
    else
        p->live.dirfd = -EBADF;
    *state = p;
    return 0;
}

static int remove_live(void **state) {
    struct place *p = *state;
    cgtree_free(p->tree);
    live_remove(&p->live);
    free(p);
    return 0;
}

static bool is_there(const char *root, const char *group) {
    char path[1024];
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s", root, group);
    return lstat(path, &st) == 0;
}

static void no_tree_without_cgroups(void **state) {
    (void)state;
    struct cgroot none = {.mode = CGROOT_NONE};
    struct cgtree *t = (struct cgtree *)&none;
    assert_int_equal(cgtree_open(&none, &t), 0);
    assert_null(t);
    assert_false(cgtree_has(t, "cpu"));
    cgtree_free(t);

    struct cgroot missing = {.mode = CGROOT_HYBRID, .path = "/nowhere/at/all"};
    assert_int_equal(cgtree_open(&missing, &t), -ENOENT);
}

static void makes_what_is_missing(void **state) {
    struct place *p = *state;
    AUTO_FD int first = cgtree_open_leaf(p->tree, "adhoc", "payments", "enrich", 0);
    assert_true(first >= 0);
    assert_true(is_there(p->fake.path, "adhoc/payments/enrich.0"));
    AUTO_FD int again = cgtree_open_leaf(p->tree, "adhoc", "payments", "enrich", 0);
    struct stat a, b;
    assert_int_equal(fstat(first, &a), 0);
    assert_int_equal(fstat(again, &b), 0);
    assert_int_equal(a.st_ino, b.st_ino);
    assert_int_equal(fcntl(first, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_string_equal(cgtree_root(p->tree)->path, p->fake.path);
}

static void refuses_other_names(void **state) {
    struct place *p = *state;
    static const char *const names[] = {"",  ".",   "..",           "../x", "a/b",
                                        "A", "a.b", "cgroup.procs", "-x",   "\xc3\xa4"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_int_equal(cgtree_open_class(p->tree, names[i]), -EINVAL);
        assert_int_equal(cgtree_open_tenant(p->tree, "adhoc", names[i]), -EINVAL);
        assert_int_equal(cgtree_open_leaf(p->tree, "adhoc", "t", names[i], 0), -EINVAL);
        assert_int_equal(cgtree_open_leaf(p->tree, names[i], "t", "a", 0), -EINVAL);
        assert_int_equal(cgtree_remove_leaf(p->tree, "adhoc", names[i], "a", 0), -EINVAL);
    }
    assert_false(is_there(p->fake.path, "adhoc"));
}

static void follows_no_link(void **state) {
    struct place *p = *state;
    AUTO_FD int elsewhere = fake_cgtree_group(&p->fake, "elsewhere");
    assert_true(elsewhere >= 0);
    assert_int_equal(symlinkat("elsewhere", p->fake.dirfd, "adhoc"), 0);
    assert_int_equal(cgtree_open_class(p->tree, "adhoc"), -ENOTDIR);
    assert_int_equal(cgtree_open_leaf(p->tree, "adhoc", "t", "a", 0), -ENOTDIR);
    assert_int_equal(cgtree_remove_leaf(p->tree, "adhoc", "t", "a", 0), -ENOTDIR);

    assert_int_equal(symlinkat("/", elsewhere, "t"), 0);
    assert_int_equal(cgtree_open_tenant(p->tree, "elsewhere", "t"), -ENOTDIR);
    assert_false(is_there(p->fake.path, "elsewhere/t/a.0"));
}

static void removes_leaf_and_empty_tenant(void **state) {
    struct place *p = *state;
    fd_close(cgtree_open_leaf(p->tree, "adhoc", "t", "a", 0));
    fd_close(cgtree_open_leaf(p->tree, "adhoc", "t", "a", 1));
    assert_int_equal(cgtree_remove_leaf(p->tree, "adhoc", "t", "a", 0), 0);
    assert_false(is_there(p->fake.path, "adhoc/t/a.0"));
    assert_true(is_there(p->fake.path, "adhoc/t"));
    assert_int_equal(cgtree_remove_leaf(p->tree, "adhoc", "t", "a", 1), 0);
    assert_false(is_there(p->fake.path, "adhoc/t"));
    assert_true(is_there(p->fake.path, "adhoc"));
    assert_int_equal(cgtree_remove_leaf(p->tree, "adhoc", "t", "a", 1), 0);
    assert_int_equal(cgtree_remove_leaf(p->tree, "never", "t", "a", 1), 0);
}

static void enables_controllers(void **state) {
    (void)state;
    static const struct fake_file files[] = {
        {"critical", "cgroup.subtree_control", "cpu memory io pids"},
        {"critical/new", "cgroup.subtree_control", ""},
        {"critical/half", "cgroup.subtree_control", "io cpu\n"},
        {"critical/whole", "cgroup.subtree_control", "cpu io memory pids\n"},
    };
    struct fake_cgtree fake;
    struct cgtree *t;
    char text[256];
    assert_int_equal(fake_cgtree_make(&fake, "cpu memory io pids", files, ARRAY_LEN(files)), 0);
    assert_int_equal(cgtree_open(&fake.root, &t), 0);
    assert_true(cgtree_has(t, "memory"));
    assert_false(cgtree_has(t, "mem"));
    assert_false(cgtree_has(t, "cpuset"));

    fd_close(cgtree_open_tenant(t, "critical", "new"));
    assert_true(fake_cgtree_read(&fake, "critical/new", "cgroup.subtree_control", text, sizeof(text)) > 0);
    assert_string_equal(text, "+cpu +memory +io +pids");
    fd_close(cgtree_open_tenant(t, "critical", "half"));
    assert_true(fake_cgtree_read(&fake, "critical/half", "cgroup.subtree_control", text, sizeof(text)) > 0);
    assert_string_equal(text, "+memory +pids"); /* a plain file keeps no more than the last write */
    fd_close(cgtree_open_tenant(t, "critical", "whole"));
    assert_true(fake_cgtree_read(&fake, "critical/whole", "cgroup.subtree_control", text, sizeof(text)) > 0);
    assert_string_equal(text, "cpu io memory pids\n");
    /* Without the file nothing can be enabled, and that is no success. */
    assert_int_equal(cgtree_open_tenant(t, "critical", "without"), -ENOENT);
    cgtree_free(t);
    fake_cgtree_remove(&fake);
}

struct seen {
    char text[4096];
    unsigned n;
    struct cgtree *remove_from;
};

static void see(void *userdata, const struct cgleaf_name *name, int dirfd) {
    struct seen *s = userdata;
    struct stat st;
    size_t len = strlen(s->text);
    assert_int_equal(fstat(dirfd, &st), 0);
    if (len + 200 < sizeof(s->text))
        snprintf(s->text + len, sizeof(s->text) - len, "%s/%s/%s#%u ", name->class, name->tenant, name->app,
                 name->number);
    s->n++;
    if (s->remove_from)
        assert_int_equal(
            cgtree_remove_leaf(s->remove_from, name->class, name->tenant, name->app, name->number), 0);
}

static void walks_only_leaves_of_the_right_form(void **state) {
    struct place *p = *state;
    static const char *const groups[] = {
        "critical/pay/enrich.0",  "adhoc/x/y.12",        "keeper",
        "critical/pay/enrich.00", "critical/pay/enrich", "critical/pay/Enrich.1",
        "critical/.hidden/a.0",   "a.b/pay/c.0",         "critical/pay/enrich.0/inner/x.3",
    };
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        fd_close(fake_cgtree_group(&p->fake, groups[i]));
    assert_int_equal(fake_cgtree_write(&p->fake, "critical/pay", "file.7", "no group"), 0);
    AUTO_FD int pay = fake_cgtree_group(&p->fake, "critical/pay");
    assert_int_equal(symlinkat("enrich.0", pay, "link.0"), 0);

    struct seen s = {.n = 0};
    assert_int_equal(cgtree_each_leaf(p->tree, see, &s), 0);
    assert_int_equal(s.n, 2);
    assert_non_null(strstr(s.text, "critical/pay/enrich#0 "));
    assert_non_null(strstr(s.text, "adhoc/x/y#12 "));
}

static void walk_while_removing(void **state) {
    struct place *p = *state;
    for (uint32_t i = 0; i < 300; i++) {
        char tenant[16];
        snprintf(tenant, sizeof(tenant), "t%u", i / 3);
        int fd = cgtree_open_leaf(p->tree, "adhoc", tenant, "a", i);
        assert_true(fd >= 0);
        fd_close(fd);
    }
    struct seen s = {.remove_from = p->tree};
    assert_int_equal(cgtree_each_leaf(p->tree, see, &s), 0);
    assert_int_equal(s.n, 300);
    struct seen after = {.n = 0};
    assert_int_equal(cgtree_each_leaf(p->tree, see, &after), 0);
    assert_int_equal(after.n, 0);
    assert_false(is_there(p->fake.path, "adhoc/t0"));
}

static void a_root_that_is_gone(void **state) {
    struct place *p = *state;
    assert_int_equal(rmdir(p->fake.path), 0);
    assert_int_equal(cgtree_open_class(p->tree, "adhoc"), -ENOENT);
    struct seen s = {.n = 0};
    assert_int_equal(cgtree_each_leaf(p->tree, see, &s), 0);
    assert_int_equal(s.n, 0);
    assert_int_equal(cgtree_remove_leaf(p->tree, "adhoc", "t", "a", 0), 0);
}

static void class_without_rights(void **state) {
    struct place *p = *state;
    if (geteuid() == 0) {
        /* As somebody without rights, in a process of its own. */
        pid_t pid = fork();
        if (pid == 0)
            _exit(setresuid(65534, 65534, 65534) == 0 && cgtree_open_class(p->tree, "other") == -ENOENT ? 0
                                                                                                        : 1);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        return;
    }
    assert_int_equal(chmod(p->fake.path, 0500), 0);
    assert_int_equal(cgtree_open_class(p->tree, "other"), -ENOENT);
    assert_int_equal(chmod(p->fake.path, 0700), 0);
}

static void live_leaf_in_use_stays(void **state) {
    struct place *p = *state;
    if (!p->tree)
        skip();
    AUTO_FD int leaf = cgtree_open_leaf(p->tree, "adhoc", "t", "a", 0);
    assert_true(leaf >= 0);
    pid_t pid = live_spawn(leaf, LIVE_WAITS);
    assert_true(pid > 0);
    assert_int_equal(cgtree_remove_leaf(p->tree, "adhoc", "t", "a", 0), -EBUSY);
    assert_int_equal(group_is_populated(leaf), 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(cgtree_remove_leaf(p->tree, "adhoc", "t", "a", 0), 0);
    assert_false(is_there(p->live.root.path, "adhoc/t"));
    assert_int_equal(group_is_populated(leaf), -ENOENT);
}

static void live_nested_groups_go_too(void **state) {
    struct place *p = *state;
    if (!p->tree)
        skip();
    AUTO_FD int leaf = cgtree_open_leaf(p->tree, "adhoc", "t", "a", 0);
    assert_true(leaf >= 0);
    assert_int_equal(fd_mkdir_p_at(leaf, "one/two/three", 0755), 0);
    for (char other[] = "other-a"; other[6] <= 'j'; other[6]++) /* some come before "one", some after it */
        assert_int_equal(fd_mkdir_p_at(leaf, other, 0755), 0);
    AUTO_FD int inner = openat(leaf, "one/two/three", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    pid_t pid = live_spawn(inner, LIVE_WAITS);
    assert_true(pid > 0);
    /* In use: nothing of it is touched. */
    assert_int_equal(cgtree_remove_leaf(p->tree, "adhoc", "t", "a", 0), -EBUSY);
    for (char other[] = "adhoc/t/a.0/other-a"; other[18] <= 'j'; other[18]++)
        assert_true(is_there(p->live.root.path, other));
    assert_int_equal(group_kill(leaf), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(cgtree_remove_leaf(p->tree, "adhoc", "t", "a", 0), 0);
    assert_false(is_there(p->live.root.path, "adhoc/t"));
}

static void live_many_leaves(void **state) {
    struct place *p = *state;
    if (!p->tree)
        skip();
    for (uint32_t i = 0; i < 3000; i++) {
        char tenant[16];
        snprintf(tenant, sizeof(tenant), "t%u", i % 10);
        int fd = cgtree_open_leaf(p->tree, "adhoc", tenant, "a", i);
        assert_true(fd >= 0);
        fd_close(fd);
    }
    struct seen s = {.remove_from = p->tree};
    assert_int_equal(cgtree_each_leaf(p->tree, see, &s), 0);
    assert_int_equal(s.n, 3000);
    assert_false(is_there(p->live.root.path, "adhoc/t0"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_tree_without_cgroups),
        cmocka_unit_test_setup_teardown(makes_what_is_missing, make_fake, remove_fake),
        cmocka_unit_test_setup_teardown(refuses_other_names, make_fake, remove_fake),
        cmocka_unit_test_setup_teardown(follows_no_link, make_fake, remove_fake),
        cmocka_unit_test_setup_teardown(removes_leaf_and_empty_tenant, make_fake, remove_fake),
        cmocka_unit_test(enables_controllers),
        cmocka_unit_test_setup_teardown(walks_only_leaves_of_the_right_form, make_fake, remove_fake),
        cmocka_unit_test_setup_teardown(walk_while_removing, make_fake, remove_fake),
        cmocka_unit_test_setup_teardown(a_root_that_is_gone, make_fake, remove_fake),
        cmocka_unit_test_setup_teardown(class_without_rights, make_fake, remove_fake),
        cmocka_unit_test_setup_teardown(live_leaf_in_use_stays, make_live, remove_live),
        cmocka_unit_test_setup_teardown(live_nested_groups_go_too, make_live, remove_live),
        cmocka_unit_test_setup_teardown(live_many_leaves, make_live, remove_live),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
