/* SPDX-License-Identifier: Apache-2.0 */
/* Trees in an arena. */
#include "ctl/value.h"

#include <string.h>

#define BLOCK_SIZE (64 * 1024)

struct arena_block {
    struct arena_block *next;
    size_t size;
    char data[] __attribute__((aligned(16)));
};

void *arena_take(struct arena *a, size_t size) {
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + 15) & ~(size_t)15;
    if (!a->blocks || a->blocks->size - a->used < size) {
        size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        struct arena_block *b = malloc(sizeof(*b) + room);
        if (!b)
            return NULL;
        b->next = a->blocks;
        b->size = room;
        a->blocks = b;
        a->used = 0;
    }
    void *p = a->blocks->data + a->used;
    a->used += size;
    return memset(p, 0, size);
}

char *arena_copy(struct arena *a, const char *data, size_t len) {
    char *p = arena_take(a, len + 1);
    if (p && len > 0)
        memcpy(p, data, len);
    return p;
}

void arena_free(struct arena *a) {
    while (a->blocks) {
        struct arena_block *next = a->blocks->next;
        free(a->blocks);
        a->blocks = next;
    }
    a->used = 0;
}

struct value *value_new(struct arena *a, enum value_kind kind, const char *key) {
    struct value *v = arena_take(a, sizeof(*v));
    if (v) {
        v->kind = kind;
        v->key = key;
    }
    return v;
}

void value_append(struct value *parent, struct value *child) {
    if (parent->list.last)
        parent->list.last->next = child;
    else
        parent->list.first = child;
    parent->list.last = child;
    parent->list.n++;
}

static struct value *add(struct arena *a, struct value *parent, enum value_kind kind, const char *key) {
    struct value *v = parent ? value_new(a, kind, key) : NULL;
    if (v)
        value_append(parent, v);
    return v;
}

struct value *value_add_text(struct arena *a, struct value *parent, const char *key, const char *text) {
    size_t len = strlen(text);
    char *copy = arena_copy(a, text, len);
    struct value *v = copy ? add(a, parent, VALUE_TEXT, key) : NULL;
    if (v) {
        v->text.data = copy;
        v->text.len = len;
    }
    return v;
}

struct value *value_add_uint(struct arena *a, struct value *parent, const char *key, uint64_t number) {
    struct value *v = add(a, parent, VALUE_UINT, key);
    if (v)
        v->number = number;
    return v;
}

struct value *value_add_bool(struct arena *a, struct value *parent, const char *key, bool on) {
    struct value *v = add(a, parent, VALUE_BOOL, key);
    if (v)
        v->boolean = on;
    return v;
}

const struct value *value_get(const struct value *dict, const char *key) {
    if (!dict || dict->kind != VALUE_DICT)
        return NULL;
    VALUE_EACH(dict, v)
    if (strcmp(v->key, key) == 0)
        return v;
    return NULL;
}

const char *value_text(const struct value *dict, const char *key, const char *fallback) {
    const struct value *v = value_get(dict, key);
    return v && v->kind == VALUE_TEXT ? v->text.data : fallback;
}

uint64_t value_uint(const struct value *dict, const char *key, uint64_t fallback) {
    const struct value *v = value_get(dict, key);
    if (v && v->kind == VALUE_UINT)
        return v->number;
    return v && v->kind == VALUE_INT && v->integer >= 0 ? (uint64_t)v->integer : fallback;
}

bool value_bool(const struct value *dict, const char *key) {
    const struct value *v = value_get(dict, key);
    return v && v->kind == VALUE_BOOL && v->boolean;
}

bool value_has(const struct value *dict, const char *key) {
    return value_get(dict, key) != NULL;
}

size_t value_len(const struct value *list) {
    return list && (list->kind == VALUE_LIST || list->kind == VALUE_DICT) ? list->list.n : 0;
}
