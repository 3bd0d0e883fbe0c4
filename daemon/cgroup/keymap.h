/* SPDX-License-Identifier: Apache-2.0 */
/* A map from numbers to borrowed pointers: open addressing, grows by itself, never shrinks. */
#ifndef CGROUP_KEYMAP_H
#define CGROUP_KEYMAP_H

#include <stddef.h>
#include <stdint.h>

struct keymap_slot {
    uint64_t key;
    void *value; /* NULL: free */
};

/* Zero-initialise. */
struct keymap {
    struct keymap_slot *slots; /* owned */
    size_t n, size;            /* size: 0 or a power of two */
};

void keymap_free(struct keymap *m);

/* NULL when the key is not in it. */
void *keymap_get(const struct keymap *m, uint64_t key);

/* Sets or replaces; value must not be NULL. Returns 0 or -ENOMEM (map untouched). */
int keymap_set(struct keymap *m, uint64_t key, void *value);

/* Returns what was there, or NULL. */
void *keymap_remove(struct keymap *m, uint64_t key);

#endif
