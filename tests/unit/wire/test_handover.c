/* SPDX-License-Identifier: Apache-2.0 */
/* Pidfds from one process to the next, over a real socket pair. */
#include "base/fd.h"
#include "wire/chan.h"
#include "wire/handover.h"
#include "wire/msg.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void make_pair(int s[2]) {
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s), 0);
}

static void children_arrive_up_to_max(void **state) {
    (void)state;
    int s[2];
    make_pair(s);
    AUTO_FD int pidfd = pidfd_open(getpid(), 0);
    assert_true(pidfd >= 0);
    const struct handover_child out[3] = {{1, 10, 100, pidfd}, {2, 20, 200, pidfd}, {3, 30, 300, pidfd}};
    assert_int_equal(handover_send(s[0], out, 3), 0);
    struct handover_child in[2] = {{0}, {0}};
    assert_int_equal(handover_receive(s[1], in, 2, 1000), 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(in[i].start_id, out[i].start_id);
        assert_int_equal(in[i].pid, out[i].pid);
        assert_int_equal(in[i].start_ticks, out[i].start_ticks);
        assert_true(in[i].pidfd >= 0 && in[i].pidfd != pidfd);
        fd_close(in[i].pidfd);
    }
    fd_close(s[0]);
    fd_close(s[1]);
}

static void the_end_without_mark_is_an_end(void **state) {
    (void)state;
    int s[2];
    make_pair(s);
    fd_close(s[0]);
    struct handover_child in[1];
    assert_int_equal(handover_receive(s[1], in, 1, 1000), 0);
    fd_close(s[1]);
}

static void silence_and_rubbish_are_errors(void **state) {
    (void)state;
    int s[2];
    make_pair(s);
    struct handover_child in[2];
    assert_int_equal(handover_receive(s[1], in, 2, 0), -ETIMEDOUT);

    uint8_t buf[64];
    const struct msg_child m = {1, 10, 100};
    AUTO_FD int pidfd = pidfd_open(getpid(), 0);
    int len = msg_encode_child(SK_REPORT_CHILD, &m, buf, sizeof(buf));
    assert_int_equal(chan_send(s[0], buf, (size_t)len, &pidfd, 1), 0);
    assert_int_equal(chan_send(s[0], buf, (size_t)len, NULL, 0), 0); /* no pidfd beside it */
    int lowest = dup(0);
    fd_close(lowest);
    assert_int_equal(handover_receive(s[1], in, 2, 1000), -EBADMSG);
    int again = dup(0);
    assert_int_equal(again, lowest); /* the first one's pidfd was closed */
    fd_close(again);
    fd_close(s[0]);
    fd_close(s[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_arrive_up_to_max),
        cmocka_unit_test(the_end_without_mark_is_an_end),
        cmocka_unit_test(silence_and_rubbish_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
