/* SPDX-License-Identifier: Apache-2.0 */
/* The value types that more than one table uses. The comment names the C type of the field. */
#ifndef CONF_TYPES_H
#define CONF_TYPES_H

#include "conf/table.h"

extern const struct conf_type conf_type_u32;   /* uint32_t, min..max */
extern const struct conf_type conf_type_i32;   /* int32_t; min, max as (uint64_t) of signed numbers */
extern const struct conf_type conf_type_octal; /* uint32_t, max */
extern const struct conf_type conf_type_bool;  /* bool: yes or no */
extern const struct conf_type conf_type_milli; /* uint32_t, thousandths */
extern const struct conf_type conf_type_size;  /* uint64_t, bytes */
extern const struct conf_type conf_type_limit; /* uint64_t, bytes or "infinity", UINT64_MAX */
extern const struct conf_type conf_type_count; /* uint64_t, a number or "infinity", UINT64_MAX */
extern const struct conf_type
    conf_type_duration;                         /* uint64_t, microseconds; UINT64_MAX only if max allows it */
extern const struct conf_type conf_type_signal; /* int */
extern const struct conf_type conf_type_word;   /* uint32_t or an enum: index in row->words */
extern const struct conf_type conf_type_name;   /* char[NAME_LEN_MAX + 1] */
extern const struct conf_type conf_type_string; /* char *: one word, row->valid */
extern const struct conf_type conf_type_list;   /* char **: unique words, row->valid, at most row->max */
extern const struct conf_type conf_type_command; /* char **: words; the first an absolute path */

/* Splits by quotes into at most `max` words. Returns 0 and a list (owned by the caller; never empty),
 * -ENOMEM, or -EINVAL with the reason. */
int conf_split_words(const char *text, uint64_t max, char ***ret_list, struct reason *why);

/* Appends words so that a split gives them back. */
void conf_print_words(struct text_buf *b, char *const *words);

/* The same words by conf_split_words, and the first is an absolute path. */
int conf_parse_command(const char *text, uint64_t max, bool specifiers, char ***ret_list, struct reason *why);

/* A user or group name, or its number (below 2^32 - 1). */
bool conf_is_user(const char *text) ATTR_PURE;

/* conf_type_list's ways for any char ** field. */
bool conf_list_equal(const struct conf_row *row, const void *a, const void *b);
int conf_list_copy(const struct conf_row *row, const void *from, void *to);
void conf_list_release(const struct conf_row *row, void *object);

#endif
