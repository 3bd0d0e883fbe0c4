/* SPDX-License-Identifier: Apache-2.0 */
/* Strict UTF-8, without locales. */
#include "base/utf8.h"

#include <string.h>

size_t utf8_next(const char *s, size_t len, uint32_t *ret_code) {
    if (len == 0)
        return 0;
    unsigned char first = (unsigned char)s[0];
    uint32_t code, least;
    size_t n;
    if (first < 0x80) {
        if (ret_code)
            *ret_code = first;
        return 1;
    } else if (first >= 0xC2 && first <= 0xDF) {
        n = 2, code = first & 0x1F, least = 0x80;
    } else if ((first & 0xF0) == 0xE0) {
        n = 3, code = first & 0x0F, least = 0x800;
    } else if (first >= 0xF0 && first <= 0xF4) {
        n = 4, code = first & 0x07, least = 0x10000;
    } else {
        return 0;
    }
    if (n > len)
        return 0;
    for (size_t i = 1; i < n; i++) {
        unsigned char more = (unsigned char)s[i];
        if ((more & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (more & 0x3F);
    }
    if (code < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
        return 0;
    if (ret_code)
        *ret_code = code;
    return n;
}

bool utf8_is_valid(const char *s, size_t len) {
    for (size_t i = 0; i < len;) {
        size_t n = (unsigned char)s[i] < 0x80 ? 1 : utf8_next(s + i, len - i, NULL);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

void utf8_add_valid(struct text_buf *b, const char *s, size_t len) {
    size_t from = 0;
    for (size_t i = 0; i < len;) {
        size_t n = s[i] ? utf8_next(s + i, len - i, NULL) : 0;
        if (n > 0) {
            i += n;
            continue;
        }
        text_buf_add_bytes(b, s + from, i - from);
        text_buf_add(b, "\xEF\xBF\xBD");
        from = ++i;
    }
    text_buf_add_bytes(b, s + from, len - from);
}

static bool is_control(uint32_t code) {
    return code < 0x20 || (code >= 0x7F && code < 0xA0);
}

const char *utf8_copy_clean(const char *s, size_t len, char *buf, size_t size) {
    size_t at = 0;
    for (size_t i = 0; i < len;) {
        uint32_t code = 0;
        size_t n = utf8_next(s + i, len - i, &code);
        bool shown = n > 0 && !is_control(code);
        size_t more = shown ? n : 1;
        if (at + more >= size)
            break;
        memcpy(buf + at, shown ? s + i : "?", more);
        at += more;
        i += n > 0 ? n : 1;
    }
    buf[at] = '\0';
    return buf;
}
