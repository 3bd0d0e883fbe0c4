/* SPDX-License-Identifier: Apache-2.0 */
/* Notification messages as text, and the socket with real senders: right, wrong, flooding. */
#include "base/attr.h"
#include "base/fd.h"
#include "supervise/notify.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_USEC 10000000

static struct notify_message parse(const char *text) {
    struct notify_message m;
    memset(&m, 0xaa, sizeof(m));
    notify_parse(text, strlen(text), &m);
    return m;
}

static void known_keys_are_understood(void **state) {
    (void)state;
    struct notify_message m =
        parse("READY=1\nSTATUS=up, 3 tasks\nWATCHDOG_USEC=20000\nMAINPID=7\nWATCHDOG=1\n");
    assert_true(m.ready);
    assert_true(m.watchdog);
    assert_false(m.stopping);
    assert_int_equal(m.watchdog_usec, 20000);
    assert_int_equal(m.extend_usec, 0);
    assert_string_equal(m.status, "up, 3 tasks");
    m = parse("EXTEND_TIMEOUT_USEC=5000000\nSTOPPING=1");
    assert_true(m.stopping);
    assert_false(m.ready);
    assert_int_equal(m.extend_usec, 5000000);
    assert_string_equal(m.status, "");
}

static void what_is_not_understood_is_skipped(void **state) {
    (void)state;
    const struct notify_message nothing = {0};
    static const char *const texts[] = {
        "",
        "\n\n\n",
        "READY",
        "READY=",
        "READY=0",
        "READY=11",
        "ready=1",
        " READY=1",
        "READY=1 ",
        "XREADY=1",
        "READYX=1",
        "=1",
        "=",
        "FDSTORE=1",
        "READY=1\r",
        "WATCHDOG=trigger",
        "WATCHDOG_USEC=",
        "WATCHDOG_USEC=-1",
        "WATCHDOG_USEC=1s",
        "WATCHDOG_USEC=18446744073709551616",
        "WATCHDOG_USEC= 1",
        "WATCHDOG_USEC=000000000000000000000000000001",
        "EXTEND_TIMEOUT_USEC=0x10",
        "STATUS=",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct notify_message m = parse(texts[i]);
        if (memcmp(&m, &nothing, sizeof(m)) != 0)
            fail_msg("'%s' was understood", texts[i]);
    }
}

static void the_status_is_clean_text(void **state) {
    (void)state;
    assert_string_equal(parse("STATUS=a\tb\033[31mc").status, "a?b?[31mc");
    assert_string_equal(parse("STATUS=gr\xc3\xbc\xc3\x9f \xff\xc3").status, "gr\xc3\xbc\xc3\x9f ??");
    assert_string_equal(parse("STATUS=\xc2\x9b"
                              "2J")
                            .status,
                        "?2J");
    assert_string_equal(parse("STATUS=one\nSTATUS=two").status, "two");
    struct notify_message m;
    notify_parse("STATUS=a\0b", 10, &m);
    assert_string_equal(m.status, "a?b");
    notify_parse("READY=1\0", 8, &m);
    assert_false(m.ready);
    notify_parse("WATCHDOG_USEC=1\0", 16, &m);
    assert_int_equal(m.watchdog_usec, 0);
    /* Cut between characters, never inside one. */
    char text[600] = "STATUS=";
    for (size_t n = 7; n + 2 < sizeof(text); n += 2)
        memcpy(text + n, "\xc3\xbc", 3);
    m = parse(text);
    assert_int_equal(strlen(m.status), sizeof(m.status) - 2);
    assert_memory_equal(m.status + strlen(m.status) - 2, "\xc3\xbc", 2);
}

static void random_bytes_are_harmless(void **state) {
    (void)state;
    uint64_t seed = 7;
    static const char pieces[][16] = {
        "READY=1", "\n", "STATUS=", "WATCHDOG_USEC=", "9", "=", "\0", "\xf0\x9f"};
    for (int i = 0; i < 20000; i++) {
        char text[64];
        size_t len = 0;
        while (len < 40) {
            seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
            const char *piece = pieces[(seed >> 33) % ARRAY_LEN(pieces)];
            size_t n = MAX(strlen(piece), (size_t)1);
            memcpy(text + len, piece, n);
            len += n;
        }
        struct notify_message m;
        notify_parse(text, len, &m);
        assert_true(memchr(m.status, '\0', sizeof(m.status)) != NULL);
    }
}

/* A loop, a folder, a socket, and what came through it. */
struct rig {
    sd_event *loop;
    char dir[64];
    struct notify *n;
    int received;
    bool free_in_callback;
    struct notify_message last;
};

static void on_message(void *userdata, const struct notify_message *m) {
    struct rig *r = userdata;
    r->received++;
    r->last = *m;
    if (r->free_in_callback) {
        notify_free(r->n);
        r->n = NULL;
    }
}

static int set_up(void **state) {
    struct rig *r = calloc(1, sizeof(*r));
    assert_non_null(r);
    snprintf(r->dir, sizeof(r->dir), "/tmp/notify-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    assert_int_equal(chmod(r->dir, 0755), 0);
    assert_true(sd_event_new(&r->loop) >= 0);
    assert_int_equal(notify_new(r->loop, r->dir, "app.0", getuid(), on_message, r, &r->n), 0);
    *state = r;
    return 0;
}

static int tear_down(void **state) {
    struct rig *r = *state;
    notify_free(r->n);
    sd_event_unref(r->loop);
    assert_int_equal(rmdir(r->dir), 0); /* the socket file is gone */
    free(r);
    return 0;
}

static int send_to(const char *path, const char *text, size_t len) {
    AUTO_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    memcpy(sa.sun_path, path, strlen(path));
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (path[0] == '@')
        sa.sun_path[0] = '\0';
    return sendto(fd, text, len, 0, (struct sockaddr *)&sa, size) < 0 ? -errno : 0;
}

/* Runs the loop until nothing is to be read any more. */
static void run(struct rig *r) {
    while (sd_event_run(r->loop, 0) > 0)
        ;
}

static void run_until_received(struct rig *r, int n) {
    uint64_t end, now;
    assert_true(sd_event_now(r->loop, CLOCK_MONOTONIC, &end) >= 0);
    end += DEADLINE_USEC;
    while (r->received < n) {
        assert_true(sd_event_run(r->loop, 100000) >= 0);
        assert_true(sd_event_now(r->loop, CLOCK_MONOTONIC, &now) >= 0);
        if (now > end)
            fail_msg("%d of %d messages in time", r->received, n);
    }
}

static void messages_arrive(void **state) {
    struct rig *r = *state;
    struct stat st;
    assert_int_equal(stat(notify_path(r->n), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0666);
    assert_int_equal(send_to(notify_path(r->n), "READY=1\nSTATUS=hi", 17), 0);
    run_until_received(r, 1);
    assert_true(r->last.ready);
    assert_string_equal(r->last.status, "hi");
}

static void sd_notify_itself_is_understood(void **state) {
    struct rig *r = *state;
    assert_int_equal(setenv("NOTIFY_SOCKET", notify_path(r->n), 1), 0);
    assert_true(sd_notify(0, "READY=1\nSTATUS=from the library") > 0);
    run_until_received(r, 1);
    assert_true(r->last.ready);
    assert_string_equal(r->last.status, "from the library");
    /* Descriptors are not wanted and not kept. */
    int before = dup(0);
    close(before);
    const int fds[] = {0, 1, 2};
    assert_true(sd_pid_notify_with_fds(0, 0, "FDSTORE=1\nWATCHDOG=1", fds, 3) > 0);
    run_until_received(r, 2);
    assert_true(r->last.watchdog);
    int after = dup(0);
    close(after);
    assert_int_equal(after, before);
    unsetenv("NOTIFY_SOCKET");
}

/* Runs the sender as another user; returns its exit code. */
static int send_as(uid_t uid, const char *path) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(setuid(uid) == 0 && send_to(path, "READY=1", 7) == 0 ? 0 : 1);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void only_its_own_user_may_speak(void **state) {
    struct rig *r = *state;
    if (getuid() != 0) {
        print_message("skip: needs root to send as another user\n");
        skip();
    }
    notify_free(r->n);
    r->n = NULL;
    assert_int_equal(notify_new(r->loop, r->dir, "app.0", 12345, on_message, r, &r->n), 0);
    assert_int_equal(send_as(12346, notify_path(r->n)), 0);
    run(r);
    assert_int_equal(r->received, 0);
    assert_int_equal(send_as(12345, notify_path(r->n)), 0);
    run_until_received(r, 1);
    assert_int_equal(send_as(0, notify_path(r->n)), 0);
    run_until_received(r, 2);
}

static void too_long_and_empty_messages_are_dropped(void **state) {
    struct rig *r = *state;
    static char text[8192];
    memset(text, '\n', sizeof(text));
    memcpy(text, "READY=1", 7);
    assert_int_equal(send_to(notify_path(r->n), text, sizeof(text)), 0);
    assert_int_equal(send_to(notify_path(r->n), "", 0), 0);
    assert_int_equal(send_to(notify_path(r->n), "STOPPING=1", 10), 0);
    run_until_received(r, 1);
    assert_true(r->last.stopping);
    assert_false(r->last.ready);
}

static void a_flood_is_slowed_and_the_rest_of_the_loop_goes_on(void **state) {
    struct rig *r = *state;
    int sent = 0, turns = 0;
    /* The sender is never behind: whatever is read is sent again. */
    while (turns < 2000) {
        while (send_to(notify_path(r->n), "STATUS=flood", 12) == 0)
            sent++;
        int got = sd_event_run(r->loop, 0);
        assert_true(got >= 0);
        if (got == 0)
            break; /* off for the rest of the second */
        turns++;
    }
    assert_true(turns < 2000);
    assert_true(r->received > 0 && r->received <= sent);
}

static int on_time(sd_event_source *s, uint64_t usec ATTR_UNUSED, void *userdata) {
    (void)s;
    *(bool *)userdata = true;
    return 0;
}

static void it_can_be_freed_in_its_callback(void **state) {
    struct rig *r = *state;
    r->free_in_callback = true;
    char path[128];
    snprintf(path, sizeof(path), "%s", notify_path(r->n));
    for (int i = 0; i < 3; i++)
        assert_int_equal(send_to(path, "READY=1", 7), 0);
    bool passed = false;
    sd_event_source *timer = NULL;
    assert_true(sd_event_add_time_relative(r->loop, &timer, CLOCK_MONOTONIC, 20000, 0, on_time, &passed) >=
                0);
    while (!passed)
        assert_true(sd_event_run(r->loop, DEADLINE_USEC) >= 0);
    sd_event_source_unref(timer);
    assert_int_equal(r->received, 1);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_leftover_is_replaced(void **state) {
    struct rig *r = *state;
    struct notify *second = NULL;
    assert_int_equal(notify_new(r->loop, r->dir, "app.0", getuid(), on_message, r, &second), 0);
    assert_int_equal(send_to(notify_path(second), "READY=1", 7), 0);
    run_until_received(r, 1);
    notify_free(second);
}

static void a_long_path_becomes_an_abstract_name_that_stays(void **state) {
    struct rig *r = *state;
    char name[200];
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    struct notify *n = NULL;
    assert_int_equal(notify_new(r->loop, r->dir, name, getuid(), on_message, r, &n), 0);
    char path[128];
    snprintf(path, sizeof(path), "%s", notify_path(n));
    assert_int_equal(path[0], '@');
    assert_true(strlen(path) < 100);
    assert_int_equal(send_to(path, "READY=1", 7), 0);
    run_until_received(r, 1);
    notify_free(n);
    n = NULL;
    assert_int_equal(notify_new(r->loop, r->dir, name, getuid(), on_message, r, &n), 0);
    assert_string_equal(notify_path(n), path);
    notify_free(n);
}

static void a_missing_folder_is_an_error(void **state) {
    struct rig *r = *state;
    struct notify *n = NULL;
    assert_int_equal(notify_new(r->loop, "/nonexistent/here", "a", 0, on_message, r, &n), -ENOENT);
    assert_null(n);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_keys_are_understood),
        cmocka_unit_test(what_is_not_understood_is_skipped),
        cmocka_unit_test(the_status_is_clean_text),
        cmocka_unit_test(random_bytes_are_harmless),
        RIG_TEST(messages_arrive),
        RIG_TEST(sd_notify_itself_is_understood),
        RIG_TEST(only_its_own_user_may_speak),
        RIG_TEST(too_long_and_empty_messages_are_dropped),
        RIG_TEST(a_flood_is_slowed_and_the_rest_of_the_loop_goes_on),
        RIG_TEST(it_can_be_freed_in_its_callback),
        RIG_TEST(a_leftover_is_replaced),
        RIG_TEST(a_long_path_becomes_an_abstract_name_that_stays),
        RIG_TEST(a_missing_folder_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
