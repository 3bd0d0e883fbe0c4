/* SPDX-License-Identifier: Apache-2.0 */
/* The one error value with words, for the places whose errors a person reads: configuration, starting a
 * program, and the API. It never allocates. Everywhere else a negative errno is enough. */
#ifndef BASE_REASON_H
#define BASE_REASON_H

#include "base/attr.h"

#define REASON_TEXT_SIZE 512

struct reason {
    int error;                   /* negative errno, 0 when unset */
    char text[REASON_TEXT_SIZE]; /* what happened, to what, why, and what to do; no newline */
};

/* Fills r (NULL allowed) and returns `error`, so `return reason_set(r, -EINVAL, "…")` works. */
int reason_set(struct reason *r, int error, const char *format, ...) ATTR_PRINTF(3, 4);

/* Puts "context: " in front of the text. Returns r->error. */
int reason_prefix(struct reason *r, const char *format, ...) ATTR_PRINTF(2, 3);

#endif
