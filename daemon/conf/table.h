/* SPDX-License-Identifier: Apache-2.0 */
/* One table per kind of file: which sections and keys there are, of which type, with which default, and what
 * a right value looks like. Parsing, printing, comparing, copying and freeing all walk that table, so that a
 * key is added in one place.
 *
 * Printing leaves out what equals its default; a parse of the result gives an equal object. */
#ifndef CONF_TABLE_H
#define CONF_TABLE_H

#include "base/attr.h"
#include "base/reason.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_row;

/* How values of one kind go in and out of the object at row->offset. */
struct conf_type {
    /* Returns 0, -ENOMEM, or -EINVAL; then `why` may say more than "not valid" in words of its own. The field
     * is empty before (but not for a row that may repeat). */
    int (*parse)(const struct conf_row *row, const char *text, void *object, struct reason *why);
    /* Appends the canonical value: nothing if it is unset, several lines for a row that repeats. */
    void (*print)(const struct conf_row *row, const void *object, struct text_buf *b);
    /* NULL: compare `size` bytes, copy them, nothing to free. */
    bool (*equal)(const struct conf_row *row, const void *a, const void *b);
    int (*copy)(const struct conf_row *row, const void *from, void *to); /* `to` holds a shallow copy */
    void (*release)(const struct conf_row *row, void *object);           /* frees and empties the field */
    size_t size;
};

enum conf_row_flags {
    CONF_REQUIRED = 1,
    CONF_REPEATS = 2,
    CONF_LIVE = 4, /* may change under a running instance */
    CONF_SPECIFIERS = 8,
};

struct conf_row {
    const char *section, *key;
    const struct conf_type *type;
    size_t offset;
    const char *default_text;                       /* canonical; NULL: unset */
    const char *right;                              /* "a duration such as 30s" */
    uint64_t min, max;                              /* numbers; durations and sizes too; words of a list */
    const char *const *words;                       /* of a word type, indexed by value, NULL at the end */
    bool (*valid)(const char *text);                /* one word of a text type; NULL: any */
    const char *(*default_for)(const void *object); /* a default that depends on other keys */
    unsigned flags;
};

#define CONF_ROWS_MAX 96

struct conf_lines;

struct conf_table {
    const struct conf_row *rows;
    size_t n, size; /* rows; bytes of the object */
    /* What no single key can tell; NULL: nothing. Returns 0, or what conf_contradiction returns. */
    int (*check)(const struct conf_lines *lines, const void *object);
};

/* Fills *object (untouched on failure). Returns 0, -EINVAL, -EFBIG or -ENOMEM with a reason. */
int conf_table_parse(const struct conf_table *t, const char *file, const char *text, size_t len, void *object,
                     struct reason *why);

/* Returns 0 and the text (owned by the caller), or -ENOMEM. */
int conf_table_print(const struct conf_table *t, const void *object, char **ret_text);

/* Compares all rows but those with one of the flags in `except`. */
bool conf_table_equal(const struct conf_table *t, const void *a, const void *b, unsigned except);

/* Returns 0 or -ENOMEM (*to untouched). */
int conf_table_copy(const struct conf_table *t, const void *from, void *to);

/* Frees what the object owns and zeroes it. */
void conf_table_release(const struct conf_table *t, void *object);

/* Reports that two keys do not fit each other, at the later of them. Returns -EINVAL. */
int conf_contradiction(const struct conf_lines *lines, const char *section, const char *key,
                       const char *other_section, const char *other_key, const char *format, ...)
    ATTR_PRINTF(6, 7);

/* True if the file has the key. */
bool conf_is_given(const struct conf_lines *lines, const char *section, const char *key);

#endif
