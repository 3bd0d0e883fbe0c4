/* SPDX-License-Identifier: Apache-2.0 */
/* One request to the registry's thread and, when it comes back, its result. */
#ifndef REGISTRY_REQUEST_H
#define REGISTRY_REQUEST_H

#include "base/list.h"
#include "registry/registry.h"

#define FILTER_DATA_MAX 256

/* A scan's question and what it found. */
struct scan {
    char *prefix, *after; /* owned; after may be NULL */
    bool newest_first;
    size_t limit;
    registry_filter_fn filter;
    uint8_t filter_data[FILTER_DATA_MAX];
    registry_scan_fn done;

    struct registry_entry *entries; /* owned */
    size_t n, size, bytes;
};

struct request {
    struct list node;
    struct registry_batch *batch; /* owned; NULL for a scan */
    bool sync;
    registry_done_fn done;
    struct scan *scan; /* owned; NULL for a commit */
    void *userdata;
    int error;
};

/* The batch is taken only on success. NULL when out of memory. */
struct request *request_new_commit(struct registry_batch *b, bool sync, registry_done_fn done,
                                   void *userdata);

/* Returns 0, -ENOMEM, or -EINVAL for texts or filter data that are too long. */
int request_new_scan(const struct registry_scan *what, registry_scan_fn done, void *userdata,
                     struct request **ret);

void registry_request_free(struct request *q);
void request_free_all(struct list *requests);

/* Adds a copy of an entry if the filter wants it. Returns 0, 1 when the limit is reached, -ENOMEM, or -E2BIG.
 */
int scan_add(struct scan *s, const char *key, const void *value, size_t len);

/* Forgets what was found. */
void scan_clear(struct scan *s);

/* Calls whom the request concerns with its result. */
void request_report(const struct request *q);

#endif
