/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the tables; knows neither the files nor the types. */
#include "conf/table.h"

#include "conf/fault.h"
#include "conf/ini.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Where each row's key stands: 0 if nowhere. */
struct conf_lines {
    const struct conf_table *table;
    const char *file;
    struct reason *why;
    unsigned at[CONF_ROWS_MAX];
};

static void cleanup_ini(struct ini_text *t) {
    ini_text_free(t);
}

static const struct conf_row *find_row(const struct conf_table *t, const char *section, const char *key) {
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->rows[i].section, section) == 0 && (!key || strcmp(t->rows[i].key, key) == 0))
            return &t->rows[i];
    return NULL;
}

static bool starts_section(const struct conf_table *t, size_t i) {
    return i == 0 || strcmp(t->rows[i].section, t->rows[i - 1].section) != 0;
}

/* Near enough to be a slip of the pen: a third of the letters, but two swapped in a short word too. */
static bool is_near(const char *given, const char *known, size_t *best) {
    size_t distance = text_distance(given, known);
    if (distance >= *best || distance > MAX(strlen(known) / 3, (size_t)1))
        return false;
    *best = distance;
    return true;
}

static int unknown_section(const struct conf_lines *l, const struct ini_entry *e) {
    const struct conf_table *t = l->table;
    const char *near = NULL;
    size_t best = SIZE_MAX;
    CLEANUP(cleanup_text_buf) struct text_buf all = {0};
    for (size_t i = 0; i < t->n; i++) {
        if (!starts_section(t, i))
            continue;
        if (is_near(e->section, t->rows[i].section, &best))
            near = t->rows[i].section;
        text_buf_addf(&all, "%s[%s]", all.len ? ", " : "", t->rows[i].section);
    }
    struct conf_place place = {l->file, e->line, e->section, NULL};
    if (near)
        return conf_fault(l->why, -EINVAL, &place, "there is no such section; did you mean [%s]?", near);
    return conf_fault(l->why, -EINVAL, &place, "there is no such section; right would be one of %s",
                      all.data ? all.data : "those in the manual");
}

static int unknown_key(const struct conf_lines *l, const struct ini_entry *e) {
    const struct conf_table *t = l->table;
    struct conf_place place = {l->file, e->line, e->section, e->key};
    const char *near = NULL, *elsewhere = NULL;
    size_t best = SIZE_MAX;
    CLEANUP(cleanup_text_buf) struct text_buf all = {0};
    for (size_t i = 0; i < t->n; i++) {
        const struct conf_row *row = &t->rows[i];
        if (strcmp(row->section, e->section) != 0) {
            if (strcmp(row->key, e->key) == 0)
                elsewhere = row->section;
            continue;
        }
        if (is_near(e->key, row->key, &best))
            near = row->key;
        text_buf_addf(&all, "%s%s", all.len ? ", " : "", row->key);
    }
    if (near)
        return conf_fault(l->why, -EINVAL, &place, "there is no such key; did you mean \"%s\"?", near);
    if (elsewhere)
        return conf_fault(l->why, -EINVAL, &place, "there is no such key here; it belongs in [%s]",
                          elsewhere);
    return conf_fault(l->why, -EINVAL, &place, "there is no such key; right would be one of %s",
                      all.data ? all.data : "those in the manual");
}

static int parse_value(const struct conf_lines *l, const struct conf_row *row, const struct ini_entry *e,
                       void *object) {
    struct conf_place place = {l->file, e->line, e->section, e->key};
    struct reason own = {0};
    int r = row->type->parse(row, e->value, object, &own);
    if (r >= 0)
        return 0;
    if (r == -ENOMEM)
        return reason_set(l->why, -ENOMEM, "out of memory");
    if (own.error < 0)
        return conf_fault(l->why, -EINVAL, &place, "%s", own.text);
    char shown[CONF_SHOWN_SIZE];
    return conf_fault(l->why, -EINVAL, &place, "\"%s\" is not valid; right would be %s",
                      conf_shown(e->value, shown), row->right);
}

static int take_entry(struct conf_lines *l, const struct ini_entry *e, void *object) {
    const struct conf_table *t = l->table;
    if (!find_row(t, e->section, NULL))
        return unknown_section(l, e);
    if (!e->key)
        return 0;
    const struct conf_row *row = find_row(t, e->section, e->key);
    if (!row)
        return unknown_key(l, e);
    unsigned *line = &l->at[row - t->rows];
    if (*line > 0 && !(row->flags & CONF_REPEATS)) {
        struct conf_place place = {l->file, e->line, e->section, e->key};
        return conf_fault(l->why, -EINVAL, &place, "this key stood already in line %u; keep one", *line);
    }
    *line = e->line;
    return parse_value(l, row, e, object);
}

static int set_defaults(const struct conf_lines *l, void *object) {
    const struct conf_table *t = l->table;
    for (size_t i = 0; i < t->n; i++) {
        const struct conf_row *row = &t->rows[i];
        if (l->at[i] > 0)
            continue;
        if (row->flags & CONF_REQUIRED) {
            struct conf_place place = {l->file, 0, row->section, row->key};
            return conf_fault(l->why, -EINVAL, &place, "the key is missing; right would be %s", row->right);
        }
        const char *text = row->default_for ? row->default_for(object) : row->default_text;
        struct ini_entry e = {row->section, row->key, text, 0};
        int r = text ? parse_value(l, row, &e, object) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

static int fill(struct conf_lines *l, const struct ini_text *ini, void *object) {
    for (size_t i = 0; i < ini->n; i++) {
        int r = take_entry(l, &ini->entries[i], object);
        if (r < 0)
            return r;
    }
    int r = set_defaults(l, object);
    if (r < 0 || !l->table->check)
        return r;
    return l->table->check(l, object);
}

int conf_table_parse(const struct conf_table *t, const char *file, const char *text, size_t len, void *object,
                     struct reason *why) {
    assert(t->n <= CONF_ROWS_MAX);
    CLEANUP(cleanup_ini) struct ini_text ini = {0};
    int r = ini_text_read(file, text, len, &ini, why);
    if (r < 0)
        return r;
    void *made = calloc(1, t->size);
    if (!made)
        return reason_set(why, -ENOMEM, "out of memory");
    struct conf_lines lines = {.table = t, .file = file, .why = why};
    r = fill(&lines, &ini, made);
    if (r >= 0)
        memcpy(object, made, t->size);
    else
        conf_table_release(t, made);
    free(made);
    return r;
}

/* Appends the row's lines, unless it has its default. */
static void print_row(const struct conf_row *row, const void *object, const char **section,
                      struct text_buf *b) {
    CLEANUP(cleanup_text_buf) struct text_buf value = {0};
    row->type->print(row, object, &value);
    b->failed |= value.failed;
    const char *text = row->default_for ? row->default_for(object) : row->default_text;
    if (value.len == 0 || (text && strcmp(text, value.data) == 0))
        return;
    if (*section != row->section && (!*section || strcmp(*section, row->section) != 0))
        text_buf_addf(b, "%s[%s]\n", *section ? "\n" : "", row->section);
    *section = row->section;
    char *rest = value.data;
    for (char *line; (line = strsep(&rest, "\n"));)
        text_buf_addf(b, "%s = %s\n", row->key, line);
}

int conf_table_print(const struct conf_table *t, const void *object, char **ret_text) {
    CLEANUP(cleanup_text_buf) struct text_buf b = {0};
    const char *section = NULL;
    for (size_t i = 0; i < t->n; i++)
        print_row(&t->rows[i], object, &section, &b);
    char *text = text_buf_take(&b);
    if (!text)
        return -ENOMEM;
    *ret_text = text;
    return 0;
}

static const void *field(const struct conf_row *row, const void *object) {
    return (const char *)object + row->offset;
}

bool conf_table_equal(const struct conf_table *t, const void *a, const void *b, unsigned except) {
    for (size_t i = 0; i < t->n; i++) {
        const struct conf_row *row = &t->rows[i];
        if (row->flags & except)
            continue;
        bool equal = row->type->equal ? row->type->equal(row, a, b)
                                      : memcmp(field(row, a), field(row, b), row->type->size) == 0;
        if (!equal)
            return false;
    }
    return true;
}

int conf_table_copy(const struct conf_table *t, const void *from, void *to) {
    char *made = malloc(t->size);
    if (!made)
        return -ENOMEM;
    memcpy(made, from, t->size);
    int r = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct conf_row *row = &t->rows[i];
        if (!row->type->copy)
            continue;
        /* After the first failure the rest is only emptied, so that nothing is freed twice. */
        if (r >= 0)
            r = row->type->copy(row, from, made);
        else
            memset(made + row->offset, 0, row->type->size);
    }
    if (r >= 0)
        memcpy(to, made, t->size);
    else
        conf_table_release(t, made);
    free(made);
    return r;
}

void conf_table_release(const struct conf_table *t, void *object) {
    for (size_t i = 0; i < t->n; i++)
        if (t->rows[i].type->release)
            t->rows[i].type->release(&t->rows[i], object);
    memset(object, 0, t->size);
}

int conf_contradiction(const struct conf_lines *lines, const char *section, const char *key,
                       const char *other_section, const char *other_key, const char *format, ...) {
    const struct conf_table *t = lines->table;
    const struct conf_row *a = find_row(t, section, key), *b = find_row(t, other_section, other_key);
    assert(a && b);
    const struct conf_row *later = lines->at[b - t->rows] > lines->at[a - t->rows] ? b : a;
    char text[REASON_TEXT_SIZE];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    struct conf_place place = {lines->file, lines->at[later - t->rows], later->section, later->key};
    return conf_fault(lines->why, -EINVAL, &place, "%s", text);
}

bool conf_is_given(const struct conf_lines *lines, const char *section, const char *key) {
    const struct conf_row *row = find_row(lines->table, section, key);
    assert(row);
    return lines->at[row - lines->table->rows] > 0;
}
