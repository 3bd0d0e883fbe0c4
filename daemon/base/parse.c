/* SPDX-License-Identifier: Apache-2.0 */
/* Strict text to number; does not know where the text came from. */
#include "base/parse.h"
#include "base/attr.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Reads digits at *p, moves *p behind them. */
static int take_digits(const char **p, uint64_t *ret) {
    const char *s = *p;
    uint64_t value = 0;
    if (*s < '0' || *s > '9')
        return -EINVAL;
    for (; *s >= '0' && *s <= '9'; s++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*s - '0'), &value))
            return -ERANGE;
    *p = s;
    *ret = value;
    return 0;
}

/* Reads "12" or "12.5" as thousandths, moves *p behind it. No overflow: 2^64 * 1000 fits. */
static int take_milli(const char **p, unsigned __int128 *ret) {
    uint64_t whole;
    int r = take_digits(p, &whole);
    if (r < 0)
        return r;
    unsigned fraction = 0;
    if (**p == '.') {
        const char *s = *p + 1;
        unsigned scale = 100;
        if (*s < '0' || *s > '9')
            return -EINVAL;
        for (; *s >= '0' && *s <= '9'; s++, scale /= 10) {
            if (scale == 0)
                return -EINVAL;
            fraction += (unsigned)(*s - '0') * scale;
        }
        *p = s;
    }
    *ret = (unsigned __int128)whole * 1000 + fraction;
    return 0;
}

int parse_u64(const char *text, uint64_t *ret) {
    uint64_t value;
    int r = take_digits(&text, &value);
    if (r < 0)
        return r;
    if (*text != '\0')
        return -EINVAL;
    *ret = value;
    return 0;
}

int parse_u32(const char *text, uint32_t *ret) {
    uint64_t value;
    int r = parse_u64(text, &value);
    if (r < 0)
        return r;
    if (value > UINT32_MAX)
        return -ERANGE;
    *ret = (uint32_t)value;
    return 0;
}

int parse_i32(const char *text, int32_t *ret) {
    bool negative = *text == '-';
    uint64_t value;
    int r = parse_u64(text + negative, &value);
    if (r < 0)
        return r;
    if (value > (uint64_t)INT32_MAX + negative)
        return -ERANGE;
    *ret = negative ? (int32_t)(-(int64_t)value) : (int32_t)value;
    return 0;
}

int parse_bool(const char *text, bool *ret) {
    static const struct {
        const char *word;
        bool value;
    } words[] = {
        {"yes", true}, {"true", true},   {"on", true},   {"1", true},
        {"no", false}, {"false", false}, {"off", false}, {"0", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(text, words[i].word) == 0) {
            *ret = words[i].value;
            return 0;
        }
    return -EINVAL;
}

int parse_size(const char *text, uint64_t *ret_bytes) {
    unsigned __int128 milli;
    int r = take_milli(&text, &milli);
    if (r < 0)
        return r;
    unsigned shift = 0;
    switch (*text) {
    case '\0':
        break;
    case 'K':
        shift = 10;
        break;
    case 'M':
        shift = 20;
        break;
    case 'G':
        shift = 30;
        break;
    case 'T':
        shift = 40;
        break;
    default:
        return -EINVAL;
    }
    if (shift && text[1] != '\0')
        return -EINVAL;
    if (!shift && milli % 1000)
        return -EINVAL;
    unsigned __int128 bytes = (milli << shift) / 1000; /* 74 + 40 bits */
    if (bytes > INT64_MAX)
        return -ERANGE;
    *ret_bytes = (uint64_t)bytes;
    return 0;
}

static int take_unit(const char **p, uint64_t *ret_usec) {
    static const struct {
        const char *word;
        uint64_t usec;
    } units[] = {
        {"us", 1},       {"ms", 1000},      {"min", 60000000},     {"s", 1000000},
        {"m", 60000000}, {"h", 3600000000}, {"d", 86400000000ULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        size_t n = strlen(units[i].word);
        if (strncmp(*p, units[i].word, n) == 0) {
            *p += n;
            *ret_usec = units[i].usec;
            return 0;
        }
    }
    return -EINVAL;
}

int parse_duration(const char *text, uint64_t *ret_usec) {
    if (strcmp(text, "infinity") == 0) {
        *ret_usec = UINT64_MAX;
        return 0;
    }
    unsigned __int128 total = 0;
    bool first = true;
    do {
        unsigned __int128 milli;
        uint64_t unit = 1000000;
        int r = take_milli(&text, &milli);
        if (r < 0)
            return r;
        if (*text != '\0' || !first) {
            r = take_unit(&text, &unit);
            if (r < 0)
                return r;
        }
        total += milli * unit / 1000; /* 74 + 37 bits */
        if (total > INT64_MAX)
            return -ERANGE;
        first = false;
    } while (*text != '\0');
    *ret_usec = (uint64_t)total;
    return 0;
}

int parse_milli(const char *text, uint32_t *ret_milli) {
    unsigned __int128 milli;
    int r = take_milli(&text, &milli);
    if (r < 0)
        return r;
    if (*text != '\0')
        return -EINVAL;
    if (milli > UINT32_MAX)
        return -ERANGE;
    *ret_milli = (uint32_t)milli;
    return 0;
}

static const char *const signal_names[] = {
    [SIGHUP] = "SIGHUP",   [SIGINT] = "SIGINT",     [SIGQUIT] = "SIGQUIT",     [SIGILL] = "SIGILL",
    [SIGTRAP] = "SIGTRAP", [SIGABRT] = "SIGABRT",   [SIGBUS] = "SIGBUS",       [SIGFPE] = "SIGFPE",
    [SIGKILL] = "SIGKILL", [SIGUSR1] = "SIGUSR1",   [SIGSEGV] = "SIGSEGV",     [SIGUSR2] = "SIGUSR2",
    [SIGPIPE] = "SIGPIPE", [SIGALRM] = "SIGALRM",   [SIGTERM] = "SIGTERM",     [SIGCHLD] = "SIGCHLD",
    [SIGCONT] = "SIGCONT", [SIGSTOP] = "SIGSTOP",   [SIGTSTP] = "SIGTSTP",     [SIGTTIN] = "SIGTTIN",
    [SIGTTOU] = "SIGTTOU", [SIGXCPU] = "SIGXCPU",   [SIGXFSZ] = "SIGXFSZ",     [SIGSYS] = "SIGSYS",
    [SIGIO] = "SIGIO",     [SIGPWR] = "SIGPWR",     [SIGVTALRM] = "SIGVTALRM", [SIGPROF] = "SIGPROF",
    [SIGURG] = "SIGURG",   [SIGWINCH] = "SIGWINCH", [SIGSTKFLT] = "SIGSTKFLT",
};

int parse_signal(const char *text, int *ret_signo) {
    uint64_t number;
    int r = parse_u64(text, &number);
    if (r == -ERANGE || (r == 0 && (number < 1 || number > 64)))
        return -ERANGE;
    if (r == 0) {
        *ret_signo = (int)number;
        return 0;
    }
    for (size_t i = 1; i < ARRAY_LEN(signal_names); i++) {
        const char *name = signal_names[i];
        if (name && (strcmp(text, name) == 0 || strcmp(text, name + strlen("SIG")) == 0)) {
            *ret_signo = (int)i;
            return 0;
        }
    }
    return -EINVAL;
}

const char *signal_name(int signo, char *buf, size_t size) {
    if (signo > 0 && (size_t)signo < ARRAY_LEN(signal_names) && signal_names[signo])
        return signal_names[signo];
    snprintf(buf, size, "signal %d", signo);
    return buf;
}
