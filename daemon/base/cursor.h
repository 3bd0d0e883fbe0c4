/* SPDX-License-Identifier: Apache-2.0 */
/* Reader and writer of packed bytes: fixed-width little-endian numbers, and bytes with a 32-bit length in
 * front. Both have a sticky error: call without checking, look once at the end. A reader can never leave its
 * buffer, and cursor_end insists that nothing is left over. Messages to the launcher and records in the
 * registry are both made of this. */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
    const uint8_t *at;
    size_t left;
    bool bad;
};

void cursor_init(struct cursor *c, const void *data, size_t len);
uint8_t cursor_u8(struct cursor *c); /* 0 once bad; so are all numbers */
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);
/* Borrowed bytes inside the buffer; NULL and *ret_len 0 once bad. */
const void *cursor_bytes(struct cursor *c, size_t *ret_len);
/* A text with its NUL counted in the length and no other NUL in it; borrowed, "" once bad. */
const char *cursor_text(struct cursor *c);
/* 0 if everything was read exactly and well, else -EBADMSG. */
int cursor_end(const struct cursor *c);

/* Writes into a buffer of the caller's. */
struct packer {
    uint8_t *data;
    size_t len, size;
    bool full;
};

void packer_init(struct packer *p, void *data, size_t size);
void packer_u8(struct packer *p, uint8_t v);
void packer_u16(struct packer *p, uint16_t v);
void packer_u32(struct packer *p, uint32_t v);
void packer_u64(struct packer *p, uint64_t v);
void packer_bytes(struct packer *p, const void *data, size_t len);
void packer_text(struct packer *p, const char *text);
/* Returns the length, or -EMSGSIZE. */
int packer_end(const struct packer *p);

#endif
