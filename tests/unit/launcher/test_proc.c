/* SPDX-License-Identifier: Apache-2.0 */
/* Reading /proc and pidfds, on hostile names and on real processes. */
#include "base/attr.h"
#include "base/fd.h"
#include "launcher/killall.h"
#include "launcher/lock.h"
#include "launcher/proc.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void stat_texts(void **state) {
    (void)state;
    struct proc_stat s = {0};
    const char *text = "42 (evil) Z 1 2) S 7 8 9 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 12345 1 2 3 4 5 6 7 8 "
                       "9 10 11 12 13 14 "
                       "15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 768\n";
    assert_int_equal(proc_parse_stat(text, &s), 0);
    assert_int_equal(s.state, 'S');
    assert_int_equal(s.ppid, 7);
    assert_int_equal(s.session, 9);
    assert_int_equal(s.start_ticks, 12345);
    static const char *const bad[] = {
        "", "42", "42 (x", "42 (x)", "42 (x) S", "42 (x) S 1 2 3", "42 (x) S a b c"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(proc_parse_stat(bad[i], &s), -EBADMSG);
}

static void ourselves(void **state) {
    (void)state;
    struct proc_stat s;
    uint32_t uid;
    assert_int_equal(proc_read_stat(getpid(), &s), 0);
    assert_int_equal(s.ppid, getppid());
    assert_int_equal(s.session, getsid(0));
    assert_true(s.start_ticks > 0);
    assert_int_equal(proc_read_uid(getpid(), &uid), 0);
    assert_int_equal(uid, geteuid());
    assert_int_equal(proc_read_stat(0x3fffffff, &s), -ESRCH);
    AUTO_FD int pidfd = pidfd_open(getpid(), 0);
    pid_t pid = -1;
    assert_int_equal(proc_pidfd_pid(pidfd, &pid), 0);
    assert_int_equal(pid, getpid());
    assert_int_equal(proc_pidfd_pid(STDERR_FILENO, &pid), -EINVAL);
}

static void the_exit_of_a_zombie(void **state) {
    (void)state;
    pid_t pid = fork();
    if (pid == 0)
        _exit(3);
    AUTO_FD int pidfd = pidfd_open(pid, 0);
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 10000), 1);
    struct proc_stat s;
    assert_int_equal(proc_read_stat(pid, &s), 0);
    assert_int_equal(s.state, 'Z');
    assert_int_equal(WEXITSTATUS(s.wait_status), 3);
    int status = 0;
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    int r = proc_pidfd_exit(pidfd, &status);
    if (r == -EOPNOTSUPP) {
        print_message("skip: this kernel does not tell exits through a pidfd\n");
        skip();
    }
    assert_int_equal(r, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
    pid = -1;
    assert_int_equal(proc_pidfd_pid(pidfd, &pid), 0);
    assert_int_equal(pid, 0);
}

static pid_t start_sleeper(const char *entry, bool new_session) {
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char *const argv[] = {strdup("sleep"), strdup("1000"), NULL};
        char *const env[] = {strdup("BEFORE=1"), strdup(entry), NULL};
        if (new_session)
            setsid();
        fd_set_cloexec(ready[1], true);
        execve("/bin/sleep", argv, env);
        _exit(127);
    }
    close(ready[1]);
    char c;
    assert_int_equal(read(ready[0], &c, 1), 0); /* exec has closed it */
    close(ready[0]);
    return pid;
}

static int wait_signal(pid_t pid) {
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

static void environments(void **state) {
    (void)state;
    pid_t pid = start_sleeper("STREAMKEEPER_START_ID=7001", false);
    assert_true(proc_environ_has(pid, "STREAMKEEPER_START_ID=7001"));
    assert_true(proc_environ_has(pid, "BEFORE=1"));
    assert_false(proc_environ_has(pid, "STREAMKEEPER_START_ID=700"));
    assert_false(proc_environ_has(pid, "STREAMKEEPER_START_ID=70010"));
    assert_false(proc_environ_has(pid, "TREAMKEEPER_START_ID=7001"));
    kill(pid, SIGKILL);
    wait_signal(pid);
}

static void only_those_of_one_start_are_killed(void **state) {
    (void)state;
    char mark[64], longer[64];
    uint64_t id = (uint64_t)getpid(); /* several runs of this test may go on at a time */
    snprintf(mark, sizeof(mark), "STREAMKEEPER_START_ID=%d", (int)id);
    snprintf(longer, sizeof(longer), "STREAMKEEPER_START_ID=%d00000", (int)id);
    pid_t marked = start_sleeper(mark, false);
    pid_t in_session = start_sleeper("X=1", true);
    pid_t other = start_sleeper(longer, true);
    assert_true(killall_start(id, getuid(), in_session) >= 2);
    assert_int_equal(wait_signal(marked), SIGKILL);
    assert_int_equal(wait_signal(in_session), SIGKILL);
    assert_int_equal(kill(other, 0), 0);
    assert_int_equal(killall_start(id * 100000, getuid() + 1, 0), 0); /* another user's mark does not count */
    assert_true(killall_start(id * 100000, getuid(), 0) >= 1);
    assert_int_equal(wait_signal(other), SIGKILL);
}

static void lock_notes(void **state) {
    (void)state;
    struct lock_note note;
    pid_t holder;
    lock_parse("launcher 12 daemon 34 567\n", &holder, &note);
    assert_int_equal(holder, 12);
    assert_int_equal(note.daemon_pid, 34);
    assert_int_equal(note.daemon_start_ticks, 567);
    static const char *const without[] = {"",
                                          "launcher 12\n",
                                          "launcher 12 daemon 34\n",
                                          "launcher 12 daemon 1 5\n",
                                          "launcher 12 daemon -1 5\n",
                                          "rubbish"};
    for (size_t i = 0; i < ARRAY_LEN(without); i++) {
        lock_parse(without[i], &holder, &note);
        assert_int_equal(note.daemon_pid, 0);
    }
    assert_int_equal(holder, 0);
    /* A recycled pid is left alone. */
    pid_t pid = start_sleeper("X=1", false);
    note = (struct lock_note){.daemon_pid = pid, .daemon_start_ticks = 1};
    lock_end_daemon(&note, 0);
    assert_int_equal(kill(pid, 0), 0);
    struct proc_stat s;
    assert_int_equal(proc_read_stat(pid, &s), 0);
    note.daemon_start_ticks = s.start_ticks;
    lock_end_daemon(&note, 0);
    assert_int_equal(wait_signal(pid), SIGKILL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stat_texts),
        cmocka_unit_test(ourselves),
        cmocka_unit_test(the_exit_of_a_zombie),
        cmocka_unit_test(environments),
        cmocka_unit_test(only_those_of_one_start_are_killed),
        cmocka_unit_test(lock_notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
