/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams and descriptors over a real socket pair. */
#include "base/fd.h"
#include "wire/chan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct pair {
    int a, b;
};

static struct pair make_pair(void) {
    int s[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, s), 0);
    return (struct pair){s[0], s[1]};
}

static void close_pair(struct pair *p) {
    p->a = fd_close(p->a);
    p->b = fd_close(p->b);
}

static int count_fds(void) {
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static void data_and_fds_arrive(void **state) {
    (void)state;
    struct pair p = make_pair();
    int before = count_fds();
    const int out[] = {p.a, p.b};
    assert_int_equal(chan_send(p.a, "hello", 5, out, 2), 0);
    char buf[16];
    int fds[SK_WIRE_FDS_MAX];
    size_t n_fds = 9;
    assert_int_equal(chan_receive(p.b, buf, sizeof(buf), fds, &n_fds), 5);
    assert_memory_equal(buf, "hello", 5);
    assert_int_equal(n_fds, 2);
    for (size_t i = 0; i < n_fds; i++) {
        assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
        fd_close(fds[i]);
    }
    assert_int_equal(count_fds(), before);
    close_pair(&p);
}

static void nothing_there_and_end(void **state) {
    (void)state;
    struct pair p = make_pair();
    char buf[16];
    int fds[SK_WIRE_FDS_MAX];
    size_t n_fds = 0;
    assert_int_equal(chan_receive(p.b, buf, sizeof(buf), fds, &n_fds), -EAGAIN);
    p.a = fd_close(p.a);
    assert_int_equal(chan_receive(p.b, buf, sizeof(buf), fds, &n_fds), 0);
    assert_int_equal(chan_send(p.b, "x", 1, NULL, 0), -EPIPE);
    close_pair(&p);
}

static void cut_datagrams_leave_no_fd(void **state) {
    (void)state;
    struct pair p = make_pair();
    char buf[4];
    int fds[SK_WIRE_FDS_MAX];
    size_t n_fds = 7;
    int before = count_fds();
    assert_int_equal(chan_send(p.a, "longer", 6, &p.a, 1), 0);
    assert_int_equal(chan_receive(p.b, buf, sizeof(buf), fds, &n_fds), -EMSGSIZE);
    assert_int_equal(n_fds, 7);
    assert_int_equal(count_fds(), before);
    close_pair(&p);
}

static void more_fds_than_allowed(void **state) {
    (void)state;
    struct pair p = make_pair();
    int before = count_fds();
    const int three[] = {p.a, p.a, p.a};
    assert_int_equal(chan_send(p.a, "x", 1, three, 3), -EINVAL);

    /* A peer that does not use chan_send. */
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(three))];
    } control = {0};
    struct iovec iov = {.iov_base = &(char){'x'}, .iov_len = 1};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.bytes,
                         .msg_controllen = sizeof(control.bytes)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(three));
    memcpy(CMSG_DATA(c), three, sizeof(three));
    assert_int_equal(sendmsg(p.a, &msg, 0), 1);
    char buf[4];
    int fds[SK_WIRE_FDS_MAX];
    size_t n_fds;
    assert_int_equal(chan_receive(p.b, buf, sizeof(buf), fds, &n_fds), -EMSGSIZE);
    assert_int_equal(count_fds(), before);
    close_pair(&p);
}

static void a_full_socket_says_so(void **state) {
    (void)state;
    struct pair p = make_pair();
    static uint8_t big[SK_WIRE_MESSAGE_MAX];
    int r, sent = 0;
    while ((r = chan_send(p.a, big, sizeof(big), NULL, 0)) == 0)
        sent++;
    assert_int_equal(r, -EAGAIN);
    assert_true(sent >= 1);
    close_pair(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_and_fds_arrive),       cmocka_unit_test(nothing_there_and_end),
        cmocka_unit_test(cut_datagrams_leave_no_fd), cmocka_unit_test(more_fds_than_allowed),
        cmocka_unit_test(a_full_socket_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
