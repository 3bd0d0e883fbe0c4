/* SPDX-License-Identifier: Apache-2.0 */
/* Fills error values with words; never allocates, never logs. */
#include "base/reason.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int reason_set(struct reason *r, int error, const char *format, ...) {
    if (!r)
        return error;
    r->error = error;
    va_list ap;
    va_start(ap, format);
    vsnprintf(r->text, sizeof(r->text), format, ap);
    va_end(ap);
    return error;
}

int reason_prefix(struct reason *r, const char *format, ...) {
    if (!r)
        return 0;
    char old[REASON_TEXT_SIZE];
    memcpy(old, r->text, sizeof(old));
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(r->text, sizeof(r->text), format, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof(r->text))
        snprintf(r->text + n, sizeof(r->text) - (size_t)n, ": %s", old);
    return r->error;
}
