/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that may be UTF-8 or may not: output of apps, file names, what a spec says. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes (1..4) of the character that begins at s, 0 if none does: no surrogates, no overlong forms, nothing
 * above U+10FFFF. ret_code may be NULL; untouched on 0. */
size_t utf8_next(const char *s, size_t len, uint32_t *ret_code);

bool utf8_is_valid(const char *s, size_t len) ATTR_PURE;

/* Appends the bytes with every byte that is no part of a character replaced by U+FFFD; NUL too. */
void utf8_add_valid(struct text_buf *b, const char *s, size_t len);

/* Copies untrusted bytes into buf as text that can be shown and sent: control characters, and every byte that
 * is no part of a character, become '?'; what does not fit in size (> 0) is cut between characters. Returns
 * buf. */
const char *utf8_copy_clean(const char *s, size_t len, char *buf, size_t size);

#endif
