/* SPDX-License-Identifier: Apache-2.0 */
/* The service: classes, tenants, checks, versions. */
#include "ctl/render.h"
#include "ctl/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void cell_number(struct table *t, const struct value *v, const char *key) {
    if (value_has(v, key))
        table_cellf(t, STYLE_PLAIN, "%" PRIu64, value_uint(v, key, 0));
    else
        table_cell(t, STYLE_PLAIN, "");
}

static void memory_rule(const struct value *c, char *buf, size_t size) {
    char limit[32] = "";
    if (value_has(c, "memory_max_bytes"))
        render_size(value_uint(c, "memory_max_bytes", 0), limit, sizeof(limit));
    else if (value_has(c, "memory_max_percent"))
        snprintf(limit, sizeof(limit), "%" PRIu64 "%%", value_uint(c, "memory_max_percent", 0));
    snprintf(buf, size, "%s%s%s",
             value_bool(c, "memory_guarantee") ? "guaranteed"
             : value_bool(c, "memory_protect") ? "protected"
                                               : "shared",
             *limit ? ", at most " : "", limit);
}

void render_classes(const struct look *l, const struct value *classes, struct text_buf *b) {
    static const struct table_column columns[] = {
        {"CLASS", false, false}, {"RANK", true, false},    {"APPS", true, false}, {"RUNNING", true, false},
        {"CPU", true, false},    {"MEMORY", false, false}, {"I/O", true, false},  {"NICE", true, false},
        {"USED", true, false},   {NULL, false, false}};
    CLEANUP(cleanup_table) struct table *t = table_new(columns);
    char text[64];
    if (!t)
        return;
    VALUE_EACH(classes, c) {
        const struct value *nice = value_get(c, "nice");
        table_row(t);
        table_cell(t, STYLE_PLAIN, value_text(c, "name", "?"));
        cell_number(t, c, "rank");
        cell_number(t, c, "apps");
        table_cellf(t, STYLE_PLAIN, "%" PRIu64 "/%" PRIu64, value_uint(c, "running", 0),
                    value_uint(c, "instances", 0));
        if (value_bool(c, "cpu_idle"))
            table_cell(t, STYLE_PLAIN, "idle");
        else
            cell_number(t, c, "cpu_weight");
        memory_rule(c, text, sizeof(text));
        table_cell(t, STYLE_PLAIN, text);
        cell_number(t, c, "io_weight");
        table_cellf(t, STYLE_PLAIN, "%d", nice && nice->kind == VALUE_INT ? (int)nice->integer : 0);
        table_cell(t, STYLE_PLAIN,
                   value_has(c, "memory_bytes")
                       ? render_size(value_uint(c, "memory_bytes", 0), text, sizeof(text))
                       : "");
    }
    table_print(t, l, 0, b);
}

static void join(const struct value *list, struct text_buf *b) {
    VALUE_EACH(list, v) {
        text_buf_add(b, b->len ? " " : "");
        text_buf_add(b, v->kind == VALUE_TEXT ? v->text.data : "?");
    }
}

static void cell_list(struct table *t, const struct value *tenant, const char *first, const char *second) {
    CLEANUP(cleanup_text_buf) struct text_buf all = {0};
    join(value_get(tenant, first), &all);
    if (second)
        VALUE_EACH(value_get(tenant, second), v)
    text_buf_addf(&all, "%s@%s", all.len ? " " : "", v->kind == VALUE_TEXT ? v->text.data : "?");
    table_cell(t, STYLE_PLAIN, all.data ? all.data : "");
}

void render_tenants(const struct look *l, const struct value *tenants, struct text_buf *b) {
    static const struct table_column columns[] = {{"TENANT", false, false},   {"APPS", true, false},
                                                  {"INSTANCES", true, false}, {"RUNNING", true, false},
                                                  {"CLASSES", false, false},  {"RUN AS", false, false},
                                                  {"MEMBERS", false, true},   {NULL, false, false}};
    CLEANUP(cleanup_table) struct table *t = table_new(columns);
    if (!t || value_len(tenants) == 0) {
        text_buf_add(b, "There are no tenants. Each is a file in tenants.d (streamkeeper.conf(5)).\n");
        return;
    }
    VALUE_EACH(tenants, v) {
        table_row(t);
        table_cell(t, value_bool(v, "mine") ? STYLE_STRONG : STYLE_PLAIN, value_text(v, "name", "?"));
        table_cellf(t, STYLE_PLAIN, "%" PRIu64 "/%" PRIu64, value_uint(v, "apps", 0),
                    value_uint(v, "apps_max", 0));
        table_cellf(t, STYLE_PLAIN, "%" PRIu64 "/%" PRIu64, value_uint(v, "instances", 0),
                    value_uint(v, "instances_max", 0));
        cell_number(t, v, "running");
        cell_list(t, v, "classes", NULL);
        cell_list(t, v, "run_as", NULL);
        cell_list(t, v, "members", "member_groups");
    }
    table_print(t, l, 0, b);
}

/* The text in lines of the width, those after the first indented. */
static void add_wrapped(const struct look *l, struct text_buf *b, const char *text, unsigned indent) {
    CLEANUP(cleanup_text_buf) struct text_buf clean = {0};
    text_add_harmless(&clean, text, strlen(text), false);
    unsigned room = l->width > indent + 20 ? l->width - indent : l->width ? 20 : UINT32_MAX, used = 0;
    for (const char *p = clean.data ? clean.data : ""; *p;) {
        size_t len = strcspn(p, " "), columns = text_columns(p, len);
        if (used > 0 && used + 1 + columns > room) {
            text_buf_addf(b, "\n%*s", (int)indent, "");
            used = 0;
        }
        text_buf_add(b, used > 0 ? " " : "");
        text_buf_add_bytes(b, p, len);
        used += (unsigned)columns + (used > 0);
        p += len + strspn(p + len, " ");
    }
    text_buf_add(b, "\n");
}

void render_doctor(const struct look *l, const struct value *checks, struct text_buf *b) {
    enum { WHAT = 10, LEVEL = 10, INDENT = WHAT + LEVEL };
    VALUE_EACH(checks, c) {
        const char *level = value_text(c, "level", "?"), *fix = value_text(c, "fix", "");
        char padded[LEVEL + 1];
        snprintf(padded, sizeof(padded), "%-*s", LEVEL, level);
        text_buf_addf(b, "%-*s", WHAT, value_text(c, "what", "?"));
        look_add(l, b,
                 strcmp(level, "ok") == 0         ? STYLE_GOOD
                 : strcmp(level, "degraded") == 0 ? STYLE_WARN
                                                  : STYLE_BAD,
                 padded);
        add_wrapped(l, b, value_text(c, "found", ""), INDENT);
        if (*fix) {
            text_buf_addf(b, "%*s", INDENT, "");
            look_add(l, b, STYLE_STRONG, "fix:");
            text_buf_add(b, " ");
            add_wrapped(l, b, fix, INDENT + 5);
        }
    }
}

static void line(struct text_buf *b, const char *name, const char *text) {
    text_buf_addf(b, "%-10s ", name);
    text_add_harmless(b, text, strlen(text), false);
    text_buf_add(b, "\n");
}

void render_version(const struct look *l, const char *own, const struct value *v, struct text_buf *b) {
    char text[700], age[32];
    line(b, "streamctl", own);
    snprintf(text, sizeof(text), "%s, pid %" PRIu64 ", since %s", value_text(v, "version", "?"),
             value_uint(v, "daemon_pid", 0),
             render_age(l, value_uint(v, "started_usec", 0), age, sizeof(age)));
    line(b, "daemon", text);
    snprintf(text, sizeof(text), "pid %" PRIu64, value_uint(v, "launcher_pid", 0));
    line(b, "launcher", text);
    if (*value_text(v, "root", ""))
        line(b, "root", value_text(v, "root", ""));
    snprintf(text, sizeof(text), "%s%s%s", value_text(v, "cgroup_mode", "?"),
             *value_text(v, "cgroup", "") ? ", " : "", value_text(v, "cgroup", ""));
    line(b, "cgroups", text);
}
