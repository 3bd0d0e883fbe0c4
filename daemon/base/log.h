/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines on stderr: "<N>text" where the reader understands syslog prefixes (the journal), else a time and
 * a program name for a person. Only the outermost layers log; libraries return. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/attr.h"

enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_NOTICE = 5,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7
};

/* Names the program and picks the form of the lines from the environment (JOURNAL_STREAM set: prefixes). Call
 * once, first. */
void log_open(const char *program);

/* Lines above this level are dropped. Default: LOG_LEVEL_INFO. */
void log_set_level(enum log_level max);

/* Replaces where lines go; NULL restores stderr. For tests. */
void log_set_sink(void (*sink)(enum log_level level, const char *line, void *userdata), void *userdata);

/* One line. Control bytes in the text are replaced, so that untrusted text cannot forge a line. */
void log_line(enum log_level level, const char *format, ...) ATTR_PRINTF(2, 3);

/* One line with ": <strerror>" behind it. `error` is a negative errno and is returned, so `return
 * log_errno(...)` works. */
int log_errno(enum log_level level, int error, const char *format, ...) ATTR_PRINTF(3, 4);

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)  log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
