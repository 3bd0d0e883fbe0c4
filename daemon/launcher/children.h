/* SPDX-License-Identifier: Apache-2.0 */
/* The child table: one record for each start from its clone until the daemon has noted its exit.
 *
 * A fixed array: a root process that cannot allocate cannot run out of memory at a bad moment, and pages are
 * touched only as records are used. A record goes
 *
 *     starting -> running -> exited -> (forgotten)
 *
 * `starting`: cloned, but not known yet whether exec worked; the result comes through `pipe`. An exit in that
 * state is kept beside it, so the daemon always hears of the start first. Records of processes that are not
 * our children (taken over from a launcher that died) have own == false and a pidfd that is watched. */
#ifndef LAUNCHER_CHILDREN_H
#define LAUNCHER_CHILDREN_H

#include "base/text.h"
#include "wire/msg.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CHILDREN_MAX     16384
#define CHILDREN_BUCKETS 16384 /* power of two */

enum child_state { CHILD_FREE, CHILD_STARTING, CHILD_RUNNING, CHILD_EXITED };

/* What the daemon has not been told yet. */
enum child_owed {
    OWE_CHILD = 1 << 0,
    OWE_START = 1 << 1, /* the pipe has the result of the start */
    OWE_ADOPTED = 1 << 2,
    OWE_EXITED = 1 << 3,
};

struct child {
    uint64_t start_id, start_ticks;
    pid_t pid;
    uint32_t uid;
    int pidfd; /* owned; own children: only until the start is reported */
    int pipe;  /* owned; only while starting */
    uint8_t state, owed;
    bool own;        /* our child: wait() tells the exit */
    bool has_cgroup; /* born in a group: the daemon kills it there */
    bool has_exited; /* `exit` is filled; the pid is no longer this process */
    bool is_queued;
    bool is_told; /* the daemon of this conversation knows the start */
    struct child *next_by_id, *next_by_pid, *next_in_queue, *next_free;
    struct msg_exited exit; /* its names are filled when it is sent */
    /* Which instance it is, so that a daemon that died before it noted a start finds it again; "" unknown. */
    char tenant[NAME_LEN_MAX + 1], app[NAME_LEN_MAX + 1];
    uint32_t number;
};

struct children {
    struct child records[CHILDREN_MAX];
    struct child *by_id[CHILDREN_BUCKETS], *by_pid[CHILDREN_BUCKETS];
    struct child *free; /* used before, free again */
    unsigned high;      /* records below were in use at some time */
    unsigned count;
};

/* A zeroed struct children is an empty table. */

/* Leaves the table out of every copy of this process: a fork need not copy its pages, nor this process copy
 * them back when it writes to them, and no child sees the records of others before its exec. */
void children_keep_from_forks(struct children *t);

/* A record with this id, state starting, all else empty. Returns 0; -EEXIST for an id in use; -ENOSPC for a
 * full table. */
int children_add(struct children *t, uint64_t start_id, struct child **ret);

/* Frees a record and closes its descriptors. It must not be in a queue. */
void children_remove(struct children *t, struct child *c);

/* Notes which instance a record is; names that are none are left out. */
void children_set_instance(struct child *c, const char *tenant, const char *app, uint32_t number);

/* Notes the pid of a record (0: it has none any more). */
void children_set_pid(struct children *t, struct child *c, pid_t pid);

struct child *children_by_id(const struct children *t, uint64_t start_id);
struct child *children_by_pid(const struct children *t, pid_t pid);

/* The used record at or after *i, NULL at the end; *i is left behind it. For loops; the record may be
 * removed. */
struct child *children_next(struct children *t, unsigned *i);

/* Number of a record, and back; for epoll. */
static inline unsigned children_index(const struct children *t, const struct child *c) {
    return (unsigned)(c - t->records);
}

#endif
