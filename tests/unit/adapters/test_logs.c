/* SPDX-License-Identifier: Apache-2.0 */
/* The log port on files: opened, watched, rotated by themselves, read, forgotten. */
#include "ground.h"

#include "adapters/adapters.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/fd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <unistd.h>

static void open_logs(struct ground *g, struct log_port *p, uint64_t max_bytes) {
    struct paths paths = {0};
    struct reason why = {0};
    const struct daemon_conf conf = {.log_file_bytes = max_bytes, .log_files = 2};
    snprintf(paths.log, sizeof(paths.log), "%s", g->dir);
    if (log_adapter_new(g->loop, &paths, &conf, false, p, &why) < 0)
        fail_msg("%s", why.text);
}

struct told {
    unsigned n;
    int error;
    size_t lines;
    char text[256], cursor[128];
};

static void on_lines(void *userdata, int error, const char *message ATTR_UNUSED, const struct log_line *lines,
                     size_t n, const char *cursor) {
    struct told *t = userdata;
    t->n++;
    t->error = error;
    t->lines = n;
    t->text[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        size_t at = strlen(t->text);
        snprintf(t->text + at, sizeof(t->text) - at, "[%.*s]", (int)lines[i].len, lines[i].text);
    }
    snprintf(t->cursor, sizeof(t->cursor), "%s", cursor);
}

static void read_lines(struct ground *g, struct log_port *p, const char *cursor, uint32_t lines,
                       const char *want, struct told *t) {
    char copy[128];
    snprintf(copy, sizeof(copy), "%s", cursor);
    t->n = 0;
    assert_int_equal(p->read(p->ctx, "t", "a", 0, copy, lines, on_lines, t), 0);
    assert_int_equal(t->n, 0);
    ground_wait(g, &t->n, 1);
    assert_int_equal(t->error, 0);
    assert_string_equal(t->text, want);
}

static void say(int fd, const char *text) {
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* Runs the loop until the file has come, for up to 20 s. */
static void wait_for_file(struct ground *g, const char *name) {
    uint64_t end = clock_monotonic_usec() + 20 * USEC_PER_SEC;
    while (ground_size(g, name) < 0) {
        assert_true(clock_monotonic_usec() < end);
        assert_true(sd_event_run(g->loop, 10 * USEC_PER_MSEC) >= 0);
    }
}

static void test_read_and_follow(void **state) {
    struct ground *g = *state;
    struct log_port p;
    struct told t;
    open_logs(g, &p, 1 << 20);
    assert_false(p.to_journal(p.ctx));
    read_lines(g, &p, "", 10, "", &t);
    AUTO_FD int fd = p.open(p.ctx, "t", "a", 0);
    assert_true(fd >= 0);
    say(fd, "one\ntwo\n\nhalf");
    read_lines(g, &p, "", 3, "[two][][half]", &t);
    read_lines(g, &p, t.cursor, 10, "", &t);
    say(fd, " more\nthree\n");
    read_lines(g, &p, t.cursor, 10, "[ more][three]", &t);
    AUTO_FD int again = p.open(p.ctx, "t", "a", 0); /* the next run goes on in the same file */
    say(again, "four\n");
    read_lines(g, &p, t.cursor, 10, "[four]", &t);
    t.n = 0;
    assert_int_equal(p.read(p.ctx, "t", "a", 0, "nonsense", 10, on_lines, &t), 0);
    ground_wait(g, &t.n, 1);
    assert_int_equal(t.error, -EINVAL);
    struct stat st;
    assert_int_equal(fstatat(g->dirfd, "t/a.0.log", &st, 0), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    log_adapter_free(&p);
}

static void test_rotates_by_itself(void **state) {
    struct ground *g = *state;
    struct log_port p;
    open_logs(g, &p, 1000);
    AUTO_FD int fd = p.open(p.ctx, "t", "a", 7);
    static const char *const names[] = {"t/a.7.log.1", "t/a.7.log.2"};
    for (unsigned i = 0; i < 2; i++) { /* more than once: the watch is renewed */
        char block[1500];
        memset(block, 'x', sizeof(block));
        assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
        wait_for_file(g, names[i]);
        assert_int_equal(ground_size(g, "t/a.7.log"), 0);
    }
    assert_int_equal(ground_size(g, "t/a.7.log.1"), 1000);
    log_adapter_free(&p);
}

/* An instance that outlived the daemon goes on writing: its file is watched. */
static void test_files_that_are_there_already(void **state) {
    struct ground *g = *state;
    struct log_port p;
    assert_int_equal(mkdirat(g->dirfd, "t", 0750), 0);
    ground_write(g, "t/a.0.log", "old\n", 4, false);
    open_logs(g, &p, 1000);
    char block[1500];
    memset(block, 'x', sizeof(block));
    ground_write(g, "t/a.0.log", block, sizeof(block), true);
    wait_for_file(g, "t/a.0.log.1");
    log_adapter_free(&p);
}

static void test_forget(void **state) {
    struct ground *g = *state;
    struct log_port p;
    open_logs(g, &p, 1 << 20);
    fd_close(p.open(p.ctx, "t", "a", 0));
    fd_close(p.open(p.ctx, "t", "b", 0));
    ground_write(g, "t/a.0.log.1", "x", 1, false);
    ground_write(g, "t/a.0.log.2", "x", 1, false);
    p.forget(p.ctx, "t", "a", 0);
    assert_int_equal(ground_size(g, "t/a.0.log"), -1);
    assert_int_equal(ground_size(g, "t/a.0.log.2"), -1);
    assert_int_equal(ground_size(g, "t/b.0.log"), 0);
    ground_turn(g);
    p.forget(p.ctx, "t", "b", 0);
    assert_int_equal(ground_size(g, "t"), -1); /* the folder goes with the last one */
    ground_turn(g);
    log_adapter_free(&p);
}

static void test_links_are_not_followed(void **state) {
    struct ground *g = *state;
    struct log_port p;
    open_logs(g, &p, 1 << 20);
    ground_write(g, "victim", "x", 1, false);
    assert_int_equal(mkdirat(g->dirfd, "t", 0750), 0);
    assert_int_equal(symlinkat("../victim", g->dirfd, "t/a.0.log"), 0);
    assert_int_equal(p.open(p.ctx, "t", "a", 0), -ELOOP);
    assert_int_equal(symlinkat("/tmp", g->dirfd, "u"), 0);
    assert_true(p.open(p.ctx, "u", "a", 0) < 0);
    log_adapter_free(&p);
}

/* Freed while reads and rotations are on their way, and its watches are armed. */
static void test_free_in_the_middle(void **state) {
    struct ground *g = *state;
    for (unsigned turns = 0; turns < 20; turns++) {
        struct log_port p;
        struct told t = {0};
        open_logs(g, &p, 10);
        AUTO_FD int fd = p.open(p.ctx, "t", "a", 0);
        say(fd, "more than ten bytes\n");
        p.read(p.ctx, "t", "a", 0, "", 10, on_lines, &t);
        for (unsigned i = 0; i < turns; i++)
            sd_event_run(g->loop, turns > 10 ? 30 * USEC_PER_MSEC : 0);
        unsigned told = t.n;
        log_adapter_free(&p);
        ground_turn(g);
        assert_int_equal(t.n, told); /* nobody is told after the end */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ground_test(test_read_and_follow),
        ground_test(test_rotates_by_itself),
        ground_test(test_files_that_are_there_already),
        ground_test(test_forget),
        ground_test(test_links_are_not_followed),
        ground_test(test_free_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
