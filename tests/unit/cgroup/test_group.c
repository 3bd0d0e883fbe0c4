/* SPDX-License-Identifier: Apache-2.0 */
/* One group: its numbers from plain files, and its processes in the kernel's tree. */
#include "base/attr.h"
#include "base/fd.h"
#include "cgroup/counters.h"
#include "cgroup/group.h"
#include "fake/cgtree.h"
#include "live.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_MSEC 10000

static void stats_of_a_full_group(void **state) {
    (void)state;
    static const struct fake_file files[] = {
        {"g", "cpu.stat", "usage_usec 30\nuser_usec 10\nsystem_usec 20\n"},
        {"g", "memory.current", "4096\n"},
        {"g", "memory.peak", "8192\n"},
        {"g", "memory.events", "low 0\nhigh 0\nmax 0\noom 1\noom_kill 2\n"},
        {"g", "pids.current", "3\n"},
        {"g", "pids.peak", "5\n"},
        {"g", "pids.events", "max 7\n"},
        {"g", "io.stat", "8:0 rbytes=1 wbytes=2\n8:1 rbytes=10 wbytes=20\n"},
    };
    struct fake_cgtree t;
    assert_int_equal(fake_cgtree_make(&t, "", files, ARRAY_LEN(files)), 0);
    AUTO_FD int fd = fake_cgtree_group(&t, "g");
    struct group_stats s;
    group_read_stats(fd, &s);
    assert_int_equal(s.cpu_usec, 30);
    assert_int_equal(s.cpu_user_usec, 10);
    assert_int_equal(s.cpu_system_usec, 20);
    assert_int_equal(s.memory_bytes, 4096);
    assert_int_equal(s.memory_peak_bytes, 8192);
    assert_int_equal(s.oom_kills, 2);
    assert_int_equal(s.tasks, 3);
    assert_int_equal(s.tasks_peak, 5);
    assert_int_equal(s.tasks_limit_hits, 7);
    assert_int_equal(s.io_read_bytes, 11);
    assert_int_equal(s.io_write_bytes, 22);
    fake_cgtree_remove(&t);
}

static void stats_that_are_not_offered(void **state) {
    (void)state;
    struct fake_cgtree t;
    assert_int_equal(fake_cgtree_make(&t, "", NULL, 0), 0);
    struct group_stats s, unknown;
    memset(&s, 0, sizeof(s));
    memset(&unknown, 0xff, sizeof(unknown));
    group_read_stats(t.dirfd, &s);
    assert_memory_equal(&s, &unknown, sizeof(s));
    assert_int_equal(group_is_populated(t.dirfd), -ENOENT);
    assert_true(group_oom_kills(t.dirfd) == UINT64_MAX);

    /* A text longer than any the kernel writes is none. */
    static char huge[40000];
    memset(huge, '1', sizeof(huge) - 1);
    assert_int_equal(fake_cgtree_write(&t, "", "cpu.stat", huge), 0);
    assert_int_equal(fake_cgtree_write(&t, "", "memory.current", huge), 0);
    group_read_stats(t.dirfd, &s);
    assert_memory_equal(&s, &unknown, sizeof(s));
    fake_cgtree_remove(&t);
}

static void populated(void **state) {
    (void)state;
    struct fake_cgtree t;
    assert_int_equal(fake_cgtree_make(&t, "", NULL, 0), 0);
    const struct {
        const char *text;
        int result;
    } cases[] = {{"populated 1\nfrozen 0\n", 1}, {"frozen 0\npopulated 0\n", 0}, {"populated 2\n", -EBADMSG},
                 {"populated x\n", -EBADMSG},    {"frozen 0\n", -EBADMSG},       {"", -EBADMSG}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(fake_cgtree_write(&t, "", "cgroup.events", cases[i].text), 0);
        assert_int_equal(group_is_populated(t.dirfd), cases[i].result);
    }
    fake_cgtree_remove(&t);
}

static void procs_of_many_pieces(void **state) {
    (void)state;
    struct fake_cgtree t;
    static char text[200000];
    size_t len = 0;
    pid_t pids[10];
    for (int i = 1; i <= 20000; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%d\n", i * 100);
    assert_int_equal(fake_cgtree_make(&t, "", NULL, 0), 0);
    assert_int_equal(fake_cgtree_write(&t, "", "cgroup.procs", text), 0);
    assert_int_equal(group_read_procs(t.dirfd, pids, 10), 20000);
    for (int i = 0; i < 10; i++)
        assert_int_equal(pids[i], (i + 1) * 100);
    assert_int_equal(group_read_procs(t.dirfd, NULL, 0), 20000);

    const struct {
        const char *text;
        ssize_t result;
    } cases[] = {{"", 0},
                 {"1\n0\n2\n", 2},
                 {"\n\n", 0},
                 {"1\n2", 1},
                 {"1 2\n", -EBADMSG},
                 {"-1\n", -EBADMSG},
                 {"9999999999\n", -EBADMSG},
                 {"x", -EBADMSG}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(fake_cgtree_write(&t, "", "cgroup.procs", cases[i].text), 0);
        assert_int_equal(group_read_procs(t.dirfd, pids, 10), cases[i].result);
    }
    fake_cgtree_remove(&t);
}

static void writes(void **state) {
    (void)state;
    struct fake_cgtree t;
    char text[64];
    assert_int_equal(fake_cgtree_make(&t, "", NULL, 0), 0);
    assert_int_equal(fake_cgtree_write(&t, "", "cpu.weight", "100\n"), 0);
    assert_int_equal(group_write(t.dirfd, "cpu.weight", "10000"), 0);
    assert_int_equal(group_read(t.dirfd, "cpu.weight", text, sizeof(text)), 5);
    assert_string_equal(text, "10000");
    assert_int_equal(group_write(t.dirfd, "io.weight", "1"), -ENOENT);
    assert_int_equal(group_kill(t.dirfd), -ENOENT);
    assert_int_equal(group_freeze(t.dirfd, true), -ENOENT);
    assert_int_equal(group_write(t.dirfd, "../cpu.weight", "1"), -EINVAL);
    assert_int_equal(group_write(t.dirfd, "", "1"), -EINVAL);
    assert_int_equal(group_read(t.dirfd, "a/b", text, sizeof(text)), -EINVAL);
    assert_int_equal(symlinkat("cpu.weight", t.dirfd, "link"), 0);
    assert_int_equal(group_write(t.dirfd, "link", "1"), -ELOOP);
    assert_int_equal(group_read(t.dirfd, "link", text, sizeof(text)), -ELOOP);
    fake_cgtree_remove(&t);
}

static int make_live(void **state) {
    struct live *l = calloc(1, sizeof(*l));
    if (live_make(l) < 0)
        l->dirfd = -EBADF;
    *state = l;
    return 0;
}

static int remove_live(void **state) {
    struct live *l = *state;
    live_remove(l);
    free(l);
    return 0;
}

/* Waits until cgroup.events says `key` is `value`. */
static bool becomes(int dirfd, const char *key, uint64_t value) {
    AUTO_FD int fd = openat(dirfd, "cgroup.events", O_RDONLY | O_CLOEXEC);
    struct pollfd p = {.fd = fd, .events = POLLPRI};
    char text[256];
    while (fd_pread_text(fd, text, sizeof(text)) > 0) {
        if (counter_keyed(text, key) == value)
            return true;
        if (poll(&p, 1, DEADLINE_MSEC) <= 0)
            return false;
    }
    return false;
}

static void live_kill_takes_all(void **state) {
    struct live *l = *state;
    if (l->dirfd < 0)
        skip();
    assert_int_equal(group_is_populated(l->dirfd), 0);
    pid_t pids[8], main_pid = live_spawn(l->dirfd, LIVE_FORKS);
    assert_true(main_pid > 0);
    assert_int_equal(group_is_populated(l->dirfd), 1);
    assert_int_equal(group_read_procs(l->dirfd, pids, 8), 3);
    assert_int_equal(group_kill(l->dirfd), 0);
    int status;
    assert_int_equal(waitpid(main_pid, &status, 0), main_pid);
    assert_int_equal(WTERMSIG(status), SIGKILL);
    assert_true(becomes(l->dirfd, "populated", 0));
    assert_int_equal(group_read_procs(l->dirfd, pids, 8), 0);
}

static void live_freeze_stops_and_thaws(void **state) {
    struct live *l = *state;
    if (l->dirfd < 0)
        skip();
    assert_true(live_spawn(l->dirfd, LIVE_SPINS) > 0);
    assert_int_equal(group_freeze(l->dirfd, true), 0);
    assert_true(becomes(l->dirfd, "frozen", 1));
    struct group_stats before, after;
    group_read_stats(l->dirfd, &before);
    assert_true(before.cpu_usec != UINT64_MAX);
    group_read_stats(l->dirfd, &after);
    assert_int_equal(before.cpu_usec, after.cpu_usec);
    assert_int_equal(group_freeze(l->dirfd, false), 0);
    assert_true(becomes(l->dirfd, "frozen", 0));
    /* A frozen group dies too. */
    assert_int_equal(group_freeze(l->dirfd, true), 0);
    assert_int_equal(group_kill(l->dirfd), 0);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    assert_int_equal(group_is_populated(l->dirfd), 0);
}

static void live_main_process(void **state) {
    struct live *l = *state;
    if (l->dirfd < 0)
        skip();
    pid_t found = -1;
    uint64_t ticks = 7, real;
    assert_int_equal(group_find_main(l->dirfd, &found, &ticks), -ESRCH);
    assert_int_equal(found, -1);
    assert_int_equal(ticks, 7);

    pid_t main_pid = live_spawn(l->dirfd, LIVE_FORKS);
    assert_true(main_pid > 0);
    assert_int_equal(process_start_ticks(main_pid, &real), 0);
    assert_int_equal(group_find_main(l->dirfd, &found, &ticks), 0);
    assert_int_equal(found, main_pid);
    assert_int_equal(ticks, real);
    for (int i = 0; i < 100; i++) /* more than fit at first, all of them younger or as old */
        assert_true(live_spawn(l->dirfd, LIVE_WAITS) > 0);
    assert_int_equal(group_find_main(l->dirfd, &found, &ticks), 0);
    assert_int_equal(ticks, real);
}

static void live_group_that_is_gone(void **state) {
    struct live *l = *state;
    if (l->dirfd < 0)
        skip();
    assert_int_equal(rmdir(l->root.path), 0);
    pid_t pid;
    uint64_t ticks;
    struct group_stats s, unknown;
    memset(&unknown, 0xff, sizeof(unknown));
    assert_int_equal(group_is_populated(l->dirfd), -ENOENT);
    assert_int_equal(group_read_procs(l->dirfd, &pid, 1), -ENOENT);
    assert_int_equal(group_find_main(l->dirfd, &pid, &ticks), -ENOENT);
    assert_int_equal(group_kill(l->dirfd), -ENOENT);
    assert_int_equal(group_freeze(l->dirfd, true), -ENOENT);
    group_read_stats(l->dirfd, &s);
    assert_memory_equal(&s, &unknown, sizeof(s));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stats_of_a_full_group),
        cmocka_unit_test(stats_that_are_not_offered),
        cmocka_unit_test(populated),
        cmocka_unit_test(procs_of_many_pieces),
        cmocka_unit_test(writes),
        cmocka_unit_test_setup_teardown(live_kill_takes_all, make_live, remove_live),
        cmocka_unit_test_setup_teardown(live_freeze_stops_and_thaws, make_live, remove_live),
        cmocka_unit_test_setup_teardown(live_main_process, make_live, remove_live),
        cmocka_unit_test_setup_teardown(live_group_that_is_gone, make_live, remove_live),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
