/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes in the bytes of a client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/error.h"
#include "api/exits.h"
#include "api/frame.h"
#include "streamkeeper/names.h"

#include <errno.h>
#include <string.h>

static void lines_end_where_they_end(void **state) {
    (void)state;
    bool begin = true;
    assert_int_equal(frame_line("", 0, &begin), 0);
    assert_int_equal(frame_line("\0AUTH EXTERNAL\r", 15, &begin), 0);
    assert_int_equal(frame_line("\0AUTH EXTERNAL\r\nBEGIN\r\n", 23, &begin), 16);
    assert_false(begin);
    assert_int_equal(frame_line("BEGIN\r\nl", 8, &begin), 7);
    assert_true(begin);
    assert_int_equal(frame_line("BEGINS\r\n", 8, &begin), 8);
    assert_false(begin);
    assert_int_equal(frame_line(" BEGIN\r\n", 8, &begin), 8);
    assert_false(begin);
}

static void a_line_without_end_is_refused(void **state) {
    (void)state;
    char line[FRAME_LINE_MAX + 2];
    bool begin;
    memset(line, 'a', sizeof(line));
    assert_int_equal(frame_line(line, FRAME_LINE_MAX - 1, &begin), 0);
    assert_int_equal(frame_line(line, FRAME_LINE_MAX, &begin), -EMSGSIZE);
    memcpy(line + FRAME_LINE_MAX - 2, "\r\n", 2);
    assert_int_equal(frame_line(line, FRAME_LINE_MAX, &begin), FRAME_LINE_MAX);
}

static void messages_tell_their_size(void **state) {
    (void)state;
    uint8_t m[16] = {'l', 1, 0, 1, 5, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0, 0};
    assert_int_equal(frame_message(m, 15, 1000), 0);
    assert_int_equal(frame_message(m, 16, 1000), 16 + 16 + 5);
    assert_int_equal(frame_message(m, 16, 36), -EMSGSIZE);
    assert_int_equal(frame_message(m, 16, 37), 37);
    uint8_t big[16] = {'B', 1, 0, 1, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 8};
    assert_int_equal(frame_message(big, 16, 1000), 16 + 8 + 5);
}

static void sizes_do_not_wrap(void **state) {
    (void)state;
    uint8_t m[16] = {'l', 1, 0, 1, 255, 255, 255, 255, 1, 0, 0, 0, 255, 255, 255, 255};
    assert_int_equal(frame_message(m, 16, SK_REQUEST_MAX), -EMSGSIZE);
    memset(m + 4, 0, 4);
    assert_int_equal(frame_message(m, 16, SK_REQUEST_MAX), -EMSGSIZE);
}

static void what_is_no_message_is_refused(void **state) {
    (void)state;
    uint8_t m[16] = {'l', 1, 0, 1};
    for (unsigned at = 0; at < 4; at++) {
        uint8_t bad[16];
        memcpy(bad, m, 16);
        bad[at] = at == 1 ? 0 : 'x';
        if (at != 2) /* flags may be anything */
            assert_int_equal(frame_message(bad, 16, 1000), -EBADMSG);
    }
    assert_int_equal(frame_message("GET / HTTP/1.0\r\n", 16, 1000), -EBADMSG);
}

static void errors_have_names(void **state) {
    (void)state;
    assert_string_equal(api_error_name(-EINVAL), SK_ERROR_INVALID);
    assert_string_equal(api_error_name(-EFBIG), SK_ERROR_INVALID);
    assert_string_equal(api_error_name(-ENOENT), SK_ERROR_UNKNOWN);
    assert_string_equal(api_error_name(-EPERM), SK_ERROR_DENIED);
    assert_string_equal(api_error_name(-EDQUOT), SK_ERROR_REFUSED);
    assert_string_equal(api_error_name(-EBUSY), SK_ERROR_REFUSED);
    assert_string_equal(api_error_name(-ENOSPC), SK_ERROR_STORAGE);
    assert_string_equal(api_error_name(-EIO), SK_ERROR_STORAGE);
    assert_string_equal(api_error_name(-ETIMEDOUT), SK_ERROR_TIMEOUT);
    assert_string_equal(api_error_name(-EAGAIN), SK_ERROR_BUSY);
    assert_string_equal(api_error_name(-ENOSYS), "org.freedesktop.DBus.Error.Failed");
}

static void ends_have_names(void **state) {
    (void)state;
    const char *seen[RUN_END_MAX];
    for (int e = 0; e < RUN_END_MAX; e++) {
        seen[e] = run_end_name((enum run_end)e);
        for (int other = 0; other < e; other++)
            assert_string_not_equal(seen[e], seen[other]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_end_where_they_end),
        cmocka_unit_test(a_line_without_end_is_refused),
        cmocka_unit_test(messages_tell_their_size),
        cmocka_unit_test(sizes_do_not_wrap),
        cmocka_unit_test(what_is_no_message_is_refused),
        cmocka_unit_test(errors_have_names),
        cmocka_unit_test(ends_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
