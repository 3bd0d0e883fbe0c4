/* SPDX-License-Identifier: Apache-2.0 */
/* The form of one line of an INI file. Pure; every function works on a line without its end. */
#ifndef CONF_LINE_H
#define CONF_LINE_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>

#define LINE_NAME_MAX 40 /* bytes of a section or key name; inih cuts at 49 */

enum line_kind {
    LINE_NOTHING, /* blank or comment */
    LINE_SECTION,
    LINE_KEY,
};

enum line_kind line_kind_of(const char *line) ATTR_PURE;

/* True if the line ends in a backslash that no other backslash escapes. */
bool line_goes_on(const char *line, size_t len) ATTR_PURE;

/* Reduces a LINE_SECTION line in place to the section's name. Returns NULL, or what is wrong; the line is
 * then what stood behind the '['. */
const char *line_take_section(char *line);

/* Splits a LINE_KEY line in place into key and value, without blanks around them and without the comment. In
 * a line joined from several a comment is refused, for it would swallow the rest. Returns NULL, or what is
 * wrong; then *ret_key is the key, or what stands in its place. */
const char *line_take_key(char *line, bool joined, char **ret_key, char **ret_value);

/* The number of the first line that has a byte which no INI file here may have, and what it is; 0 if none. */
unsigned line_find_bad_byte(const char *text, size_t len, const char **ret_what);

#endif
