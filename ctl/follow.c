/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs that can go on as more comes: events and logs. */
#include "ctl/await.h"
#include "ctl/json.h"
#include "ctl/render.h"
#include "ctl/verbs.h"

#include "base/fd.h"
#include "streamkeeper/exit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EVENTS_DEFAULT 50
#define LINES_DEFAULT  20
#define STEP_MSEC      100 /* between two looks, longer when nothing comes */
#define STEP_MAX_MSEC  800
#define SOURCES_MAX    64
#define BATCH          500

/* Prints the events; *seq moves to the last one. */
static int print_events(struct ctl *c, const struct value *events, uint64_t *seq) {
    struct text_buf b = {0};
    VALUE_EACH(events, e) {
        *seq = value_uint(e, "seq", *seq);
        if (c->options.json) {
            json_add_line(&b, e);
            text_buf_add(&b, "\n");
        } else {
            render_event(&c->look, e, &b);
        }
    }
    return ctl_print(c, &b);
}

static int follow_events(struct ctl *c, const char *name, uint64_t seq) {
    AUTO_FD int signal_fd = await_catch();
    for (unsigned step = STEP_MSEC; !await_pause(signal_fd, step);) {
        struct reply r;
        if (ctl_call(c, "Events", CALL_ARGS(ARG_TEXT(name), ARG_U64(seq), ARG_U32(BATCH)), &r) < 0)
            return ctl_fail(c);
        step = value_len(r.value) > 0 ? STEP_MSEC : MIN(2 * step, (unsigned)STEP_MAX_MSEC);
        int code = print_events(c, r.value, &seq);
        reply_free(&r);
        if (code != SK_EXIT_OK)
            return code;
    }
    return SK_EXIT_OK;
}

int verb_events(struct ctl *c, int n, char **args) {
    const char *name = n > 0 ? args[0] : "";
    uint32_t limit = c->options.lines ? c->options.lines : EVENTS_DEFAULT;
    uint64_t seq = 0;
    struct reply r;
    if (ctl_call(c, "Events", CALL_ARGS(ARG_TEXT(name), ARG_U64(0), ARG_U32(limit)), &r) < 0)
        return ctl_fail(c);
    int code =
        c->options.json && !c->options.follow ? ctl_print_json(c, r.value) : print_events(c, r.value, &seq);
    reply_free(&r);
    return code == SK_EXIT_OK && c->options.follow ? follow_events(c, name, seq) : code;
}

/* The output of one instance. */
struct source {
    uint32_t number;
    char cursor[512];
};

struct sources {
    const char *name; /* borrowed */
    struct source of[SOURCES_MAX];
    size_t n;
};

struct shown_line {
    uint64_t at_usec;
    uint32_t number;
    size_t order;
    const struct value *text;
};

static int compare_lines(const void *pa, const void *pb) {
    const struct shown_line *a = pa, *b = pb;
    if (a->at_usec != b->at_usec && a->at_usec && b->at_usec)
        return a->at_usec < b->at_usec ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

static void print_line(struct ctl *c, const struct sources *s, const struct shown_line *line,
                       struct text_buf *b) {
    char prefix[16] = "";
    if (c->options.json) {
        text_buf_addf(b, "{\"instance\":%" PRIu32 ",\"at_usec\":%" PRIu64 ",\"text\":", line->number,
                      line->at_usec);
        json_add_line(b, line->text);
        text_buf_add(b, "}\n");
        return;
    }
    if (s->n > 1)
        snprintf(prefix, sizeof(prefix), "%" PRIu32 "|", line->number);
    render_log_line(&c->look, prefix, line->at_usec, line->text, b);
}

/* Lines of all sources in the order of their times, as far as they have any. */
static int print_lines(struct ctl *c, const struct sources *s, const struct reply *replies, bool *ret_any) {
    struct text_buf b = {0};
    size_t all = 0, at = 0;
    for (size_t i = 0; i < s->n; i++)
        all += value_len(replies[i].value->list.first);
    *ret_any = all > 0;
    AUTO_FREE struct shown_line *lines = calloc(all + 1, sizeof(*lines));
    for (size_t i = 0; i < s->n && lines; i++)
        VALUE_EACH(replies[i].value->list.first, line) {
            lines[at] = (struct shown_line){line->list.first->number, s->of[i].number, at, line->list.last};
            at++;
        }
    if (lines && s->n > 1)
        qsort(lines, at, sizeof(*lines), compare_lines);
    for (size_t i = 0; i < at; i++)
        print_line(c, s, &lines[i], &b);
    return ctl_print(c, &b);
}

/* Asks all sources for what is behind their cursors, and prints it. */
static int read_sources(struct ctl *c, struct sources *s, uint32_t lines, bool *ret_any) {
    struct reply replies[SOURCES_MAX] = {0};
    int code = SK_EXIT_OK;
    size_t n = 0;
    for (; n < s->n && code == SK_EXIT_OK; n++) {
        struct source *source = &s->of[n];
        if (ctl_call(c, "Logs",
                     CALL_ARGS(ARG_TEXT(s->name), ARG_U32(source->number), ARG_TEXT(source->cursor),
                               ARG_U32(lines)),
                     &replies[n]) < 0) {
            code = ctl_fail(c);
            break;
        }
        const struct value *cursor = replies[n].value->list.last;
        snprintf(source->cursor, sizeof(source->cursor), "%s", cursor->text.data);
    }
    if (code == SK_EXIT_OK)
        code = print_lines(c, s, replies, ret_any);
    for (size_t i = 0; i < n; i++)
        reply_free(&replies[i]);
    return code;
}

static int find_sources(struct ctl *c, struct sources *s, uint32_t number) {
    struct reply r;
    if (number != UINT32_MAX) {
        s->of[s->n++].number = number;
        return 0;
    }
    if (ctl_call(c, "Status", CALL_ARGS(ARG_TEXT(s->name), ARG_BOOL(0)), &r) < 0)
        return -1;
    VALUE_EACH(value_get(r.value->list.first, "instances"), i)
    if (s->n < SOURCES_MAX)
        s->of[s->n++].number = (uint32_t)value_uint(i, "number", 0);
    reply_free(&r);
    return 0;
}

int verb_logs(struct ctl *c, int n, char **args) {
    char name[256];
    uint32_t number;
    bool any;
    (void)n;
    AUTO_FREE struct sources *s = calloc(1, sizeof(*s));
    if (!s || ctl_split_instance(c, args[0], name, sizeof(name), &number) < 0)
        return ctl_fail(c);
    s->name = name;
    if (find_sources(c, s, number) < 0)
        return ctl_fail(c);
    int code = read_sources(c, s, c->options.lines ? c->options.lines : LINES_DEFAULT, &any);
    if (!c->options.follow || code != SK_EXIT_OK)
        return code;
    AUTO_FD int signal_fd = await_catch();
    for (unsigned step = STEP_MSEC; code == SK_EXIT_OK && !await_pause(signal_fd, step);) {
        code = read_sources(c, s, BATCH, &any);
        step = any ? STEP_MSEC : MIN(2 * step, (unsigned)STEP_MAX_MSEC);
    }
    return code;
}
