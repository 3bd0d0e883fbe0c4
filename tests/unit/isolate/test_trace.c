/* SPDX-License-Identifier: Apache-2.0 */
/* Traces: what is written is read again, and what is wrong is refused with its line. */
#include "isolate/trace.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct governor_setup setup_of(uint32_t leaves) {
    struct governor_setup s = {.n_classes = 2, .leaves_max = leaves, .can_limit = {true, false, true}};
    memcpy(s.classes[0].name, "high", 5);
    memcpy(s.classes[1].name, "low", 4);
    s.classes[1].cpu_idle = true;
    return s;
}

static int feed(struct trace_reader *t, const char *text, struct reason *why) {
    int r = 0;
    for (const char *p = text; *p && r >= 0; p = strchrnul(p, '\n'), p += *p == '\n')
        r = trace_read(t, p, (size_t)(strchrnul(p, '\n') - p), why);
    return r < 0 ? r : trace_read_end(t, why);
}

static void test_round_trip(void **state ATTR_UNUSED) {
    enum { N = 5 };
    struct governor_setup setup = setup_of(N);
    struct trace_writer *w = trace_writer_new(N);
    CLEANUP(cleanup_trace_reader) struct trace_reader *t = trace_reader_new();
    struct reason why = {0};
    struct leaf_reading leaves[N];
    struct text_buf b = {0};
    struct sample s;
    assert_true(w && t);
    trace_write_head(&setup, &b);
    assert_int_equal(feed(t, b.data, &why), 0);
    text_buf_free(&b);
    uint64_t seed = 1;
    for (unsigned i = 0; i < 500; i++) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        sample_clear(&s);
        s.now_usec = seed;
        s.cpus = (uint32_t)i;
        s.n_classes = 2;
        s.memory_total = i;
        s.devices[i % 8] = (struct device_id){8, (uint32_t)i / 100};
        s.classes[1].io[3][IO_ROPS] = seed / 3;
        s.classes[0].full_usec[RES_MEMORY] = READING_NONE - 1;
        s.classes[0].slack_ppm = i % 3 ? -(int32_t)i : SLACK_NONE;
        s.classes[0].slack_reports = i;
        s.n_leaves = (uint32_t)(seed >> 60) % (N + 1);
        s.leaves = leaves;
        for (uint32_t k = 0; k < s.n_leaves; k++) {
            leaf_reading_clear(&leaves[k]);
            leaves[k].key = k + (seed >> 40) % 2 * 3;
            leaves[k].class = (uint32_t)(seed >> 30) % 2;
            leaves[k].member = (seed >> 20) % 2;
            leaves[k].started_usec = i / 50;
            leaves[k].declared_bytes = i / 70;
            leaves[k].fresh = (seed >> 10) % 2;
            leaves[k].name = leaves[k].key % 2 ? "t/app/1" : "t/app/0";
            leaves[k].high_events = leaves[k].fresh ? i : READING_NONE;
        }
        trace_write(w, &s, &b);
        if (feed(t, b.data, &why) < 0)
            fail_msg("%s\n%s", why.text, b.data);
        text_buf_free(&b);
        const struct sample *r = trace_sample(t);
        assert_int_equal(r->now_usec, s.now_usec);
        assert_int_equal(r->cpus, s.cpus);
        assert_int_equal(r->swap_free, READING_NONE);
        assert_memory_equal(r->classes, s.classes, 2 * sizeof(s.classes[0]));
        assert_int_equal(r->n_leaves, s.n_leaves);
        for (uint32_t k = 0; k < s.n_leaves; k++) {
            const struct leaf_reading *found = NULL;
            for (uint32_t j = 0; j < r->n_leaves; j++)
                found = r->leaves[j].key == leaves[k].key ? &r->leaves[j] : found;
            if (!found) {
                fail();
                return;
            }
            assert_string_equal(found->name, leaves[k].name);
            assert_string_equal(trace_leaf_name(t, leaves[k].key), leaves[k].name);
            assert_int_equal(found->fresh, leaves[k].fresh);
            assert_int_equal(found->class, leaves[k].class);
            assert_int_equal(found->member, leaves[k].member);
            assert_int_equal(found->started_usec, leaves[k].started_usec);
            assert_int_equal(found->declared_bytes, leaves[k].declared_bytes);
            if (found->fresh)
                assert_int_equal(found->high_events, leaves[k].high_events);
        }
    }
    assert_memory_equal(trace_setup(t), &setup, sizeof(setup));
    trace_writer_free(w);
    trace_writer_free(NULL);
}

#define HEAD "streamkeeper-trace 1\nclass high\nclass low idle\n"

static const struct {
    const char *text, *why;
} bad[] = {
    {"", "line 1: this is no trace: it is empty"},
    {"\n", "line 1: longer than a line"},
    {"hello", "line 1: this is no trace"},
    {"streamkeeper-trace 2", "line 1: a trace of another version"},
    {"streamkeeper-trace 1 ", "line 1: longer than a line may be, or not words"},
    {"streamkeeper-trace 1\nsample 1\nend", "line 2: an instance or a sample before the classes"},
    {"streamkeeper-trace 1\nclass High", "line 2: right would be: class NAME"},
    {HEAD "limits disk", "line 4: right would be: limits"},
    {HEAD "limits\nlimits", "line 5: limits stand once"},
    {HEAD "leaves 0", "line 4: right would be: leaves N"},
    {HEAD "leaves 65537", "line 4: right would be: leaves N"},
    {HEAD "sample 1\nend\nclass x", "line 6: a class after the first"},
    {HEAD "sample 1\nend\nleaves 7", "line 6: the room for instances after"},
    {HEAD "sample 1", "line 5: the trace ends in the middle"},
    {HEAD "sample 1\nsample 2", "line 5: a sample inside another"},
    {HEAD "sample x", "line 4: right would be: sample"},
    {HEAD "sample 1 cpus=99999999999", "line 4: a field that is no number"},
    {HEAD "sample 1 total=18446744073709551616", "line 4: a field that is no number"},
    {HEAD "sample 1 color=3", "line 4: there is no such field"},
    {HEAD "sample 1 =3", "line 4: there is no such field"},
    {HEAD "sample 1 total", "line 4: there is no such field"},
    {HEAD "sample 1\nc 2", "line 5: right would be: c CLASS"},
    {HEAD "sample 1\nc 0 slack=2147483648", "line 5: a field that is no number"},
    {HEAD "sample 1\nd 0 8", "line 5: right would be: d CLASS"},
    {HEAD "sample 1\nl 5", "line 5: right would be: l KEY"},
    {HEAD "sample 1\nend now", "line 5: no line of this kind"},
    {HEAD "sample 1\nclass x", "line 5: no line of this kind is known in a sample"},
    {HEAD "c 0", "line 4: no line of this kind is known here"},
    {HEAD "leaf 1 2 a/b/0", "line 4: right would be: leaf KEY"},
    {HEAD "leaf 1 0 A\x1b[31m", "line 4: right would be: leaf KEY"},
    {HEAD "leaf 18446744073709551615 0 a/b/0", "line 4: a key that is no number"},
    {HEAD "leaf 1 0 a/b/0 cpu=1", "line 4: there is no such field"},
    {HEAD "leaves 1\nleaf 1 0 a/b/0\nleaf 2 0 a/b/0", "line 6: more instances than"},
    {HEAD "gone 1", "line 4: right would be: gone KEY"},
    {HEAD "device 8 8:0", "line 4: right would be: device"},
    {HEAD "device 0 8", "line 4: right would be: device"},
    {HEAD "sample  1", "line 4: longer than a line may be"},
};

static void test_refused(void **state ATTR_UNUSED) {
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(cleanup_trace_reader) struct trace_reader *t = trace_reader_new();
        struct reason why = {0};
        int r = feed(t, bad[i].text, &why);
        if (r != -EINVAL || strncmp(why.text, bad[i].why, strlen(bad[i].why)) != 0)
            fail_msg("%s\ngave %d: %s", bad[i].text, r, why.text);
    }
}

static void test_long_lines_and_nul(void **state ATTR_UNUSED) {
    static char line[TRACE_LINE_MAX + 2];
    struct reason why = {0};
    memset(line, '#', sizeof(line));
    CLEANUP(cleanup_trace_reader) struct trace_reader *t = trace_reader_new();
    assert_int_equal(feed(t, HEAD, &why), 0);
    assert_int_equal(trace_read(t, line, sizeof(line), &why), TRACE_MORE); /* a comment is not looked at */
    memset(line, 'a', sizeof(line));
    assert_int_equal(trace_read(t, line, sizeof(line) - 1, &why), -EINVAL);
    assert_int_equal(trace_read(t, "sample\0 1", 9, &why), -EINVAL);
    memset(line, ' ', sizeof(line));
    assert_int_equal(trace_read(t, line, TRACE_LINE_MAX, &why), -EINVAL);
    trace_reader_free(NULL);
}

static void test_too_many_classes(void **state ATTR_UNUSED) {
    CLEANUP(cleanup_trace_reader) struct trace_reader *t = trace_reader_new();
    struct reason why = {0};
    assert_int_equal(feed(t, "streamkeeper-trace 1\n", &why), 0);
    for (unsigned i = 0; i <= CLASS_MAX; i++)
        assert_int_equal(trace_read(t, "class a", 7, &why), i < CLASS_MAX ? TRACE_MORE : -EINVAL);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_long_lines_and_nul),
        cmocka_unit_test(test_too_many_classes),
    };
    return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
