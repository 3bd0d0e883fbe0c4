/* SPDX-License-Identifier: Apache-2.0 */
/* The little of the D-Bus wire format that tells sizes. */
#include "api/frame.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

ssize_t frame_line(const void *data, size_t len, bool *ret_begin) {
    const char *end = memmem(data, len < FRAME_LINE_MAX ? len : FRAME_LINE_MAX, "\r\n", 2);
    if (!end)
        return len >= FRAME_LINE_MAX ? -EMSGSIZE : 0;
    size_t n = (size_t)(end - (const char *)data);
    *ret_begin = n == 5 && memcmp(data, "BEGIN", 5) == 0;
    return (ssize_t)(n + 2);
}

static uint32_t number(const uint8_t *p, bool little) {
    return little ? (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24
                  : (uint32_t)p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24;
}

ssize_t frame_message(const void *data, size_t len, size_t max) {
    const uint8_t *p = data;
    if (len < FRAME_HEADER)
        return 0;
    if ((p[0] != 'l' && p[0] != 'B') || p[1] == 0 || p[3] != 1)
        return -EBADMSG;
    uint64_t body = number(p + 4, p[0] == 'l');
    uint64_t fields = (number(p + 12, p[0] == 'l') + UINT64_C(7)) & ~UINT64_C(7);
    uint64_t all = FRAME_HEADER + fields + body;
    return all > max ? -EMSGSIZE : (ssize_t)all;
}
