/* SPDX-License-Identifier: Apache-2.0 */
/* Words for what is wrong in a file; does not know any format. */
#include "conf/fault.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Bytes that follow a leading byte, -1 if it leads nothing. */
static int utf8_following(unsigned char c) {
    if (c < 0x80)
        return 0;
    if (c >= 0xc2 && c <= 0xdf)
        return 1;
    if (c >= 0xe0 && c <= 0xef)
        return 2;
    if (c >= 0xf0 && c <= 0xf4)
        return 3;
    return -1;
}

size_t conf_utf8_printable(const char *p, size_t left) {
    const unsigned char *s = (const unsigned char *)p;
    int following = left > 0 ? utf8_following(s[0]) : -1;
    if (following < 0 || (size_t)following >= left)
        return 0;
    for (int i = 1; i <= following; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if (following == 0 && (s[0] < 0x20 || s[0] == 0x7f))
        return 0;
    if (s[0] == 0xc2 && s[1] < 0xa0) /* C1 control characters */
        return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90)) /* longer than needed */
        return 0;
    if ((s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f)) /* surrogates; beyond Unicode */
        return 0;
    return (size_t)following + 1;
}

static const char *show(const char *text, char *buf, size_t size) {
    static const char ellipsis[] = "…";
    size_t left = strlen(text), len = 0;
    bool cut = left > size - 1;
    size_t room = cut ? size - sizeof(ellipsis) : size - 1;
    while (left > 0) {
        size_t n = conf_utf8_printable(text, left), step = MAX(n, (size_t)1);
        if (len + step > room)
            break;
        if (n > 0)
            memcpy(buf + len, text, n);
        else
            buf[len] = '?';
        len += step;
        text += step;
        left -= step;
    }
    if (cut) {
        memcpy(buf + len, ellipsis, sizeof(ellipsis) - 1);
        len += sizeof(ellipsis) - 1;
    }
    buf[len] = '\0';
    return buf;
}

const char *conf_shown(const char *text, char buf[CONF_SHOWN_SIZE]) {
    return show(text, buf, CONF_SHOWN_SIZE);
}

/* Puts "FILE:LINE: [section] key: " in front of what follows; the parts are short enough to fit always. */
static size_t print_place(const struct conf_place *place, char *buf, size_t size) {
    char file[160], section[CONF_SHOWN_SIZE], key[CONF_SHOWN_SIZE], line[16] = "";
    if (place->line > 0)
        snprintf(line, sizeof(line), ":%u", place->line);
    bool has_section = place->section && place->section[0] != '\0';
    bool has_key = place->key && place->key[0] != '\0';
    int n = snprintf(buf, size, "%s%s:%s%s%s%s%s%s ", show(place->file, file, sizeof(file)), line,
                     has_section ? " [" : "", has_section ? conf_shown(place->section, section) : "",
                     has_section ? "]" : "", has_key ? " " : "", has_key ? conf_shown(place->key, key) : "",
                     has_section || has_key ? ":" : "");
    return n < 0 ? 0 : MIN((size_t)n, size - 1);
}

int conf_fault(struct reason *why, int error, const struct conf_place *place, const char *format, ...) {
    if (!why)
        return error;
    char raw[REASON_TEXT_SIZE], text[REASON_TEXT_SIZE];
    size_t len = print_place(place, text, sizeof(text));
    va_list ap;
    va_start(ap, format);
    vsnprintf(raw, sizeof(raw), format, ap);
    va_end(ap);
    show(raw, text + len, sizeof(text) - len);
    return reason_set(why, error, "%s", text);
}
