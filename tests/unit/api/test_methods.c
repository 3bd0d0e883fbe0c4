/* SPDX-License-Identifier: Apache-2.0 */
/* Every method over a real socket: what the manager is asked, what the client gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stage.h"

#include "streamkeeper/names.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
    struct stage stage;
    sd_bus *bus;
};

static int open_fixture(void **state) {
    struct fixture *f = calloc(1, sizeof(*f));
    stage_open(&f->stage, NULL);
    f->bus = stage_client(&f->stage);
    *state = f;
    return 0;
}

static int close_fixture(void **state) {
    struct fixture *f = *state;
    sd_bus_close_unref(f->bus);
    stage_close(&f->stage);
    free(f);
    return 0;
}

static void expect_error(sd_bus_message *m, const char *name, const char *text) {
    assert_non_null(m);
    const sd_bus_error *e = sd_bus_message_get_error(m);
    assert_non_null(e);
    assert_string_equal(e->name, name);
    assert_string_equal(e->message, text);
    sd_bus_message_unref(m);
}

/* Moves into the dictionary of the message and to the value of a key; asserts that it is there. */
static void find(sd_bus_message *m, const char *key, const char *type) {
    assert_true(sd_bus_message_enter_container(m, 'a', "{sv}") > 0);
    while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
        const char *name;
        assert_true(sd_bus_message_read(m, "s", &name) > 0);
        if (strcmp(name, key) == 0) {
            assert_true(sd_bus_message_enter_container(m, 'v', type) > 0);
            return;
        }
        assert_true(sd_bus_message_skip(m, "v") >= 0);
        assert_true(sd_bus_message_exit_container(m) >= 0);
    }
    fail_msg("there is no %s", key);
}

static void expect_text(sd_bus_message *m, const char *key, const char *text) {
    const char *found;
    assert_true(sd_bus_message_rewind(m, 1) >= 0);
    find(m, key, "s");
    assert_true(sd_bus_message_read(m, "s", &found) > 0);
    assert_string_equal(found, text);
}

/* The same in the first dictionary of a list. */
static void expect_first_text(sd_bus_message *m, const char *key, const char *text) {
    const char *found;
    assert_true(sd_bus_message_rewind(m, 1) >= 0);
    assert_true(sd_bus_message_enter_container(m, 'a', "a{sv}") > 0);
    find(m, key, "s");
    assert_true(sd_bus_message_read(m, "s", &found) > 0);
    assert_string_equal(found, text);
}

static size_t list_len(sd_bus_message *m) {
    size_t n = 0;
    assert_true(sd_bus_message_rewind(m, 1) >= 0);
    assert_true(sd_bus_message_enter_container(m, 'a', "a{sv}") > 0);
    for (; sd_bus_message_at_end(m, 0) == 0; n++)
        assert_true(sd_bus_message_skip(m, "a{sv}") >= 0);
    return n;
}

static void verbs_reach_the_manager(void **state) {
    struct fixture *f = *state;
    struct manager *manager = &f->stage.manager;
    const struct {
        const char *method, *types;
        uint32_t number;
        const char *asked;
    } verbs[] = {
        {"Start", "s", 0, "start team/a 0"},
        {"Stop", "s", 0, "stop team/a 0"},
        {"Restart", "su", 7, "restart team/a 7"},
        {"Scale", "su", 5, "scale team/a 5"},
        {"Unregister", "sb", 1, "unregister team/a 1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        sd_bus_message *m =
            stage_call(&f->stage, f->bus, verbs[i].method, verbs[i].types, "team/a", verbs[i].number);
        assert_non_null(m);
        assert_string_equal(sd_bus_message_get_signature(m, 1), "a{sv}");
        expect_text(m, "text", "done: it is so");
        expect_text(m, "name", "t/a");
        assert_string_equal(manager->asked, verbs[i].asked);
        sd_bus_message_unref(m);
    }
}

static void specs_go_through_as_bytes(void **state) {
    struct fixture *f = *state;
    sd_bus_message *m = stage_call(&f->stage, f->bus, "Register", "sayb", "f.spec", 3, '[', 0, 255, 1);
    assert_non_null(m);
    assert_null(sd_bus_message_get_error(m));
    assert_string_equal(f->stage.manager.asked, "register-and-start f.spec 3");
    sd_bus_message_unref(m);
    m = stage_call(&f->stage, f->bus, "Register", "sayb", "f.spec", 0, 0);
    assert_string_equal(f->stage.manager.asked, "register f.spec 0");
    sd_bus_message_unref(m);
    m = stage_call(&f->stage, f->bus, "Validate", "say", "f.spec", 1, '[');
    expect_text(m, "name", "t/a");
    assert_string_equal(f->stage.manager.asked, "validate f.spec 1");
    sd_bus_message_unref(m);
}

static void lists_show_apps_and_instances(void **state) {
    struct fixture *f = *state;
    f->stage.manager.n_apps = 300; /* more than a socket buffer holds at once */
    f->stage.manager.n_instances = 16;
    sd_bus_message *m = stage_call(&f->stage, f->bus, "List", "");
    assert_non_null(m);
    assert_int_equal(list_len(m), 300);
    expect_first_text(m, "name", "team/app-0000");
    expect_first_text(m, "class", "critical");
    expect_first_text(m, "state", "running");
    assert_string_equal(f->stage.manager.asked, "each  0");
    sd_bus_message_unref(m);
}

static void status_of_one_and_of_nobody(void **state) {
    struct fixture *f = *state;
    sd_bus_message *m = stage_call(&f->stage, f->bus, "Status", "sb", "team/app-0001", 1);
    assert_non_null(m);
    assert_int_equal(list_len(m), 1);
    expect_first_text(m, "name", "team/app-0001");
    assert_string_equal(f->stage.manager.asked, "view team/app-0001 1");
    sd_bus_message_unref(m);
    m = stage_call(&f->stage, f->bus, "Status", "sb", "team/none", 0);
    expect_error(m, SK_ERROR_UNKNOWN, "there is no app \"team/none\"; did you mean team/app-0000?");
    m = stage_call(&f->stage, f->bus, "Status", "sb", "", 0);
    assert_int_equal(list_len(m), 2);
    sd_bus_message_unref(m);
}

static void texts_are_made_valid(void **state) {
    struct fixture *f = *state;
    f->stage.manager.why = "\xff\xfe says \xc3\xa9";
    sd_bus_message *m = stage_call(&f->stage, f->bus, "List", "");
    assert_non_null(m);
    assert_null(sd_bus_message_get_error(m));
    assert_int_equal(list_len(m), 2);
    sd_bus_message_unref(m);
    m = stage_call(&f->stage, f->bus, "History", "su", "team/a", 5);
    assert_int_equal(list_len(m), 2);
    expect_first_text(m, "last_line", "bad \xEF\xBF\xBD byte");
    expect_first_text(m, "signal", "SIGKILL");
    sd_bus_message_unref(m);
    f->stage.manager.answer = FAKE_REFUSE;
    f->stage.manager.error = -EINVAL;
    f->stage.manager.text = "bad \x80 text";
    m = stage_call(&f->stage, f->bus, "Start", "s", "a");
    expect_error(m, SK_ERROR_INVALID, "bad \xEF\xBF\xBD text");
}

static void logs_keep_their_bytes(void **state) {
    struct fixture *f = *state;
    sd_bus_message *m = stage_call(&f->stage, f->bus, "Logs", "susu", "team/a", 3, "", 7);
    const void *line;
    size_t len;
    uint64_t at;
    const char *cursor;
    assert_non_null(m);
    assert_string_equal(f->stage.manager.asked, "logs team/a 30007");
    assert_true(sd_bus_message_enter_container(m, 'a', "(tay)") > 0);
    assert_true(sd_bus_message_skip(m, "(tay)") >= 0);
    assert_true(sd_bus_message_enter_container(m, 'r', "tay") > 0);
    assert_true(sd_bus_message_read(m, "t", &at) > 0);
    assert_true(sd_bus_message_read_array(m, 'y', &line, &len) > 0);
    assert_int_equal(len, 10);
    assert_memory_equal(line, "nul\0\xff\x1b[31m", 10);
    assert_true(sd_bus_message_exit_container(m) >= 0);
    assert_true(sd_bus_message_exit_container(m) >= 0);
    assert_true(sd_bus_message_read(m, "s", &cursor) > 0);
    assert_string_equal(cursor, "cursor-1");
    sd_bus_message_unref(m);
}

static void limits_are_capped(void **state) {
    struct fixture *f = *state;
    sd_bus_message *m = stage_call(&f->stage, f->bus, "History", "su", "team/a", UINT32_MAX);
    assert_string_equal(f->stage.manager.asked, "history team/a 1000");
    sd_bus_message_unref(m);
    m = stage_call(&f->stage, f->bus, "Events", "stu", "", (uint64_t)3, 0);
    assert_string_equal(f->stage.manager.asked, "events (all) 31000");
    expect_first_text(m, "app", "t/a");
    expect_first_text(m, "kind", "started");
    sd_bus_message_unref(m);
}

static void the_service_shows_itself(void **state) {
    struct fixture *f = *state;
    sd_bus_message *m = stage_call(&f->stage, f->bus, "Classes", "");
    assert_int_equal(list_len(m), 2);
    expect_first_text(m, "name", "critical");
    sd_bus_message_unref(m);
    m = stage_call(&f->stage, f->bus, "Tenants", "");
    assert_int_equal(list_len(m), 1);
    expect_first_text(m, "name", "team");
    sd_bus_message_unref(m);
    m = stage_call(&f->stage, f->bus, "Doctor", "");
    assert_int_equal(list_len(m), 2);
    expect_first_text(m, "level", "ok");
    sd_bus_message_unref(m);
    m = stage_call(&f->stage, f->bus, "Version", "");
    expect_text(m, "cgroup_mode", "none");
    sd_bus_message_unref(m);
    m = stage_call(&f->stage, f->bus, "Show", "s", "team/app-0000");
    assert_null(sd_bus_message_get_error(m));
    expect_text(m, "name", "team/app-0000");
    sd_bus_message_unref(m);
}

static void errors_come_at_once_or_later(void **state) {
    struct fixture *f = *state;
    struct manager *manager = &f->stage.manager;
    manager->error = -EDQUOT;
    manager->text = "tenant team has 100 of 100 apps";
    manager->answer = FAKE_REFUSE;
    expect_error(stage_call(&f->stage, f->bus, "Start", "s", "a"), SK_ERROR_REFUSED, manager->text);
    manager->answer = FAKE_FAIL;
    expect_error(stage_call(&f->stage, f->bus, "Start", "s", "a"), SK_ERROR_REFUSED, manager->text);
    expect_error(stage_call(&f->stage, f->bus, "Logs", "susu", "a", 0, "", 1), SK_ERROR_REFUSED,
                 manager->text);
    manager->error = -EIO;
    expect_error(stage_call(&f->stage, f->bus, "History", "su", "a", 1), SK_ERROR_STORAGE, strerror(EIO));
    manager->error = -EPERM;
    manager->text = "you may not";
    manager->answer = FAKE_REFUSE;
    expect_error(stage_call(&f->stage, f->bus, "Show", "s", "a"), SK_ERROR_DENIED, "you may not");
    manager->text = "";
    expect_error(stage_call(&f->stage, f->bus, "Stop", "s", "a"), SK_ERROR_DENIED, strerror(EPERM));
}

static void while_starting_only_some_are_served(void **state) {
    struct fixture *f = *state;
    f->stage.manager.not_serving = true;
    sd_bus_message *m = stage_call(&f->stage, f->bus, "List", "");
    expect_error(m, SK_ERROR_BUSY, "the service is starting or stopping; try again in a moment");
    m = stage_call(&f->stage, f->bus, "Version", "");
    assert_null(sd_bus_message_get_error(m));
    sd_bus_message_unref(m);
}

static void what_is_unknown_is_said_to_be(void **state) {
    struct fixture *f = *state;
    expect_error(stage_call(&f->stage, f->bus, "Nonsense", ""), SD_BUS_ERROR_UNKNOWN_METHOD,
                 "Unknown method Nonsense or interface org.streamkeeper1.Manager.");
    sd_bus_message *m = stage_call(&f->stage, f->bus, "Start", "u", 1);
    assert_non_null(m);
    assert_string_equal(sd_bus_message_get_error(m)->name, SD_BUS_ERROR_INVALID_ARGS);
    assert_int_equal(f->stage.manager.n_asked, 0);
    sd_bus_message_unref(m);
}

static void callers_are_those_of_the_kernel(void **state) {
    struct fixture *f = *state;
    sd_bus_message_unref(stage_call(&f->stage, f->bus, "List", ""));
    const struct caller *c = &f->stage.manager.caller;
    int groups = getgroups(0, NULL);
    assert_int_equal(c->uid, geteuid());
    assert_int_equal(c->gid, getegid());
    assert_int_equal(c->pid, getpid());
    assert_int_equal(f->stage.manager.n_groups, groups);
}

static bool is_asked(void *userdata) {
    return ((struct manager *)userdata)->n_asked > 0;
}

/* A process of another user that claims to be root in the handshake. */
static pid_t start_liar(const struct stage *s, const int hold[2]) {
    static const char lie[] = "\0AUTH EXTERNAL 30\r\nBEGIN\r\n";
    uint8_t call[512];
    struct stage copy = *s;
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    gid_t groups[2] = {7001, 7002};
    char byte;
    close(hold[1]);
    if (setgroups(2, groups) < 0 || setresgid(7000, 7000, 7000) < 0 || setresuid(7000, 7000, 7000) < 0)
        _exit(1);
    int fd = stage_connect(&copy);
    size_t n = stage_wire_call("List", 1, call, sizeof(call));
    if (write(fd, lie, sizeof(lie) - 1) < 0 || write(fd, call, n) < 0)
        _exit(1);
    _exit(read(hold[0], &byte, 1) < 0);
}

static void what_a_client_claims_does_not_count(void **state) {
    struct fixture *f = *state;
    int hold[2], status;
    if (geteuid() != 0) {
        print_message("skip: needs root to be another user\n");
        skip();
    }
    assert_int_equal(chmod(f->stage.folder, 0755), 0);
    assert_int_equal(chmod(f->stage.socket, 0666), 0);
    assert_int_equal(pipe(hold), 0);
    pid_t pid = start_liar(&f->stage, hold);
    assert_true(stage_until(&f->stage, is_asked, &f->stage.manager));
    assert_int_equal(f->stage.manager.caller.uid, 7000);
    assert_int_equal(f->stage.manager.caller.gid, 7000);
    assert_int_equal(f->stage.manager.n_groups, 2);
    close(hold[0]);
    close(hold[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(verbs_reach_the_manager),
        TEST(specs_go_through_as_bytes),
        TEST(lists_show_apps_and_instances),
        TEST(status_of_one_and_of_nobody),
        TEST(texts_are_made_valid),
        TEST(logs_keep_their_bytes),
        TEST(limits_are_capped),
        TEST(the_service_shows_itself),
        TEST(errors_come_at_once_or_later),
        TEST(while_starting_only_some_are_served),
        TEST(what_is_unknown_is_said_to_be),
        TEST(callers_are_those_of_the_kernel),
        TEST(what_a_client_claims_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
