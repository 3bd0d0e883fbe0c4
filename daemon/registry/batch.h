/* SPDX-License-Identifier: Apache-2.0 */
/* Changes that happen together, packed one behind the other in a single buffer. */
#ifndef REGISTRY_BATCH_H
#define REGISTRY_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest key in bytes. */
#define REGISTRY_KEY_MAX 512

/* A set of changes that happen in their order, all or not at all. For its users opaque. */
struct registry_batch {
    uint8_t *data; /* owned */
    size_t len, size;
    size_t n;  /* changes */
    int error; /* 0, -ENOMEM or -EINVAL: sticky */
};

/* NULL when out of memory. Keys are of 1 to REGISTRY_KEY_MAX bytes; a prefix may be empty. What goes wrong
 * here is told by registry_commit. */
struct registry_batch *registry_batch_new(void);
void registry_batch_free(struct registry_batch *b);
void registry_batch_put(struct registry_batch *b, const char *key, const void *value, size_t len);
void registry_batch_delete(struct registry_batch *b, const char *key);
void registry_batch_delete_prefix(struct registry_batch *b, const char *prefix);

/* Told about the end of a commit. */
typedef void (*registry_done_fn)(void *userdata, int error);

enum batch_kind { BATCH_PUT, BATCH_DELETE, BATCH_DELETE_PREFIX };

/* One change; borrowed from the batch. */
struct batch_change {
    enum batch_kind kind;
    const char *key;
    size_t key_len;
    const void *value;
    size_t value_len;
};

/* Reads the change at *offset and moves *offset behind it. False at the end. */
bool batch_next(const struct registry_batch *b, size_t *offset, struct batch_change *ret);

/* The first text behind all that begin with the prefix (len <= REGISTRY_KEY_MAX), in a buffer of that size.
 * Returns its length, or 0 when nothing lies behind them. */
size_t prefix_end(const char *prefix, size_t len, char *ret);

#endif
