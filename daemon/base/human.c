/* SPDX-License-Identifier: Apache-2.0 */
/* Ages, durations and sizes as people write them; declared in text.h. */
#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

const char *text_age(uint64_t usec, char *buf, size_t size) {
    uint64_t s = usec / USEC_PER_SEC;
    if (usec == USEC_NEVER)
        snprintf(buf, size, "-");
    else if (usec == 0)
        snprintf(buf, size, "0s");
    else if (s == 0)
        snprintf(buf, size, "%" PRIu64 "ms", usec / USEC_PER_MSEC);
    else if (s < 60)
        snprintf(buf, size, "%" PRIu64 "s", s);
    else if (s < 3600)
        snprintf(buf, size, "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
    else if (s < 86400)
        snprintf(buf, size, "%" PRIu64 "h%02" PRIu64 "m", s / 3600, s / 60 % 60);
    else
        snprintf(buf, size, "%" PRIu64 "d%02" PRIu64 "h", s / 86400, s / 3600 % 24);
    return buf;
}

const char *text_duration(uint64_t usec, char *buf, size_t size) {
    static const struct {
        const char *word;
        uint64_t usec;
    } units[] = {{"d", 86400 * USEC_PER_SEC}, {"h", 3600 * USEC_PER_SEC}, {"m", USEC_PER_MIN},
                 {"s", USEC_PER_SEC},         {"ms", USEC_PER_MSEC},      {"us", 1}};
    if (usec == USEC_NEVER || usec == 0) {
        snprintf(buf, size, "%s", usec ? "infinity" : "0s");
        return buf;
    }
    size_t len = 0;
    buf[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(units) && len < size; i++) {
        uint64_t n = usec / units[i].usec;
        if (n == 0)
            continue;
        int w = snprintf(buf + len, size - len, "%" PRIu64 "%s", n, units[i].word);
        len += w > 0 ? (size_t)w : 0;
        usec %= units[i].usec;
    }
    return buf;
}

const char *text_size(uint64_t bytes, char *buf, size_t size) {
    static const char letters[] = {'T', 'G', 'M', 'K'};
    for (unsigned i = 0; i < ARRAY_LEN(letters); i++) {
        unsigned shift = 40 - 10 * i;
        if (bytes && bytes % (1ULL << shift) == 0) {
            snprintf(buf, size, "%" PRIu64 "%c", bytes >> shift, letters[i]);
            return buf;
        }
    }
    snprintf(buf, size, "%" PRIu64, bytes);
    return buf;
}
