/* SPDX-License-Identifier: Apache-2.0 */
/* Linear probing; removal moves followers back, so there are no graves to sweep. */
#include "cgroup/keymap.h"

#include <errno.h>
#include <stdlib.h>

void keymap_free(struct keymap *m) {
    free(m->slots);
    *m = (struct keymap){0};
}

static size_t home_of(const struct keymap *m, uint64_t key) {
    return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (m->size - 1);
}

/* The key's slot, or the free one where it would go. The map has room. */
static struct keymap_slot *find(const struct keymap *m, uint64_t key) {
    size_t i = home_of(m, key);
    while (m->slots[i].value && m->slots[i].key != key)
        i = (i + 1) & (m->size - 1);
    return &m->slots[i];
}

void *keymap_get(const struct keymap *m, uint64_t key) {
    return m->size ? find(m, key)->value : NULL;
}

static int grow(struct keymap *m) {
    struct keymap bigger = {.size = m->size ? m->size * 2 : 16, .n = m->n};
    bigger.slots = calloc(bigger.size, sizeof(*bigger.slots));
    if (!bigger.slots)
        return -ENOMEM;
    for (size_t i = 0; i < m->size; i++)
        if (m->slots[i].value)
            *find(&bigger, m->slots[i].key) = m->slots[i];
    free(m->slots);
    *m = bigger;
    return 0;
}

int keymap_set(struct keymap *m, uint64_t key, void *value) {
    if (m->n * 2 >= m->size) {
        int r = grow(m);
        if (r < 0)
            return r;
    }
    struct keymap_slot *slot = find(m, key);
    m->n += !slot->value;
    *slot = (struct keymap_slot){.key = key, .value = value};
    return 0;
}

void *keymap_remove(struct keymap *m, uint64_t key) {
    struct keymap_slot *slot = m->size ? find(m, key) : NULL;
    if (!slot || !slot->value)
        return NULL;
    void *removed = slot->value;
    size_t mask = m->size - 1, hole = (size_t)(slot - m->slots);
    for (size_t i = (hole + 1) & mask; m->slots[i].value; i = (i + 1) & mask) {
        size_t home = home_of(m, m->slots[i].key);
        /* Stays only if its home lies between the hole and itself. */
        if (((i - home) & mask) < ((i - hole) & mask))
            continue;
        m->slots[hole] = m->slots[i];
        hole = i;
    }
    m->slots[hole] = (struct keymap_slot){0};
    m->n--;
    return removed;
}
