/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors and small files: close, flags, reading with a limit, replacing as a whole, making folders. */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct rig {
    char dir[64];
    int fd;
};

static int set_up(void **state) {
    struct rig *r = calloc(1, sizeof(*r));
    assert_non_null(r);
    snprintf(r->dir, sizeof(r->dir), "/tmp/fd-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    r->fd = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(r->fd >= 0);
    *state = r;
    return 0;
}

static int tear_down(void **state) {
    struct rig *r = *state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", r->dir);
    fd_close(r->fd);
    free(r);
    return system(command);
}

static void make_file(int dir, const char *name, const char *data, size_t len) {
    AUTO_FD int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
}

static void closing_keeps_errno_and_gives_an_empty_one(void **state) {
    (void)state;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    errno = ENOTTY;
    assert_int_equal(fd_close(fd), -EBADF);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    errno = ENOTTY;
    assert_int_equal(fd_close(-EBADF), -EBADF);
    assert_int_equal(errno, ENOTTY);
    fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int taken = TAKE_FD(fd);
    assert_int_equal(fd, -EBADF);
    assert_int_equal(fd_close(taken), -EBADF);
}

static void flags_are_set_and_cleared(void **state) {
    (void)state;
    AUTO_FD int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (int on = 1; on >= 0; on--) {
        assert_int_equal(fd_set_cloexec(fd, on), 0);
        assert_int_equal(!!(fcntl(fd, F_GETFD) & FD_CLOEXEC), on);
        assert_int_equal(fd_set_nonblock(fd, on), 0);
        assert_int_equal(!!(fcntl(fd, F_GETFL) & O_NONBLOCK), on);
    }
    assert_int_equal(fd_set_cloexec(-EBADF, true), -EBADF);
    assert_int_equal(fd_set_nonblock(-EBADF, true), -EBADF);
}

static void files_are_read_whole_or_not(void **state) {
    struct rig *r = *state;
    static char data[20000];
    memset(data, 'x', sizeof(data));
    data[7] = '\0';
    const size_t sizes[] = {0, 1, 4094, 4095, 4096, 4097, 8191, 8192, sizeof(data)};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        make_file(r->fd, "f", data, sizes[i]);
        AUTO_FREE char *text = NULL;
        size_t len = 1;
        assert_int_equal(fd_read_file_at(r->fd, "f", sizes[i], &text, &len), 0);
        assert_int_equal(len, sizes[i]);
        assert_memory_equal(text, data, len);
        assert_int_equal(text[len], '\0');
        char *mark = data, **untouched = &mark;
        if (sizes[i] > 0) {
            len = 42;
            assert_int_equal(fd_read_file_at(r->fd, "f", sizes[i] - 1, untouched, &len), -EFBIG);
            assert_ptr_equal(mark, data);
            assert_int_equal(len, 42);
        }
    }
    AUTO_FREE char *text = NULL;
    assert_int_equal(fd_read_file_at(r->fd, "missing", 10, &text, NULL), -ENOENT);
    assert_int_equal(fd_read_file_at(r->fd, ".", 10, &text, NULL), -EISDIR);
    assert_null(text);
    assert_int_equal(fd_read_file_at(r->fd, "f", sizeof(data), &text, NULL), 0);
}

static void an_open_file_is_read_from_its_start(void **state) {
    struct rig *r = *state;
    make_file(r->fd, "f", "12345", 5);
    AUTO_FD int fd = openat(r->fd, "f", O_RDONLY | O_CLOEXEC);
    char buf[6];
    assert_int_equal(fd_pread_text(fd, buf, sizeof(buf)), 5);
    assert_string_equal(buf, "12345");
    assert_int_equal(fd_pread_text(fd, buf, sizeof(buf)), 5);
    assert_int_equal(fd_pread_text(fd, buf, 5), -EFBIG);
    assert_int_equal(fd_pread_text(-EBADF, buf, sizeof(buf)), -EBADF);
    make_file(r->fd, "f", "", 0);
    assert_int_equal(fd_pread_text(fd, buf, sizeof(buf)), 0);
    assert_string_equal(buf, "");
}

static void control_files_are_written_but_not_made_or_followed(void **state) {
    struct rig *r = *state;
    make_file(r->fd, "f", "old old", 7);
    assert_int_equal(fd_write_file_at(r->fd, "f", "new"), 0);
    AUTO_FREE char *text = NULL;
    assert_int_equal(fd_read_file_at(r->fd, "f", 100, &text, NULL), 0);
    assert_string_equal(text, "new old"); /* no truncation: a control file has none */
    assert_int_equal(fd_write_file_at(r->fd, "missing", "x"), -ENOENT);
    assert_int_equal(symlinkat("f", r->fd, "link"), 0);
    assert_int_equal(fd_write_file_at(r->fd, "link", "x"), -ELOOP);
    assert_int_equal(fd_write_file_at(r->fd, ".", "x"), -EISDIR);
}

static void a_file_is_replaced_as_a_whole(void **state) {
    struct rig *r = *state;
    mode_t mask = umask(0077);
    assert_int_equal(fd_replace_file_at(r->fd, "f", "first", 0644), 0);
    umask(mask);
    struct stat before, after;
    assert_int_equal(fstatat(r->fd, "f", &before, 0), 0);
    assert_int_equal(before.st_mode & 07777, 0644); /* exact, whatever the umask */
    AUTO_FD int reader = openat(r->fd, "f", O_RDONLY | O_CLOEXEC);
    assert_int_equal(fd_replace_file_at(r->fd, "f", "second", 0600), 0);
    char buf[16];
    assert_int_equal(fd_pread_text(reader, buf, sizeof(buf)), 5); /* who reads the old one reads all of it */
    assert_string_equal(buf, "first");
    assert_int_equal(fstatat(r->fd, "f", &after, 0), 0);
    assert_int_not_equal(before.st_ino, after.st_ino);
    assert_int_equal(after.st_mode & 07777, 0600);
    assert_int_equal(faccessat(r->fd, "f.new", F_OK, 0), -1);
}

static void a_failed_replacement_leaves_the_old_file(void **state) {
    struct rig *r = *state;
    make_file(r->fd, "f", "old", 3);
    assert_int_equal(mkdirat(r->fd, "d", 0755), 0);
    assert_int_equal(fd_replace_file_at(r->fd, "d", "x", 0644), -EISDIR);
    assert_int_equal(faccessat(r->fd, "d.new", F_OK, 0), -1);
    assert_int_equal(fd_replace_file_at(r->fd, "missing/f", "x", 0644), -ENOENT);
    assert_int_equal(mkdirat(r->fd, "f.new", 0755), 0); /* the way is blocked */
    assert_int_equal(fd_replace_file_at(r->fd, "f", "x", 0644), -EISDIR);
    AUTO_FREE char *text = NULL;
    assert_int_equal(fd_read_file_at(r->fd, "f", 100, &text, NULL), 0);
    assert_string_equal(text, "old");
    assert_int_equal(unlinkat(r->fd, "f.new", AT_REMOVEDIR), 0);
    /* A leftover, even a link to elsewhere, is replaced and not followed. */
    make_file(r->fd, "victim", "safe", 4);
    assert_int_equal(symlinkat("victim", r->fd, "f.new"), 0);
    assert_int_equal(fd_replace_file_at(r->fd, "f", "new", 0644), 0);
    AUTO_FREE char *victim = NULL;
    assert_int_equal(fd_read_file_at(r->fd, "victim", 100, &victim, NULL), 0);
    assert_string_equal(victim, "safe");
    char longest[5000];
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(fd_replace_file_at(r->fd, longest, "x", 0644), -ENAMETOOLONG);
}

static void no_room_leaves_the_old_file(void **state) {
    struct rig *r = *state;
    make_file(r->fd, "f", "old", 3);
    struct rlimit old, low;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = old;
    low.rlim_cur = 4;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    int result = fd_replace_file_at(r->fd, "f", "too much", 0644);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(result, -EFBIG);
    assert_int_equal(faccessat(r->fd, "f.new", F_OK, 0), -1);
    AUTO_FREE char *text = NULL;
    assert_int_equal(fd_read_file_at(r->fd, "f", 100, &text, NULL), 0);
    assert_string_equal(text, "old");
}

static void folders_are_made_on_the_way(void **state) {
    struct rig *r = *state;
    struct stat st;
    mode_t mask = umask(0);
    assert_int_equal(fd_mkdir_p_at(r->fd, "a/b/c", 0750), 0);
    umask(mask);
    assert_int_equal(fstatat(r->fd, "a/b", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0750);
    assert_int_equal(fd_mkdir_p_at(r->fd, "a/b/c", 0700), 0);
    assert_int_equal(fstatat(r->fd, "a/b/c", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0750); /* what is there is left alone */
    assert_int_equal(fd_mkdir_p_at(r->fd, "a//b/d/", 0700), 0);
    assert_int_equal(faccessat(r->fd, "a/b/d", F_OK, 0), 0);
    char absolute[128];
    snprintf(absolute, sizeof(absolute), "%s/x/y", r->dir);
    assert_int_equal(fd_mkdir_p_at(AT_FDCWD, absolute, 0700), 0);
    assert_int_equal(fd_mkdir_p_at(AT_FDCWD, "/", 0700), 0);
    assert_int_equal(fd_mkdir_p_at(r->fd, "", 0700), -EINVAL);
}

static void what_is_no_folder_is_refused(void **state) {
    struct rig *r = *state;
    make_file(r->fd, "f", "", 0);
    assert_int_equal(fd_mkdir_p_at(r->fd, "f", 0700), -ENOTDIR);
    assert_int_equal(fd_mkdir_p_at(r->fd, "f/a", 0700), -ENOTDIR);
    assert_int_equal(mkdirat(r->fd, "real", 0700), 0);
    assert_int_equal(symlinkat("real", r->fd, "link"), 0);
    assert_int_equal(symlinkat("nowhere", r->fd, "dangling"), 0);
    assert_int_equal(fd_mkdir_p_at(r->fd, "link", 0700), -ENOTDIR); /* a link at the end is not followed */
    assert_int_equal(fd_mkdir_p_at(r->fd, "link/", 0700), -ENOTDIR);
    assert_int_equal(fd_mkdir_p_at(r->fd, "dangling", 0700), -ENOTDIR);
    assert_int_equal(fd_mkdir_p_at(r->fd, "link/below", 0700), 0); /* on the way it is */
    assert_int_equal(faccessat(r->fd, "real/below", F_OK, 0), 0);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closing_keeps_errno_and_gives_an_empty_one),
        cmocka_unit_test(flags_are_set_and_cleared),
        RIG_TEST(files_are_read_whole_or_not),
        RIG_TEST(an_open_file_is_read_from_its_start),
        RIG_TEST(control_files_are_written_but_not_made_or_followed),
        RIG_TEST(a_file_is_replaced_as_a_whole),
        RIG_TEST(a_failed_replacement_leaves_the_old_file),
        RIG_TEST(no_room_leaves_the_old_file),
        RIG_TEST(folders_are_made_on_the_way),
        RIG_TEST(what_is_no_folder_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
