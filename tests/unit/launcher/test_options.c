/* SPDX-License-Identifier: Apache-2.0 */
/* The command line, the users' files, and the small texts for journal and watchdog. */
#include "base/attr.h"
#include "launcher/folders.h"
#include "launcher/journal.h"
#include "launcher/options.h"
#include "launcher/users.h"
#include "launcher/watchdog.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int parse(const char *const *words, struct options *o, struct reason *reason) {
    static char copies[12][64]; /* o borrows them */
    char *argv[13] = {copies[0]};
    int argc = 1;
    snprintf(copies[0], sizeof(copies[0]), "streamkeeper-launcher");
    for (; *words; words++, argc++) {
        snprintf(copies[argc], sizeof(copies[argc]), "%s", *words);
        argv[argc] = copies[argc];
    }
    return options_parse(argc, argv, o, reason);
}

static void all_options(void **state) {
    (void)state;
    struct options o;
    struct reason reason = {0};
    const char *const none[] = {NULL};
    assert_int_equal(parse(none, &o, &reason), OPTIONS_RUN);
    assert_null(o.root);
    assert_int_equal(o.uid_min, OPTIONS_UID_MIN);
    assert_true(o.uid_max == OPTIONS_UID_MAX);
    assert_int_equal(o.ready_fd, -EBADF);
    assert_int_equal(o.resume_fd, -EBADF);
    const char *const all[] = {"--root",     "/x", "--user=joe", "--uid-range", "1000-2000",
                               "--ready-fd", "7",  "--journal",  "--debug",     NULL};
    assert_int_equal(parse(all, &o, &reason), OPTIONS_RUN);
    assert_string_equal(o.root, "/x");
    assert_string_equal(o.user, "joe");
    assert_int_equal(o.uid_min, 1000);
    assert_int_equal(o.uid_max, 2000);
    assert_int_equal(o.ready_fd, 7);
    assert_true(o.journal && o.debug);
    const char *const help[] = {"--help", NULL}, *const version[] = {"--version", NULL};
    assert_int_equal(parse(help, &o, &reason), OPTIONS_HELP);
    assert_int_equal(parse(version, &o, &reason), OPTIONS_VERSION);
}

static void wrong_options(void **state) {
    (void)state;
    static const char *const lines[][3] = {
        {"--root", ""},
        {"--root"},
        {"--uid-range", "5"},
        {"--uid-range", "0-5"},
        {"--uid-range", "9-5"},
        {"--uid-range", "a-b"},
        {"--uid-range", "1-4294967296"},
        {"--ready-fd", "-1"},
        {"--ready-fd", "x"},
        {"--nonsense"},
        {"word"},
        {"-x"},
    };
    struct options o = {.ready_fd = 99};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct reason reason = {0};
        const char *const words[] = {lines[i][0], lines[i][1], NULL};
        assert_int_equal(parse(words, &o, &reason), -EINVAL);
        assert_true(reason.text[0] != '\0');
        assert_int_equal(o.ready_fd, 99);
    }
}

static void users_from_files(void **state) {
    (void)state;
    struct user u;
    assert_int_equal(user_find("root", &u), 0);
    assert_int_equal(u.uid, 0);
    assert_int_equal(u.gid, 0);
    assert_string_equal(u.name, "root");
    assert_true(u.n_groups >= 1 && u.groups[0] == 0);
    assert_int_equal(user_find("0", &u), 0);
    assert_string_equal(u.name, "root");
    u.uid = 5;
    assert_int_equal(user_find("no-such-user", &u), -ENOENT);
    assert_int_equal(u.uid, 5);
    assert_int_equal(user_find("4000000001", &u), 0);
    assert_true(u.uid == 4000000001 && u.gid == 4000000001 && u.name[0] == '\0' && u.n_groups == 1);
}

static void who_may_enter(void **state) {
    (void)state;
    char path[64] = "/tmp/streamkeeper-enter-XXXXXX", below[80], obstacle[128] = "";
    assert_non_null(mkdtemp(path));
    snprintf(below, sizeof(below), "%s/run", path);
    const struct user stranger = {.uid = 61000, .gid = 61000, .n_groups = 1, .groups = {61000}};
    const struct user root = {.uid = 0};
    assert_false(folders_user_can_enter(&stranger, below, obstacle, sizeof(obstacle)));
    assert_string_equal(obstacle, path);
    assert_true(folders_user_can_enter(&root, below, obstacle, sizeof(obstacle)));
    assert_int_equal(chmod(path, 0711), 0);
    assert_true(folders_user_can_enter(&stranger, below, obstacle, sizeof(obstacle)));
    const struct user member = {.uid = 61000, .gid = getegid(), .n_groups = 1, .groups = {getegid()}};
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(chmod(path, 0701), 0); /* a member of the group has the group's bits, not the others' */
    assert_int_equal(folders_user_can_enter(&member, below, obstacle, sizeof(obstacle)),
                     st.st_gid != getegid());
    rmdir(path);
}

static void journal_headers(void **state) {
    (void)state;
    char buf[64];
    assert_int_equal(journal_header("pay/enrich.0", buf, sizeof(buf)),
                     strlen("pay/enrich.0\n\n6\n1\n0\n0\n0\n"));
    assert_string_equal(buf, "pay/enrich.0\n\n6\n1\n0\n0\n0\n");
    assert_int_equal(journal_header("a\nb", buf, sizeof(buf)), -EINVAL);
    assert_int_equal(journal_header("x", buf, 8), -ENAMETOOLONG);
}

static void watchdog_intervals(void **state) {
    (void)state;
    assert_int_equal(watchdog_interval("30000000", NULL, 7), 10000000);
    assert_int_equal(watchdog_interval("30000000", "7", 7), 10000000);
    assert_int_equal(watchdog_interval("30000000", "8", 7), 0);
    assert_int_equal(watchdog_interval(NULL, NULL, 7), 0);
    assert_int_equal(watchdog_interval("x", NULL, 7), 0);
    assert_int_equal(watchdog_interval("18446744073709551615", NULL, 7), 0);
    assert_int_equal(watchdog_interval("0", NULL, 7), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_options),      cmocka_unit_test(wrong_options),
        cmocka_unit_test(users_from_files), cmocka_unit_test(who_may_enter),
        cmocka_unit_test(journal_headers),  cmocka_unit_test(watchdog_intervals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
