/* SPDX-License-Identifier: Apache-2.0 */
/* What was: exits, events, lines of output; and how ages, sizes and times look. */
#include "base/clock.h"
#include "ctl/render.h"
#include "ctl/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char *render_age(const struct look *l, uint64_t then_usec, char *buf, size_t size) {
    if (then_usec == 0) {
        snprintf(buf, size, "%s", "");
        return buf;
    }
    uint64_t age = usec_sub(l->now_usec, then_usec);
    return text_age(age > USEC_PER_SEC ? age / USEC_PER_SEC * USEC_PER_SEC : age, buf, size);
}

const char *render_size(uint64_t bytes, char *buf, size_t size) {
    static const char units[] = " KMGTPE";
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1023.5 && unit < sizeof(units) - 2) {
        value /= 1024;
        unit++;
    }
    if (unit == 0)
        snprintf(buf, size, "%" PRIu64, bytes);
    else
        snprintf(buf, size, value < 9.95 ? "%.1f%c" : "%.0f%c", value, units[unit]);
    return buf;
}

const char *render_time(uint64_t usec, char *buf, size_t size) {
    time_t seconds = (time_t)(usec / USEC_PER_SEC);
    struct tm tm;
    if (usec == 0 || !localtime_r(&seconds, &tm) || strftime(buf, size, "%Y-%m-%d %H:%M:%S", &tm) == 0)
        snprintf(buf, size, "%s", "");
    return buf;
}

static enum style style_of_exit(const struct value *e) {
    const char *how = value_text(e, "how", "");
    bool well = strcmp(how, "code") == 0 && value_uint(e, "code", 1) == 0;
    return well ? STYLE_PLAIN : strcmp(how, "unknown") == 0 ? STYLE_WARN : STYLE_BAD;
}

static void exit_note(struct table *t, const struct value *e) {
    CLEANUP(cleanup_text_buf) struct text_buf note = {0};
    const char *reason = value_text(e, "reason", ""), *line = value_text(e, "last_line", "");
    text_buf_add(&note, reason);
    if (*line)
        text_buf_addf(&note, "%slast line: %s", *reason ? "; " : "", line);
    table_note(t, STYLE_DIM, note.data);
}

void render_history(const struct look *l, const struct value *exits, struct text_buf *b) {
    static const struct table_column columns[] = {
        {"ENDED", false, false}, {"N", true, false},     {"PID", true, false},
        {"RAN", true, false},    {"CPU", true, false},   {"PEAK", true, false},
        {"HOW", false, true},    {"THEN", false, false}, {NULL, false, false}};
    CLEANUP(cleanup_table) struct table *t = table_new(columns);
    char text[160];
    if (!t || value_len(exits) == 0) {
        text_buf_add(b, "No run has ended yet.\n");
        return;
    }
    VALUE_EACH(exits, e) {
        uint64_t cpu = value_uint(e, "cpu_usec", 0), peak = value_uint(e, "memory_peak_bytes", 0);
        uint64_t pid = value_uint(e, "pid", 0);
        table_row(t);
        table_cell(t, STYLE_PLAIN, render_time(value_uint(e, "at_usec", 0), text, sizeof(text)));
        table_cellf(t, STYLE_PLAIN, "%" PRIu64, value_uint(e, "number", 0));
        snprintf(text, sizeof(text), "%" PRIu64, pid);
        table_cell(t, STYLE_PLAIN, pid ? text : "");
        table_cell(t, STYLE_PLAIN, text_age(value_uint(e, "run_usec", 0), text, sizeof(text)));
        table_cell(t, STYLE_PLAIN, cpu ? text_age(cpu, text, sizeof(text)) : "");
        table_cell(t, STYLE_PLAIN, peak ? render_size(peak, text, sizeof(text)) : "");
        table_cell(t, style_of_exit(e), value_text(e, "text", "?"));
        table_cell(t, STYLE_PLAIN, value_text(e, "then", ""));
        exit_note(t, e);
    }
    table_print(t, l, 0, b);
}

static enum style style_of_event(const char *kind) {
    static const char *const bad[] = {"exited", "start-failed", "held", "oom"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (strcmp(bad[i], kind) == 0)
            return STYLE_BAD;
    return strcmp(kind, "ready") == 0 ? STYLE_GOOD : STYLE_PLAIN;
}

void render_event(const struct look *l, const struct value *e, struct text_buf *b) {
    char time[32], what[32];
    const char *kind = value_text(e, "kind", "?"), *text = value_text(e, "text", "");
    CLEANUP(cleanup_text_buf) struct text_buf name = {0};
    text_buf_add(&name, value_text(e, "app", "service"));
    if (value_has(e, "instance"))
        text_buf_addf(&name, "/%" PRIu64, value_uint(e, "instance", 0));
    snprintf(what, sizeof(what), "%-12s", kind);
    look_add(l, b, STYLE_DIM, render_time(value_uint(e, "at_usec", 0), time, sizeof(time)));
    text_buf_add(b, "  ");
    look_add(l, b, style_of_event(kind), what);
    text_buf_addf(b, "  %-20s  ", name.data ? name.data : "");
    text_add_harmless(b, text, strlen(text), false);
    if (value_has(e, "uid"))
        text_buf_addf(b, " (by uid %" PRIu64 ")", value_uint(e, "uid", 0));
    text_buf_add(b, "\n");
}

void render_log_line(const struct look *l, const char *prefix, uint64_t at_usec, const struct value *text,
                     struct text_buf *b) {
    char time[32];
    render_time(at_usec, time, sizeof(time));
    if (*time) {
        look_add(l, b, STYLE_DIM, time);
        text_buf_add(b, " ");
    }
    if (*prefix) {
        look_add(l, b, STYLE_STRONG, prefix);
        text_buf_add(b, " ");
    }
    if (l->width > 0) /* a terminal: nothing an app prints may steer it */
        text_add_harmless(b, text->text.data, text->text.len, false);
    else
        text_buf_add_bytes(b, text->text.data, text->text.len);
    text_buf_add(b, "\n");
}
