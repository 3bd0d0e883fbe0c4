/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon answered, as a tree: numbers, texts, lists, dictionaries. Everything of one answer lies in
 * one arena and goes with it. Printing works on these trees only, so it needs no daemon to be tested. */
#ifndef CTL_VALUE_H
#define CTL_VALUE_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum value_kind { VALUE_BOOL, VALUE_INT, VALUE_UINT, VALUE_DOUBLE, VALUE_TEXT, VALUE_LIST, VALUE_DICT };

struct value {
    enum value_kind kind;
    const char *key;    /* in a dictionary; NULL elsewhere. Borrowed */
    struct value *next; /* the sibling */
    union {
        bool boolean;
        int64_t integer;
        uint64_t number;
        double real;
        struct {
            const char *data; /* any bytes, not necessarily UTF-8; borrowed; NUL-terminated */
            size_t len;
        } text;
        struct {
            struct value *first, *last;
            size_t n;
        } list; /* of a dictionary too */
    };
};

struct arena {
    struct arena_block *blocks;
    size_t used; /* of the newest block */
};

void *arena_take(struct arena *a, size_t size) ATTR_WARN_UNUSED; /* zeroed; NULL: no memory */
char *arena_copy(struct arena *a, const char *data, size_t len); /* NUL-terminated; NULL: no memory */
void arena_free(struct arena *a);

struct value *value_new(struct arena *a, enum value_kind kind, const char *key); /* NULL: no memory */
void value_append(struct value *parent, struct value *child);
/* For tests and small answers made here. NULL parent or no memory: NULL. */
struct value *value_add_text(struct arena *a, struct value *parent, const char *key, const char *text);
struct value *value_add_uint(struct arena *a, struct value *parent, const char *key, uint64_t number);
struct value *value_add_bool(struct arena *a, struct value *parent, const char *key, bool on);

#define VALUE_EACH(parent, child) \
    for (const struct value *child = (parent) ? (parent)->list.first : NULL; child; child = child->next)

/* Fields of a dictionary; the fallback when it is not there or of another kind. */
const struct value *value_get(const struct value *dict, const char *key);
const char *value_text(const struct value *dict, const char *key, const char *fallback);
uint64_t value_uint(const struct value *dict, const char *key, uint64_t fallback);
bool value_bool(const struct value *dict, const char *key);
bool value_has(const struct value *dict, const char *key);
size_t value_len(const struct value *list); /* 0 for NULL and for what is no list */

#endif
