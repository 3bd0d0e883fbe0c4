/* SPDX-License-Identifier: Apache-2.0 */
/* Packed bytes, read and written; knows no message. */
#include "base/cursor.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

void cursor_init(struct cursor *c, const void *data, size_t len) {
    *c = (struct cursor){.at = data, .left = len};
}

static const uint8_t *take(struct cursor *c, size_t n) {
    if (c->bad || n > c->left) {
        c->bad = true;
        return NULL;
    }
    const uint8_t *at = c->at;
    c->at += n;
    c->left -= n;
    return at;
}

static uint64_t take_number(struct cursor *c, size_t width) {
    const uint8_t *at = take(c, width);
    uint64_t v = 0;
    for (size_t i = 0; at && i < width; i++)
        v |= (uint64_t)at[i] << (8 * i);
    return v;
}

uint8_t cursor_u8(struct cursor *c) {
    return (uint8_t)take_number(c, 1);
}

uint16_t cursor_u16(struct cursor *c) {
    return (uint16_t)take_number(c, 2);
}

uint32_t cursor_u32(struct cursor *c) {
    return (uint32_t)take_number(c, 4);
}

uint64_t cursor_u64(struct cursor *c) {
    return take_number(c, 8);
}

const void *cursor_bytes(struct cursor *c, size_t *ret_len) {
    uint32_t len = cursor_u32(c);
    const uint8_t *at = take(c, len);
    *ret_len = at ? len : 0;
    return at;
}

const char *cursor_text(struct cursor *c) {
    size_t len;
    const char *text = cursor_bytes(c, &len);
    if (!text || len == 0 || memchr(text, '\0', len) != text + len - 1) {
        c->bad = true;
        return "";
    }
    return text;
}

int cursor_end(const struct cursor *c) {
    return c->bad || c->left ? -EBADMSG : 0;
}

void packer_init(struct packer *p, void *data, size_t size) {
    *p = (struct packer){.data = data, .size = size};
}

static uint8_t *reserve(struct packer *p, size_t n) {
    if (p->full || n > p->size - p->len) {
        p->full = true;
        return NULL;
    }
    uint8_t *at = p->data + p->len;
    p->len += n;
    return at;
}

static void put_number(struct packer *p, uint64_t v, size_t width) {
    uint8_t *at = reserve(p, width);
    for (size_t i = 0; at && i < width; i++)
        at[i] = (uint8_t)(v >> (8 * i));
}

void packer_u8(struct packer *p, uint8_t v) {
    put_number(p, v, 1);
}

void packer_u16(struct packer *p, uint16_t v) {
    put_number(p, v, 2);
}

void packer_u32(struct packer *p, uint32_t v) {
    put_number(p, v, 4);
}

void packer_u64(struct packer *p, uint64_t v) {
    put_number(p, v, 8);
}

void packer_bytes(struct packer *p, const void *data, size_t len) {
    if (len > UINT32_MAX) {
        p->full = true;
        return;
    }
    packer_u32(p, (uint32_t)len);
    uint8_t *at = reserve(p, len);
    if (at && len)
        memcpy(at, data, len);
}

void packer_text(struct packer *p, const char *text) {
    packer_bytes(p, text, strlen(text) + 1);
}

int packer_end(const struct packer *p) {
    return p->full || p->len > INT_MAX ? -EMSGSIZE : (int)p->len;
}
