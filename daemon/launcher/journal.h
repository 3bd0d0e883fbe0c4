/* SPDX-License-Identifier: Apache-2.0 */
/* A stream into the journal, for the output of one process. */
#ifndef LAUNCHER_JOURNAL_H
#define LAUNCHER_JOURNAL_H

#include <stdbool.h>

/* True where journald listens. */
bool journal_is_there(void);

/* Connects as the calling process (the journal notes its pid and cgroup) under the given identifier; lines
 * may have "<N>" in front. Returns a descriptor (owned by the caller) or -errno. May block: not for the
 * launcher itself. */
int journal_connect(const char *identifier);

/* The text that opens such a stream. Returns its length or -ENAMETOOLONG; -EINVAL for an identifier that
 * holds a newline. */
int journal_header(const char *identifier, char *buf, unsigned size);

#endif
