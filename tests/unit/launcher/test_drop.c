/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up privileges, looked at from inside a child that did. */
#include "base/attr.h"
#include "launcher/drop.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define UID 61000
#define GID 61001

/* Runs in a child; its exit code is what the check returns. */
static int in_child(int (*check)(void)) {
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(check());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int status_field_is(const char *field, const char *value) {
    char text[4096], line[128];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n < 0)
        return 0;
    text[n] = '\0';
    snprintf(line, sizeof(line), "\n%s:\t%s\n", field, value);
    return strstr(text, line) != NULL;
}

#define NO_CAPS "0000000000000000"

static int all_capabilities_gone(void) {
    static const char *const sets[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};
    for (size_t i = 0; i < ARRAY_LEN(sets); i++)
        if (!status_field_is(sets[i], NO_CAPS))
            return 0;
    return status_field_is("NoNewPrivs", "1");
}

static int drop_to_user(void) {
    const uint32_t groups[] = {GID, GID + 1};
    const struct drop_ids ids = {true, UID, GID, groups, 2};
    gid_t now[8];
    if (drop_privileges(&ids) < 0)
        return 1;
    if (!status_field_is("Uid", "61000\t61000\t61000\t61000") ||
        !status_field_is("Gid", "61001\t61001\t61001\t61001"))
        return 2;
    if (getgroups(8, now) != 2)
        return 3;
    if (!all_capabilities_gone())
        return 4;
    if (setuid(0) == 0 || setgid(0) == 0 || setgroups(0, NULL) == 0)
        return 5;
    return 0;
}

/* The owner of a --root service may be root: then nothing but the files of root may be left. */
static int stay_root_without_power(void) {
    const uint32_t groups[] = {0};
    const struct drop_ids ids = {true, 0, 0, groups, 1};
    if (drop_privileges(&ids) < 0)
        return 1;
    if (!all_capabilities_gone() || kill(getppid(), 0) != 0)
        return 2;
    return setuid(UID) == 0 ? 3 : 0;
}

static int drop_without_root(void) {
    const struct drop_ids ids = {.change = false};
    if (drop_privileges(&ids) < 0)
        return 1;
    return status_field_is("NoNewPrivs", "1") && status_field_is("CapEff", NO_CAPS) ? 0 : 2;
}

static int refused_group_list(void) {
    static const uint32_t groups[65];
    const struct drop_ids ids = {true, UID, GID, groups, 65};
    return drop_privileges(&ids) == -EINVAL ? 0 : 1;
}

/* As a user, another user's ids cannot be had: the call must say so, and not pretend. */
static int change_without_root(void) {
    const uint32_t groups[] = {GID};
    const struct drop_ids ids = {true, UID + 1, GID + 1, groups, 1};
    if (getuid() == 0) {
        const struct drop_ids first = {true, UID, GID, groups, 1};
        if (drop_privileges(&first) < 0)
            return 1;
    }
    return drop_privileges(&ids) < 0 ? 0 : 2;
}

static void need_root(void) {
    if (getuid() == 0)
        return;
    print_message("skip: needs root\n");
    skip();
}

static void to_a_user(void **state) {
    (void)state;
    need_root();
    assert_int_equal(in_child(drop_to_user), 0);
}

static void root_without_power(void **state) {
    (void)state;
    need_root();
    assert_int_equal(in_child(stay_root_without_power), 0);
}

static void too_many_groups(void **state) {
    (void)state;
    need_root();
    assert_int_equal(in_child(refused_group_list), 0);
}

static void without_change(void **state) {
    (void)state;
    assert_int_equal(in_child(drop_without_root), 0);
}

static void no_false_success(void **state) {
    (void)state;
    assert_int_equal(in_child(change_without_root), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(to_a_user),        cmocka_unit_test(root_without_power),
        cmocka_unit_test(too_many_groups),  cmocka_unit_test(without_change),
        cmocka_unit_test(no_false_success),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
