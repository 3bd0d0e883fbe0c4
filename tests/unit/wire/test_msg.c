/* SPDX-License-Identifier: Apache-2.0 */
/* Every message: what is packed comes back, every cut and every addition is refused, and mutated bytes never
 * lead out of the datagram. */
#include "base/attr.h"
#include "wire/msg.h"
#include "wire/stage.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t buf[SK_WIRE_MESSAGE_MAX];

/* Decodes by verb, into a struct of its own. Returns what the decoder returns. */
static int decode_any(const void *data, size_t len) {
    static union {
        struct msg_hello hello;
        struct msg_welcome welcome;
        struct msg_spawn spawn;
        struct msg_signal signal;
        struct msg_start_ref ref;
        struct msg_adopt adopt;
        struct msg_state_remove remove;
        struct msg_status status;
        struct msg_child child;
        struct msg_failed failed;
        struct msg_exited exited;
        struct msg_terminate terminate;
    } u;
    switch (msg_verb(data, len)) {
    case SK_REQUEST_HELLO:
        return msg_decode_hello(data, len, &u.hello);
    case SK_REPORT_WELCOME:
        return msg_decode_welcome(data, len, &u.welcome);
    case SK_REQUEST_SPAWN:
        return msg_decode_spawn(data, len, &u.spawn);
    case SK_REQUEST_SIGNAL:
        return msg_decode_signal(data, len, &u.signal);
    case SK_REQUEST_KILL:
    case SK_REQUEST_FORGET:
        return msg_decode_start_ref(data, len, &u.ref);
    case SK_REQUEST_ADOPT:
        return msg_decode_adopt(data, len, &u.adopt);
    case SK_REQUEST_STATE_REMOVE:
        return msg_decode_state_remove(data, len, &u.remove);
    case SK_REQUEST_STATUS:
        return msg_decode_status(data, len, &u.status);
    case SK_REPORT_CHILD:
    case SK_REPORT_SPAWNED:
    case SK_REPORT_ADOPTED:
        return msg_decode_child(data, len, &u.child);
    case SK_REPORT_SPAWN_FAILED:
    case SK_REPORT_ADOPT_FAILED:
    case SK_REPORT_STATE_REMOVED:
        return msg_decode_failed(data, len, &u.failed);
    case SK_REPORT_EXITED:
        return msg_decode_exited(data, len, &u.exited);
    case SK_REPORT_TERMINATE:
        return msg_decode_terminate(data, len, &u.terminate);
    default:
        return msg_decode_plain(data, len);
    }
}

static const struct msg_spawn sample_spawn = {
    .start_id = 0x1122334455667788,
    .flags = MSG_SPAWN_CGROUP | MSG_SPAWN_LOG | MSG_SPAWN_STATE_DIR,
    .tenant = "payments",
    .app = "enrich",
    .number = 3,
    .log_name = "payments/enrich.3",
    .uid = 1000,
    .gid = 1001,
    .umask = 027,
    .nice = -7,
    .sched_policy = MSG_SCHED_BATCH,
    .sched_slice_usec = 100000,
    .ioprio = 2 << 13 | 4,
    .oom_score_adj = -500,
    .working_directory = "",
    .n_groups = 2,
    .groups = {1001, 1002},
    .n_rlimits = 1,
    .rlimits = {{7, 1024, UINT64_MAX}},
    .n_argv = 3,
    .argv = {"/usr/bin/java", "-jar", ""},
    .n_env = 2,
    .env = {"PATH=/usr/bin", "EMPTY="},
};

/* One sample of each verb, by number: an encoder call each. Returns the length, -ENOENT behind the last. */
static int encode_sample(unsigned i, void *to, size_t size) {
    const struct msg_start_ref ref = {77};
    const struct msg_child child = {77, 4711, 123456, "pay", "enrich", 3};
    const struct msg_failed failed = {77, SK_STAGE_EXEC, ENOENT, "/opt/x"};
    switch (i) {
    case 0:
        return msg_encode_hello(&(struct msg_hello){SK_WIRE_VERSION}, to, size);
    case 1:
        return msg_encode_welcome(
            &(struct msg_welcome){SK_WIRE_VERSION, 42, true, false, true, 1000, 1001, 100, 60000, true}, to,
            size);
    case 2:
        return msg_encode_spawn(&sample_spawn, to, size);
    case 3:
        return msg_encode_signal(&(struct msg_signal){77, 15}, to, size);
    case 4:
        return msg_encode_start_ref(SK_REQUEST_KILL, &ref, to, size);
    case 5:
        return msg_encode_start_ref(SK_REQUEST_FORGET, &ref, to, size);
    case 6:
        return msg_encode_adopt(&(struct msg_adopt){77, 4711, 123456, "pay", "enrich", 3}, to, size);
    case 7:
        return msg_encode_state_remove(&(struct msg_state_remove){"a", "b", 1}, to, size);
    case 8:
        return msg_encode_status(&(struct msg_status){"3 instances run"}, to, size);
    case 9:
        return msg_encode_child(SK_REPORT_CHILD, &child, to, size);
    case 10:
        return msg_encode_child(SK_REPORT_SPAWNED, &child, to, size);
    case 11:
        return msg_encode_child(SK_REPORT_ADOPTED, &child, to, size);
    case 12:
        return msg_encode_failed(SK_REPORT_SPAWN_FAILED, &failed, to, size);
    case 13:
        return msg_encode_failed(SK_REPORT_ADOPT_FAILED, &failed, to, size);
    case 14:
        return msg_encode_failed(SK_REPORT_STATE_REMOVED, &(struct msg_failed){0, 0, 0, ""}, to, size);
    case 15:
        return msg_encode_exited(
            &(struct msg_exited){77, 4711, MSG_EXIT_CODE, 3, 1, 2, 3, 4, 5, "pay", "enrich", 3}, to, size);
    case 16:
        return msg_encode_terminate(&(struct msg_terminate){MSG_TERMINATE_ASK}, to, size);
    case 17:
        return msg_encode_plain(SK_REPORT_REPLAYED, to, size);
    case 18:
        return msg_encode_plain(SK_REQUEST_READY, to, size);
    case 19:
        return msg_encode_plain(SK_REPORT_PING, to, size);
    case 20:
        return msg_encode_plain(SK_REQUEST_PONG, to, size);
    case 21:
        return msg_encode_plain(SK_REQUEST_DONE, to, size);
    default:
        return -ENOENT;
    }
}

static void every_verb_has_a_sample(void **state) {
    (void)state;
    bool seen[256] = {false};
    int len;
    for (unsigned i = 0; (len = encode_sample(i, buf, sizeof(buf))) != -ENOENT; i++) {
        assert_true(len > 0);
        assert_false(seen[buf[0]]);
        seen[buf[0]] = true;
    }
    for (unsigned v = SK_REQUEST_HELLO; v <= SK_REQUEST_DONE; v++)
        assert_true(seen[v]);
    for (unsigned v = SK_REPORT_WELCOME; v <= SK_REPORT_PING; v++)
        assert_true(seen[v]);
}

static void samples_decode_and_cuts_are_refused(void **state) {
    (void)state;
    int len;
    for (unsigned i = 0; (len = encode_sample(i, buf, sizeof(buf) - 1)) != -ENOENT; i++) {
        assert_int_equal(decode_any(buf, (size_t)len), 0);
        /* An exact allocation: reading past the cut is seen by the address sanitizer. */
        for (int cut = 0; cut < len; cut++) {
            uint8_t *part = malloc((size_t)cut + (cut == 0));
            assert_non_null(part);
            memcpy(part, buf, (size_t)cut);
            assert_int_equal(decode_any(part, (size_t)cut), -EBADMSG);
            free(part);
        }
        buf[len] = 0;
        assert_int_equal(decode_any(buf, (size_t)len + 1), -EBADMSG);
    }
}

static void a_small_buffer_is_refused(void **state) {
    (void)state;
    int len;
    for (unsigned i = 0; (len = encode_sample(i, buf, sizeof(buf))) != -ENOENT; i++)
        for (int size = 0; size < len; size++)
            assert_int_equal(encode_sample(i, buf, (size_t)size), -EMSGSIZE);
}

static void spawn_comes_back(void **state) {
    (void)state;
    static struct msg_spawn m;
    int len = msg_encode_spawn(&sample_spawn, buf, sizeof(buf));
    assert_true(len > 0);
    memset(&m, 0xee, sizeof(m));
    assert_int_equal(msg_decode_spawn(buf, (size_t)len, &m), 0);
    assert_int_equal(m.start_id, sample_spawn.start_id);
    assert_int_equal(m.flags, sample_spawn.flags);
    assert_string_equal(m.tenant, "payments");
    assert_string_equal(m.app, "enrich");
    assert_int_equal(m.number, 3);
    assert_string_equal(m.log_name, "payments/enrich.3");
    assert_int_equal(m.uid, 1000);
    assert_int_equal(m.gid, 1001);
    assert_int_equal(m.umask, 027);
    assert_int_equal(m.nice, -7);
    assert_int_equal(m.sched_policy, MSG_SCHED_BATCH);
    assert_int_equal(m.sched_slice_usec, 100000);
    assert_int_equal(m.ioprio, 2 << 13 | 4);
    assert_int_equal(m.oom_score_adj, -500);
    assert_string_equal(m.working_directory, "");
    assert_int_equal(m.n_groups, 2);
    assert_int_equal(m.groups[1], 1002);
    assert_int_equal(m.n_rlimits, 1);
    assert_int_equal(m.rlimits[0].resource, 7);
    assert_true(m.rlimits[0].hard == UINT64_MAX);
    assert_int_equal(m.n_argv, 3);
    assert_string_equal(m.argv[2], "");
    assert_null(m.argv[3]);
    assert_int_equal(m.n_env, 2);
    assert_string_equal(m.env[1], "EMPTY=");
    assert_null(m.env[2]);
}

/* Numbers that differ in every byte, so that no field can stand for another. */
static void small_messages_come_back(void **state) {
    (void)state;
    const struct msg_exited e = {
        0x0102030405060708, 0x11121314,         MSG_EXIT_SIGNAL,    0x21222324,         0x3132333435363738,
        0x4142434445464748, 0x5152535455565758, 0x6162636465666768, 0x7172737475767778, "pay",
        "enrich",           0x01020304};
    struct msg_exited e2;
    int len = msg_encode_exited(&e, buf, sizeof(buf));
    assert_int_equal(msg_decode_exited(buf, (size_t)len, &e2), 0);
    assert_true(e2.start_id == e.start_id && e2.pid == e.pid && e2.how == e.how && e2.code == e.code);
    assert_true(e2.at_usec == e.at_usec && e2.at_monotonic_usec == e.at_monotonic_usec);
    assert_true(e2.user_usec == e.user_usec && e2.system_usec == e.system_usec &&
                e2.max_rss_bytes == e.max_rss_bytes);
    assert_string_equal(e2.tenant, "pay");
    assert_string_equal(e2.app, "enrich");
    assert_int_equal(e2.number, 0x01020304);

    const struct msg_child c = {0x0102030405060708, 0x11121314, 0x2122232425262728, "pay", "enrich", 9};
    struct msg_child c2;
    len = msg_encode_child(SK_REPORT_ADOPTED, &c, buf, sizeof(buf));
    assert_int_equal(msg_decode_child(buf, (size_t)len, &c2), 0);
    assert_true(c2.start_id == c.start_id && c2.pid == c.pid && c2.start_ticks == c.start_ticks);
    assert_string_equal(c2.app, "enrich");
    assert_int_equal(c2.number, 9);

    const struct msg_adopt a = {0x0102030405060708, 0x11121314, 0x2122232425262728, NULL, NULL, 0};
    struct msg_adopt a2;
    len = msg_encode_adopt(&a, buf, sizeof(buf));
    assert_int_equal(msg_decode_adopt(buf, (size_t)len, &a2), 0);
    assert_true(a2.start_id == a.start_id && a2.pid == a.pid && a2.start_ticks == a.start_ticks);
    assert_string_equal(a2.tenant, ""); /* NULL is sent as "not known" */

    const struct msg_welcome w = {1,          0x11121314, true,       false,      true,
                                  0x21222324, 0x31323334, 0x41424344, 0x51525354, true};
    struct msg_welcome w2 = {0};
    len = msg_encode_welcome(&w, buf, sizeof(buf));
    assert_int_equal(msg_decode_welcome(buf, (size_t)len, &w2), 0);
    assert_true(w2.version == w.version && w2.launcher_pid == w.launcher_pid && w2.owner_uid == w.owner_uid);
    assert_true(w2.owner_gid == w.owner_gid && w2.uid_min == w.uid_min && w2.uid_max == w.uid_max);
    assert_true(w2.can_change_uid && !w2.has_journal && w2.under_systemd);
    assert_true(w2.owner_permitted);

    const struct msg_failed f = {5, SK_STAGE_WORKDIR, ENOENT, "/opt/x"};
    struct msg_failed f2;
    len = msg_encode_failed(SK_REPORT_SPAWN_FAILED, &f, buf, sizeof(buf));
    assert_int_equal(msg_decode_failed(buf, (size_t)len, &f2), 0);
    assert_true(f2.start_id == 5 && f2.stage == SK_STAGE_WORKDIR && f2.error == ENOENT);
    assert_string_equal(f2.detail, "/opt/x");

    const struct msg_state_remove s = {"pay", "enrich", 4};
    struct msg_state_remove s2;
    len = msg_encode_state_remove(&s, buf, sizeof(buf));
    assert_int_equal(msg_decode_state_remove(buf, (size_t)len, &s2), 0);
    assert_string_equal(s2.tenant, "pay");
    assert_string_equal(s2.app, "enrich");
    assert_int_equal(s2.number, 4);
}

static void a_full_spawn_is_terminated(void **state) {
    (void)state;
    static struct msg_spawn m, back;
    m = sample_spawn;
    m.n_argv = m.n_env = SK_WIRE_ARGS_MAX;
    m.n_groups = SK_WIRE_GROUPS_MAX;
    m.n_rlimits = MSG_RLIMITS_MAX;
    for (size_t i = 0; i < SK_WIRE_ARGS_MAX; i++)
        m.argv[i] = m.env[i] = "x";
    int len = msg_encode_spawn(&m, buf, sizeof(buf));
    assert_true(len > 0);
    memset(&back, 0xee, sizeof(back));
    assert_int_equal(msg_decode_spawn(buf, (size_t)len, &back), 0);
    assert_null(back.argv[SK_WIRE_ARGS_MAX]);
    assert_null(back.env[SK_WIRE_ARGS_MAX]);
    m.n_argv++;
    assert_int_equal(msg_encode_spawn(&m, buf, sizeof(buf)), -EMSGSIZE);
}

/* The count of the environment is the last number of a message without one. */
static void too_many_entries_are_refused(void **state) {
    (void)state;
    static struct msg_spawn m, back;
    m = sample_spawn;
    m.n_env = 0;
    int len = msg_encode_spawn(&m, buf, sizeof(buf));
    assert_true(len > 4);
    memset(&back, 0xee, sizeof(back));
    const struct msg_spawn before = back;
    const uint32_t counts[] = {SK_WIRE_ARGS_MAX + 1, UINT32_MAX, 1};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        memcpy(buf + len - 4, &counts[i], 4);
        assert_int_equal(msg_decode_spawn(buf, (size_t)len, &back), -EBADMSG);
        assert_memory_equal(&back, &before, sizeof(back));
    }
}

static void values_out_of_range_are_refused(void **state) {
    (void)state;
    static struct msg_spawn m, back;
    int len;
    m = sample_spawn;
    m.start_id = 0;
    len = msg_encode_spawn(&m, buf, sizeof(buf));
    assert_int_equal(msg_decode_spawn(buf, (size_t)len, &back), -EBADMSG);
    m = sample_spawn;
    m.flags = 1u << 31;
    len = msg_encode_spawn(&m, buf, sizeof(buf));
    assert_int_equal(msg_decode_spawn(buf, (size_t)len, &back), -EBADMSG);
    m = sample_spawn;
    m.n_argv = 0;
    len = msg_encode_spawn(&m, buf, sizeof(buf));
    assert_int_equal(msg_decode_spawn(buf, (size_t)len, &back), -EBADMSG);

    struct msg_signal signal = {77, 0};
    len = msg_encode_signal(&signal, buf, sizeof(buf));
    assert_int_equal(msg_decode_signal(buf, (size_t)len, &signal), -EBADMSG);
    struct msg_terminate terminate = {4};
    len = msg_encode_terminate(&terminate, buf, sizeof(buf));
    assert_int_equal(msg_decode_terminate(buf, (size_t)len, &terminate), -EBADMSG);
    struct msg_failed failed = {77, SK_STAGE_MAX, 1, ""};
    len = msg_encode_failed(SK_REPORT_SPAWN_FAILED, &failed, buf, sizeof(buf));
    assert_int_equal(msg_decode_failed(buf, (size_t)len, &failed), -EBADMSG);
    struct msg_exited exited = {.start_id = 77, .how = MSG_EXIT_DUMPED + 1};
    len = msg_encode_exited(&exited, buf, sizeof(buf));
    assert_int_equal(msg_decode_exited(buf, (size_t)len, &exited), -EBADMSG);
    assert_int_equal(msg_encode_plain(SK_REQUEST_SPAWN, buf, sizeof(buf)), -EINVAL);
    assert_int_equal(msg_encode_child(SK_REQUEST_KILL, &(struct msg_child){1, 1, 1}, buf, sizeof(buf)),
                     -EINVAL);
    assert_int_equal(msg_verb(buf, 0), -EBADMSG);
}

/* Texts and lists of whatever still decodes must end inside the datagram. */
static void check_inside(const struct msg_spawn *m, const uint8_t *data, size_t len) {
    for (size_t i = 0; i < m->n_argv; i++) {
        const uint8_t *text = (const uint8_t *)m->argv[i];
        assert_true(text >= data && text < data + len);
        assert_non_null(memchr(text, 0, (size_t)(data + len - text)));
    }
    assert_null(m->argv[m->n_argv]);
    assert_null(m->env[m->n_env]);
}

static void mutations_stay_inside(void **state) {
    (void)state;
    static struct msg_spawn m;
    uint64_t x = 88172645463325252ULL; /* xorshift: the same run every time */
    unsigned accepted = 0, refused = 0;
    for (unsigned round = 0; round < 200000; round++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        int len = encode_sample(round % 22, buf, sizeof(buf));
        uint8_t *copy = malloc((size_t)len);
        assert_non_null(copy);
        memcpy(copy, buf, (size_t)len);
        for (unsigned n = 0; n < 1 + (x >> 60); n++)
            copy[(x >> (n * 3)) % (uint64_t)len] = (uint8_t)(x >> (8 * (n % 7)));
        int r = decode_any(copy, (size_t)len);
        assert_true(r == 0 || r == -EBADMSG);
        r == 0 ? accepted++ : refused++;
        if (msg_verb(copy, (size_t)len) == SK_REQUEST_SPAWN && msg_decode_spawn(copy, (size_t)len, &m) == 0)
            check_inside(&m, copy, (size_t)len);
        free(copy);
    }
    assert_true(accepted > 1000 && refused > 1000);
}

static void stages_have_words(void **state) {
    (void)state;
    for (unsigned i = 0; i < SK_STAGE_MAX; i++) {
        assert_non_null(stage_name(i));
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(stage_name(i), stage_name(j));
    }
    assert_string_equal(stage_name(SK_STAGE_EXEC), "exec");
    assert_string_equal(stage_name(SK_STAGE_MAX), "unknown stage");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verb_has_a_sample),      cmocka_unit_test(samples_decode_and_cuts_are_refused),
        cmocka_unit_test(a_small_buffer_is_refused),    cmocka_unit_test(spawn_comes_back),
        cmocka_unit_test(small_messages_come_back),     cmocka_unit_test(a_full_spawn_is_terminated),
        cmocka_unit_test(too_many_entries_are_refused), cmocka_unit_test(values_out_of_range_are_refused),
        cmocka_unit_test(mutations_stay_inside),        cmocka_unit_test(stages_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
