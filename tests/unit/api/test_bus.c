/* SPDX-License-Identifier: Apache-2.0 */
/* The same object on a bus: a dbus-daemon of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stage.h"

#include "api/system_bus.h"
#include "base/clock.h"
#include "base/fd.h"
#include "streamkeeper/names.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "/usr/bin/dbus-daemon"
#define NOBODY  65534 /* the bus wants users it can look up */

struct fixture {
    struct stage stage;
    char socket[100], conf[100];
    pid_t bus;
};

static void write_conf(struct fixture *f) {
    char text[1024];
    snprintf(f->socket, sizeof(f->socket), "%s/bus", f->stage.folder);
    snprintf(f->conf, sizeof(f->conf), "%s/bus.conf", f->stage.folder);
    snprintf(text, sizeof(text),
             "<busconfig><type>system</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>"
             "<policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/><allow send_type=\"*\"/>"
             "<allow receive_type=\"*\"/><allow send_destination=\"*\"/></policy></busconfig>",
             f->socket);
    assert_int_equal(fd_replace_file_at(AT_FDCWD, f->conf, text, 0644), 0);
}

/* Returns when the bus listens: it prints its address then. */
static void start_bus(struct fixture *f) {
    int told[2];
    char option[120], byte;
    assert_int_equal(pipe(told), 0);
    snprintf(option, sizeof(option), "--config-file=%s", f->conf);
    f->bus = fork();
    if (f->bus == 0) {
        char print[32];
        snprintf(print, sizeof(print), "--print-address=%d", told[1]);
        execl(PROGRAM, PROGRAM, option, "--nofork", "--nopidfile", print, (char *)NULL);
        _exit(1);
    }
    close(told[1]);
    struct pollfd p = {.fd = told[0], .events = POLLIN};
    assert_int_equal(poll(&p, 1, 10000), 1);
    assert_int_equal(read(told[0], &byte, 1), 1);
    close(told[0]);
}

static int open_fixture(void **state) {
    struct fixture *f = calloc(1, sizeof(*f));
    *state = f;
    if (access(PROGRAM, X_OK) < 0)
        return 0;
    stage_open(&f->stage, NULL);
    assert_int_equal(chmod(f->stage.folder, 0755), 0);
    write_conf(f);
    start_bus(f);
    return 0;
}

static int close_fixture(void **state) {
    struct fixture *f = *state;
    if (f->bus > 0) {
        kill(f->bus, SIGKILL);
        waitpid(f->bus, NULL, 0);
        unlink(f->conf);
        unlink(f->socket);
        stage_close(&f->stage);
    }
    free(f);
    return 0;
}

static bool is_here(const struct fixture *f) {
    if (f->bus > 0)
        return true;
    print_message("skip: there is no " PROGRAM "\n");
    skip();
    return false;
}

/* A process that asks once on the bus, as that user with that group; tells by its exit whether it got a
 * reply. */
static pid_t start_asker(const struct fixture *f, uid_t uid, gid_t group) {
    char address[120];
    snprintf(address, sizeof(address), "unix:path=%s", f->socket);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    sd_bus *bus = NULL;
    sd_bus_message *reply = NULL;
    if (uid != geteuid() &&
        (setgroups(1, &group) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0))
        _exit(2);
    if (sd_bus_new(&bus) < 0 || sd_bus_set_address(bus, address) < 0 || sd_bus_set_bus_client(bus, 1) < 0 ||
        sd_bus_start(bus) < 0)
        _exit(3);
    for (uint64_t end = clock_monotonic_usec() + 10 * USEC_PER_SEC; clock_monotonic_usec() < end;) {
        sd_bus_error e = SD_BUS_ERROR_NULL;
        int r = sd_bus_call_method(bus, SK_BUS_NAME, SK_BUS_PATH, SK_BUS_INTERFACE, "Start", &e, &reply, "s",
                                   "team/a");
        if (r >= 0)
            _exit(0);
        if (!sd_bus_error_has_name(&e, SD_BUS_ERROR_SERVICE_UNKNOWN) &&
            !sd_bus_error_has_name(&e, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
            _exit(4);
        poll(NULL, 0, 10); /* the name is not taken yet */
    }
    _exit(5);
}

struct child {
    pid_t pid;
    int status;
};

static bool has_ended(void *userdata) {
    struct child *c = userdata;
    return waitpid(c->pid, &c->status, WNOHANG) == c->pid;
}

static void callers_are_those_of_the_bus(void **state) {
    struct fixture *f = *state;
    if (!is_here(f))
        return;
    system_bus_connect(f->stage.api, f->socket);
    struct child c = {.pid = start_asker(f, geteuid(), 0)};
    assert_true(stage_until(&f->stage, has_ended, &c));
    assert_int_equal(c.status, 0);
    assert_string_equal(f->stage.manager.asked, "start team/a 0");
    assert_int_equal(f->stage.manager.caller.uid, geteuid());
    assert_int_equal(f->stage.manager.caller.pid, c.pid);
    if (geteuid() != 0)
        return;
    c.pid = start_asker(f, NOBODY, 7001);
    assert_true(stage_until(&f->stage, has_ended, &c));
    assert_int_equal(c.status, 0);
    assert_int_equal(f->stage.manager.caller.uid, NOBODY);
    assert_in_range(f->stage.manager.n_groups, 1, 2);
}

static bool is_asked(void *userdata) {
    return ((struct manager *)userdata)->n_asked > 0;
}

static void a_bus_that_dies_is_no_matter(void **state) {
    struct fixture *f = *state;
    if (!is_here(f))
        return;
    system_bus_connect(f->stage.api, f->socket);
    f->stage.manager.answer = FAKE_HOLD;
    struct child c = {.pid = start_asker(f, geteuid(), 0)};
    assert_true(stage_until(&f->stage, is_asked, &f->stage.manager));
    kill(f->bus, SIGKILL);
    assert_true(stage_until(&f->stage, has_ended, &c)); /* it has lost its bus */
    stage_settle(&f->stage);
    fake_release(&f->stage.manager); /* the answer goes nowhere */
    sd_bus *good = stage_client(&f->stage);
    sd_bus_message *m = stage_call(&f->stage, good, "Version", "");
    assert_non_null(m);
    sd_bus_message_unref(m);
    sd_bus_close_unref(good);
    waitpid(f->bus, NULL, 0);
    start_bus(f); /* it comes back, and so do we */
    f->stage.manager.answer = FAKE_LATER;
    c.pid = start_asker(f, geteuid(), 0);
    assert_true(stage_until(&f->stage, has_ended, &c));
    assert_int_equal(c.status, 0);
}

static void no_bus_is_no_matter(void **state) {
    struct fixture *f = *state;
    if (!is_here(f))
        return;
    system_bus_connect(f->stage.api, "/nonexistent/bus");
    stage_settle(&f->stage);
    assert_int_equal(f->stage.manager.n_asked, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(callers_are_those_of_the_bus),
        TEST(a_bus_that_dies_is_no_matter),
        TEST(no_bus_is_no_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
