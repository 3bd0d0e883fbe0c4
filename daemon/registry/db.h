/* SPDX-License-Identifier: Apache-2.0 */
/* The database in our own words. One thread at a time may use it (its owner sees to that).
 *
 * It is open for writing, open for reading only (no room to open it for writing), or at rest (closed). Its
 * folder stays locked in all three. Calls wake it as they need; an error of a write closes it, because
 * RocksDB refuses everything after one, and the next call opens it afresh. */
#ifndef REGISTRY_DB_H
#define REGISTRY_DB_H

#include "base/reason.h"
#include "registry/batch.h"

#include <stdbool.h>
#include <stddef.h>

struct db;

/* See registry_open, also for the warning. */
int db_open(const char *path, struct db **ret, struct reason *why);
void db_free(struct db *db);

/* Closes the database until the next call. */
void db_rest(struct db *db);
bool db_is_awake(const struct db *db);

/* Writes the batches in their order as one change, all or nothing. Returns 0 or -errno with a reason. */
int db_write(struct db *db, const struct registry_batch *const *batches, size_t n, bool sync,
             struct reason *why);

struct db_range {
    const char *prefix; /* never NULL */
    const char *after;  /* or NULL */
    bool descending;
};

/* Returns false to stop. The key is NUL-terminated. */
typedef bool (*db_visit_fn)(void *userdata, const char *key, const void *value, size_t len);

/* Visits the keys of the range in order. Returns 0 or -errno with a reason. */
int db_iterate(struct db *db, const struct db_range *range, db_visit_fn visit, void *userdata,
               struct reason *why);

#endif
