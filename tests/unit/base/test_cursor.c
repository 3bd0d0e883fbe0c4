/* SPDX-License-Identifier: Apache-2.0 */
/* Packed bytes: what was written reads back, and no cut or changed byte leads out of the buffer. */
#include "base/attr.h"
#include "base/cursor.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SAMPLE_SIZE 64

static size_t write_sample(uint8_t *buf, size_t size) {
    struct packer p;
    packer_init(&p, buf, size);
    packer_u8(&p, 0xfe);
    packer_u16(&p, 0x1234);
    packer_u32(&p, 0x89abcdef);
    packer_u64(&p, 0x0123456789abcdefULL);
    packer_text(&p, "text");
    packer_bytes(&p, "\0\1", 2);
    packer_text(&p, "");
    packer_bytes(&p, NULL, 0);
    int len = packer_end(&p);
    assert_true(len > 0);
    return (size_t)len;
}

/* Returns cursor_end; touches all it was given, so that a reader beyond the buffer is seen by the sanitizer.
 */
static int read_sample(const void *data, size_t len) {
    struct cursor c;
    cursor_init(&c, data, len);
    uint64_t sum = cursor_u8(&c) + cursor_u16(&c) + cursor_u32(&c) + cursor_u64(&c);
    sum += strlen(cursor_text(&c));
    size_t n;
    const uint8_t *bytes = cursor_bytes(&c, &n);
    for (size_t i = 0; i < n; i++)
        sum += bytes[i];
    sum += strlen(cursor_text(&c));
    bytes = cursor_bytes(&c, &n);
    for (size_t i = 0; i < n; i++)
        sum += bytes[i];
    return sum == UINT64_MAX ? 1 : cursor_end(&c);
}

static void what_was_written_reads_back(void **state) {
    (void)state;
    uint8_t buf[SAMPLE_SIZE];
    size_t len = write_sample(buf, sizeof(buf));
    static const uint8_t little_endian[] = {0xfe, 0x34, 0x12, 0xef, 0xcd, 0xab, 0x89, 0xef, 0xcd, 0xab,
                                            0x89, 0x67, 0x45, 0x23, 0x01, 5,    0,    0,    0,    't'};
    assert_memory_equal(buf, little_endian, sizeof(little_endian));
    struct cursor c;
    cursor_init(&c, buf, len);
    assert_int_equal(cursor_u8(&c), 0xfe);
    assert_int_equal(cursor_u16(&c), 0x1234);
    assert_int_equal(cursor_u32(&c), 0x89abcdef);
    assert_true(cursor_u64(&c) == 0x0123456789abcdefULL);
    assert_string_equal(cursor_text(&c), "text");
    size_t n;
    const void *bytes = cursor_bytes(&c, &n);
    assert_int_equal(n, 2);
    assert_memory_equal(bytes, "\0\1", 2);
    assert_string_equal(cursor_text(&c), "");
    assert_non_null(cursor_bytes(&c, &n));
    assert_int_equal(n, 0);
    assert_int_equal(cursor_end(&c), 0);
}

static void every_truncation_is_seen(void **state) {
    (void)state;
    uint8_t buf[SAMPLE_SIZE];
    size_t len = write_sample(buf, sizeof(buf));
    for (size_t cut = 0; cut < len; cut++) {
        AUTO_FREE uint8_t *exact = malloc(cut ? cut : 1); /* so that the sanitizer guards its end */
        memcpy(exact, buf, cut);
        assert_int_equal(read_sample(exact, cut), -EBADMSG);
    }
    assert_int_equal(read_sample(buf, len), 0);
}

static void something_left_over_is_seen(void **state) {
    (void)state;
    uint8_t buf[SAMPLE_SIZE];
    size_t len = write_sample(buf, sizeof(buf));
    buf[len] = 0;
    assert_int_equal(read_sample(buf, len + 1), -EBADMSG);
    assert_int_equal(read_sample("", 0), -EBADMSG);
}

static void mutations_stay_inside(void **state) {
    (void)state;
    uint8_t buf[SAMPLE_SIZE];
    size_t len = write_sample(buf, sizeof(buf));
    for (size_t at = 0; at < len; at++)
        for (unsigned value = 0; value < 256; value++) {
            AUTO_FREE uint8_t *copy = malloc(len);
            memcpy(copy, buf, len);
            copy[at] = (uint8_t)value;
            int r = read_sample(copy, len);
            assert_true(r == 0 || r == -EBADMSG);
        }
}

static void a_text_has_one_nul_at_its_end(void **state) {
    (void)state;
    static const uint8_t bad[][8] = {
        {0, 0, 0, 0},                /* no NUL at all */
        {1, 0, 0, 0, 'a'},           /* not at the end */
        {3, 0, 0, 0, 'a', 0, 0},     /* two */
        {4, 0, 0, 0, 'a', 0, 'b', 0} /* in the middle */
    };
    static const size_t len[] = {4, 5, 7, 8};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct cursor c;
        cursor_init(&c, bad[i], len[i]);
        assert_string_equal(cursor_text(&c), "");
        assert_true(c.bad);
    }
}

static void bad_stays_bad(void **state) {
    (void)state;
    static const uint8_t data[] = {255, 255, 255, 255, 1, 2, 3, 4, 5, 6, 7, 8};
    struct cursor c;
    cursor_init(&c, data, sizeof(data));
    size_t n = 9;
    assert_null(cursor_bytes(&c, &n));
    assert_int_equal(n, 0);
    assert_int_equal(cursor_u8(&c), 0);
    assert_int_equal(cursor_u64(&c), 0);
    assert_string_equal(cursor_text(&c), "");
    assert_int_equal(cursor_end(&c), -EBADMSG);
}

static void a_packer_never_writes_beyond_its_buffer(void **state) {
    (void)state;
    uint8_t whole[SAMPLE_SIZE];
    size_t len = write_sample(whole, sizeof(whole));
    for (size_t size = 0; size <= len; size++) {
        AUTO_FREE uint8_t *buf = malloc(size ? size : 1);
        struct packer p;
        packer_init(&p, buf, size);
        packer_u8(&p, 0xfe);
        packer_u16(&p, 0x1234);
        packer_u32(&p, 0x89abcdef);
        packer_u64(&p, 0x0123456789abcdefULL);
        packer_text(&p, "text");
        packer_bytes(&p, "\0\1", 2);
        packer_text(&p, "");
        packer_bytes(&p, NULL, 0);
        assert_int_equal(packer_end(&p), size == len ? (int)len : -EMSGSIZE);
    }
}

static void full_stays_full(void **state) {
    (void)state;
    uint8_t buf[4];
    struct packer p;
    packer_init(&p, buf, sizeof(buf));
    packer_u64(&p, 1);
    packer_u8(&p, 1); /* would fit */
    assert_int_equal(packer_end(&p), -EMSGSIZE);
    packer_init(&p, buf, sizeof(buf));
    packer_bytes(&p, buf, (size_t)UINT32_MAX + 1);
    assert_int_equal(packer_end(&p), -EMSGSIZE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_reads_back),
        cmocka_unit_test(every_truncation_is_seen),
        cmocka_unit_test(something_left_over_is_seen),
        cmocka_unit_test(mutations_stay_inside),
        cmocka_unit_test(a_text_has_one_nul_at_its_end),
        cmocka_unit_test(bad_stays_bad),
        cmocka_unit_test(a_packer_never_writes_beyond_its_buffer),
        cmocka_unit_test(full_stays_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
