/* SPDX-License-Identifier: Apache-2.0 */
/* Packs changes; knows nothing of how they are written. */
#include "registry/batch.h"

#include "base/attr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct head {
    size_t value_len;
    uint16_t key_len;
    uint8_t kind;
};

struct registry_batch *registry_batch_new(void) {
    return calloc(1, sizeof(struct registry_batch));
}

void registry_batch_free(struct registry_batch *b) {
    if (!b)
        return;
    free(b->data);
    free(b);
}

static bool reserve(struct registry_batch *b, size_t more) {
    if (more <= b->size - b->len)
        return true;
    size_t size = MAX(b->size * 2, b->len + more + 192);
    uint8_t *grown = realloc(b->data, size);
    if (!grown)
        return false;
    b->data = grown;
    b->size = size;
    return true;
}

static void add(struct registry_batch *b, enum batch_kind kind, const char *key, const void *value,
                size_t len) {
    size_t key_len = strlen(key);
    if (key_len > REGISTRY_KEY_MAX || (key_len == 0 && kind != BATCH_DELETE_PREFIX))
        b->error = -EINVAL;
    if (b->error < 0)
        return;

    struct head head = {.value_len = len, .key_len = (uint16_t)key_len, .kind = (uint8_t)kind};
    if (len > SIZE_MAX / 4 || !reserve(b, sizeof(head) + key_len + len)) {
        b->error = -ENOMEM;
        return;
    }
    memcpy(b->data + b->len, &head, sizeof(head));
    memcpy(b->data + b->len + sizeof(head), key, key_len);
    if (len > 0)
        memcpy(b->data + b->len + sizeof(head) + key_len, value, len);
    b->len += sizeof(head) + key_len + len;
    b->n++;
}

void registry_batch_put(struct registry_batch *b, const char *key, const void *value, size_t len) {
    add(b, BATCH_PUT, key, value, len);
}

void registry_batch_delete(struct registry_batch *b, const char *key) {
    add(b, BATCH_DELETE, key, NULL, 0);
}

void registry_batch_delete_prefix(struct registry_batch *b, const char *prefix) {
    add(b, BATCH_DELETE_PREFIX, prefix, NULL, 0);
}

bool batch_next(const struct registry_batch *b, size_t *offset, struct batch_change *ret) {
    if (*offset >= b->len)
        return false;
    struct head head;
    memcpy(&head, b->data + *offset, sizeof(head));
    const uint8_t *key = b->data + *offset + sizeof(head);
    *ret = (struct batch_change){
        .kind = (enum batch_kind)head.kind,
        .key = (const char *)key,
        .key_len = head.key_len,
        .value = key + head.key_len,
        .value_len = head.value_len,
    };
    *offset += sizeof(head) + head.key_len + head.value_len;
    return true;
}

size_t prefix_end(const char *prefix, size_t len, char *ret) {
    while (len > 0 && (unsigned char)prefix[len - 1] == 0xff)
        len--;
    if (len > 0) {
        memcpy(ret, prefix, len);
        ret[len - 1] = (char)((unsigned char)ret[len - 1] + 1);
    }
    return len;
}
