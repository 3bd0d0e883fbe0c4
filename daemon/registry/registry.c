/* SPDX-License-Identifier: Apache-2.0 */
/* The front for the owner's thread; the work is done in writer.c and db.c. */
#include "registry/registry.h"

#include "registry/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct registry {
    struct writer *writer; /* owned */
};

int registry_open(const char *path, struct registry **ret, struct reason *why) {
    struct registry *r = calloc(1, sizeof(*r));
    if (!r)
        return reason_set(why, -ENOMEM, "Out of memory while opening the registry in %s", path);
    struct db *db;
    int error = db_open(path, &db, why);
    if (error < 0) {
        free(r);
        return error;
    }
    error = writer_start(db, &r->writer);
    if (error < 0) {
        db_free(db);
        free(r);
        return reason_set(why, error, "Cannot start the registry's thread: %s", strerror(-error));
    }
    *ret = r;
    return 0;
}

void registry_close(struct registry *r) {
    if (!r)
        return;
    writer_stop(r->writer);
    free(r);
}

void registry_set_rest(struct registry *r, uint64_t after_usec) {
    writer_set_rest(r->writer, after_usec);
}

int registry_fd(const struct registry *r) {
    return writer_fd(r->writer);
}

void registry_dispatch(struct registry *r) {
    struct list done = LIST_INIT(done);
    writer_take_done(r->writer, &done);
    LIST_EACH(&done, node) {
        struct job *j = LIST_ENTRY(node, struct job, node);
        list_remove(node);
        job_report(j);
        job_free(j);
    }
}

void registry_explain(struct registry *r, struct reason *ret) {
    writer_explain(r->writer, ret);
}

struct load {
    registry_entry_fn entry;
    void *userdata;
};

static bool load_entry(void *userdata, const char *key, const void *value, size_t len) {
    const struct load *l = userdata;
    l->entry(l->userdata, key, value, len);
    return true;
}

int registry_load(struct registry *r, const char *prefix, registry_entry_fn entry, void *userdata,
                  struct reason *why) {
    if (strlen(prefix) > REGISTRY_KEY_MAX)
        return reason_set(why, -EINVAL, "A prefix of keys in the registry is too long");
    struct load l = {.entry = entry, .userdata = userdata};
    struct db_range range = {.prefix = prefix};
    return writer_iterate(r->writer, &range, load_entry, &l, why);
}

int registry_commit(struct registry *r, struct registry_batch *b, bool sync, registry_done_fn done,
                    void *userdata) {
    int error = b->error;
    struct job *j = error == 0 ? job_new_commit(b, sync, done, userdata) : NULL;
    if (!j) {
        registry_batch_free(b);
        return error < 0 ? error : -ENOMEM;
    }
    error = writer_submit(r->writer, j);
    if (error < 0)
        job_free(j);
    return error;
}

int registry_scan(struct registry *r, const struct registry_scan *what, registry_scan_fn done,
                  void *userdata) {
    struct job *j;
    int error = job_new_scan(what, done, userdata, &j);
    if (error < 0)
        return error;
    error = writer_submit(r->writer, j);
    if (error < 0)
        job_free(j);
    return error;
}
