/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: a durable ordered map from text keys to bytes, kept in RocksDB, that never blocks its owner.
 *
 * One thread of its own does all the reading and writing. The owner queues commits and scans; their callbacks
 * run in the owner's thread, from registry_dispatch, when registry_fd becomes readable, in the order of the
 * requests. Commits that wait are written together (one sync for all of them). A commit whose callback said 0
 * with `sync` is on the disk: kill -9 and power loss at any instant keep it. Without `sync` it survives the
 * death of the process, not of the machine. A commit whose callback said an error is not promised, but may be
 * there after all (a write that the disk refused half way); it is there as a whole or not at all.
 *
 * A full disk fails commits with -ENOSPC and the registry goes on serving scans; it recovers by itself when
 * there is room again. When nothing is asked of it for a while the registry rests: it closes the database
 * (keeping its lock) and needs neither wakeups nor much memory until the next request opens it again.
 *
 * The registry knows no record: keys and values are its users' business (manager/record.h). */
#ifndef REGISTRY_REGISTRY_H
#define REGISTRY_REGISTRY_H

#include "base/reason.h"
#include "registry/batch.h"
#include "registry/scan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct registry;

/* Opens or makes the database in `path` (a folder of ours, made if missing). Blocking; for start-up. Returns
 * 0, or -errno with a reason that says what to do: -EBUSY (locked by another process, and by which), -EBADMSG
 * (damaged), -ENOSPC (no room to make it; an existing one opens on a full disk), -EACCES, ... On success
 * why->error is 0, or -EBADMSG with a warning for the log: the end of the write-ahead log could not be read
 * and what was behind the damage is lost. */
int registry_open(const char *path, struct registry **ret, struct reason *why);

/* Waits for what is queued, calls no callbacks for it, closes. NULL is fine. Not from a callback. */
void registry_close(struct registry *r);

/* After how long without requests it rests; 20 s unless told. USEC_NEVER: it never does. */
void registry_set_rest(struct registry *r, uint64_t after_usec);

/* Readable when registry_dispatch has something to do. Borrowed. */
int registry_fd(const struct registry *r);

/* Runs the callbacks of what has finished. Callbacks may queue new requests. */
void registry_dispatch(struct registry *r);

/* The words for the last error that a callback was given; `error` 0 when there was none yet. */
void registry_explain(struct registry *r, struct reason *ret);

typedef void (*registry_entry_fn)(void *userdata, const char *key, const void *value, size_t len);

/* Calls `entry` for every key with the prefix, in order. Blocking; for start-up, before the first commit.
 * `entry` must not call the registry. Returns 0, or -errno with a reason (-EBADMSG: damaged). */
int registry_load(struct registry *r, const char *prefix, registry_entry_fn entry, void *userdata,
                  struct reason *why);

/* Queues the batch (taken, also on failure). `done` may be NULL. Returns 0, or -ENOMEM, -EINVAL (a key of a
 * wrong length is in the batch) or -EBUSY (more than 100000 queued): nothing is queued and done is never
 * called. */
int registry_commit(struct registry *r, struct registry_batch *b, bool sync, registry_done_fn done,
                    void *userdata);

/* Queues a scan behind everything queued before. Texts are copied. Returns 0, -ENOMEM, -EINVAL (a text or the
 * filter's data too long) or -EBUSY. */
int registry_scan(struct registry *r, const struct registry_scan *what, registry_scan_fn done,
                  void *userdata);

#endif
