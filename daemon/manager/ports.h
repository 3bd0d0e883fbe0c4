/* SPDX-License-Identifier: Apache-2.0 */
/* What the manager needs of the world, in its own words: small tables of functions. The real ones are in
 * adapters/, fakes in tests/fake/. All members are set. Nothing here blocks, but for `load`, which is for
 * start-up. */
#ifndef MANAGER_PORTS_H
#define MANAGER_PORTS_H

#include "base/cgroot.h"
#include "base/paths.h"
#include "isolate/knobs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The durable map. */
struct store_change {
    const char *key;
    const void *value; /* NULL: delete */
    size_t len;
    bool prefix; /* delete every key that begins with `key` */
};

struct store_entry {
    const char *key;
    const void *value;
    size_t len;
};

struct store_scan {
    const char *prefix;
    const char *after; /* NULL: from the start */
    bool newest_first;
    size_t limit;
};

typedef void (*store_entry_fn)(void *userdata, const struct store_entry *entry);
typedef void (*store_done_fn)(void *userdata, int error);
typedef void (*store_scan_fn)(void *userdata, int error, const struct store_entry *entries, size_t n);

struct store_port {
    void *ctx;
    int (*load)(void *ctx, const char *prefix, store_entry_fn fn, void *userdata);
    /* All or nothing. `done` (may be NULL) comes later, in order; not after a negative return. */
    int (*commit)(void *ctx, const struct store_change *changes, size_t n, bool sync, store_done_fn done,
                  void *userdata);
    int (*scan)(void *ctx, const struct store_scan *what, store_scan_fn done, void *userdata);
};

/* Groups. Class and tenant "" mean: not at that level. */
struct group_usage {
    uint64_t cpu_usec, memory_bytes, memory_peak_bytes, tasks, oom_kills; /* UINT64_MAX unknown */
};

struct group_leaf {
    const char *class, *tenant, *app;
    uint32_t number;
};

typedef void (*group_leaf_fn)(void *userdata, const struct group_leaf *leaf, int dirfd);
typedef void (*group_event_fn)(void *userdata, uint64_t key, bool oom); /* empty, or an out-of-memory kill */

struct group_port {
    void *ctx;
    int (*open_class)(void *ctx, const char *class);
    int (*open_tenant)(void *ctx, const char *class, const char *tenant);
    int (*open_leaf)(
        void *ctx,
        const struct group_leaf *leaf); /* a directory fd, or -EOPNOTSUPP where there are no groups */
    int (*remove_leaf)(void *ctx, const struct group_leaf *leaf);
    int (*apply)(void *ctx, int dirfd, const struct knob_list *knobs, char *ret_missing,
                 size_t size); /* 0, or number of knobs refused */
    int (*populated)(void *ctx, int dirfd);
    int (*kill)(void *ctx, int dirfd);
    int (*find_main)(void *ctx, int dirfd, pid_t *ret_pid, uint64_t *ret_ticks);
    void (*usage)(void *ctx, int dirfd, struct group_usage *ret);
    int (*each_leaf)(void *ctx, group_leaf_fn fn, void *userdata);
    int (*watch)(void *ctx, uint64_t key, int dirfd);
    void (*unwatch)(void *ctx, uint64_t key);
    void (*on_event)(void *ctx, group_event_fn fn, void *userdata);
};

/* Users and groups of the host. */
struct account {
    uint32_t uid, gid;
    char name[64]; /* "" when the number has no name */
    char home[256];
    uint32_t groups[64];
    uint32_t n_groups;
};

struct account_port {
    void *ctx;
    int (*user)(void *ctx, const char *name_or_uid,
                struct account *ret); /* 0, -ENOENT, or -errno; a number without a name is fine */
    int (*group)(void *ctx, const char *name_or_gid, uint32_t *ret_gid);
};

/* Where an instance's output goes, and how to read it again. */
struct log_line {
    uint64_t at_usec; /* CLOCK_REALTIME; 0 where the log has no times */
    const char *text; /* one line, without the newline; not necessarily UTF-8 */
    size_t len;
};
/* `cursor` is where to go on; pass it back to get what came after. */
typedef void (*log_lines_fn)(void *userdata, int error, const char *message, const struct log_line *lines,
                             size_t n, const char *cursor);

struct log_port {
    void *ctx;
    bool (*to_journal)(void *ctx);
    int (*open)(void *ctx, const char *tenant, const char *app,
                uint32_t number); /* the fd for stdout and stderr; owned by the caller */
    void (*forget)(void *ctx, const char *tenant, const char *app,
                   uint32_t number); /* the app is unregistered: remove its files */
    /* cursor "": the last `lines`. */
    int (*read)(void *ctx, const char *tenant, const char *app, uint32_t number, const char *cursor,
                uint32_t lines, log_lines_fn fn, void *userdata);
};

/* What ends the service, where the launcher does not know: stop or restart? */
typedef void (*stop_kind_fn)(void *userdata, bool stop);
struct service_port {
    void *ctx;
    int (*ask_stop_kind)(void *ctx, stop_kind_fn fn, void *userdata);
};

struct clock_port {
    void *ctx;
    uint64_t (*monotonic)(void *ctx);
    uint64_t (*realtime)(void *ctx);
    uint64_t (*random)(void *ctx);
};

struct ports {
    struct store_port store;
    struct group_port group;
    struct account_port account;
    struct log_port log;
    struct service_port service;
    struct clock_port clock;
};

#endif
