/* SPDX-License-Identifier: Apache-2.0 */
/* Trees as JSON: one line each, but for a list, whose elements have a line each. Always valid: bytes that are
 * no UTF-8 become U+FFFD, control characters are escaped. */
#ifndef CTL_JSON_H
#define CTL_JSON_H

#include "base/text.h"
#include "ctl/value.h"

/* With a newline at the end. */
void json_add(struct text_buf *b, const struct value *v);

/* On one line, whatever it is, without a newline. */
void json_add_line(struct text_buf *b, const struct value *v);

/* A text in quotes. */
void json_add_text(struct text_buf *b, const char *data, size_t len);

#endif
