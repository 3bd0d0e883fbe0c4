/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the registry, and the entries found. */
#ifndef REGISTRY_SCAN_H
#define REGISTRY_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One found entry of a scan. */
struct registry_entry {
    char *key;
    void *value;
    size_t len;
};

/* The entries belong to the registry and are freed after the callback. */
typedef void (*registry_scan_fn)(void *userdata, int error, const struct registry_entry *entries, size_t n);

/* Decides in the registry's thread whether an entry is wanted; must be pure. NULL wants all. `filter_data` is
 * copied (len bytes, at most 256). */
typedef bool (*registry_filter_fn)(const void *filter_data, const char *key, const void *value, size_t len);

struct registry_scan {
    const char *prefix; /* NULL: every key */
    const char *after;  /* only keys beyond this one in scan order; NULL: from the start */
    bool newest_first;  /* descending */
    size_t limit;       /* at most this many entries; 0: all (more than 64 MiB of them: -E2BIG) */
    registry_filter_fn filter;
    const void *filter_data;
    size_t filter_len;
};

#endif
