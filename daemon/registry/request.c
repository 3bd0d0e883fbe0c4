/* SPDX-License-Identifier: Apache-2.0 */
/* Life of requests; who runs them and when is the writer's business. */
#include "registry/request.h"

#include "registry/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SCAN_BYTES_MAX ((size_t)64 << 20)

struct request *request_new_commit(struct registry_batch *b, bool sync, registry_done_fn done,
                                   void *userdata) {
    struct request *q = calloc(1, sizeof(*q));
    if (!q)
        return NULL;
    list_init(&q->node);
    q->batch = b;
    q->sync = sync;
    q->done = done;
    q->userdata = userdata;
    return q;
}

static int copy_texts(struct scan *s, const struct registry_scan *what) {
    s->prefix = strdup(what->prefix ? what->prefix : "");
    s->after = what->after ? strdup(what->after) : NULL;
    return s->prefix && (s->after || !what->after) ? 0 : -ENOMEM;
}

int request_new_scan(const struct registry_scan *what, registry_scan_fn done, void *userdata,
                     struct request **ret) {
    if ((what->prefix && strlen(what->prefix) > REGISTRY_KEY_MAX) ||
        (what->after && strlen(what->after) > REGISTRY_KEY_MAX) || what->filter_len > FILTER_DATA_MAX)
        return -EINVAL;

    struct request *q = request_new_commit(NULL, false, NULL, userdata);
    if (q)
        q->scan = calloc(1, sizeof(*q->scan));
    if (!q || !q->scan || copy_texts(q->scan, what) < 0) {
        registry_request_free(q);
        return -ENOMEM;
    }
    q->scan->newest_first = what->newest_first;
    q->scan->limit = what->limit;
    q->scan->filter = what->filter;
    q->scan->done = done;
    if (what->filter_len > 0)
        memcpy(q->scan->filter_data, what->filter_data, what->filter_len);
    *ret = q;
    return 0;
}

void scan_clear(struct scan *s) {
    for (size_t i = 0; i < s->n; i++) {
        free(s->entries[i].key);
        free(s->entries[i].value);
    }
    free(s->entries);
    s->entries = NULL;
    s->n = s->size = s->bytes = 0;
}

void registry_request_free(struct request *q) {
    if (!q)
        return;
    registry_batch_free(q->batch);
    if (q->scan) {
        scan_clear(q->scan);
        free(q->scan->prefix);
        free(q->scan->after);
        free(q->scan);
    }
    free(q);
}

void request_free_all(struct list *requests) {
    LIST_EACH(requests, node) {
        list_remove(node);
        registry_request_free(LIST_ENTRY(node, struct request, node));
    }
}

static int grow(struct scan *s) {
    if (s->n < s->size)
        return 0;
    size_t size = s->size ? s->size * 2 : 16;
    struct registry_entry *grown = reallocarray(s->entries, size, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    s->entries = grown;
    s->size = size;
    return 0;
}

int scan_add(struct scan *s, const char *key, const void *value, size_t len) {
    if (s->filter && !s->filter(s->filter_data, key, value, len))
        return 0;
    size_t bytes = strlen(key) + 1 + len;
    if (bytes > SCAN_BYTES_MAX - s->bytes)
        return -E2BIG;
    if (grow(s) < 0)
        return -ENOMEM;

    struct registry_entry e = {.key = strdup(key), .value = malloc(len + 1), .len = len};
    if (!e.key || !e.value) {
        free(e.key);
        free(e.value);
        return -ENOMEM;
    }
    memcpy(e.value, value, len);
    ((char *)e.value)[len] = '\0';
    s->entries[s->n++] = e;
    s->bytes += bytes;
    return s->n == s->limit ? 1 : 0;
}

void request_report(const struct request *q) {
    if (q->scan)
        q->scan->done(q->userdata, q->error, q->scan->entries, q->scan->n);
    else if (q->done)
        q->done(q->userdata, q->error);
}
