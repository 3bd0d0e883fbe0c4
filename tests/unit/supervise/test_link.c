/* SPDX-License-Identifier: Apache-2.0 */
/* The link against a scripted launcher: order, descriptors, a full socket, nonsense, and its end. */
#include "base/attr.h"
#include "base/clock.h"
#include "base/fd.h"
#include "supervise/link.h"
#include "wire/chan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_USEC (10 * USEC_PER_SEC)

/* The daemon's side writes what it was told as one letter each into `heard`. */
struct rig {
    sd_event *loop;
    struct link *l;
    int peer;
    bool free_when_closed;
    char heard[256];
    int closed_error;
    uint64_t last_id;
    struct msg_exited exited;
    uint8_t buf[SK_WIRE_MESSAGE_MAX];
};

static void hear(struct rig *r, char letter) {
    size_t n = strlen(r->heard);
    assert_true(n + 1 < sizeof(r->heard));
    r->heard[n] = letter;
}

static void hear_child(struct rig *r, char letter, const struct msg_child *m, int pidfd) {
    r->last_id = m->start_id;
    hear(r, letter);
    if (pidfd >= 0) {
        assert_true(fcntl(pidfd, F_GETFD) & FD_CLOEXEC);
        hear(r, '+');
        fd_close(pidfd);
    }
}

static void on_welcome(void *u, const struct msg_welcome *m) {
    assert_int_equal(m->launcher_pid, 77);
    hear(u, 'w');
}
static void on_child(void *u, const struct msg_child *m, int pidfd) {
    hear_child(u, 'c', m, pidfd);
}
static void on_replayed(void *u) {
    hear(u, 'r');
}
static void on_spawned(void *u, const struct msg_child *m, int pidfd) {
    hear_child(u, 's', m, pidfd);
}
static void on_spawn_failed(void *u, const struct msg_failed *m) {
    assert_string_equal(m->detail, "/opt/x");
    hear(u, 'f');
}
static void on_exited(void *u, const struct msg_exited *m) {
    struct rig *r = u;
    r->exited = *m;
    hear(u, 'e');
}
static void on_adopted(void *u, const struct msg_child *m, int pidfd) {
    hear_child(u, 'a', m, pidfd);
}
static void on_adopt_failed(void *u, const struct msg_failed *m ATTR_UNUSED) {
    hear(u, 'A');
}
static void on_state_removed(void *u, const struct msg_failed *m ATTR_UNUSED) {
    hear(u, 'R');
}
static void on_terminate(void *u, enum msg_terminate_why why) {
    assert_int_equal(why, MSG_TERMINATE_ASK);
    hear(u, 't');
}
static void on_closed(void *u, int error) {
    struct rig *r = u;
    hear(u, '.');
    r->closed_error = error;
    if (r->free_when_closed) {
        link_free(r->l);
        r->l = NULL;
    }
}

static const struct link_callbacks callbacks = {
    .welcome = on_welcome,
    .child = on_child,
    .replayed = on_replayed,
    .spawned = on_spawned,
    .spawn_failed = on_spawn_failed,
    .exited = on_exited,
    .adopted = on_adopted,
    .adopt_failed = on_adopt_failed,
    .state_removed = on_state_removed,
    .terminate = on_terminate,
    .closed = on_closed,
};

static int set_up(void **state) {
    struct rig *r = calloc(1, sizeof(*r));
    assert_non_null(r);
    int s[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s), 0);
    assert_int_equal(fd_set_nonblock(s[1], true), 0);
    assert_true(sd_event_new(&r->loop) >= 0);
    assert_int_equal(link_new(r->loop, s[0], &callbacks, r, &r->l), 0);
    r->peer = s[1];
    *state = r;
    return 0;
}

static int tear_down(void **state) {
    struct rig *r = *state;
    link_free(r->l);
    fd_close(r->peer);
    sd_event_unref(r->loop);
    free(r);
    return 0;
}

static void tell(struct rig *r, int len, const int *fds, size_t n_fds) {
    assert_true(len > 0);
    assert_int_equal(chan_send(r->peer, r->buf, (size_t)len, fds, n_fds), 0);
}

static void tell_plain(struct rig *r, uint8_t verb) {
    tell(r, msg_encode_plain(verb, r->buf, sizeof(r->buf)), NULL, 0);
}

static void tell_child(struct rig *r, uint8_t verb, uint64_t id, bool with_fd) {
    const struct msg_child m = {.start_id = id, .pid = 5, .start_ticks = 6};
    const int fd = STDIN_FILENO;
    tell(r, msg_encode_child(verb, &m, r->buf, sizeof(r->buf)), &fd, with_fd);
}

static void tell_failed(struct rig *r, uint8_t verb) {
    const struct msg_failed m = {.start_id = 3, .stage = SK_STAGE_EXEC, .error = ENOENT, .detail = "/opt/x"};
    tell(r, msg_encode_failed(verb, &m, r->buf, sizeof(r->buf)), NULL, 0);
}

static void tell_exited(struct rig *r) {
    const struct msg_exited m = {.start_id = 9, .pid = 5, .how = MSG_EXIT_SIGNAL, .code = 11, .at_usec = 12};
    tell(r, msg_encode_exited(&m, r->buf, sizeof(r->buf)), NULL, 0);
}

static void tell_terminate(struct rig *r) {
    const struct msg_terminate m = {.why = MSG_TERMINATE_ASK};
    tell(r, msg_encode_terminate(&m, r->buf, sizeof(r->buf)), NULL, 0);
}

static void tell_welcome(struct rig *r, uint32_t version) {
    const struct msg_welcome m = {.version = version, .launcher_pid = 77, .uid_min = 1, .uid_max = 2};
    tell(r, msg_encode_welcome(&m, r->buf, sizeof(r->buf)), NULL, 0);
}

/* Receives one message; returns its verb, 0 at the end, -EAGAIN when there is none. */
static int take(struct rig *r, size_t *ret_len, size_t *ret_n_fds) {
    int fds[SK_WIRE_FDS_MAX];
    size_t n_fds = 0;
    ssize_t len = chan_receive(r->peer, r->buf, sizeof(r->buf), fds, &n_fds);
    for (size_t i = 0; i < n_fds; i++)
        fd_close(fds[i]);
    if (ret_len)
        *ret_len = len > 0 ? (size_t)len : 0;
    if (ret_n_fds)
        *ret_n_fds = n_fds;
    return len > 0 ? msg_verb(r->buf, (size_t)len) : (int)len;
}

/* Runs the loop until it has nothing to do. */
static void run(struct rig *r) {
    int n;
    while ((n = sd_event_run(r->loop, 0)) > 0)
        ;
    assert_int_equal(n, 0);
}

static void greet(struct rig *r) {
    assert_int_equal(take(r, NULL, NULL), SK_REQUEST_HELLO);
    tell_welcome(r, SK_WIRE_VERSION);
    tell_plain(r, SK_REPORT_REPLAYED);
    run(r);
    assert_string_equal(r->heard, "wr");
    memset(r->heard, 0, sizeof(r->heard));
}

static size_t count_fds(void) {
    size_t n = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static void a_whole_conversation(void **state) {
    struct rig *r = *state;
    size_t fds = count_fds();
    assert_int_equal(take(r, NULL, NULL), SK_REQUEST_HELLO);
    tell_welcome(r, SK_WIRE_VERSION);
    tell_child(r, SK_REPORT_CHILD, 1, true);
    tell_child(r, SK_REPORT_CHILD, 2, false); /* a kernel or a moment without a pidfd */
    tell_exited(r);
    tell_plain(r, SK_REPORT_REPLAYED);
    tell_child(r, SK_REPORT_SPAWNED, 42, true);
    tell_failed(r, SK_REPORT_SPAWN_FAILED);
    tell_child(r, SK_REPORT_ADOPTED, 8, true);
    tell_failed(r, SK_REPORT_ADOPT_FAILED);
    tell_failed(r, SK_REPORT_STATE_REMOVED);
    tell_terminate(r);
    tell_exited(r);
    run(r);
    assert_string_equal(r->heard, "wc+cers+fa+ARte");
    assert_int_equal(r->last_id, 8);
    assert_int_equal(r->exited.start_id, 9);
    assert_int_equal(r->exited.code, 11);
    assert_int_equal(count_fds(), fds);
}

static void ping_is_answered(void **state) {
    struct rig *r = *state;
    greet(r);
    tell_plain(r, SK_REPORT_PING);
    run(r);
    assert_int_equal(take(r, NULL, NULL), SK_REQUEST_PONG);
    assert_string_equal(r->heard, "");
}

static void every_request_goes_out_as_itself(void **state) {
    struct rig *r = *state;
    greet(r);
    size_t len;
    assert_int_equal(link_signal(r->l, 7, 15), 0);
    assert_int_equal(take(r, &len, NULL), SK_REQUEST_SIGNAL);
    struct msg_signal signal;
    assert_int_equal(msg_decode_signal(r->buf, len, &signal), 0);
    assert_int_equal(signal.start_id, 7);
    assert_int_equal(signal.signo, 15);
    assert_int_equal(link_kill(r->l, 8), 0);
    assert_int_equal(take(r, NULL, NULL), SK_REQUEST_KILL);
    assert_int_equal(link_forget(r->l, 9), 0);
    assert_int_equal(take(r, &len, NULL), SK_REQUEST_FORGET);
    struct msg_start_ref ref;
    assert_int_equal(msg_decode_start_ref(r->buf, len, &ref), 0);
    assert_int_equal(ref.start_id, 9);
    const struct msg_adopt adopt = {.start_id = 1, .pid = 2, .start_ticks = 3};
    size_t n_fds;
    assert_int_equal(link_adopt(r->l, &adopt, STDIN_FILENO), 0);
    assert_int_equal(take(r, NULL, &n_fds), SK_REQUEST_ADOPT);
    assert_int_equal(n_fds, 1);
    assert_int_equal(link_adopt(r->l, &adopt, -EBADF), 0);
    assert_int_equal(take(r, NULL, &n_fds), SK_REQUEST_ADOPT);
    assert_int_equal(n_fds, 0);
    const struct msg_state_remove remove = {.tenant = "t", .app = "a", .number = 1};
    assert_int_equal(link_state_remove(r->l, &remove), 0);
    assert_int_equal(take(r, NULL, NULL), SK_REQUEST_STATE_REMOVE);
    assert_int_equal(link_ready(r->l), 0);
    assert_int_equal(take(r, NULL, NULL), SK_REQUEST_READY);
    assert_int_equal(link_status(r->l, "12 running"), 0);
    assert_int_equal(take(r, &len, NULL), SK_REQUEST_STATUS);
    struct msg_status status;
    assert_int_equal(msg_decode_status(r->buf, len, &status), 0);
    assert_string_equal(status.text, "12 running");
    assert_int_equal(link_done(r->l), 0);
    assert_int_equal(take(r, NULL, NULL), SK_REQUEST_DONE);
    assert_int_equal(take(r, NULL, NULL), -EAGAIN);
}

static struct msg_spawn a_spawn(uint64_t id) {
    return (struct msg_spawn){.start_id = id,
                              .flags = MSG_SPAWN_CGROUP | MSG_SPAWN_LOG | MSG_SPAWN_STATE_DIR,
                              .tenant = "t",
                              .app = "a",
                              .log_name = "",
                              .uid = 1,
                              .gid = 1,
                              .working_directory = "",
                              .n_argv = 1,
                              .argv = {"/bin/true"}};
}

static void a_spawn_says_which_descriptors_it_carries(void **state) {
    struct rig *r = *state;
    greet(r);
    const struct {
        int cgroup, log;
        uint32_t flags;
    } cases[] = {
        {0, 1, MSG_SPAWN_CGROUP | MSG_SPAWN_LOG},
        {0, -EBADF, MSG_SPAWN_CGROUP},
        {-EBADF, 1, MSG_SPAWN_LOG},
        {-EBADF, -EBADF, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct msg_spawn m = a_spawn(i + 1), got;
        size_t len, n_fds;
        assert_int_equal(link_spawn(r->l, &m, cases[i].cgroup, cases[i].log), 0);
        assert_int_equal(take(r, &len, &n_fds), SK_REQUEST_SPAWN);
        assert_int_equal(msg_decode_spawn(r->buf, len, &got), 0);
        assert_int_equal(got.flags, cases[i].flags | MSG_SPAWN_STATE_DIR);
        assert_int_equal(n_fds, (size_t)((cases[i].cgroup >= 0) + (cases[i].log >= 0)));
        assert_int_equal(got.start_id, i + 1);
    }
}

static void a_spawn_that_is_too_large_is_refused(void **state) {
    struct rig *r = *state;
    greet(r);
    static char huge[SK_WIRE_MESSAGE_MAX + 2];
    memset(huge, 'x', sizeof(huge) - 1);
    huge[0] = '/';
    struct msg_spawn m = a_spawn(1);
    m.argv[0] = huge;
    assert_int_equal(link_spawn(r->l, &m, -EBADF, -EBADF), -EMSGSIZE);
    assert_int_equal(take(r, NULL, NULL), -EAGAIN);
    assert_int_equal(link_ready(r->l), 0);
}

static void a_full_socket_queues_in_order_with_descriptors(void **state) {
    struct rig *r = *state;
    greet(r);
    size_t fds = count_fds();
    const uint64_t n = 3000;
    for (uint64_t id = 1; id <= n; id++) {
        /* Every tenth has a descriptor that is closed at once: the queue has its own. */
        struct msg_spawn m = a_spawn(id);
        AUTO_FD int fd = id % 10 == 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : -EBADF;
        assert_int_equal(link_spawn(r->l, &m, fd, -EBADF), 0);
    }
    assert_true(count_fds() > fds); /* so it was full */
    run(r);
    for (uint64_t id = 1; id <= n; id++) {
        size_t len, n_fds;
        int verb = take(r, &len, &n_fds);
        if (verb == -EAGAIN) {
            run(r);
            verb = take(r, &len, &n_fds);
        }
        assert_int_equal(verb, SK_REQUEST_SPAWN);
        struct msg_spawn got;
        assert_int_equal(msg_decode_spawn(r->buf, len, &got), 0);
        assert_int_equal(got.start_id, id);
        assert_int_equal(n_fds, id % 10 == 0);
    }
    run(r);
    assert_int_equal(take(r, NULL, NULL), -EAGAIN);
    assert_int_equal(count_fds(), fds);
    /* And quiet again: nothing to wait for. */
    assert_int_equal(sd_event_run(r->loop, 20 * USEC_PER_MSEC), 0);
}

static void the_queue_has_an_end(void **state) {
    struct rig *r = *state;
    greet(r);
    int result = 0, sent = 0;
    for (; sent < 2 * LINK_QUEUE_MAX && result == 0; sent++)
        result = link_kill(r->l, 1);
    assert_int_equal(result, -ENOBUFS);
    assert_true(sent > LINK_QUEUE_MAX);
    int got = 0;
    while (got < sent - 1)
        if (take(r, NULL, NULL) == SK_REQUEST_KILL)
            got++;
        else
            run(r);
    assert_int_equal(link_kill(r->l, 1), 0);
    assert_int_equal(take(r, NULL, NULL), SK_REQUEST_KILL);
}

static void no_descriptor_left_is_an_error_not_a_loss(void **state) {
    struct rig *r = *state;
    greet(r);
    AUTO_FD int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct msg_spawn m = a_spawn(1);
    size_t before = count_fds();
    while (count_fds() == before) /* until one is queued */
        assert_int_equal(link_spawn(r->l, &m, fd, -EBADF), 0);
    struct rlimit old, low;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = old;
    low.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    int result = link_spawn(r->l, &m, fd, -EBADF);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(result, -EMFILE);
    assert_int_equal(link_spawn(r->l, &m, fd, -EBADF), 0);
}

static void the_end_is_told_once_and_after_the_last_words(void **state) {
    struct rig *r = *state;
    greet(r);
    /* Requests the launcher never read make its death look like a reset, before what it had still said. */
    assert_int_equal(link_kill(r->l, 1), 0);
    tell_exited(r);
    tell_exited(r);
    r->peer = fd_close(r->peer);
    assert_int_equal(link_kill(r->l, 2), -EPIPE);
    run(r);
    assert_string_equal(r->heard, "ee.");
    assert_int_equal(r->closed_error, 0);
    assert_int_equal(link_kill(r->l, 2), -EPIPE);
    assert_int_equal(link_done(r->l), -EPIPE);
    assert_int_equal(sd_event_run(r->loop, 20 * USEC_PER_MSEC), 0);
}

static void a_death_with_a_full_queue_leaks_nothing(void **state) {
    struct rig *r = *state;
    greet(r);
    size_t fds = count_fds();
    struct msg_spawn m = a_spawn(1);
    while (count_fds() < fds + 100)
        assert_int_equal(link_spawn(r->l, &m, STDIN_FILENO, STDIN_FILENO), 0);
    tell_exited(r);
    r->peer = fd_close(r->peer);
    run(r);
    assert_string_equal(r->heard, "e.");
    assert_int_equal(count_fds(), fds - 2); /* both ends */
}

static void it_can_be_freed_when_closed(void **state) {
    struct rig *r = *state;
    greet(r);
    r->free_when_closed = true;
    r->peer = fd_close(r->peer);
    run(r);
    assert_string_equal(r->heard, ".");
    assert_null(r->l);
}

/* Anything in the wrong moment, of the wrong form, or with the wrong descriptors ends the connection. */
static void nonsense_ends_the_connection(void **state) {
    enum phase { FRESH, REPLAY, LIVE };
    const struct {
        enum phase phase;
        uint8_t verb;
        const char *tail;
        size_t tail_len, n_fds;
    } cases[] = {
        {FRESH, SK_REPORT_PING, "", 0, 0},
        {FRESH, SK_REPORT_REPLAYED, "", 0, 0},
        {FRESH, SK_REPORT_WELCOME, "", 0, 0},
        {REPLAY, 0, "", 0, 0},
        {REPLAY, 255, "", 0, 0},
        {REPLAY, SK_REPORT_PING + 1, "", 0, 0},
        {REPLAY, SK_REPORT_WELCOME - 1, "", 0, 0},
        {REPLAY, SK_REQUEST_HELLO, "", 0, 0},
        {REPLAY, SK_REPORT_REPLAYED, "x", 1, 0},
        {REPLAY, SK_REPORT_REPLAYED, "", 0, 1},
        {REPLAY, SK_REPORT_CHILD, "short", 5, 0},
        {LIVE, SK_REPORT_REPLAYED, "", 0, 0},
        {LIVE, SK_REPORT_SPAWNED, "", 0, 1},
        {LIVE, SK_REPORT_PING, "", 0, 2},
        {LIVE, SK_REPORT_PING, "", 0, 1},
        {LIVE, SK_REPORT_TERMINATE, "", 0, 0},
        {LIVE, SK_REPORT_EXITED, "\1\2\3", 3, 0},
        {LIVE, SK_REPORT_SPAWN_FAILED, "", 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        void *own;
        set_up(&own);
        struct rig *r = own;
        if (cases[i].phase != FRESH)
            tell_welcome(r, SK_WIRE_VERSION);
        if (cases[i].phase == LIVE)
            tell_plain(r, SK_REPORT_REPLAYED);
        run(r);
        size_t fds = count_fds();
        memset(r->heard, 0, sizeof(r->heard));
        uint8_t message[16] = {cases[i].verb};
        memcpy(message + 1, cases[i].tail, cases[i].tail_len);
        const int some[] = {0, 1};
        assert_int_equal(chan_send(r->peer, message, 1 + cases[i].tail_len, some, cases[i].n_fds), 0);
        run(r);
        if (strcmp(r->heard, ".") != 0 || r->closed_error != -EBADMSG)
            fail_msg("case %zu: heard '%s', error %d", i, r->heard, r->closed_error);
        assert_int_equal(count_fds(), fds - 1);
        tear_down(&own);
    }
}

static void well_formed_reports_in_the_wrong_moment_are_nonsense(void **state) {
    (void)state;
    for (int i = 0; i < 6; i++) {
        void *own;
        set_up(&own);
        struct rig *r = own;
        tell_welcome(r, SK_WIRE_VERSION);
        if (i == 0)
            tell_welcome(r, SK_WIRE_VERSION);
        else if (i == 1)
            tell_child(r, SK_REPORT_SPAWNED, 1, true);
        else if (i == 2)
            tell_failed(r, SK_REPORT_SPAWN_FAILED);
        else if (i == 3)
            tell_child(r, SK_REPORT_ADOPTED, 1, false);
        else
            tell_plain(r, SK_REPORT_REPLAYED);
        if (i == 4)
            tell_child(r, SK_REPORT_CHILD, 1, true);
        else if (i == 5)
            tell_welcome(r, SK_WIRE_VERSION);
        run(r);
        assert_string_equal(r->heard, i < 4 ? "w." : "wr.");
        assert_int_equal(r->closed_error, -EBADMSG);
        tear_down(&own);
    }
}

static void another_version_is_refused(void **state) {
    struct rig *r = *state;
    tell_welcome(r, SK_WIRE_VERSION + 1);
    run(r);
    assert_string_equal(r->heard, ".");
    assert_int_equal(r->closed_error, -EPROTONOSUPPORT);
}

static void a_socket_that_is_none_is_an_error(void **state) {
    struct rig *r = *state;
    struct link *l = NULL;
    size_t fds = count_fds();
    assert_int_equal(link_new(r->loop, -EBADF, &callbacks, r, &l), -EBADF);
    int file = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_true(link_new(r->loop, file, &callbacks, r, &l) < 0);
    assert_null(l);
    assert_int_equal(count_fds(), fds); /* taken also on failure */
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_whole_conversation),
        RIG_TEST(ping_is_answered),
        RIG_TEST(every_request_goes_out_as_itself),
        RIG_TEST(a_spawn_says_which_descriptors_it_carries),
        RIG_TEST(a_spawn_that_is_too_large_is_refused),
        RIG_TEST(a_full_socket_queues_in_order_with_descriptors),
        RIG_TEST(the_queue_has_an_end),
        RIG_TEST(no_descriptor_left_is_an_error_not_a_loss),
        RIG_TEST(the_end_is_told_once_and_after_the_last_words),
        RIG_TEST(a_death_with_a_full_queue_leaks_nothing),
        RIG_TEST(it_can_be_freed_when_closed),
        cmocka_unit_test(nonsense_ends_the_connection),
        cmocka_unit_test(well_formed_reports_in_the_wrong_moment_are_nonsense),
        RIG_TEST(another_version_is_refused),
        RIG_TEST(a_socket_that_is_none_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
