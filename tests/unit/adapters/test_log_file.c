/* SPDX-License-Identifier: Apache-2.0 */
#include "ground.h"

#include "adapters/log_file.h"
#include "base/attr.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void put(struct ground *g, const char *text) {
    ground_write(g, "log", text, strlen(text), true);
}

#define assert_log(g, cursor_, lines, want, ret)                                    \
    do {                                                                            \
        assert_int_equal(log_file_read((g)->dirfd, "log", cursor_, lines, ret), 0); \
        assert_int_equal((ret)->len, strlen(want));                                 \
        assert_memory_equal((ret)->data ? (ret)->data : "", want, (ret)->len);      \
        free((ret)->data);                                                          \
        (ret)->data = NULL;                                                         \
    } while (0)

static void test_no_need(void **state) {
    struct ground *g = *state;
    assert_int_equal(log_file_rotate(g->dirfd, "log", 10, 3), 0); /* not there */
    put(g, "0123456789");
    assert_int_equal(log_file_rotate(g->dirfd, "log", 10, 3), 0);
    assert_int_equal(ground_size(g, "log"), 10);
    assert_int_equal(ground_size(g, "log.1"), -1);
}

static void test_rotates_and_keeps(void **state) {
    struct ground *g = *state;
    struct stat before, after;
    put(g, "");
    AUTO_FD int writer = openat(g->dirfd, "log", O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(fstat(writer, &before), 0);
    for (unsigned i = 1; i <= 5; i++) {
        char line[32];
        int len = snprintf(line, sizeof(line), "round %u is over\n", i);
        assert_int_equal(write(writer, line, (size_t)len), len);
        assert_int_equal(log_file_rotate(g->dirfd, "log", 10, 3), 1);
        assert_int_equal(ground_size(g, "log"), 0);
    }
    assert_int_equal(fstat(writer, &after), 0);
    assert_true(before.st_ino == after.st_ino); /* the writer goes on in the same file */
    AUTO_FREE char *newest = ground_read(g, "log.1");
    assert_string_equal(newest, "5 is over\n"); /* its last 10 bytes */
    AUTO_FREE char *oldest = ground_read(g, "log.3");
    assert_string_equal(oldest, "3 is over\n");
    assert_int_equal(ground_size(g, "log.1"), 10);
    assert_int_equal(ground_size(g, "log.4"), -1);
}

static void test_order_of_the_kept(void **state) {
    struct ground *g = *state;
    for (unsigned i = 1; i <= 4; i++) {
        char line[32];
        snprintf(line, sizeof(line), "%u%u%u%u\n", i, i, i, i);
        put(g, line);
        assert_int_equal(log_file_rotate(g->dirfd, "log", 4, 3), 1);
    }
    static const char *const names[] = {"log.1", "log.2", "log.3"}, *const texts[] = {"444\n", "333\n",
                                                                                      "222\n"};
    for (size_t i = 0; i < 3; i++) {
        AUTO_FREE char *text = ground_read(g, names[i]);
        assert_string_equal(text, texts[i]);
    }
}

static void test_keep_none_and_one(void **state) {
    struct ground *g = *state;
    put(g, "abcdef");
    assert_int_equal(log_file_rotate(g->dirfd, "log", 3, 0), 1);
    assert_int_equal(ground_size(g, "log"), 0);
    assert_int_equal(ground_size(g, "log.1"), -1);
    for (unsigned i = 0; i < 2; i++) {
        put(g, i ? "ghijkl" : "abcdef");
        assert_int_equal(log_file_rotate(g->dirfd, "log", 3, 1), 1);
    }
    AUTO_FREE char *text = ground_read(g, "log.1");
    assert_string_equal(text, "jkl");
}

static void test_links_and_others_are_refused(void **state) {
    struct ground *g = *state;
    struct log_text t;
    ground_write(g, "victim", "secret text\n", 12, false);
    assert_int_equal(symlinkat("victim", g->dirfd, "log"), 0);
    assert_int_equal(log_file_rotate(g->dirfd, "log", 1, 3), -ELOOP);
    assert_int_equal(log_file_read(g->dirfd, "log", "", 10, &t), -ELOOP);
    assert_int_equal(ground_size(g, "victim"), 12);
    unlinkat(g->dirfd, "log", 0);
    assert_int_equal(mkfifoat(g->dirfd, "log", 0600), 0); /* must not wait for a writer */
    assert_int_equal(log_file_rotate(g->dirfd, "log", 1, 3), -EINVAL);
    assert_int_equal(log_file_read(g->dirfd, "log", "", 10, &t), -EINVAL);
    unlinkat(g->dirfd, "log", 0);
    put(g, "abcdef");
    assert_int_equal(symlinkat("victim", g->dirfd, "log.1"), 0);
    assert_int_equal(log_file_rotate(g->dirfd, "log", 3, 1), -ELOOP);
    assert_int_equal(ground_size(g, "log"), 0); /* cut all the same */
    assert_int_equal(ground_size(g, "victim"), 12);
}

/* Somebody writes faster than it can be copied. */
static void test_flood(void **state) {
    struct ground *g = *state;
    enum { MAX = 1 << 20 };
    put(g, "x");
    pid_t pid = fork();
    if (pid == 0) {
        static char block[256 * 1024];
        int fd = openat(g->dirfd, "log", O_WRONLY | O_APPEND | O_CLOEXEC);
        memset(block, 'y', sizeof(block));
        for (uint64_t n = 0; n < (UINT64_C(2) << 30) && write(fd, block, sizeof(block)) > 0;)
            n += sizeof(block);
        _exit(0);
    }
    unsigned rotated = 0;
    for (unsigned tries = 0; rotated < 3 && tries < 1000000; tries++) {
        int r = log_file_rotate(g->dirfd, "log", MAX, 2);
        assert_true(r >= 0);
        rotated += r == 1;
        if (r == 1)
            assert_true(ground_size(g, "log.1") <= 2 * MAX && ground_size(g, "log.1") >= MAX);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(rotated, 3);
}

static void test_missing(void **state) {
    struct ground *g = *state;
    struct log_text t;
    assert_log(g, "", 10, "", &t);
    char cursor[64];
    strcpy(cursor, t.cursor);
    assert_log(g, cursor, 10, "", &t);
    put(g, "first\nsecond\n");
    assert_log(g, cursor, 10, "first\nsecond\n", &t);
}

static void test_last_lines(void **state) {
    struct ground *g = *state;
    struct log_text t;
    put(g, "one\ntwo\n\nfour\n");
    assert_log(g, "", 1, "four\n", &t);
    assert_log(g, "", 2, "\nfour\n", &t);
    assert_log(g, "", 3, "two\n\nfour\n", &t);
    assert_log(g, "", 4, "one\ntwo\n\nfour\n", &t);
    assert_log(g, "", 400, "one\ntwo\n\nfour\n", &t);
    assert_log(g, "", 0, "", &t);
    put(g, "five");
    assert_log(g, "", 1, "five", &t); /* a line without its end */
    assert_log(g, "", 2, "four\nfive", &t);
}

static void test_follow(void **state) {
    struct ground *g = *state;
    struct log_text t;
    put(g, "one\n");
    assert_log(g, "", 10, "one\n", &t);
    assert_log(g, t.cursor, 10, "", &t);
    put(g, "tw");
    assert_log(g, t.cursor, 10, "", &t); /* not in two parts */
    put(g, "o\nthr");
    assert_log(g, t.cursor, 10, "two\n", &t);
    put(g, "ee\n");
    assert_log(g, t.cursor, 10, "three\n", &t);
    assert_log(g, "", 0, "", &t); /* from now on */
    put(g, "four\n");
    assert_log(g, t.cursor, 10, "four\n", &t);
}

static void test_follow_over_rotation(void **state) {
    struct ground *g = *state;
    for (unsigned shorter = 0; shorter < 3; shorter++) {
        struct log_text t;
        char cursor[64];
        ground_write(g, "log", "", 0, false);
        put(g, "0123456789\n");
        assert_log(g, "", 10, "0123456789\n", &t);
        strcpy(cursor, t.cursor);
        assert_int_equal(log_file_rotate(g->dirfd, "log", 5, 2), 1);
        /* Less than there was, as much, more: it is read from its beginning. */
        const char *text = shorter == 0 ? "new\n" : shorter == 1 ? "abcdefghij\n" : "abcdefghij\nand more\n";
        put(g, text);
        assert_log(g, cursor, 10, text, &t);
        assert_log(g, t.cursor, 10, "", &t);
    }
}

static void test_cursors_that_are_none(void **state) {
    struct ground *g = *state;
    static const char *const bad[] = {"f",       "f:",        "f:1:2", "f:1:2:3:", "f:1:2:3x",
                                      "g:1:2:3", "s=abc;i=1", " ",     "f:x:y:z"};
    struct log_text t;
    put(g, "one\n");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(log_file_read(g->dirfd, "log", bad[i], 10, &t), -EINVAL);
    assert_log(g, "f:1:ffffffffffffffff:0", 10, "one\n", &t); /* another file's: from the beginning */
    assert_log(g, "f:-1:-1:-1", 10, "one\n", &t);
}

static void test_large_file(void **state) {
    struct ground *g = *state;
    struct log_text t;
    AUTO_FREE char *big = malloc(LOG_READ_MAX * 3);
    size_t n = 0;
    for (unsigned i = 0; n + 20 < LOG_READ_MAX * 3; i++)
        n += (size_t)sprintf(big + n, "line number %u\n", i);
    ground_write(g, "log", big, n, false);
    assert_int_equal(log_file_read(g->dirfd, "log", "", 1000000, &t), 0);
    assert_true(t.len <= LOG_READ_MAX && t.len > LOG_READ_MAX - 100);
    assert_memory_equal(t.data, "line number", 11); /* whole lines */
    assert_memory_equal(t.data, big + n - t.len, t.len);
    free(t.data);
    size_t read = 0;
    char cursor[64] = "f:0:0:0";
    for (unsigned i = 0; i < 100 && read < n; i++) {
        assert_int_equal(log_file_read(g->dirfd, "log", cursor, 10, &t), 0);
        assert_true(t.len > 0 && t.len <= LOG_READ_MAX && t.data[t.len - 1] == '\n');
        assert_memory_equal(t.data, big + read, t.len);
        read += t.len;
        strcpy(cursor, t.cursor);
        free(t.data);
    }
    assert_int_equal(read, n);
}

/* A line that is larger than an answer comes in parts, and the reader gets beyond it. */
static void test_huge_line(void **state) {
    struct ground *g = *state;
    struct log_text t;
    size_t n = LOG_READ_MAX * 2 + 100;
    AUTO_FREE char *big = malloc(n + 1);
    memset(big, 'z', n);
    big[n] = '\n';
    ground_write(g, "log", big, n + 1, false);
    put(g, "end\n");
    assert_log(g, "", 1, "end\n", &t);
    assert_int_equal(log_file_read(g->dirfd, "log", "", 5, &t), 0);
    assert_memory_equal(t.data + t.len - 4, "end\n", 4);
    free(t.data);
    size_t read = 0;
    char cursor[64] = "f:0:0:0";
    for (unsigned i = 0; i < 10 && read < n + 5; i++) {
        assert_int_equal(log_file_read(g->dirfd, "log", cursor, 10, &t), 0);
        assert_true(t.len > 0);
        read += t.len;
        strcpy(cursor, t.cursor);
        free(t.data);
    }
    assert_int_equal(read, n + 5);
}

static void test_bytes_as_they_are(void **state) {
    struct ground *g = *state;
    struct log_text t;
    static const char bytes[] = "a\0b\n\xff\xfe\n";
    ground_write(g, "log", bytes, sizeof(bytes) - 1, false);
    assert_int_equal(log_file_read(g->dirfd, "log", "", 10, &t), 0);
    assert_int_equal(t.len, sizeof(bytes) - 1);
    assert_memory_equal(t.data, bytes, t.len);
    free(t.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ground_test(test_no_need),
        ground_test(test_rotates_and_keeps),
        ground_test(test_order_of_the_kept),
        ground_test(test_keep_none_and_one),
        ground_test(test_links_and_others_are_refused),
        ground_test(test_flood),
        ground_test(test_missing),
        ground_test(test_last_lines),
        ground_test(test_follow),
        ground_test(test_follow_over_rotation),
        ground_test(test_cursors_that_are_none),
        ground_test(test_large_file),
        ground_test(test_huge_line),
        ground_test(test_bytes_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
