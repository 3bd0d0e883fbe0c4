/* SPDX-License-Identifier: Apache-2.0 */
/* Linear probing with removal by shifting back; the free numbers are a stack. */
#include "isolate/leafmap.h"

#include "base/attr.h"

struct entry {
    uint64_t key;
    uint32_t number; /* LEAFMAP_NONE: empty */
};

struct leafmap {
    struct entry *entries;
    uint32_t *unused;
    uint32_t mask, n_unused;
};

struct leafmap *leafmap_new(uint32_t max) {
    uint32_t size = 16;
    while (size < 2 * max)
        size *= 2;
    struct leafmap *m = calloc(1, sizeof(*m));
    if (!m)
        return NULL;
    m->entries = calloc(size, sizeof(*m->entries));
    m->unused = calloc((size_t)max + 1, sizeof(*m->unused));
    if (!m->entries || !m->unused) {
        leafmap_free(m);
        return NULL;
    }
    m->mask = size - 1;
    for (uint32_t i = 0; i < size; i++)
        m->entries[i].number = LEAFMAP_NONE;
    for (uint32_t i = 0; i < max; i++)
        m->unused[m->n_unused++] = max - 1 - i;
    return m;
}

void leafmap_free(struct leafmap *m) {
    if (!m)
        return;
    free(m->entries);
    free(m->unused);
    free(m);
}

static uint32_t home_of(const struct leafmap *m, uint64_t key) {
    key ^= key >> 33;
    key *= 0xff51afd7ed558ccdULL;
    key ^= key >> 33;
    return (uint32_t)key & m->mask;
}

/* The place of a key, or the empty one where it belongs. There always is one: the table is half empty. */
static uint32_t place_of(const struct leafmap *m, uint64_t key) {
    uint32_t i = home_of(m, key);
    while (m->entries[i].number != LEAFMAP_NONE && m->entries[i].key != key)
        i = (i + 1) & m->mask;
    return i;
}

uint32_t leafmap_get(const struct leafmap *m, uint64_t key) {
    return m->entries[place_of(m, key)].number;
}

uint32_t leafmap_add(struct leafmap *m, uint64_t key) {
    if (m->n_unused == 0)
        return LEAFMAP_NONE;
    uint32_t number = m->unused[--m->n_unused];
    m->entries[place_of(m, key)] = (struct entry){key, number};
    return number;
}

void leafmap_remove(struct leafmap *m, uint64_t key) {
    uint32_t hole = place_of(m, key);
    if (m->entries[hole].number == LEAFMAP_NONE)
        return;
    m->unused[m->n_unused++] = m->entries[hole].number;
    m->entries[hole].number = LEAFMAP_NONE;
    for (uint32_t i = (hole + 1) & m->mask; m->entries[i].number != LEAFMAP_NONE; i = (i + 1) & m->mask) {
        uint32_t home = home_of(m, m->entries[i].key);
        /* May it move to the hole? Not if its home lies behind the hole, up to where it is. */
        if (((i - home) & m->mask) < ((i - hole) & m->mask))
            continue;
        m->entries[hole] = m->entries[i];
        m->entries[i].number = LEAFMAP_NONE;
        hole = i;
    }
}
