/* SPDX-License-Identifier: Apache-2.0 */
/* Deleting what a tenant left, with everything planted in it that could lead elsewhere. */
#include "base/fd.h"
#include "statetool/delete.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char path[64];
    int outer, fd; /* outer/state is what is deleted */
};

static int set_up(void **state) {
    static struct fixture f;
    snprintf(f.path, sizeof(f.path), "/tmp/streamkeeper-delete-XXXXXX");
    assert_non_null(mkdtemp(f.path));
    f.outer = open(f.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(f.outer, "state", 0700), 0);
    assert_int_equal(mkdirat(f.outer, "precious", 0700), 0);
    assert_int_equal(close(openat(f.outer, "precious/file", O_CREAT | O_WRONLY, 0600)), 0);
    f.fd = openat(f.outer, "state", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    char command[128];
    fd_close(f->fd);
    fd_close(f->outer);
    snprintf(command, sizeof(command), "rm -rf %s", f->path);
    return system(command);
}

static void put_file(int fd, const char *name) {
    assert_int_equal(close(openat(fd, name, O_CREAT | O_WRONLY, 0600)), 0);
}

static bool is_empty(struct fixture *f) {
    return unlinkat(f->outer, "state", AT_REMOVEDIR) == 0 && mkdirat(f->outer, "state", 0700) == 0;
}

static void everything_goes_and_nothing_else(void **state) {
    struct fixture *f = *state;
    struct reason reason = {0};
    assert_int_equal(mkdirat(f->fd, "0_0", 0700), 0);
    assert_int_equal(mkdirat(f->fd, "0_0/rocksdb", 0700), 0);
    put_file(f->fd, "0_0/rocksdb/000012.sst");
    put_file(f->fd, ".hidden");
    assert_int_equal(symlinkat("../precious", f->fd, "link"), 0);
    assert_int_equal(symlinkat("../precious/file", f->fd, "0_0/link"), 0);
    assert_int_equal(symlinkat("/nowhere", f->fd, "dangling"), 0);
    assert_int_equal(linkat(f->outer, "precious/file", f->fd, "hard", 0), 0);
    assert_int_equal(mkfifoat(f->fd, "fifo", 0600), 0);
    assert_int_equal(mkfifoat(f->fd, "LOCK", 0600), 0); /* an open for its lock must not hang */
    assert_int_equal(mkdirat(f->fd, "closed", 0), 0);
    assert_int_equal(delete_contents(f->fd, &reason), 0);
    assert_true(is_empty(f));
    assert_int_equal(faccessat(f->outer, "precious/file", F_OK, 0), 0);
    assert_int_equal(delete_contents(f->fd, &reason), 0);
}

static void a_held_lock_stops_it(void **state) {
    struct fixture *f = *state;
    struct reason reason = {0};
    int ready[2];
    char c, number[16];
    assert_int_equal(mkdirat(f->fd, "0_0", 0700), 0);
    put_file(f->fd, "0_0/LOCK");
    put_file(f->fd, "data");
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = openat(f->fd, "0_0/LOCK", O_RDWR);
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        if (fcntl(fd, F_SETLK, &lock) < 0 || write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    assert_int_equal(delete_contents(f->fd, &reason), -EBUSY);
    snprintf(number, sizeof(number), "%d", (int)pid);
    assert_non_null(strstr(reason.text, number));
    assert_non_null(strstr(reason.text, "LOCK"));
    assert_int_equal(faccessat(f->fd, "data", F_OK, 0), 0);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(delete_contents(f->fd, &reason), 0);
    assert_true(is_empty(f));
    close(ready[0]);
    close(ready[1]);
}

static void too_deep_is_refused(void **state) {
    struct fixture *f = *state;
    struct reason reason = {0};
    int at = dup(f->fd);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(mkdirat(at, "d", 0700), 0);
        int next = openat(at, "d", O_RDONLY | O_DIRECTORY);
        close(at);
        at = next;
    }
    close(at);
    assert_int_equal(delete_contents(f->fd, &reason), -ELOOP);
    assert_true(reason.text[0] != '\0');
}

static void mounts_are_not_entered(void **state) {
    struct fixture *f = *state;
    struct reason reason = {0};
    char path[128];
    assert_int_equal(mkdirat(f->fd, "mnt", 0700), 0);
    snprintf(path, sizeof(path), "%s/state/mnt", f->path);
    if (mount("none", path, "tmpfs", 0, NULL) < 0) {
        print_message("skip: mounting needs root\n");
        skip();
    }
    AUTO_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    put_file(fd, "inside");
    int r = delete_contents(f->fd, &reason);
    int still_there = faccessat(fd, "inside", F_OK, 0);
    fd = fd_close(fd);
    assert_int_equal(umount(path), 0);
    assert_int_equal(r, -EXDEV);
    assert_int_equal(still_there, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everything_goes_and_nothing_else, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_held_lock_stops_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_deep_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(mounts_are_not_entered, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
