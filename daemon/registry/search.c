/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps what a search finds; walks nothing itself. */
#include "registry/search.h"

#include "registry/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FOUND_BYTES_MAX ((size_t)64 << 20)

static int copy_texts(struct search *s, const struct registry_scan *what) {
    s->prefix = strdup(what->prefix ? what->prefix : "");
    s->after = what->after ? strdup(what->after) : NULL;
    return s->prefix && (s->after || !what->after) ? 0 : -ENOMEM;
}

int search_new(const struct registry_scan *what, registry_scan_fn done, struct search **ret) {
    if ((what->prefix && strlen(what->prefix) > REGISTRY_KEY_MAX) ||
        (what->after && strlen(what->after) > REGISTRY_KEY_MAX) || what->filter_len > FILTER_DATA_MAX)
        return -EINVAL;
    struct search *s = calloc(1, sizeof(*s));
    if (!s || copy_texts(s, what) < 0) {
        search_free(s);
        return -ENOMEM;
    }
    s->newest_first = what->newest_first;
    s->limit = what->limit;
    s->filter = what->filter;
    s->done = done;
    if (what->filter_len > 0)
        memcpy(s->filter_data, what->filter_data, what->filter_len);
    *ret = s;
    return 0;
}

void search_clear(struct search *s) {
    for (size_t i = 0; i < s->n; i++) {
        free(s->entries[i].key);
        free(s->entries[i].value);
    }
    free(s->entries);
    s->entries = NULL;
    s->n = s->size = s->bytes = 0;
}

void search_free(struct search *s) {
    if (!s)
        return;
    search_clear(s);
    free(s->prefix);
    free(s->after);
    free(s);
}

static int grow(struct search *s) {
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

int search_add(struct search *s, const char *key, const void *value, size_t len) {
    if (s->filter && !s->filter(s->filter_data, key, value, len))
        return 0;
    size_t bytes = strlen(key) + 1 + len;
    if (bytes > FOUND_BYTES_MAX - s->bytes)
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
