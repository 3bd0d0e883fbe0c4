/* SPDX-License-Identifier: Apache-2.0 */
/* Apps: the list, the usage, one in detail. */
#include "base/clock.h"
#include "ctl/render.h"
#include "ctl/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int compare_apps(const void *pa, const void *pb) {
    const struct value *const *a = pa, *const *b = pb;
    uint64_t ra = value_uint(*a, "rank", 0), rb = value_uint(*b, "rank", 0);
    return ra != rb ? (ra < rb ? 1 : -1) : strcmp(value_text(*a, "name", ""), value_text(*b, "name", ""));
}

void render_sort_apps(struct value *apps) {
    size_t n = value_len(apps), i = 0;
    struct value **all = n > 1 ? malloc(n * sizeof(*all)) : NULL;
    if (!all)
        return;
    for (struct value *v = apps->list.first; v; v = v->next)
        all[i++] = v;
    qsort(all, n, sizeof(*all), compare_apps);
    apps->list.first = apps->list.last = NULL;
    apps->list.n = 0;
    for (i = 0; i < n; i++) {
        all[i]->next = NULL;
        value_append(apps, all[i]);
    }
    free(all);
}

/* What a line about an app sums up of its instances. */
struct summary {
    size_t running, all;
    uint64_t restarts, since_usec;
    uint64_t cpu_usec, memory_bytes, tasks;
    bool has_cpu, has_memory, has_tasks;
    const char *why;
};

static void add_known(const struct value *i, const char *key, uint64_t *sum, bool *has) {
    if (value_has(i, key)) {
        *sum += value_uint(i, key, 0);
        *has = true;
    }
}

static struct summary summarize(const struct value *app) {
    struct summary s = {.why = ""};
    VALUE_EACH(value_get(app, "instances"), i) {
        bool running = strcmp(value_text(i, "state", ""), "running") == 0;
        const char *why = value_text(i, "why", "");
        s.all++;
        s.running += running;
        s.restarts += value_uint(i, "restarts", 0);
        s.since_usec = MAX(s.since_usec, value_uint(i, "since_usec", 0));
        if (!*s.why || (!running && *why))
            s.why = why;
        add_known(i, "cpu_usec", &s.cpu_usec, &s.has_cpu);
        add_known(i, "memory_bytes", &s.memory_bytes, &s.has_memory);
        add_known(i, "tasks", &s.tasks, &s.has_tasks);
    }
    return s;
}

static void cell_state(struct table *t, const char *state) {
    table_cell(t, style_of_state(state), state);
}

void render_list(const struct look *l, const struct value *apps, struct text_buf *b) {
    static const struct table_column columns[] = {
        {"APP", false, false},     {"CLASS", false, false}, {"STATE", false, false}, {"RUNNING", true, false},
        {"RESTARTS", true, false}, {"SINCE", true, false},  {"WHY", false, true},    {NULL, false, false}};
    CLEANUP(cleanup_table) struct table *t = table_new(columns);
    char age[32];
    if (value_len(apps) == 0 || !t) {
        text_buf_add(b, "No apps are registered, or none that you may see.\n");
        return;
    }
    VALUE_EACH(apps, app) {
        struct summary s = summarize(app);
        table_row(t);
        table_cell(t, STYLE_PLAIN, value_text(app, "name", "?"));
        table_cell(t, STYLE_PLAIN, value_text(app, "class", "?"));
        cell_state(t, value_text(app, "state", "?"));
        table_cellf(t, STYLE_PLAIN, "%zu/%zu", s.running, s.all);
        table_cellf(t, STYLE_PLAIN, "%" PRIu64, s.restarts);
        table_cell(t, STYLE_PLAIN, render_age(l, s.since_usec, age, sizeof(age)));
        table_cell(t, STYLE_PLAIN, s.why);
    }
    table_print(t, l, 0, b);
}

static void cell_cpu(struct table *t, bool known, uint64_t usec) {
    char text[32];
    table_cell(t, STYLE_PLAIN, known ? text_age(usec, text, sizeof(text)) : "");
}

static void cell_size(struct table *t, bool known, uint64_t bytes) {
    char text[32];
    table_cell(t, STYLE_PLAIN, known ? render_size(bytes, text, sizeof(text)) : "");
}

static void cell_count(struct table *t, bool known, uint64_t n) {
    if (known)
        table_cellf(t, STYLE_PLAIN, "%" PRIu64, n);
    else
        table_cell(t, STYLE_PLAIN, "");
}

void render_usage(const struct look *l, const struct value *version, const struct value *apps,
                  struct text_buf *b) {
    static const struct table_column columns[] = {
        {"APP", false, true},   {"CLASS", false, false}, {"STATE", false, false}, {"RUNNING", true, false},
        {"CPU", true, false},   {"MEMORY", true, false}, {"TASKS", true, false},  {"RESTARTS", true, false},
        {"SINCE", true, false}, {NULL, false, false}};
    CLEANUP(cleanup_table) struct table *t = table_new(columns);
    char age[32];
    render_age(l, value_uint(version, "started_usec", 0), age, sizeof(age));
    text_buf_addf(b,
                  "streamkeeper %s, serving for %s: %" PRIu64 " apps, %" PRIu64 " of %" PRIu64
                  " instances running\n",
                  value_text(version, "version", "?"), age, value_uint(version, "apps", 0),
                  value_uint(version, "running", 0), value_uint(version, "instances", 0));
    if (value_bool(version, "stopping"))
        text_buf_add(b, "The service is stopping.\n");
    if (value_len(apps) == 0 || !t)
        return;
    text_buf_add(b, "\n");
    VALUE_EACH(apps, app) {
        struct summary s = summarize(app);
        table_row(t);
        table_cell(t, STYLE_PLAIN, value_text(app, "name", "?"));
        table_cell(t, STYLE_PLAIN, value_text(app, "class", "?"));
        cell_state(t, value_text(app, "state", "?"));
        table_cellf(t, STYLE_PLAIN, "%zu/%zu", s.running, s.all);
        cell_cpu(t, s.has_cpu, s.cpu_usec);
        cell_size(t, s.has_memory, s.memory_bytes);
        cell_count(t, s.has_tasks, s.tasks);
        table_cellf(t, STYLE_PLAIN, "%" PRIu64, s.restarts);
        table_cell(t, STYLE_PLAIN, render_age(l, s.since_usec, age, sizeof(age)));
    }
    table_print(t, l, 0, b);
}

static void field(struct text_buf *b, const char *name, const char *text) {
    text_buf_addf(b, "  %-11s ", name);
    text_add_harmless(b, text, strlen(text), false);
    text_buf_add(b, "\n");
}

static void field_command(struct text_buf *b, const struct value *app) {
    CLEANUP(cleanup_text_buf) struct text_buf command = {0};
    VALUE_EACH(value_get(app, "command"), word) {
        text_buf_add(&command, command.len ? " " : "");
        text_add_quoted(&command, word->text.data);
    }
    if (command.data)
        field(b, "command", command.data);
}

static void field_registered(const struct look *l, struct text_buf *b, const struct value *app) {
    char text[128], age[32];
    snprintf(text, sizeof(text), "%" PRIu64 ", registered %s ago by uid %" PRIu64,
             value_uint(app, "generation", 0),
             render_age(l, value_uint(app, "registered_usec", 0), age, sizeof(age)),
             value_uint(app, "registered_by", 0));
    field(b, "generation", text);
}

static void field_resources(struct text_buf *b, const struct value *app) {
    CLEANUP(cleanup_text_buf) struct text_buf all = {0};
    const struct {
        const char *key, *before, *after;
        bool bytes;
    } fields[] = {{"cpu_milli", "", " CPU", false},
                  {"cpu_max_milli", "at most ", " CPU", false},
                  {"memory_reserved_bytes", "memory ", "", true},
                  {"memory_max_bytes", "memory at most ", "", true}};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        uint64_t n = value_uint(app, fields[i].key, 0);
        char text[32];
        if (n == 0)
            continue;
        if (fields[i].bytes)
            render_size(n, text, sizeof(text));
        else
            snprintf(text, sizeof(text), "%g", (double)n / 1000);
        text_buf_addf(&all, "%s%s%s%s", all.len ? ", " : "", fields[i].before, text, fields[i].after);
    }
    if (all.data)
        field(b, "resources", all.data);
}

/* "killed by SIGKILL (out of memory), 3m12s ago" */
static void last_exit(const struct look *l, const struct value *i, char *buf, size_t size) {
    const struct value *last = value_get(i, "last_exit");
    char age[32];
    buf[0] = '\0';
    if (!last)
        return;
    render_age(l, value_uint(last, "at_usec", 0), age, sizeof(age));
    snprintf(buf, size, "%s%s%s", value_text(last, "text", "?"), *age ? ", " : "", age);
    if (*age)
        strncat(buf, " ago", size - strlen(buf) - 1);
}

/* What happens by itself at next_usec. */
static const char *next_step(const char *state) {
    if (strcmp(state, "backoff") == 0 || strcmp(state, "failed-start") == 0)
        return "starts again in";
    if (strcmp(state, "stopping") == 0)
        return "will be killed in";
    return strcmp(state, "starting") == 0 ? "has to be ready in" : "next step in";
}

static void instance_note(const struct look *l, struct table *t, const struct value *i) {
    char note[512], in[32];
    uint64_t next = value_uint(i, "next_usec", 0);
    int n = snprintf(
        note, sizeof(note), "%s%s", value_text(i, "why", ""),
        value_bool(i, "outdated") ? (*value_text(i, "why", "") ? "; to be replaced" : "to be replaced") : "");
    if (next > l->now_usec && n >= 0 && (size_t)n < sizeof(note))
        snprintf(note + n, sizeof(note) - (size_t)n, "%s%s %s", n ? "; " : "",
                 next_step(value_text(i, "state", "")), text_age(next - l->now_usec, in, sizeof(in)));
    table_note(t, STYLE_DIM, note);
}

void render_app(const struct look *l, const struct value *app, struct text_buf *b) {
    static const struct table_column columns[] = {{"N", true, false},         {"STATE", false, false},
                                                  {"PID", true, false},       {"RESTARTS", true, false},
                                                  {"SINCE", true, false},     {"CPU", true, false},
                                                  {"MEMORY", true, false},    {"TASKS", true, false},
                                                  {"LAST EXIT", false, true}, {NULL, false, false}};
    CLEANUP(cleanup_table) struct table *t = table_new(columns);
    const char *state = value_text(app, "state", "?");
    char text[256];
    look_add(l, b, STYLE_STRONG, value_text(app, "name", "?"));
    text_buf_add(b, "  ");
    look_add(l, b, style_of_state(state), state);
    text_buf_add(b, value_bool(app, "wanted") ? "\n" : "  (not to run)\n");
    field(b, "class", value_text(app, "class", "?"));
    field_command(b, app);
    if (value_has(app, "user"))
        field(b, "user", value_text(app, "user", ""));
    field_registered(l, b, app);
    field_resources(b, app);
    snprintf(text, sizeof(text), "restart %s, readiness %s", value_text(app, "restart", "?"),
             value_text(app, "ready", "?"));
    field(b, "rules", text);
    if (value_len(value_get(app, "instances")) == 0 || !t)
        return;
    text_buf_add(b, "\n");
    VALUE_EACH(value_get(app, "instances"), i) {
        uint64_t pid = value_uint(i, "pid", 0);
        table_row(t);
        table_cellf(t, STYLE_PLAIN, "%" PRIu64, value_uint(i, "number", 0));
        cell_state(t, value_text(i, "state", "?"));
        cell_count(t, pid != 0, pid);
        table_cellf(t, STYLE_PLAIN, "%" PRIu64, value_uint(i, "restarts", 0));
        table_cell(t, STYLE_PLAIN, render_age(l, value_uint(i, "since_usec", 0), text, sizeof(text)));
        cell_cpu(t, value_has(i, "cpu_usec"), value_uint(i, "cpu_usec", 0));
        cell_size(t, value_has(i, "memory_bytes"), value_uint(i, "memory_bytes", 0));
        cell_count(t, value_has(i, "tasks"), value_uint(i, "tasks", 0));
        last_exit(l, i, text, sizeof(text));
        table_cell(t, STYLE_PLAIN, text);
        instance_note(l, t, i);
    }
    table_print(t, l, 2, b);
}
