/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and columns, aligned. Cells are added from left to right; a row that is short is fine. */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include "ctl/term.h"

#define TABLE_COLUMNS_MAX 12

struct table_column {
    const char *title; /* NULL ends the columns */
    bool right;        /* numbers */
    bool flexible;     /* may be cut to fit a terminal */
};

struct table;

/* The columns are borrowed. NULL: no memory. */
struct table *table_new(const struct table_column *columns);
void table_row(struct table *t); /* begins one */
/* Adds a cell; the text is copied and made harmless. NULL or "" is an empty one. */
void table_cell(struct table *t, enum style style, const char *text);
void table_cellf(struct table *t, enum style style, const char *format, ...) ATTR_PRINTF(3, 4);
/* A line below the row just made, indented, over all columns. */
void table_note(struct table *t, enum style style, const char *text);
/* Columns that are empty in all rows are left out. `indent` blanks before each line. */
void table_print(const struct table *t, const struct look *look, unsigned indent, struct text_buf *b);
void table_free(struct table *t);

static inline void cleanup_table(struct table **t) {
    table_free(*t);
}

#endif
