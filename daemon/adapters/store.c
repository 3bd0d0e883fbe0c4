/* SPDX-License-Identifier: Apache-2.0 */
/* The store port on the registry. */
#include "adapters/adapters.h"
#include "base/log.h"
#include "registry/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <systemd/sd-event.h>

struct store_adapter {
    struct registry *registry;
    sd_event_source *source;
};

struct load {
    store_entry_fn fn;
    void *userdata;
};

static void load_entry(void *userdata, const char *key, const void *value, size_t len) {
    struct load *l = userdata;
    const struct store_entry e = {key, value, len};
    l->fn(l->userdata, &e);
}

static int store_load(void *ctx, const char *prefix, store_entry_fn fn, void *userdata) {
    struct store_adapter *s = ctx;
    struct load l = {fn, userdata};
    struct reason why = {0};
    int r = registry_load(s->registry, prefix, load_entry, &l, &why);
    return r < 0 ? log_error("%s", why.text), r : 0;
}

static int store_commit(void *ctx, const struct store_change *changes, size_t n, bool sync,
                        store_done_fn done, void *userdata) {
    struct store_adapter *s = ctx;
    struct registry_batch *b = registry_batch_new();
    if (!b)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        if (changes[i].value)
            registry_batch_put(b, changes[i].key, changes[i].value, changes[i].len);
        else if (changes[i].prefix)
            registry_batch_delete_prefix(b, changes[i].key);
        else
            registry_batch_delete(b, changes[i].key);
    }
    return registry_commit(s->registry, b, sync, done, userdata);
}

struct scan {
    store_scan_fn fn;
    void *userdata;
};

static void scanned(void *userdata, int error, const struct registry_entry *entries, size_t n) {
    struct scan *q = userdata;
    struct store_entry *list = calloc(n + 1, sizeof(*list));
    if (!list)
        error = error < 0 ? error : -ENOMEM;
    for (size_t i = 0; list && i < n; i++)
        list[i] = (struct store_entry){entries[i].key, entries[i].value, entries[i].len};
    q->fn(q->userdata, error, list, error < 0 ? 0 : n);
    free(list);
    free(q);
}

static int store_scan(void *ctx, const struct store_scan *what, store_scan_fn done, void *userdata) {
    struct store_adapter *s = ctx;
    struct scan *q = malloc(sizeof(*q));
    if (!q)
        return -ENOMEM;
    *q = (struct scan){done, userdata};
    const struct registry_scan scan = {.prefix = what->prefix,
                                       .after = what->after,
                                       .newest_first = what->newest_first,
                                       .limit = what->limit};
    int r = registry_scan(s->registry, &scan, scanned, q);
    if (r < 0)
        free(q);
    return r;
}

static int on_registry(sd_event_source *source ATTR_UNUSED, int fd ATTR_UNUSED, uint32_t events ATTR_UNUSED,
                       void *userdata) {
    struct store_adapter *s = userdata;
    registry_dispatch(s->registry);
    return 0;
}

int store_adapter_new(sd_event *loop, const char *path, struct store_port *ret, struct reason *why) {
    struct store_adapter *s = calloc(1, sizeof(*s));
    if (!s)
        return reason_set(why, -ENOMEM, "out of memory");
    *ret = (struct store_port){.ctx = s, .load = store_load, .commit = store_commit, .scan = store_scan};
    int r = registry_open(path, &s->registry, why);
    if (r < 0)
        return r;
    if (why->error < 0)
        log_warning("%s", why->text);
    r = sd_event_add_io(loop, &s->source, registry_fd(s->registry), EPOLLIN, on_registry, s);
    if (r < 0)
        return reason_set(why, r, "cannot watch the registry");
    sd_event_source_set_description(s->source, "registry");
    return 0;
}

void store_adapter_free(struct store_port *p) {
    struct store_adapter *s = p->ctx;
    if (!s)
        return;
    sd_event_source_disable_unref(s->source);
    registry_close(s->registry);
    free(s);
    p->ctx = NULL;
}
