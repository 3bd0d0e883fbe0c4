/* SPDX-License-Identifier: Apache-2.0 */
/* Measures, then prints. */
#include "ctl/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define GAP          2  /* blanks between columns */
#define FLEXIBLE_MIN 12 /* columns a flexible column keeps */
#define NOTE_INDENT  4

struct cell {
    char *text; /* owned; NULL: empty */
    enum style style;
};

struct row {
    struct cell cells[TABLE_COLUMNS_MAX];
    char *note; /* owned */
    enum style note_style;
    unsigned n;
};

struct table {
    const struct table_column *columns;
    unsigned n_columns;
    struct row *rows;
    size_t n_rows, size;
    bool failed;
};

struct table *table_new(const struct table_column *columns) {
    struct table *t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    t->columns = columns;
    while (t->n_columns < TABLE_COLUMNS_MAX && columns[t->n_columns].title)
        t->n_columns++;
    return t;
}

void table_row(struct table *t) {
    if (t->n_rows == t->size) {
        size_t size = t->size ? 2 * t->size : 16;
        struct row *grown = realloc(t->rows, size * sizeof(*grown));
        if (!grown) {
            t->failed = true;
            return;
        }
        t->rows = grown;
        t->size = size;
    }
    t->rows[t->n_rows++] = (struct row){0};
}

static char *harmless(const char *text) {
    struct text_buf b = {0};
    text_add_harmless(&b, text, strlen(text), false);
    return text_buf_take(&b);
}

void table_cell(struct table *t, enum style style, const char *text) {
    if (t->failed || t->n_rows == 0)
        return;
    struct row *row = &t->rows[t->n_rows - 1];
    if (row->n == t->n_columns)
        return;
    struct cell *cell = &row->cells[row->n++];
    cell->style = style;
    cell->text = text && *text ? harmless(text) : NULL;
}

void table_cellf(struct table *t, enum style style, const char *format, ...) {
    char text[256];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    table_cell(t, style, text);
}

void table_note(struct table *t, enum style style, const char *text) {
    if (t->failed || t->n_rows == 0 || !text || !*text)
        return;
    struct row *row = &t->rows[t->n_rows - 1];
    free(row->note);
    row->note = harmless(text);
    row->note_style = style;
}

/* Widths of the columns, 0 for those that are left out. Returns the number of the last one used. */
static unsigned measure(const struct table *t, const struct look *look, unsigned indent, size_t *widths) {
    unsigned last = 0;
    size_t all = indent, flexible = TABLE_COLUMNS_MAX;
    for (unsigned c = 0; c < t->n_columns; c++) {
        widths[c] = 0;
        for (size_t r = 0; r < t->n_rows; r++) {
            const char *text = t->rows[r].cells[c].text;
            if (text)
                widths[c] = MAX(widths[c], text_columns(text, strlen(text)));
        }
        if (widths[c] == 0 && t->n_rows > 0)
            continue;
        widths[c] = MAX(widths[c], strlen(t->columns[c].title));
        all += widths[c] + (all > indent ? GAP : 0);
        last = c;
        if (t->columns[c].flexible)
            flexible = c;
    }
    if (look->width > 0 && all > look->width && flexible < TABLE_COLUMNS_MAX) {
        size_t over = all - look->width;
        size_t least = MIN(widths[flexible], (size_t)FLEXIBLE_MIN);
        widths[flexible] = widths[flexible] > over + least ? widths[flexible] - over : least;
    }
    return last;
}

static void pad(struct text_buf *b, size_t n) {
    while (n-- > 0)
        text_buf_add_bytes(b, " ", 1);
}

static void print_row(const struct table *t, const struct look *look, const size_t *widths, unsigned last,
                      unsigned indent, const struct row *row, struct text_buf *b) {
    size_t owed = indent; /* blanks, not printed before there is something behind them */
    for (unsigned c = 0; c <= last; c++) {
        if (widths[c] == 0)
            continue;
        CLEANUP(cleanup_text_buf) struct text_buf text = {0};
        const char *content = row ? row->cells[c].text : t->columns[c].title;
        if (content)
            text_add_cut(&text, content, widths[c]);
        size_t used = text.data ? text_columns(text.data, text.len) : 0;
        size_t left = widths[c] - MIN(used, widths[c]);
        if (t->columns[c].right)
            owed += left;
        if (used > 0) {
            pad(b, owed);
            owed = 0;
            look_add(look, b, row ? row->cells[c].style : STYLE_STRONG, text.data);
        }
        owed += (t->columns[c].right ? 0 : left) + GAP;
    }
    text_buf_add(b, "\n");
}

void table_print(const struct table *t, const struct look *look, unsigned indent, struct text_buf *b) {
    size_t widths[TABLE_COLUMNS_MAX];
    b->failed |= t->failed;
    unsigned last = measure(t, look, indent, widths);
    print_row(t, look, widths, last, indent, NULL, b);
    for (size_t r = 0; r < t->n_rows; r++) {
        print_row(t, look, widths, last, indent, &t->rows[r], b);
        if (t->rows[r].note) {
            pad(b, indent + NOTE_INDENT);
            look_add(look, b, t->rows[r].note_style, t->rows[r].note);
            text_buf_add(b, "\n");
        }
    }
}

void table_free(struct table *t) {
    if (!t)
        return;
    for (size_t r = 0; r < t->n_rows; r++) {
        for (unsigned c = 0; c < TABLE_COLUMNS_MAX; c++)
            free(t->rows[r].cells[c].text);
        free(t->rows[r].note);
    }
    free(t->rows);
    free(t);
}
