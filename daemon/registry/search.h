/* SPDX-License-Identifier: Apache-2.0 */
/* A scan that was asked for, and what it found so far. */
#ifndef REGISTRY_SEARCH_H
#define REGISTRY_SEARCH_H

#include "registry/scan.h"

#include <stdint.h>

#define FILTER_DATA_MAX 256

/* A scan's question and what it found. */
struct search {
    char *prefix, *after; /* owned; after may be NULL */
    bool newest_first;
    size_t limit;
    registry_filter_fn filter;
    uint8_t filter_data[FILTER_DATA_MAX];
    registry_scan_fn done;

    struct registry_entry *entries; /* owned */
    size_t n, size, bytes;
};

/* Copies the question. Returns 0, -ENOMEM, or -EINVAL for texts or filter data that are too long. */
int search_new(const struct registry_scan *what, registry_scan_fn done, struct search **ret);
void search_free(struct search *s);

/* Adds a copy of an entry if the filter wants it. Returns 0, 1 when the limit is reached, -ENOMEM, or -E2BIG.
 */
int search_add(struct search *s, const char *key, const void *value, size_t len);

/* Forgets what was found. */
void search_clear(struct search *s);

#endif
