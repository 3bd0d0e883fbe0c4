/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an instance's output back from the journal: entries whose identifier is the instance's name and whose
 * group, which journald itself notes, is the instance's. (The identifier alone could be forged by another
 * tenant.) */
#ifndef ADAPTERS_LOG_JOURNAL_H
#define ADAPTERS_LOG_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

struct log_entry {
    uint64_t at_usec;
    char *text; /* owned */
    size_t len;
};

struct log_entries {
    struct log_entry *list; /* owned */
    size_t n;
    char *cursor; /* owned */
};

/* `name` is tenant/app/number, `group` tenant/app.number. cursor "": the last `lines`; else at most that many
 * after it. Returns 0, -EACCES when the daemon may not read the journal, or -errno. Blocking. */
int log_journal_read(const char *name, const char *group, const char *cursor, uint32_t lines,
                     struct log_entries *ret);
void log_entries_free(struct log_entries *e);

#endif
