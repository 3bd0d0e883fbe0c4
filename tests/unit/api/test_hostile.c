/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that mean harm, or are broken: each is contained, and a good client beside them is served. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stage.h"

#include "base/clock.h"
#include "base/fd.h"
#include "streamkeeper/names.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHORT (100 * USEC_PER_MSEC)

struct fixture {
    struct stage stage;
    sd_bus *good;
};

static int open_with(void **state, const struct api_limits *limits) {
    struct fixture *f = calloc(1, sizeof(*f));
    stage_open(&f->stage, limits);
    f->good = stage_client(&f->stage);
    *state = f;
    return 0;
}

static int open_fixture(void **state) {
    return open_with(state, NULL);
}

/* Only where a deadline is what is tested: a slow machine must not meet the others. */
static int open_impatient(void **state) {
    const struct api_limits limits = {.handshake_usec = SHORT, .message_usec = SHORT, .reply_usec = SHORT};
    return open_with(state, &limits);
}

static int close_fixture(void **state) {
    struct fixture *f = *state;
    sd_bus_close_unref(f->good);
    stage_close(&f->stage);
    free(f);
    return 0;
}

static void expect_served(struct fixture *f) {
    sd_bus_message *m = stage_call(&f->stage, f->good, "Version", "");
    assert_non_null(m);
    assert_null(sd_bus_message_get_error(m));
    sd_bus_message_unref(m);
}

static void send_all(struct fixture *f, int fd, const void *data, size_t len) {
    const char *p = data;
    while (len > 0) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) {
            assert_int_equal(errno, EAGAIN);
            stage_settle(&f->stage);
            continue;
        }
        p += n;
        len -= (size_t)n;
    }
}

static void a_silent_one_is_closed(void **state) {
    struct fixture *f = *state;
    AUTO_FD int silent = stage_connect(&f->stage);
    AUTO_FD int half = stage_connect(&f->stage);
    uint64_t begun = clock_monotonic_usec();
    send_all(f, half, "\0AUTH EXT", 9);
    expect_served(f);
    assert_true(stage_until_closed(&f->stage, silent));
    assert_true(clock_monotonic_usec() - begun >= SHORT);
    assert_true(stage_until_closed(&f->stage, half));
    expect_served(f);
}

static void half_a_message_is_closed(void **state) {
    struct fixture *f = *state;
    uint8_t call[512];
    size_t n = stage_wire_call("Version", 1, call, sizeof(call));
    AUTO_FD int half = stage_connect_authenticated(&f->stage);
    AUTO_FD int idle = stage_connect_authenticated(&f->stage);
    send_all(f, half, call, n - 1);
    expect_served(f);
    assert_true(stage_until_closed(&f->stage, half));
    assert_false(stage_is_closed(idle)); /* who has finished what he said may stay */
    expect_served(f);
}

static void other_protocols_are_closed(void **state) {
    static const char *const words[] = {"GET / HTTP/1.1\r\n\r\n", "BEGIN\r\n", "\0AUTH FOO\r\nBEGIN\r\n",
                                        "\r\n\r\n\r\n"};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        AUTO_FD int fd = stage_connect(&f->stage);
        send_all(f, fd, words[i], i == 2 ? 18 : strlen(words[i]));
        assert_true(stage_until_closed(&f->stage, fd));
    }
    expect_served(f);
}

static void an_endless_handshake_is_closed(void **state) {
    struct fixture *f = *state;
    AUTO_FD int fd = stage_connect(&f->stage);
    send_all(f, fd, "\0", 1);
    for (int i = 0; i < 1000 && !stage_is_closed(fd); i++) {
        if (send(fd, "ERROR no\r\n", 10, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            break;
        stage_settle(&f->stage);
    }
    assert_true(stage_until_closed(&f->stage, fd));
    expect_served(f);
}

static void a_huge_message_is_closed(void **state) {
    struct fixture *f = *state;
    uint8_t head[16] = {'l', 1, 0, 1, 0, 0, 0, 6, 1, 0, 0, 0, 0, 0, 0, 0}; /* 100 MiB to come */
    AUTO_FD int fd = stage_connect_authenticated(&f->stage);
    send_all(f, fd, head, sizeof(head));
    stage_settle(&f->stage);
    assert_true(stage_is_closed(fd)); /* at once, not after a deadline */
    expect_served(f);
}

static void byte_by_byte_is_fine(void **state) {
    static const char hello[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";
    struct fixture *f = *state;
    uint8_t call[512];
    size_t n = stage_wire_call("List", 1, call, sizeof(call));
    AUTO_FD int fd = stage_connect(&f->stage);
    for (size_t i = 0; i < sizeof(hello) - 1; i++) {
        send_all(f, fd, hello + i, 1);
        stage_settle(&f->stage);
    }
    for (size_t i = 0; i < n; i++) {
        send_all(f, fd, call + i, 1);
        stage_settle(&f->stage);
    }
    assert_int_equal(f->stage.manager.n_asked, 1);
}

/* Reads what comes, counts whole messages. */
struct counter {
    int fd;
    uint8_t buf[1 << 16];
    size_t len, messages;
};

static void count_messages(struct counter *c) {
    ssize_t n;
    while ((n = recv(c->fd, c->buf + c->len, sizeof(c->buf) - c->len, MSG_DONTWAIT)) > 0) {
        c->len += (size_t)n;
        for (;;) {
            uint32_t body, fields;
            if (c->len < 16)
                break;
            memcpy(&body, c->buf + 4, 4);
            memcpy(&fields, c->buf + 12, 4);
            size_t all = 16 + ((fields + 7) & ~7u) + body;
            if (c->len < all)
                break;
            memmove(c->buf, c->buf + all, c->len - all);
            c->len -= all;
            c->messages++;
        }
    }
}

static bool has_ten_thousand(void *userdata) {
    struct counter *c = userdata;
    count_messages(c);
    return c->messages == 10000;
}

static void ten_thousand_messages_are_served_in_turns(void **state) {
    struct fixture *f = *state;
    static struct counter c;
    uint8_t call[512];
    c = (struct counter){.fd = stage_connect_authenticated(&f->stage)};
    for (uint32_t i = 1; i <= 10000; i++) {
        size_t n = stage_wire_call("Version", i, call, sizeof(call));
        for (size_t at = 0; at < n;) {
            ssize_t sent = send(c.fd, call + at, n - at, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent > 0)
                at += (size_t)sent;
            else
                sd_event_run(f->stage.loop, 0); /* one step of the server, then some reading */
            count_messages(&c);
        }
        if (i % 1000 == 0)
            expect_served(f);
    }
    assert_true(stage_until(&f->stage, has_ten_thousand, &c));
    close(c.fd);
    expect_served(f);
}

static void who_does_not_read_is_stopped_then_closed(void **state) {
    struct fixture *f = *state;
    uint8_t call[512];
    f->stage.manager.n_apps = 1000;
    AUTO_FD int fd = stage_connect_authenticated(&f->stage);
    for (uint32_t i = 1; i <= 200; i++) {
        size_t n = stage_wire_call("List", i, call, sizeof(call));
        if (send(fd, call, n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            break;
    }
    stage_settle(&f->stage);
    assert_in_range(f->stage.manager.n_asked, 1, 5); /* not 200 answers in memory */
    f->stage.manager.n_apps = 1;
    expect_served(f);
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};
    uint64_t end = clock_monotonic_usec() + 10 * USEC_PER_SEC;
    while (poll(&p, 1, 0) == 0 && clock_monotonic_usec() < end)
        sd_event_run(f->stage.loop, 5 * USEC_PER_MSEC);
    assert_true(p.revents & (POLLHUP | POLLRDHUP));
    expect_served(f);
}

static bool has_a_reply(void *userdata) {
    struct counter *c = userdata;
    count_messages(c);
    return c->messages > 0;
}

static void who_reads_late_gets_all(void **state) {
    struct fixture *f = *state;
    static struct counter c;
    static uint8_t drain[1 << 20];
    uint8_t call[512];
    f->stage.manager.n_apps = 1000;
    c = (struct counter){.fd = stage_connect_authenticated(&f->stage)};
    send_all(f, c.fd, call, stage_wire_call("List", 1, call, sizeof(call)));
    send_all(f, c.fd, call, stage_wire_call("Version", 2, call, sizeof(call)) - 3); /* half of the next one */
    stage_settle(&f->stage);
    /* The first reply does not fit into the socket; it goes on as we read, and the half message is not lost.
     */
    uint32_t body, fields;
    assert_int_equal(recv(c.fd, drain, 16, 0), 16);
    memcpy(&body, drain + 4, 4);
    memcpy(&fields, drain + 12, 4);
    size_t left = ((fields + 7) & ~7u) + body;
    assert_true(left > 256 * 1024);
    uint64_t end = clock_monotonic_usec() + 10 * USEC_PER_SEC;
    while (left > 0 && clock_monotonic_usec() < end) {
        ssize_t n = recv(c.fd, drain, MIN(left, sizeof(drain)), MSG_DONTWAIT);
        left -= n > 0 ? (size_t)n : 0;
        sd_event_run(f->stage.loop, 0);
    }
    assert_int_equal(left, 0);
    size_t n = stage_wire_call("Version", 2, call, sizeof(call));
    send_all(f, c.fd, call + n - 3, 3);
    assert_true(stage_until(&f->stage, has_a_reply, &c));
    close(c.fd);
}

static bool has_held(void *userdata) {
    return ((struct manager *)userdata)->n_held > 0;
}

static void who_leaves_is_not_answered(void **state) {
    struct fixture *f = *state;
    uint8_t call[512];
    f->stage.manager.answer = FAKE_HOLD;
    for (int i = 0; i < 3; i++) {
        int fd = stage_connect_authenticated(&f->stage);
        size_t n = stage_wire_call("Version", 1, call, sizeof(call));
        send_all(f, fd, call, n);
        stage_settle(&f->stage);
        close(fd);
    }
    sd_bus *leaver = stage_client(&f->stage);
    assert_true(sd_bus_call_method_async(leaver, NULL, NULL, SK_BUS_PATH, SK_BUS_INTERFACE, "Start", NULL,
                                         NULL, "s", "team/a") >= 0);
    assert_true(stage_until(&f->stage, has_held, &f->stage.manager));
    sd_bus_close_unref(leaver);
    stage_settle(&f->stage);
    expect_served(f);
    fake_release(&f->stage.manager);
    expect_served(f);
}

static void an_answer_that_never_comes_is_no_leak(void **state) {
    struct fixture *f = *state;
    f->stage.manager.answer = FAKE_HOLD;
    sd_bus *leaver = stage_client(&f->stage);
    for (int i = 0; i < 2; i++)
        assert_true(sd_bus_call_method_async(i ? f->good : leaver, NULL, NULL, SK_BUS_PATH, SK_BUS_INTERFACE,
                                             "Stop", NULL, NULL, "s", "team/a") >= 0);
    assert_true(stage_until(&f->stage, has_held, &f->stage.manager));
    stage_settle(&f->stage);
    assert_int_equal(f->stage.manager.n_held, 2);
    sd_bus_close_unref(leaver);
    stage_settle(&f->stage);
    /* The API is freed with both unanswered; the leak checker of the sanitized build has the last word. */
}

static int count_end(sd_bus_message *m, void *userdata, sd_bus_error *error) {
    (void)m;
    (void)error;
    ++*(unsigned *)userdata;
    return 0;
}

static bool all_hundred(void *userdata) {
    return *(unsigned *)userdata == 100;
}

static bool has_thirty_two(void *userdata) {
    return ((struct manager *)userdata)->n_held == 32;
}

static void only_some_requests_are_under_way(void **state) {
    struct fixture *f = *state;
    unsigned ended = 0;
    f->stage.manager.answer = FAKE_HOLD;
    for (int i = 0; i < 100; i++)
        assert_true(sd_bus_call_method_async(f->good, NULL, NULL, SK_BUS_PATH, SK_BUS_INTERFACE, "Start",
                                             count_end, &ended, "s", "team/a") >= 0);
    assert_true(stage_until(&f->stage, has_thirty_two, &f->stage.manager));
    stage_settle(&f->stage);
    assert_int_equal(f->stage.manager.n_held, 32);
    f->stage.manager.answer = FAKE_LATER;
    fake_release(&f->stage.manager);
    assert_true(stage_until(&f->stage, all_hundred, &ended));
    assert_int_equal(f->stage.manager.n_asked, 100);
}

static void half_closed_is_still_answered(void **state) {
    struct fixture *f = *state;
    static struct counter c;
    uint8_t call[512];
    c = (struct counter){.fd = stage_connect_authenticated(&f->stage)};
    send_all(f, c.fd, call, stage_wire_call("Version", 1, call, sizeof(call)));
    shutdown(c.fd, SHUT_WR);
    assert_true(stage_until(&f->stage, has_a_reply, &c));
    assert_true(stage_until_closed(&f->stage, c.fd));
    close(c.fd);
}

static unsigned count_fds(void) {
    unsigned n = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static void descriptors_sent_along_are_dropped(void **state) {
    struct fixture *f = *state;
    uint8_t call[512];
    size_t n = stage_wire_call("Version", 1, call, sizeof(call));
    AUTO_FD int fd = stage_connect_authenticated(&f->stage);
    unsigned before = count_fds();
    union {
        struct cmsghdr head;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {
        .head = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))}};
    int mine = 0;
    memcpy(CMSG_DATA(&control.head), &mine, sizeof(mine));
    struct iovec iov = {.iov_base = call, .iov_len = n};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    assert_int_equal(sendmsg(fd, &m, 0), n);
    stage_settle(&f->stage);
    assert_int_equal(count_fds(), before);
    expect_served(f);
}

static void noise_is_survived(void **state) {
    struct fixture *f = *state;
    unsigned seed = 1;
    uint8_t call[512];
    for (int round = 0; round < 300; round++) {
        AUTO_FD int fd = stage_connect_authenticated(&f->stage);
        size_t n = stage_wire_call("List", 1, call, sizeof(call));
        for (int i = 0; i <= round % 4; i++)
            call[(unsigned)rand_r(&seed) % n] = (uint8_t)rand_r(&seed);
        for (int i = 0; i < 3; i++)
            if (send(fd, call, n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
                break;
        stage_settle(&f->stage);
    }
    expect_served(f);
}

static void there_are_only_so_many(void **state) {
    struct fixture *f = *state;
    int fds[20];
    expect_served(f); /* one of the 16 */
    for (int i = 0; i < 15; i++)
        fds[i] = stage_connect_authenticated(&f->stage);
    fds[15] = stage_connect(&f->stage);
    stage_settle(&f->stage);
    assert_true(stage_is_closed(fds[15]));
    assert_false(stage_is_closed(fds[14]));
    expect_served(f);
    close(fds[0]);
    stage_settle(&f->stage);
    fds[0] = stage_connect_authenticated(&f->stage); /* a place is free again */
    for (int i = 0; i < 16; i++)
        close(fds[i]);
}

/* Twelve connections of an ordinary user: tells by its exit how many were closed rather than answered. */
static pid_t start_crowd(const struct stage *s) {
    static const char hello[] = "\0AUTH EXTERNAL 30\r\n";
    struct stage copy = *s;
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    int closed = 0, fds[12];
    if (setgroups(0, NULL) < 0 || setresgid(7000, 7000, 7000) < 0 || setresuid(7000, 7000, 7000) < 0)
        _exit(100);
    for (int i = 0; i < 12; i++)
        fds[i] = stage_connect(&copy);
    for (int i = 0; i < 12; i++) {
        struct pollfd p = {.fd = fds[i], .events = POLLIN};
        char byte;
        if (send(fds[i], hello, sizeof(hello) - 1, MSG_NOSIGNAL) < 0 || poll(&p, 1, 5000) != 1 ||
            recv(fds[i], &byte, 1, 0) != 1)
            closed++;
    }
    _exit(closed);
}

struct child {
    pid_t pid;
    int status;
};

static bool has_ended(void *userdata) {
    struct child *c = userdata;
    return waitpid(c->pid, &c->status, WNOHANG) == c->pid;
}

static void nobody_takes_all_places(void **state) {
    struct fixture *f = *state;
    if (geteuid() != 0) {
        print_message("skip: needs root to be another user\n");
        skip();
    }
    expect_served(f);
    assert_int_equal(chmod(f->stage.folder, 0755), 0);
    assert_int_equal(chmod(f->stage.socket, 0666), 0);
    struct child c = {.pid = start_crowd(&f->stage)};
    assert_true(stage_until(&f->stage, has_ended, &c));
    assert_true(WIFEXITED(c.status));
    /* Of 16 places 8 are kept for root, one is in use, so 7 are left to anybody. */
    assert_int_equal(WEXITSTATUS(c.status), 5);
    expect_served(f);
}

#define TEST(name)      cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
#define IMPATIENT(name) cmocka_unit_test_setup_teardown(name, open_impatient, close_fixture)

int main(void) {
    const struct CMUnitTest tests[] = {
        IMPATIENT(a_silent_one_is_closed),
        IMPATIENT(half_a_message_is_closed),
        TEST(other_protocols_are_closed),
        TEST(an_endless_handshake_is_closed),
        TEST(a_huge_message_is_closed),
        TEST(byte_by_byte_is_fine),
        TEST(ten_thousand_messages_are_served_in_turns),
        IMPATIENT(who_does_not_read_is_stopped_then_closed),
        TEST(who_reads_late_gets_all),
        TEST(who_leaves_is_not_answered),
        TEST(an_answer_that_never_comes_is_no_leak),
        TEST(only_some_requests_are_under_way),
        TEST(half_closed_is_still_answered),
        TEST(descriptors_sent_along_are_dropped),
        TEST(noise_is_survived),
        TEST(there_are_only_so_many),
        TEST(nobody_takes_all_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
