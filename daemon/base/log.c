/* SPDX-License-Identifier: Apache-2.0 */
/* Formats and writes log lines without allocating; does not decide what is worth one. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 2048

static const char *log_program = "streamkeeper";
static enum log_level log_max = LOG_LEVEL_INFO;
static bool log_prefixes;
static void (*log_sink)(enum log_level, const char *, void *);
static void *log_sink_userdata;

/* The variable is inherited by programs whose stderr goes elsewhere; it names the stream it is true for
 * (systemd.exec(5)). */
static bool stderr_is_journal(void) {
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;
    return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
           st.st_dev == device && st.st_ino == inode;
}

void log_open(const char *program) {
    log_program = program;
    log_prefixes = stderr_is_journal();
}

void log_set_level(enum log_level max) {
    log_max = max;
}

void log_set_sink(void (*sink)(enum log_level, const char *, void *), void *userdata) {
    log_sink = sink;
    log_sink_userdata = userdata;
}

/* Control characters of ASCII, and those that UTF-8 writes as 0xC2 0x80..0x9F: a terminal obeys both. */
static void neutralise(char *line) {
    for (unsigned char *p = (unsigned char *)line; *p; p++) {
        bool wide = p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;
        if (*p < 0x20 || *p == 0x7f || wide)
            *p = '?';
        if (wide)
            *++p = '?';
    }
}

static void emit(enum log_level level, char *text) {
    neutralise(text);
    if (log_sink) {
        log_sink(level, text, log_sink_userdata);
        return;
    }
    char line[LINE_SIZE + 128];
    int n;
    if (log_prefixes) {
        n = snprintf(line, sizeof(line), "<%d>%s\n", (int)level, text);
    } else {
        static const char *const words[] = {"", "", "", "error: ", "warning: ", "", "", "debug: "};
        struct timespec now;
        struct tm tm;
        clock_gettime(CLOCK_REALTIME, &now);
        localtime_r(&now.tv_sec, &tm);
        n = snprintf(line, sizeof(line), "%02d:%02d:%02d.%03ld %s: %s%s\n", tm.tm_hour, tm.tm_min, tm.tm_sec,
                     now.tv_nsec / 1000000, log_program, words[level], text);
    }
    if (n > 0 && write(STDERR_FILENO, line, MIN((size_t)n, sizeof(line) - 1)) < 0)
        return; /* nowhere left to say it */
}

void log_line(enum log_level level, const char *format, ...) {
    if (level > log_max)
        return;
    int saved = errno;
    char text[LINE_SIZE];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    emit(level, text);
    errno = saved;
}

int log_errno(enum log_level level, int error, const char *format, ...) {
    if (level > log_max)
        return error;
    int saved = errno;
    char text[LINE_SIZE], reason[128];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof(text))
        snprintf(text + n, sizeof(text) - (size_t)n, ": %s", strerror_r(-error, reason, sizeof(reason)));
    emit(level, text);
    errno = saved;
    return error;
}
