/* SPDX-License-Identifier: Apache-2.0 */
/* The one shape of an error in a configuration file or spec:
 * `FILE:LINE: [section] key: what is wrong; what would be right`. */
#ifndef CONF_FAULT_H
#define CONF_FAULT_H

#include "base/attr.h"
#include "base/reason.h"

/* Where in a file. line 0, section NULL and key NULL are left out. All borrowed. */
struct conf_place {
    const char *file;
    unsigned line;
    const char *section, *key;
};

/* Fills why (NULL allowed) and returns `error`. The result is valid UTF-8 without control characters,
 * whatever the file is called; texts from the file itself belong through conf_shown. */
int conf_fault(struct reason *why, int error, const struct conf_place *place, const char *format, ...)
    ATTR_PRINTF(4, 5);

#define CONF_SHOWN_SIZE 72

/* A text from a file as a message shows it: cut at a character's border with "…" if long, and with '?' for
 * control characters and bytes that are not UTF-8. Returns buf. */
const char *conf_shown(const char *text, char buf[CONF_SHOWN_SIZE]);

/* Length in bytes of the UTF-8 character at p (at most `left` bytes), or 0 if it is none, or a control
 * character. Tab and newline count as control characters here. */
size_t conf_utf8_printable(const char *p, size_t left) ATTR_PURE;

#endif
