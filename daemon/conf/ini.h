/* SPDX-License-Identifier: Apache-2.0 */
/* INI text to entries, before any meaning.
 *
 * The library behind it (inih) is lenient: it cuts long lines and names, takes ':' for '=', merges sections
 * of the same name, drops what follows a ']', reads on after an error, stops at a NUL, and ends a value at "
 * ;" even inside quotes. Nothing of that happens here: each line is brought into one plain form before inih
 * sees it, or refused with its number.
 *
 * The form: UTF-8 (a byte order mark and CRLF are accepted), `[section]` once each, `key = value`, comments
 * from
 * ';' or '#' at the start of a line and from a blank and ';' behind a value, outside quotes. A line that ends
 * in
 * '\' goes on in the next, as in systemd's files. Keys are lower-case letters, digits and hyphens. */
#ifndef CONF_INI_H
#define CONF_INI_H

#include "base/reason.h"

#include <stddef.h>

#define INI_TEXT_MAX (64 * 1024) /* bytes of a file */

struct ini_entry {
    const char *section;
    const char *key;   /* NULL: the line of the section itself */
    const char *value; /* never empty; NULL with key */
    unsigned line;     /* the first, if it is continued */
};

/* Texts are borrowed from `store`. Free with ini_text_free. */
struct ini_text {
    struct ini_entry *entries;
    size_t n;
    char *store;
};

/* Returns 0 or -errno with a reason; ret is untouched on failure. -EINVAL: the text is wrong; -EFBIG: longer
 * than INI_TEXT_MAX; -ENOMEM. `file` is only a name for messages. */
int ini_text_read(const char *file, const char *text, size_t len, struct ini_text *ret, struct reason *why);

void ini_text_free(struct ini_text *t);

#endif
