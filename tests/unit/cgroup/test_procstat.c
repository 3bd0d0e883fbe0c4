/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/stat: recorded texts, names made to deceive, and this process itself. */
#include "base/attr.h"
#include "cgroup/group.h"
#include "cgroup/procstat.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define TAIL                                                                                                 \
    " S 4321 1234 1234 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654321 9 10 18446744073709551615 1 1 0 0 0 " \
    "0 0 0 0 "                                                                                               \
    "0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n"

static void recorded(void **state) {
    (void)state;
    static const char *const names[] = {"java", "a b", "a) S 1 1 1", "((", "))", "", "x\ny", ") R 7 7 7 7 7"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char text[512];
        snprintf(text, sizeof(text), "1234 (%s)" TAIL, names[i]);
        struct procstat s;
        assert_int_equal(procstat_parse(text, &s), 0);
        assert_int_equal(s.parent, 4321);
        assert_int_equal(s.start_ticks, 987654321);
    }
}

/* What is cut before the start time ends is refused or, in the middle of the digits, a shorter number; never
 * a crash and never another field. */
static void cuts(void **state) {
    (void)state;
    const char *text = "1234 (java)" TAIL;
    size_t needed = (size_t)(strstr(text, "987654321") - text);
    for (size_t len = 0; len < strlen(text); len++) {
        char *cut = strndup(text, len);
        assert_non_null(cut);
        struct procstat s = {.parent = -7};
        int r = procstat_parse(cut, &s);
        if (len <= needed) {
            assert_int_equal(r, -EINVAL);
            assert_int_equal(s.parent, -7);
        } else {
            assert_int_equal(r, 0);
            assert_int_equal(s.parent, 4321);
        }
        free(cut);
    }
}

static void bad_fields(void **state) {
    (void)state;
    static const char *const texts[] = {
        "1 (x) S -1 1 1 0 -1 1 1 2 3 4 5 6 7 8 20 0 1 0 5 9\n",
        "1 (x) S 99999999999 1 1 0 -1 1 1 2 3 4 5 6 7 8 20 0 1 0 5 9\n",
        "1 (x) S 3000000000 1 1 0 -1 1 1 2 3 4 5 6 7 8 20 0 1 0 5 9\n",
        "1 (x) S 1 1 1 0 -1 1 1 2 3 4 5 6 7 8 20 0 1 0 x 9\n",
        "1 (x) S 1 1 1 0 -1 1 1 2 3 4 5 6 7 8 20 0 1 0 99999999999999999999 9\n",
        "no name",
        ")",
        "",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct procstat s;
        if (procstat_parse(texts[i], &s) != -EINVAL)
            fail_msg("\"%s\" was taken", texts[i]);
    }
}

static void this_process(void **state) {
    (void)state;
    struct procstat before, after;
    assert_int_equal(procstat_read(getpid(), &before), 0);
    assert_int_equal(before.parent, getppid());
    assert_int_equal(prctl(PR_SET_NAME, ") Z 1 (x"), 0);
    assert_int_equal(procstat_read(getpid(), &after), 0);
    assert_int_equal(after.parent, before.parent);
    assert_int_equal(after.start_ticks, before.start_ticks);
    uint64_t ticks;
    assert_int_equal(process_start_ticks(getpid(), &ticks), 0);
    assert_int_equal(ticks, before.start_ticks);
}

static void gone_process(void **state) {
    (void)state;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    uint64_t ticks = 77;
    assert_int_equal(process_start_ticks(pid, &ticks), -ESRCH);
    assert_int_equal(process_start_ticks(0, &ticks), -ESRCH);
    assert_int_equal(process_start_ticks(-1, &ticks), -ESRCH);
    assert_int_equal(ticks, 77);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded),     cmocka_unit_test(cuts),         cmocka_unit_test(bad_fields),
        cmocka_unit_test(this_process), cmocka_unit_test(gone_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
