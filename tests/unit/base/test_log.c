/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines: levels, the two forms on stderr, and that untrusted text can neither forge nor break a line. */
#include "base/fd.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct sink {
    int lines;
    enum log_level level;
    char text[4096];
};

static void take_line(enum log_level level, const char *line, void *userdata) {
    struct sink *s = userdata;
    s->lines++;
    s->level = level;
    snprintf(s->text, sizeof(s->text), "%s", line);
}

static int set_up(void **state) {
    struct sink *s = calloc(1, sizeof(*s));
    log_set_level(LOG_LEVEL_INFO);
    log_set_sink(take_line, s);
    *state = s;
    return 0;
}

static int tear_down(void **state) {
    log_set_sink(NULL, NULL);
    free(*state);
    return 0;
}

static void levels_above_the_highest_are_dropped(void **state) {
    struct sink *s = *state;
    log_debug("no");
    assert_int_equal(s->lines, 0);
    log_info("%s %d", "yes", 1);
    assert_int_equal(s->lines, 1);
    assert_int_equal(s->level, LOG_LEVEL_INFO);
    assert_string_equal(s->text, "yes 1");
    log_set_level(LOG_LEVEL_ERROR);
    log_warning("no");
    assert_int_equal(log_errno(LOG_LEVEL_NOTICE, -EPERM, "no"), -EPERM);
    assert_int_equal(s->lines, 1);
    log_error("yes");
    assert_int_equal(s->lines, 2);
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("yes");
    assert_int_equal(s->lines, 3);
}

static void errors_are_said_in_words_and_returned(void **state) {
    struct sink *s = *state;
    assert_int_equal(log_errno(LOG_LEVEL_ERROR, -ENOENT, "Failed to open '%s'", "x"), -ENOENT);
    assert_string_equal(s->text, "Failed to open 'x': No such file or directory");
}

static void errno_is_kept(void **state) {
    (void)state;
    errno = ENOTTY;
    log_info("x");
    assert_int_equal(errno, ENOTTY);
    log_errno(LOG_LEVEL_INFO, -ENOENT, "x");
    assert_int_equal(errno, ENOTTY);
}

static void control_characters_are_neutralised(void **state) {
    struct sink *s = *state;
    log_info("%s", "a\nb\r\tc\033[31m\x7f");
    assert_string_equal(s->text, "a?b??c?[31m?");
    log_info("%s", "gr\xc3\xbc\xc3\x9f \xc2\xa0 \xc2\x9b"
                   "2J");
    assert_string_equal(s->text, "gr\xc3\xbc\xc3\x9f \xc2\xa0 ??2J");
    log_info("%s", "cut \xc2");
    assert_string_equal(s->text, "cut \xc2");
    for (int c = 1; c < 32; c++) {
        log_info("a%cb", c);
        assert_string_equal(s->text, "a?b");
    }
}

static void long_lines_are_cut(void **state) {
    struct sink *s = *state;
    char huge[10000];
    memset(huge, 'x', sizeof(huge));
    huge[sizeof(huge) - 1] = '\0';
    log_info("%s", huge);
    assert_int_equal(strlen(s->text), 2047);
    assert_int_equal(log_errno(LOG_LEVEL_ERROR, -EIO, "%s", huge), -EIO);
    assert_int_equal(strlen(s->text), 2047);
}

/* Opens the log and writes one line with stderr in a file, which JOURNAL_STREAM names rightly, wrongly (an
 * inode too many), or not at all; returns what stands there. */
enum stream { NOT_NAMED, RIGHT, WRONG, NONSENSE };
static void on_stderr(enum stream named, const char *text, char *buf, size_t size) {
    log_set_sink(NULL, NULL);
    AUTO_FD int file = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    AUTO_FD int old = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    struct stat st;
    assert_true(file >= 0 && old >= 0 && fstat(file, &st) == 0);
    char stream[64];
    snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
             (uintmax_t)st.st_ino + (named == WRONG));
    unsetenv("JOURNAL_STREAM");
    if (named != NOT_NAMED)
        setenv("JOURNAL_STREAM", named == NONSENSE ? "x:y" : stream, 1);
    dup2(file, STDERR_FILENO);
    log_open("prog");
    log_warning("%s", text);
    dup2(old, STDERR_FILENO);
    unsetenv("JOURNAL_STREAM");
    log_open("streamkeeper");
    assert_true(fd_pread_text(file, buf, size) >= 0);
}

static void lines_for_a_person_have_time_and_name(void **state) {
    (void)state;
    static const enum stream without_journal[] = {NOT_NAMED, WRONG, NONSENSE};
    for (size_t i = 0; i < ARRAY_LEN(without_journal); i++) {
        char buf[8192];
        on_stderr(without_journal[i], "one\ntwo", buf, sizeof(buf));
        unsigned h, m, s, ms;
        int end = 0;
        assert_int_equal(sscanf(buf, "%2u:%2u:%2u.%3u prog: warning: one?two\n%n", &h, &m, &s, &ms, &end), 4);
        assert_int_equal(end, (int)strlen(buf));
    }
}

static void lines_for_the_journal_have_a_level(void **state) {
    (void)state;
    char buf[8192], huge[5000];
    on_stderr(RIGHT, "<3>forged", buf, sizeof(buf));
    assert_string_equal(buf, "<4><3>forged\n");
    memset(huge, 'x', sizeof(huge));
    huge[sizeof(huge) - 1] = '\0';
    on_stderr(RIGHT, huge, buf, sizeof(buf));
    assert_int_equal(buf[strlen(buf) - 1], '\n'); /* also a cut line ends */
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        RIG_TEST(levels_above_the_highest_are_dropped),
        RIG_TEST(errors_are_said_in_words_and_returned),
        RIG_TEST(errno_is_kept),
        RIG_TEST(control_characters_are_neutralised),
        RIG_TEST(long_lines_are_cut),
        RIG_TEST(lines_for_a_person_have_time_and_name),
        RIG_TEST(lines_for_the_journal_have_a_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
