/* SPDX-License-Identifier: Apache-2.0 */
/* Records to bytes and back; and bytes that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/attr.h"
#include "manager/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char spec[] = "[app]\nname = t/a\n";

static const struct app_record app = {.generation = 7,
                                      .wanted = true,
                                      .purge = true,
                                      .instances = 3,
                                      .most_instances = 9,
                                      .registered_usec = UINT64_C(1700000000000001),
                                      .registered_by = 1001,
                                      .asked_usec = UINT64_MAX - 1,
                                      .spec_text = spec};
static const struct run_record running = {.start_id = UINT64_MAX,
                                          .generation = 2,
                                          .pid = 4711,
                                          .start_ticks = 99,
                                          .exit_seq = 12,
                                          .started_usec = 5,
                                          .oom_before = 1,
                                          .cpu_before = UINT64_MAX,
                                          .ended = true,
                                          .ready = true,
                                          .verdict = RESTART_BUDGET,
                                          .restarts = 4,
                                          .class = "critical",
                                          .boot_id = "0f1e2d3c-0000-1111-2222-333344445555"};
static const struct exit_record ended = {.number = 999,
                                         .seq = 3,
                                         .generation = 4,
                                         .started_usec = 5,
                                         .pid = 6,
                                         .exit = {.end = RUN_END_SIGNAL,
                                                  .code = 9,
                                                  .stage = 0,
                                                  .dumped = true,
                                                  .oom_killed = true,
                                                  .not_ready = true,
                                                  .at_usec = 7,
                                                  .run_usec = 8,
                                                  .cpu_usec = 9,
                                                  .memory_peak_bytes = 10},
                                         .verdict = RESTART_FORBIDDEN,
                                         .reason = "because",
                                         .last_line = "last\twords \xff"};
static const struct event_record event = {.at_usec = 1,
                                          .kind = EVENT_SERVICE,
                                          .tenant = "t",
                                          .app = "a",
                                          .number = -1,
                                          .actor_uid = -1,
                                          .text = "what happened"};

enum kind { APP, RUN, EXIT, EVENT, KINDS };

static int encode(enum kind k, void *buf, size_t size) {
    return k == APP    ? app_record_encode(&app, buf, size)
           : k == RUN  ? run_record_encode(&running, buf, size)
           : k == EXIT ? exit_record_encode(&ended, buf, size)
                       : event_record_encode(&event, buf, size);
}

/* Decodes into a struct full of a pattern. Returns the result, and whether the struct was left alone. */
static int decode(enum kind k, const void *data, size_t len, bool *ret_untouched) {
    union {
        struct app_record app;
        struct run_record run;
        struct exit_record exit;
        struct event_record event;
        uint8_t bytes[4096];
    } u;
    memset(&u, 0x5a, sizeof(u));
    int r = k == APP    ? app_record_decode(data, len, &u.app)
            : k == RUN  ? run_record_decode(data, len, &u.run)
            : k == EXIT ? exit_record_decode(data, len, &u.exit)
                        : event_record_decode(data, len, &u.event);
    *ret_untouched = true;
    for (size_t i = 0; i < sizeof(u); i++)
        *ret_untouched &= u.bytes[i] == 0x5a;
    if (r == 0 && k == APP) {
        assert_non_null(u.app.spec_text);
        assert_true(u.app.instances >= 1 && u.app.instances <= 1000);
        app_record_free(&u.app);
    }
    if (r == 0 && k == RUN)
        assert_true(memchr(u.run.class, 0, sizeof(u.run.class)) &&
                    memchr(u.run.boot_id, 0, sizeof(u.run.boot_id)));
    if (r == 0 && k == EXIT)
        assert_true((unsigned)u.exit.exit.end < RUN_END_MAX && u.exit.verdict < RESTART_VERDICT_MAX);
    if (r == 0 && k == EVENT)
        assert_string_not_equal(event_kind_name(u.event.kind), "unknown");
    return r;
}

static void test_round_trip(void **state) {
    (void)state;
    uint8_t buf[1024];
    struct app_record a;
    assert_int_equal(app_record_decode(buf, (size_t)app_record_encode(&app, buf, sizeof(buf)), &a), 0);
    assert_string_equal(a.spec_text, app.spec_text);
    assert_ptr_not_equal(a.spec_text, app.spec_text);
    assert_true(a.generation == app.generation && a.wanted && !a.removing && a.purge && a.instances == 3);
    assert_true(a.most_instances == 9 && a.registered_usec == app.registered_usec &&
                a.registered_by == 1001 && a.asked_usec == app.asked_usec);
    app_record_free(&a);
    assert_null(a.spec_text);
    struct run_record r;
    memset(&r, 0, sizeof(r));
    assert_int_equal(run_record_decode(buf, (size_t)run_record_encode(&running, buf, sizeof(buf)), &r), 0);
    assert_true(r.start_id == running.start_id && r.generation == 2 && r.pid == 4711 && r.start_ticks == 99);
    assert_true(r.exit_seq == 12 && r.started_usec == 5 && r.ended && r.ready && r.verdict == RESTART_BUDGET);
    assert_true(r.restarts == 4 && r.oom_before == 1 && r.cpu_before == UINT64_MAX);
    assert_string_equal(r.class, "critical");
    assert_string_equal(r.boot_id, running.boot_id);
    struct exit_record e;
    assert_int_equal(exit_record_decode(buf, (size_t)exit_record_encode(&ended, buf, sizeof(buf)), &e), 0);
    assert_true(e.number == 999 && e.seq == 3 && e.generation == 4 && e.started_usec == 5 && e.pid == 6);
    assert_true(e.exit.end == RUN_END_SIGNAL && e.exit.code == 9 && e.exit.dumped && e.exit.oom_killed &&
                e.exit.not_ready);
    assert_true(e.exit.at_usec == 7 && e.exit.run_usec == 8 && e.exit.cpu_usec == 9 &&
                e.exit.memory_peak_bytes == 10 && e.verdict == RESTART_FORBIDDEN);
    assert_string_equal(e.reason, "because");
    assert_string_equal(e.last_line, ended.last_line);
    struct event_record v;
    assert_int_equal(event_record_decode(buf, (size_t)event_record_encode(&event, buf, sizeof(buf)), &v), 0);
    assert_true(v.at_usec == 1 && v.kind == EVENT_SERVICE && v.number == -1 && v.actor_uid == -1);
    assert_string_equal(v.tenant, "t");
    assert_string_equal(v.app, "a");
    assert_string_equal(v.text, "what happened");
}

static void test_too_small_a_buffer(void **state) {
    (void)state;
    uint8_t buf[1024];
    for (enum kind k = APP; k < KINDS; k++) {
        int full = encode(k, buf, sizeof(buf));
        assert_true(full > 0);
        for (int size = 0; size < full; size++)
            assert_int_equal(encode(k, buf, (size_t)size), -EMSGSIZE);
        assert_int_equal(encode(k, buf, (size_t)full), full);
    }
}

static void test_cut_and_lengthened(void **state) {
    (void)state;
    uint8_t buf[1024];
    bool untouched;
    for (enum kind k = APP; k < KINDS; k++) {
        int full = encode(k, buf, sizeof(buf));
        for (int len = 0; len < full; len++) {
            AUTO_FREE uint8_t *copy = malloc((size_t)len + 1); /* so that a read beyond it shows */
            memcpy(copy, buf, (size_t)len);
            copy = realloc(copy, (size_t)len ? (size_t)len : 1);
            assert_int_equal(decode(k, copy, (size_t)len, &untouched), -EBADMSG);
            assert_true(untouched);
        }
        buf[full] = 0;
        assert_int_equal(decode(k, buf, (size_t)full + 1, &untouched), -EBADMSG);
        assert_true(untouched);
    }
}

static void test_other_versions(void **state) {
    (void)state;
    uint8_t buf[1024];
    bool untouched;
    for (enum kind k = APP; k < KINDS; k++) {
        int len = encode(k, buf, sizeof(buf));
        for (unsigned version = 0; version < 256; version++) {
            uint8_t was = buf[0];
            buf[0] = (uint8_t)version;
            assert_int_equal(decode(k, buf, (size_t)len, &untouched), version == was ? 0 : -EBADMSG);
            buf[0] = was;
        }
    }
}

/* Whatever byte is changed: a refusal, or a record that is within its bounds. */
static void test_mutations(void **state) {
    (void)state;
    uint8_t buf[1024];
    bool untouched;
    unsigned refused = 0, taken = 0;
    for (enum kind k = APP; k < KINDS; k++) {
        int len = encode(k, buf, sizeof(buf));
        for (int at = 0; at < len; at++)
            for (unsigned v = 0; v < 256; v++) {
                uint8_t was = buf[at];
                buf[at] = (uint8_t)v;
                int r = decode(k, buf, (size_t)len, &untouched);
                assert_true(r == 0 || (r == -EBADMSG && untouched));
                refused += r < 0;
                taken += r == 0;
                buf[at] = was;
            }
    }
    assert_true(refused > 1000 && taken > 1000);
}

static void test_instances_within_bounds(void **state) {
    (void)state;
    uint8_t buf[1024];
    static const uint32_t wrong[] = {0, 1001, UINT32_MAX};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct app_record r = app, back;
        r.instances = wrong[i];
        assert_int_equal(app_record_decode(buf, (size_t)app_record_encode(&r, buf, sizeof(buf)), &back),
                         -EBADMSG);
    }
}

static void test_texts_at_their_longest(void **state) {
    (void)state;
    struct exit_record r = ended, back;
    uint8_t buf[2048];
    memset(r.reason, 'x', sizeof(r.reason) - 1);
    r.reason[sizeof(r.reason) - 1] = '\0';
    memcpy(r.last_line, r.reason, sizeof(r.reason));
    int len = exit_record_encode(&r, buf, 1024); /* the size that the writer takes */
    assert_true(len > 0);
    assert_int_equal(exit_record_decode(buf, (size_t)len, &back), 0);
    assert_string_equal(back.reason, r.reason);
}

static void test_names_of_events(void **state) {
    (void)state;
    for (int i = 0; i < EVENT_KIND_MAX; i++) {
        assert_string_not_equal(event_kind_name((enum event_kind)i), "unknown");
        for (int k = 0; k < i; k++)
            assert_string_not_equal(event_kind_name((enum event_kind)i), event_kind_name((enum event_kind)k));
    }
    assert_string_equal(event_kind_name(EVENT_KIND_MAX), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_too_small_a_buffer),
        cmocka_unit_test(test_cut_and_lengthened),
        cmocka_unit_test(test_other_versions),
        cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_instances_within_bounds),
        cmocka_unit_test(test_texts_at_their_longest),
        cmocka_unit_test(test_names_of_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
