/* SPDX-License-Identifier: Apache-2.0 */
/* What a simulation found, for people. */
#include "ctl/render.h"
#include "ctl/table.h"

#include <inttypes.h>
#include <string.h>

static enum style style_of_act(const char *act) {
    if (strcmp(act, "kill") == 0 || strcmp(act, "stop") == 0)
        return STYLE_BAD;
    if (strcmp(act, "freeze") == 0 || strcmp(act, "alarm") == 0)
        return STYLE_WARN;
    return strcmp(act, "squeeze") == 0 ? STYLE_STRONG : STYLE_PLAIN;
}

static void render_verdicts(const struct look *l, const struct value *verdicts, struct text_buf *b) {
    VALUE_EACH(verdicts, v) {
        const char *act = value_text(v, "act", "?"), *text = value_text(v, "text", "");
        uint64_t at = value_uint(v, "at_usec", 0) / 100000;
        text_buf_addf(b, "%7" PRIu64 ".%" PRIu64 "s  ", at / 10, at % 10);
        look_add(l, b, style_of_act(act), act);
        text_buf_addf(b, "%*s%s", (int)(strlen(act) < 8 ? 9 - strlen(act) : 1), "",
                      value_bool(v, "notable") ? "" : "  ");
        text_add_harmless(b, text, strlen(text), false);
        text_buf_add(b, "\n");
    }
}

/* Each rule that took something away, once. */
static void render_avoidance(const struct look *l, const struct value *verdicts, struct text_buf *b) {
    bool any = false;
    VALUE_EACH(verdicts, v) {
        const char *rule = value_text(v, "rule", "?"), *act = value_text(v, "act", "?");
        bool takes = style_of_act(act) != STYLE_PLAIN, seen = false;
        VALUE_EACH(verdicts, earlier) {
            if (earlier == v)
                break;
            seen |= style_of_act(value_text(earlier, "act", "?")) != STYLE_PLAIN &&
                    strcmp(value_text(earlier, "rule", "?"), rule) == 0;
            if (seen)
                break;
        }
        if (!takes || seen)
            continue;
        if (!any)
            look_add(l, b, STYLE_STRONG, "\nWhat would have avoided it:\n");
        any = true;
        text_buf_addf(b, "  %s: %s\n", rule, value_text(v, "avoid", ""));
    }
}

static void cell_time(struct table *t, uint64_t usec) {
    char text[32];
    if (usec > 0)
        table_cell(t, STYLE_PLAIN, text_age(usec, text, sizeof(text)));
    else
        table_cell(t, STYLE_DIM, "-");
}

static void render_class_times(const struct look *l, const struct value *classes, struct text_buf *b) {
    static const struct table_column columns[] = {{"CLASS", false, false},   {"RESOURCE", false, false},
                                                  {"SQUEEZED", true, false}, {"FROZEN", true, false},
                                                  {"EVICTING", true, false}, {NULL, false, false}};
    static const char *const resources[] = {"cpu", "io", "memory"};
    CLEANUP(cleanup_table) struct table *t = table_new(columns);
    bool any = false;
    if (!t)
        return;
    VALUE_EACH(classes, c) {
        for (size_t r = 0; r < ARRAY_LEN(resources); r++) {
            const struct value *times = value_get(c, resources[r]);
            uint64_t squeezed = value_uint(times, "squeezed", 0), frozen = value_uint(times, "frozen", 0),
                     evicting = value_uint(times, "evicting", 0);
            if (squeezed + frozen + evicting == 0)
                continue;
            any = true;
            table_row(t);
            table_cell(t, STYLE_PLAIN, value_text(c, "name", "?"));
            table_cell(t, STYLE_PLAIN, resources[r]);
            cell_time(t, squeezed);
            cell_time(t, frozen);
            cell_time(t, evicting);
        }
    }
    if (!any)
        return;
    text_buf_add(b, "\n");
    table_print(t, l, 0, b);
}

static void render_instances(const struct look *l, const struct value *instances, struct text_buf *b) {
    static const struct table_column columns[] = {{"INSTANCE", false, true},
                                                  {"FROZEN", true, false},
                                                  {"FOR", true, false},
                                                  {"END", false, false},
                                                  {NULL, false, false}};
    CLEANUP(cleanup_table) struct table *t = table_new(columns);
    if (!t || value_len(instances) == 0)
        return;
    VALUE_EACH(instances, i) {
        table_row(t);
        table_cell(t, STYLE_PLAIN, value_text(i, "instance", "?"));
        table_cellf(t, STYLE_PLAIN, "%" PRIu64, value_uint(i, "freezes", 0));
        cell_time(t, value_uint(i, "frozen_usec", 0));
        if (value_bool(i, "killed"))
            table_cell(t, STYLE_BAD, value_bool(i, "evicted") ? "evicted, killed" : "killed");
        else
            table_cell(t, STYLE_WARN, value_bool(i, "evicted") ? "evicted" : "");
    }
    text_buf_add(b, "\n");
    table_print(t, l, 0, b);
}

void render_simulation(const struct look *l, const struct value *root, struct text_buf *b) {
    char age[32];
    const struct value *verdicts = value_get(root, "verdicts");
    render_verdicts(l, verdicts, b);
    render_class_times(l, value_get(root, "classes"), b);
    render_instances(l, value_get(root, "instances"), b);
    render_avoidance(l, verdicts, b);
    text_buf_addf(b, "%s%" PRIu64 " samples, %s", b->len > 0 ? "\n" : "", value_uint(root, "samples", 0),
                  text_age(value_uint(root, "time_usec", 0), age, sizeof(age)));
    if (value_len(verdicts) == 0)
        text_buf_add(b, "; nothing would have been done");
    text_buf_add(b, ".\n");
}
