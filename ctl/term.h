/* SPDX-License-Identifier: Apache-2.0 */
/* What a person sees: colours, columns, and texts of others made harmless. */
#ifndef CTL_TERM_H
#define CTL_TERM_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum style { STYLE_PLAIN, STYLE_GOOD, STYLE_BAD, STYLE_WARN, STYLE_DIM, STYLE_STRONG };

struct look {
    bool colour;
    unsigned width;    /* columns of the terminal; 0: no terminal, nothing is cut */
    uint64_t now_usec; /* CLOCK_REALTIME: ages are counted from here */
};

/* What fd is; `colour` is auto, always or never. Asks the environment: NO_COLOR, TERM, COLUMNS. */
void look_init(struct look *l, int fd, const char *colour);

/* The text in a style; plain without colours. */
void look_add(const struct look *l, struct text_buf *b, enum style style, const char *text);

/* The style of the state of an app or an instance. */
enum style style_of_state(const char *state) ATTR_PURE;

/* Columns a text takes: wide characters two, combining ones none. */
size_t text_columns(const char *text, size_t len) ATTR_PURE;

/* The text with everything that could steer a terminal made visible: control characters as \xHH, bytes that
 * are no UTF-8 as U+FFFD, tabs and newlines as blanks unless `lines`. */
void text_add_harmless(struct text_buf *b, const char *data, size_t len, bool lines);

/* At most `columns` of a text, with "…" where it was cut. */
void text_add_cut(struct text_buf *b, const char *text, size_t columns);

#endif
