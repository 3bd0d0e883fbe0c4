/* SPDX-License-Identifier: Apache-2.0 */
/* The probe against listeners that are there, come later, hang, or never come. */
#include "base/attr.h"
#include "base/clock.h"
#include "base/fd.h"
#include "supervise/probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include <cmocka.h>

#define INTERVAL_USEC (20 * USEC_PER_MSEC)
#define DEADLINE_USEC (10 * USEC_PER_SEC)

struct rig {
    sd_event *loop;
    struct probe *p;
    bool answered, free_in_callback;
};

static void on_answer(void *userdata) {
    struct rig *r = userdata;
    assert_false(r->answered);
    r->answered = true;
    if (r->free_in_callback) {
        probe_free(r->p);
        r->p = NULL;
    }
}

static int set_up(void **state) {
    struct rig *r = calloc(1, sizeof(*r));
    assert_non_null(r);
    assert_true(sd_event_new(&r->loop) >= 0);
    *state = r;
    return 0;
}

static int tear_down(void **state) {
    struct rig *r = *state;
    probe_free(r->p);
    sd_event_unref(r->loop);
    free(r);
    return 0;
}

/* A bound socket on a free port of its own; it refuses until listen. */
static int bind_loopback(sa_family_t family, uint16_t *port) {
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr *sa = family == AF_INET ? (struct sockaddr *)&in4 : (struct sockaddr *)&in6;
    socklen_t len = family == AF_INET ? sizeof(in4) : sizeof(in6);
    if (bind(fd, sa, len) < 0 || getsockname(fd, sa, &len) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    *port = ntohs(family == AF_INET ? in4.sin_port : in6.sin6_port);
    return fd;
}

/* Runs the loop for so long, or until the probe has its answer. */
static bool run(struct rig *r, uint64_t usec) {
    uint64_t end = clock_monotonic_usec() + usec;
    for (uint64_t now = end - usec; now < end && !r->answered; now = clock_monotonic_usec())
        assert_true(sd_event_run(r->loop, end - now) >= 0);
    return r->answered;
}

static void a_listener_answers(void **state) {
    struct rig *r = *state;
    uint16_t port;
    AUTO_FD int fd = bind_loopback(AF_INET, &port);
    assert_true(fd >= 0);
    assert_int_equal(listen(fd, 5), 0);
    assert_int_equal(probe_tcp_new(r->loop, port, INTERVAL_USEC, on_answer, r, &r->p), 0);
    assert_false(r->answered); /* never from inside new */
    assert_true(run(r, DEADLINE_USEC));
    assert_int_equal(sd_event_run(r->loop, 2 * INTERVAL_USEC), 0); /* and no more tries */
}

static void a_listener_that_comes_later_answers(void **state) {
    struct rig *r = *state;
    uint16_t port;
    AUTO_FD int fd = bind_loopback(AF_INET, &port);
    assert_true(fd >= 0);
    assert_int_equal(probe_tcp_new(r->loop, port, INTERVAL_USEC, on_answer, r, &r->p), 0);
    assert_false(run(r, 5 * INTERVAL_USEC));
    assert_int_equal(listen(fd, 5), 0);
    assert_true(run(r, DEADLINE_USEC));
}

static void a_listener_on_ipv6_only_answers(void **state) {
    struct rig *r = *state;
    uint16_t port;
    AUTO_FD int fd = bind_loopback(AF_INET6, &port);
    if (fd < 0) {
        print_message("skip: no IPv6 loopback on this host\n");
        skip();
    }
    assert_int_equal(listen(fd, 5), 0);
    assert_int_equal(probe_tcp_new(r->loop, port, INTERVAL_USEC, on_answer, r, &r->p), 0);
    assert_true(run(r, DEADLINE_USEC));
}

static void it_can_be_freed_in_its_callback(void **state) {
    struct rig *r = *state;
    uint16_t port;
    AUTO_FD int fd = bind_loopback(AF_INET, &port);
    assert_int_equal(listen(fd, 5), 0);
    r->free_in_callback = true;
    assert_int_equal(probe_tcp_new(r->loop, port, INTERVAL_USEC, on_answer, r, &r->p), 0);
    assert_true(run(r, DEADLINE_USEC));
    assert_null(r->p);
}

static void a_full_backlog_is_waited_out_without_blocking(void **state) {
    struct rig *r = *state;
    uint16_t port;
    AUTO_FD int fd = bind_loopback(AF_INET, &port);
    assert_int_equal(listen(fd, 0), 0);
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int clients[4];
    for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_true(connect(clients[i], (struct sockaddr *)&sa, sizeof(sa)) == 0 || errno == EINPROGRESS);
    }
    assert_int_equal(probe_tcp_new(r->loop, port, INTERVAL_USEC, on_answer, r, &r->p), 0);
    assert_false(run(r, 5 * INTERVAL_USEC));
    for (size_t i = 0; i < ARRAY_LEN(clients); i++)
        close(clients[i]);
    /* Room again: accept what waits until the probe gets through. */
    assert_int_equal(fd_set_nonblock(fd, true), 0);
    uint64_t end = clock_monotonic_usec() + DEADLINE_USEC;
    while (!r->answered && clock_monotonic_usec() < end) {
        int got;
        while ((got = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
            close(got);
        assert_true(sd_event_run(r->loop, INTERVAL_USEC) >= 0);
    }
    assert_true(r->answered);
}

/* The lowest free descriptor: grows when one leaks. */
static int next_fd(void) {
    int fd = dup(STDIN_FILENO);
    close(fd);
    return fd;
}

static void nobody_means_no_answer_and_no_leak(void **state) {
    struct rig *r = *state;
    uint16_t port;
    AUTO_FD int fd = bind_loopback(AF_INET, &port);
    int before = -1;
    for (int round = 0; round < 2; round++) { /* the first gives the loop its timer */
        assert_int_equal(probe_tcp_new(r->loop, port, 0, on_answer, r, &r->p), 0);
        assert_false(run(r, 150 * USEC_PER_MSEC));
        probe_free(r->p);
        r->p = NULL;
        if (round == 1)
            assert_int_equal(next_fd(), before);
        before = next_fd();
    }
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_listener_answers),
        RIG_TEST(a_listener_that_comes_later_answers),
        RIG_TEST(a_listener_on_ipv6_only_answers),
        RIG_TEST(it_can_be_freed_in_its_callback),
        RIG_TEST(a_full_backlog_is_waited_out_without_blocking),
        RIG_TEST(nobody_means_no_answer_and_no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
