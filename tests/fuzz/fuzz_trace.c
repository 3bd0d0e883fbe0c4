/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a trace: refused with a line, or taken, and then the governor decides on it without harm, and
 * what is written of it is read again. */
#include "isolate/trace.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)    \
    do {                      \
        if (!(condition))     \
            __builtin_trap(); \
    } while (0)

struct run {
    struct trace_reader *reader, *again;
    struct trace_writer *writer;
    struct governor *governor;
};

static void feed(struct trace_reader *t, const char *text, size_t len) {
    while (len > 0) {
        const char *end = memchr(text, '\n', len);
        size_t n = end ? (size_t)(end - text) : len;
        REQUIRE(trace_read(t, text, n, NULL) >= 0);
        n += end ? 1 : 0;
        text += n;
        len -= n;
    }
}

static void begin(struct run *r) {
    struct governor_conf conf;
    CLEANUP(cleanup_text_buf) struct text_buf b = {0};
    governor_conf_default(&conf);
    REQUIRE(governor_new(&conf, trace_setup(r->reader), &r->governor) == 0);
    r->writer = trace_writer_new(trace_setup(r->reader)->leaves_max);
    r->again = trace_reader_new();
    REQUIRE(r->writer && r->again);
    trace_write_head(trace_setup(r->reader), &b);
    feed(r->again, b.data, b.len);
}

static void take(struct run *r) {
    const struct sample *s = trace_sample(r->reader);
    const struct governor_setup *setup = trace_setup(r->reader);
    CLEANUP(cleanup_text_buf) struct text_buf b = {0}, line = {0};
    if (!r->governor)
        begin(r);
    const struct governor_answer *a = governor_tick(r->governor, s);
    REQUIRE(!a->ignored || a->n_verdicts == 0);
    for (uint32_t i = 0; i < a->n_verdicts; i++) {
        const struct verdict *v = &a->verdicts[i];
        REQUIRE(v->class < setup->n_classes && v->for_class < setup->n_classes);
        REQUIRE(v->act >= ACT_ALARM || v->class > 0);
        verdict_text(v, setup->classes[v->class].name, setup->classes[v->for_class].name,
                     v->leaf == VERDICT_NO_LEAF ? NULL : trace_leaf_name(r->reader, v->leaf), &line);
    }
    REQUIRE(a->classes[0].cpu_milli == NO_LIMIT && a->classes[0].memory_high == NO_LIMIT);
    trace_write(r->writer, s, &b);
    feed(r->again, b.data, b.len);
    const struct sample *t = trace_sample(r->again);
    REQUIRE(t->now_usec == s->now_usec && t->n_leaves == s->n_leaves);
    REQUIRE(memcmp(t->classes, s->classes, sizeof(s->classes)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct run r = {.reader = trace_reader_new()};
    struct reason why = {0};
    const char *text = (const char *)data;
    int got = 0;
    REQUIRE(r.reader);
    while (size > 0 && got >= 0) {
        const char *end = memchr(text, '\n', size);
        size_t n = end ? (size_t)(end - text) : size;
        got = trace_read(r.reader, text, n, &why);
        if (got == TRACE_SAMPLE)
            take(&r);
        n += end ? 1 : 0;
        text += n;
        size -= n;
    }
    REQUIRE(got >= 0 || (why.error == got && strncmp(why.text, "line ", 5) == 0));
    governor_free(r.governor);
    trace_writer_free(r.writer);
    trace_reader_free(r.again);
    trace_reader_free(r.reader);
    return 0;
}
