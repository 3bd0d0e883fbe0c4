/* SPDX-License-Identifier: Apache-2.0 */
/* The durable map of ports.h. */
#include "base/attr.h"
#include "fake/ports.h"
#include "fake/private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-event.h>

void __lsan_ignore_object(const void *p) __attribute__((weak));

struct fake_op {
    struct fake_op *next;
    struct store_change *changes; /* owned, with all they point to */
    size_t n;
    store_done_fn done;
    struct store_scan scan;
    store_scan_fn found;
    void *userdata;
};

static void *copy(const void *data, size_t len) {
    char *p = malloc(len + 1);
    memcpy(p, data, len);
    p[len] = '\0';
    return p;
}

static char *copy_text(const char *text) {
    return text ? copy(text, strlen(text)) : NULL;
}

static size_t lower_bound(const struct fake_store *s, const char *key) {
    size_t i = 0;
    while (i < s->n && strcmp(s->entries[i].key, key) < 0)
        i++;
    return i;
}

static void erase(struct fake_store *s, size_t i) {
    free(s->entries[i].key);
    free(s->entries[i].value);
    memmove(&s->entries[i], &s->entries[i + 1], (s->n - i - 1) * sizeof(s->entries[0]));
    s->n--;
}

void fake_store_put(struct fake_ports *p, const char *key, const void *value, size_t len) {
    struct fake_store *s = &p->store;
    size_t i = lower_bound(s, key);
    if (i < s->n && strcmp(s->entries[i].key, key) == 0)
        erase(s, i);
    s->entries = realloc(s->entries, (s->n + 1) * sizeof(s->entries[0]));
    memmove(&s->entries[i + 1], &s->entries[i], (s->n - i) * sizeof(s->entries[0]));
    s->entries[i] = (struct fake_entry){copy_text(key), copy(value, len), len};
    s->n++;
}

static void apply(struct fake_ports *p, const struct store_change *c) {
    struct fake_store *s = &p->store;
    if (c->value) {
        fake_store_put(p, c->key, c->value, c->len);
        return;
    }
    size_t len = strlen(c->key);
    for (size_t i = s->n; i > 0; i--) {
        const char *key = s->entries[i - 1].key;
        if (c->prefix ? strncmp(key, c->key, len) == 0 : strcmp(key, c->key) == 0)
            erase(s, i - 1);
    }
}

const struct fake_entry *fake_store_find(const struct fake_ports *p, const char *key) {
    size_t i = lower_bound(&p->store, key);
    return i < p->store.n && strcmp(p->store.entries[i].key, key) == 0 ? &p->store.entries[i] : NULL;
}

unsigned fake_store_count(const struct fake_ports *p, const char *prefix) {
    unsigned n = 0;
    for (size_t i = 0; i < p->store.n; i++)
        n += strncmp(p->store.entries[i].key, prefix, strlen(prefix)) == 0;
    return n;
}

static struct fake_op *take(struct fake_store *s) {
    struct fake_op *op = s->first;
    if (!op)
        return NULL;
    s->first = op->next;
    if (!s->first)
        s->last = &s->first;
    s->n_waiting--;
    return op;
}

static void op_free(struct fake_op *op) {
    for (size_t i = 0; i < op->n; i++) {
        free((void *)(uintptr_t)op->changes[i].key);
        free((void *)(uintptr_t)op->changes[i].value);
    }
    free(op->changes);
    free((void *)(uintptr_t)op->scan.prefix);
    free((void *)(uintptr_t)op->scan.after);
    free(op);
}

/* What this commit ends with. */
static int next_result(struct fake_store *s) {
    int r = s->fail;
    if (r == 0)
        return 0;
    if (s->fail_skip > 0) {
        s->fail_skip--;
        return 0;
    }
    if (s->fail_n > 0 && --s->fail_n == 0)
        s->fail = 0;
    return r;
}

static void scan(struct fake_ports *p, struct fake_op *op) {
    struct fake_store *s = &p->store;
    struct store_entry *found = calloc(s->n + 1, sizeof(*found));
    size_t n = 0, prefix = strlen(op->scan.prefix);
    for (size_t k = 0; k < s->n && (op->scan.limit == 0 || n < op->scan.limit); k++) {
        const struct fake_entry *e = &s->entries[op->scan.newest_first ? s->n - 1 - k : k];
        int order = op->scan.after ? strcmp(e->key, op->scan.after) : 0;
        bool beyond = !op->scan.after || (op->scan.newest_first ? order < 0 : order > 0);
        if (strncmp(e->key, op->scan.prefix, prefix) == 0 && beyond)
            found[n++] = (struct store_entry){e->key, e->value, e->len};
    }
    op->found(op->userdata, 0, found, n);
    free(found);
}

static void finish(struct fake_ports *p, struct fake_op *op) {
    if (op->found) {
        scan(p, op);
        op_free(op);
        return;
    }
    int r = next_result(&p->store);
    for (size_t i = 0; r == 0 && i < op->n; i++)
        apply(p, &op->changes[i]);
    if (op->done)
        op->done(op->userdata, r);
    op_free(op);
}

void fake_store_finish(struct fake_ports *p, unsigned n) {
    for (struct fake_op *op; n > 0 && (op = take(&p->store)); n--)
        finish(p, op);
}

void fake_store_crash(struct fake_ports *p, unsigned n) {
    for (struct fake_op *op; (op = take(&p->store));) {
        for (size_t i = 0; n > 0 && i < op->n; i++)
            apply(p, &op->changes[i]);
        n -= n > 0;
        if (op->userdata && __lsan_ignore_object)
            __lsan_ignore_object(op->userdata); /* of a process that is gone */
        op_free(op);
    }
}

static int later(sd_event_source *source ATTR_UNUSED, void *userdata) {
    struct fake_ports *p = userdata;
    if (!p->store.hold)
        fake_store_finish(p, p->store.n_waiting);
    return 0;
}

static void queue(struct fake_ports *p, struct fake_op *op) {
    struct fake_store *s = &p->store;
    *s->last = op;
    s->last = &op->next;
    s->n_waiting++;
    sd_event_source_set_enabled(s->later, SD_EVENT_ONESHOT);
}

static int store_load(void *ctx, const char *prefix, store_entry_fn fn, void *userdata) {
    struct fake_ports *p = ctx;
    for (size_t i = 0; i < p->store.n; i++) {
        const struct fake_entry *e = &p->store.entries[i];
        const struct store_entry entry = {e->key, e->value, e->len};
        if (strncmp(e->key, prefix, strlen(prefix)) == 0)
            fn(userdata, &entry);
    }
    return 0;
}

static int store_commit(void *ctx, const struct store_change *changes, size_t n, bool sync ATTR_UNUSED,
                        store_done_fn done, void *userdata) {
    struct fake_ports *p = ctx;
    if (p->store.refuse)
        return p->store.refuse;
    struct fake_op *op = calloc(1, sizeof(*op));
    op->changes = calloc(n, sizeof(*changes));
    op->n = n;
    op->done = done;
    op->userdata = userdata;
    for (size_t i = 0; i < n; i++) {
        op->changes[i] = changes[i];
        op->changes[i].key = copy_text(changes[i].key);
        op->changes[i].value = changes[i].value ? copy(changes[i].value, changes[i].len) : NULL;
    }
    p->store.n_commits++;
    queue(p, op);
    return 0;
}

static int store_scan(void *ctx, const struct store_scan *what, store_scan_fn found, void *userdata) {
    struct fake_ports *p = ctx;
    struct fake_op *op = calloc(1, sizeof(*op));
    op->scan = *what;
    op->scan.prefix = copy_text(what->prefix);
    op->scan.after = copy_text(what->after);
    op->found = found;
    op->userdata = userdata;
    queue(p, op);
    return 0;
}

void fake_store_init(struct fake_ports *p) {
    p->store.last = &p->store.first;
    sd_event_add_defer(p->loop, &p->store.later, later, p);
    sd_event_source_set_enabled(p->store.later, SD_EVENT_OFF);
    p->ports.store = (struct store_port){p, store_load, store_commit, store_scan};
}

void fake_store_free(struct fake_ports *p) {
    fake_store_crash(p, 0);
    while (p->store.n > 0)
        erase(&p->store, p->store.n - 1);
    free(p->store.entries);
    sd_event_source_disable_unref(p->store.later);
}
