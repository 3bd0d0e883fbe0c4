/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded text: formatting, a growing buffer, words, and the checks on names that everything else relies on.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest name of a tenant, an app (without the tenant) or a class, in bytes. */
#define NAME_LEN_MAX 64

/* A name of a tenant, app or class: [a-z0-9] first, then [a-z0-9_-], 1..NAME_LEN_MAX bytes. So it can stand
 * as a file name, a cgroup name and a D-Bus string without escaping, and never starts with '.' or holds '/'.
 */
bool text_is_name(const char *text) ATTR_PURE;

/* snprintf that refuses to cut. Returns 0, or -ENAMETOOLONG with buf holding what fitted. */
int text_format(char *buf, size_t size, const char *format, ...) ATTR_PRINTF(3, 4);

/* A growing text. Zero-initialise; free with text_buf_free. After an allocation failure it stays as it is and
 * `failed` is set: check once at the end. */
struct text_buf {
    char *data; /* NUL-terminated, or NULL when empty */
    size_t len, size;
    bool failed;
};

void text_buf_free(struct text_buf *b);
void text_buf_add(struct text_buf *b, const char *text);
void text_buf_add_bytes(struct text_buf *b, const void *data, size_t len);
void text_buf_addf(struct text_buf *b, const char *format, ...) ATTR_PRINTF(2, 3);
/* The text and its ownership; "" (allocated) for an empty one, NULL after a failure. b is reset. */
char *text_buf_take(struct text_buf *b);

/* A NULL-terminated list of allocated strings. NULL is the empty list. */
void text_list_free(char **list);
size_t text_list_len(char *const *list) ATTR_PURE;
/* Appends a copy. Returns 0 or -ENOMEM (list untouched). */
int text_list_add(char ***list, const char *text);
int text_list_copy(char *const *list, char ***ret);
bool text_list_equal(char *const *a, char *const *b) ATTR_PURE;
bool text_list_contains(char *const *list, const char *text) ATTR_PURE;

static inline void cleanup_text_list(char ***list) {
    text_list_free(*list);
}

static inline void cleanup_text_buf(struct text_buf *b) {
    text_buf_free(b);
}

/* Splits by blanks with quotes: '…' literal, "…" with \\ and \" escapes, \x outside quotes is x. No
 * variables, no globs, no shell. Returns 0 and a list (owned by the caller), -EINVAL for an open quote or a
 * trailing backslash, -ENOMEM. */
int text_split_quoted(const char *text, char ***ret_list);

/* Quotes a word so that text_split_quoted gives it back. Appends to b. */
void text_add_quoted(struct text_buf *b, const char *word);

/* Number of edits (insert, delete, replace, swap of neighbours) between two short texts; for "did you mean".
 * Texts over 2 * NAME_LEN_MAX + 1 bytes give SIZE_MAX. */
size_t text_distance(const char *a, const char *b) ATTR_PURE;

/* "3m12s", "2h05m", "4d03h", "850ms", "0s": two units at most. Returns buf. */
const char *text_age(uint64_t usec, char *buf, size_t size);

/* Duration in the form parse_duration reads back exactly: "90s" -> "1m30s", "infinity". Returns buf. */
const char *text_duration(uint64_t usec, char *buf, size_t size);

/* Bytes as parse_size reads back exactly: "512M", "1536M", "1025". Returns buf. */
const char *text_size(uint64_t bytes, char *buf, size_t size);

#endif
