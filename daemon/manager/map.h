/* SPDX-License-Identifier: Apache-2.0 */
/* A map from non-zero 64-bit numbers to pointers: open addressing, grows, never shrinks. For finding a start
 * by its id. */
#ifndef MANAGER_MAP_H
#define MANAGER_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map_slot {
    uint64_t key; /* 0: free */
    void *value;
};

/* Zero-initialise. */
struct map {
    struct map_slot *slots;
    size_t size, used;
};

void map_free(struct map *m);
/* Sets or replaces. Returns 0 or -ENOMEM (unchanged). */
int map_set(struct map *m, uint64_t key, void *value);
void *map_get(const struct map *m, uint64_t key); /* NULL: not there */
void map_remove(struct map *m, uint64_t key);     /* a key that is not there is fine */

#endif
