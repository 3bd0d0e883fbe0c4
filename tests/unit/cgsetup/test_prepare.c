/* SPDX-License-Identifier: Apache-2.0 */
/* The whole preparation, on the cgroup tree of this host. */
#include "base/cgroot.h"
#include "base/fd.h"
#include "base/text.h"
#include "cgsetup/groups.h"
#include "cgsetup/prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define OTHER_UID 61000

static struct paths paths;

static int set_up(void **state) {
    (void)state;
    char root[] = "/tmp/streamkeeper-prepare-XXXXXX";
    assert_non_null(mkdtemp(root));
    return paths_init(&paths, root);
}

static int tear_down(void **state) {
    (void)state;
    char command[700];
    struct reason reason = {0};
    (void)prepare_remove(&paths, &reason);
    snprintf(command, sizeof(command), "rm -rf %s", paths.root);
    return system(command);
}

static struct cgroot prepare(void) {
    struct reason reason = {0};
    struct cgroot c;
    char path[700];
    AUTO_FREE char *text = NULL;
    if (prepare_tree(&paths, OTHER_UID, OTHER_UID, &reason) < 0)
        fail_msg("%s", reason.text);
    snprintf(path, sizeof(path), "%s/cgroup", paths.run);
    assert_int_equal(fd_read_file_at(AT_FDCWD, path, 4096, &text, NULL), 0);
    assert_int_equal(cgroot_parse(text, &c), 0);
    return c;
}

static void need_groups(const struct cgroot *c) {
    if (c->mode != CGROOT_NONE)
        return;
    assert_true(c->reason[0] != '\0'); /* never silently */
    print_message("skip: %s\n", c->reason);
    skip();
}

static void names_of_roots(void **state) {
    (void)state;
    char a[64], b[64];
    assert_int_equal(prepare_group_name("", a, sizeof(a)), 0);
    assert_string_equal(a, "streamkeeper");
    assert_int_equal(prepare_group_name("/x", a, sizeof(a)), 0);
    assert_int_equal(prepare_group_name("/y", b, sizeof(b)), 0);
    assert_string_not_equal(a, b);
    assert_int_equal(prepare_group_name("/x", b, sizeof(b)), 0);
    assert_string_equal(a, b);
    assert_true(text_is_name(a));
}

static void classes_belong_to_the_user(void **state) {
    (void)state;
    struct cgroot c = prepare();
    need_groups(&c);
    static const char *const shipped[] = {"critical", "standard", "adhoc"};
    char path[800];
    struct stat st;
    for (size_t i = 0; i < ARRAY_LEN(shipped); i++) {
        snprintf(path, sizeof(path), "%s/%s/cgroup.procs", c.path, shipped[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_uid, geteuid() == 0 ? OTHER_UID : geteuid());
    }
    snprintf(path, sizeof(path), "%s/cgroup.procs", c.path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, geteuid() == 0 ? OTHER_UID : geteuid());
    assert_int_equal(c.mode, c.controllers[0] ? CGROOT_UNIFIED : CGROOT_HYBRID);
    assert_true(c.controllers[0] || c.reason[0]);
}

static void a_class_of_ones_own(void **state) {
    (void)state;
    char path[800];
    snprintf(path, sizeof(path), "%s/classes.d", paths.etc);
    assert_int_equal(fd_mkdir_p_at(AT_FDCWD, path, 0755), 0);
    snprintf(path, sizeof(path), "%s/classes.d/gold.conf", paths.etc);
    assert_int_equal(close(open(path, O_CREAT | O_WRONLY, 0644)), 0);
    struct cgroot c = prepare();
    need_groups(&c);
    snprintf(path, sizeof(path), "%s/gold", c.path);
    assert_int_equal(access(path, F_OK), 0);
    snprintf(path, sizeof(path), "%s/critical", c.path);
    assert_int_equal(access(path, F_OK), -1);
}

/* Repeated while an instance runs: nothing of it changes, and what lives is not removed. */
static void repeated_while_apps_run(void **state) {
    (void)state;
    struct cgroot c = prepare();
    need_groups(&c);
    struct reason reason = {0};
    char path[800], pid_text[16];
    snprintf(path, sizeof(path), "%s/adhoc/t", c.path);
    assert_int_equal(mkdir(path, 0755), 0);
    snprintf(path, sizeof(path), "%s/adhoc/t/a.0", c.path);
    assert_int_equal(mkdir(path, 0755), 0);
    pid_t pid = fork();
    if (pid == 0) {
        for (;;)
            pause();
    }
    AUTO_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    snprintf(pid_text, sizeof(pid_text), "%d", (int)pid);
    assert_int_equal(fd_write_file_at(fd, "cgroup.procs", pid_text), 0);

    struct cgroot again = prepare();
    assert_string_equal(again.path, c.path);
    assert_string_equal(again.controllers, c.controllers);
    AUTO_FREE char *procs = NULL;
    assert_int_equal(fd_read_file_at(fd, "cgroup.procs", 64, &procs, NULL), 0);
    assert_int_equal(strtol(procs, NULL, 10), pid);
    assert_true(prepare_remove(&paths, &reason) < 0);
    assert_true(reason.text[0] != '\0');
    assert_int_equal(access(path, F_OK), 0);

    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(prepare_remove(&paths, &reason), 0);
    assert_int_equal(access(c.path, F_OK), -1);
}

static void the_systems_tree_is_never_removed(void **state) {
    (void)state;
    struct paths system_paths;
    struct reason reason = {0};
    assert_int_equal(paths_init(&system_paths, NULL), 0);
    assert_int_equal(prepare_remove(&system_paths, &reason), -EINVAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_roots),
        cmocka_unit_test_setup_teardown(classes_belong_to_the_user, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_class_of_ones_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(repeated_while_apps_run, set_up, tear_down),
        cmocka_unit_test(the_systems_tree_is_never_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
