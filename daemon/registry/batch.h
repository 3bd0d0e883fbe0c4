/* SPDX-License-Identifier: Apache-2.0 */
/* The changes of one batch, packed one behind the other in a single buffer. */
#ifndef REGISTRY_BATCH_H
#define REGISTRY_BATCH_H

#include "registry/registry.h"

enum batch_kind { BATCH_PUT, BATCH_DELETE, BATCH_DELETE_PREFIX };

struct registry_batch {
    uint8_t *data; /* owned */
    size_t len, size;
    size_t n;  /* changes */
    int error; /* 0, -ENOMEM or -EINVAL: sticky */
};

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
