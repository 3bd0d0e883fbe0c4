/* SPDX-License-Identifier: Apache-2.0 */
/* The map of map.h; linear probing with backward-shift deletion, so there are no tombstones. */
#include "manager/map.h"

#include <errno.h>
#include <stdlib.h>

static size_t home_of(const struct map *m, uint64_t key) {
    return (size_t)((key * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (m->size - 1);
}

static struct map_slot *find(const struct map *m, uint64_t key) {
    size_t i = home_of(m, key);
    while (m->slots[i].key != 0 && m->slots[i].key != key)
        i = (i + 1) & (m->size - 1);
    return &m->slots[i];
}

void map_free(struct map *m) {
    free(m->slots);
    *m = (struct map){0};
}

static int grow(struct map *m) {
    struct map bigger = {.size = m->size ? m->size * 2 : 64, .used = m->used};
    bigger.slots = calloc(bigger.size, sizeof(*bigger.slots));
    if (!bigger.slots)
        return -ENOMEM;
    for (size_t i = 0; i < m->size; i++)
        if (m->slots[i].key != 0)
            *find(&bigger, m->slots[i].key) = m->slots[i];
    free(m->slots);
    *m = bigger;
    return 0;
}

int map_set(struct map *m, uint64_t key, void *value) {
    if ((m->used + 1) * 4 > m->size * 3) {
        int r = grow(m);
        if (r < 0)
            return r;
    }
    struct map_slot *slot = find(m, key);
    m->used += slot->key == 0;
    *slot = (struct map_slot){key, value};
    return 0;
}

void *map_get(const struct map *m, uint64_t key) {
    return m->size && key ? find(m, key)->value : NULL;
}

void map_remove(struct map *m, uint64_t key) {
    if (!m->size || !key)
        return;
    struct map_slot *slot = find(m, key);
    if (slot->key == 0)
        return;
    m->used--;
    size_t hole = (size_t)(slot - m->slots);
    for (size_t i = (hole + 1) & (m->size - 1); m->slots[i].key != 0; i = (i + 1) & (m->size - 1)) {
        size_t home = home_of(m, m->slots[i].key);
        size_t from_home = (i - home) & (m->size - 1), from_hole = (i - hole) & (m->size - 1);
        if (from_home < from_hole)
            continue;
        m->slots[hole] = m->slots[i];
        hole = i;
    }
    m->slots[hole] = (struct map_slot){0};
}
