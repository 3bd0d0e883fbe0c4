/* SPDX-License-Identifier: Apache-2.0 */
/* State directories, with everything planted in the way that a tenant or an accident could plant. */
#include "base/fd.h"
#include "launcher/statedir.h"

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

#define OTHER_UID 61000

struct fixture {
    char path[64];
    int fd;
};

static int set_up(void **state) {
    static struct fixture f;
    snprintf(f.path, sizeof(f.path), "/tmp/streamkeeper-statedir-XXXXXX");
    assert_non_null(mkdtemp(f.path));
    f.fd = open(f.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(f.fd >= 0);
    umask(022);
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    char command[128];
    f->fd = fd_close(f->fd);
    snprintf(command, sizeof(command), "rm -rf %s", f->path);
    return system(command);
}

static struct stat stat_of(struct fixture *f, const char *name) {
    struct stat st;
    assert_int_equal(fstatat(f->fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
    return st;
}

static int open_mine(struct fixture *f) {
    return statedir_open(f->fd, "t", "a", 0, getuid(), getgid());
}

static void made_with_the_right_modes(void **state) {
    struct fixture *f = *state;
    AUTO_FD int fd = open_mine(f);
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(stat_of(f, "t").st_mode & 07777, 0711);
    assert_int_equal(stat_of(f, "t/a").st_mode & 07777, 0711);
    assert_int_equal(stat_of(f, "t/a/0").st_mode & 07777, 0700);
    AUTO_FD int again = open_mine(f);
    assert_true(again >= 0);
    assert_int_equal(fchmod(again, 0777), 0);
    AUTO_FD int narrowed = open_mine(f);
    assert_true(narrowed >= 0);
    assert_int_equal(stat_of(f, "t/a/0").st_mode & 07777, 0700);
}

static void links_are_not_followed(void **state) {
    struct fixture *f = *state;
    assert_int_equal(mkdirat(f->fd, "elsewhere", 0755), 0);
    assert_int_equal(symlinkat("elsewhere", f->fd, "t"), 0);
    assert_true(open_mine(f) < 0);
    assert_int_equal(unlinkat(f->fd, "t", 0), 0);
    assert_int_equal(mkdirat(f->fd, "t", 0711), 0);
    assert_int_equal(symlinkat("../elsewhere", f->fd, "t/a"), 0);
    assert_true(open_mine(f) < 0);
    assert_int_equal(unlinkat(f->fd, "t/a", 0), 0);
    assert_int_equal(mkdirat(f->fd, "t/a", 0711), 0);
    assert_int_equal(symlinkat("../../elsewhere", f->fd, "t/a/0"), 0);
    assert_true(open_mine(f) < 0);
    assert_int_equal(stat_of(f, "elsewhere").st_mode & 07777, 0755);
}

static void files_and_fifos_in_the_way(void **state) {
    struct fixture *f = *state;
    assert_int_equal(mkdirat(f->fd, "t", 0711), 0);
    assert_int_equal(mkdirat(f->fd, "t/a", 0711), 0);
    assert_int_equal(mkfifoat(f->fd, "t/a/0", 0600), 0); /* an open that followed it would hang */
    assert_int_equal(open_mine(f), -ENOTDIR);
    int fd = openat(f->fd, "t/a/1", O_CREAT | O_WRONLY, 0600);
    close(fd);
    assert_int_equal(statedir_open(f->fd, "t", "a", 1, getuid(), getgid()), -ENOTDIR);
}

static void a_parent_others_may_write_to(void **state) {
    struct fixture *f = *state;
    assert_int_equal(mkdirat(f->fd, "t", 0755), 0);
    assert_int_equal(fchmodat(f->fd, "t", 0777, 0), 0);
    assert_int_equal(open_mine(f), -EACCES);
}

static void owners(void **state) {
    struct fixture *f = *state;
    if (getuid() != 0) {
        print_message("skip: giving away directories needs root\n");
        skip();
    }
    AUTO_FD int fd = statedir_open(f->fd, "t", "a", 0, OTHER_UID, OTHER_UID);
    assert_true(fd >= 0);
    assert_int_equal(stat_of(f, "t/a/0").st_uid, OTHER_UID);
    assert_int_equal(stat_of(f, "t/a").st_uid, 0);
    assert_int_equal(statedir_open(f->fd, "t", "a", 0, OTHER_UID + 1, OTHER_UID), -EPERM);
    assert_int_equal(statedir_open(f->fd, "t", "a", 0, 0, 0), -EPERM);
    /* A crash between making and giving leaves one of ours, which may be given. */
    assert_int_equal(mkdirat(f->fd, "t/a/1", 0700), 0);
    AUTO_FD int given = statedir_open(f->fd, "t", "a", 1, OTHER_UID, OTHER_UID);
    assert_true(given >= 0);
    assert_int_equal(fchownat(f->fd, "t/a", OTHER_UID, OTHER_UID, 0), 0);
    assert_int_equal(statedir_open(f->fd, "t", "a", 0, OTHER_UID, OTHER_UID), -EPERM);
}

static void removed_as_far_as_empty(void **state) {
    struct fixture *f = *state;
    AUTO_FD int zero = open_mine(f);
    AUTO_FD int one = statedir_open(f->fd, "t", "a", 1, getuid(), getgid());
    assert_true(zero >= 0 && one >= 0);
    assert_int_equal(mkdirat(zero, "content", 0700), 0);
    assert_int_equal(statedir_remove(f->fd, "t", "a", 0), -ENOTEMPTY);
    assert_int_equal(statedir_remove(f->fd, "t", "a", 1), 0);
    assert_int_equal(statedir_remove(f->fd, "t", "a", 1), 0);
    assert_int_equal(faccessat(f->fd, "t/a", F_OK, 0), 0);
    assert_int_equal(unlinkat(zero, "content", AT_REMOVEDIR), 0);
    assert_int_equal(statedir_remove(f->fd, "t", "a", 0), 0);
    assert_int_equal(faccessat(f->fd, "t", F_OK, 0), -1);
    assert_int_equal(statedir_remove(f->fd, "t", "a", 0), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(made_with_the_right_modes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(links_are_not_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_and_fifos_in_the_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_parent_others_may_write_to, set_up, tear_down),
        cmocka_unit_test_setup_teardown(owners, set_up, tear_down),
        cmocka_unit_test_setup_teardown(removed_as_far_as_empty, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
