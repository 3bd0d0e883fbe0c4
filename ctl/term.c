/* SPDX-License-Identifier: Apache-2.0 */
/* Colours and widths, without locales and terminfo. */
#include "ctl/term.h"

#include "base/clock.h"
#include "base/parse.h"
#include "base/utf8.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void look_init(struct look *l, int fd, const char *colour) {
    bool terminal = isatty(fd) == 1;
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM"), *columns = getenv("COLUMNS");
    bool able = terminal && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
    *l = (struct look){.now_usec = clock_realtime_usec()};
    l->colour = strcmp(colour, "always") == 0 || (strcmp(colour, "auto") == 0 && able);
    struct winsize size = {0};
    uint32_t width = 0;
    if (!terminal)
        return;
    if (columns && parse_u32(columns, &width) == 0 && width > 0)
        l->width = width;
    else if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        l->width = size.ws_col;
    else
        l->width = 80;
}

void look_add(const struct look *l, struct text_buf *b, enum style style, const char *text) {
    static const char *const codes[] = {[STYLE_GOOD] = "32",
                                        [STYLE_BAD] = "31",
                                        [STYLE_WARN] = "33",
                                        [STYLE_DIM] = "2",
                                        [STYLE_STRONG] = "1"};
    if (l->colour && style != STYLE_PLAIN)
        text_buf_addf(b, "\033[%sm%s\033[0m", codes[style], text);
    else
        text_buf_add(b, text);
}

enum style style_of_state(const char *state) {
    static const struct {
        const char *state;
        enum style style;
    } styles[] = {{"running", STYLE_GOOD},  {"held", STYLE_BAD},      {"failed-start", STYLE_BAD},
                  {"failed", STYLE_BAD},    {"backoff", STYLE_WARN},  {"degraded", STYLE_WARN},
                  {"gated", STYLE_WARN},    {"starting", STYLE_WARN}, {"restarting", STYLE_WARN},
                  {"stopping", STYLE_WARN}, {"stopped", STYLE_DIM},   {"removing", STYLE_DIM}};
    for (size_t i = 0; i < ARRAY_LEN(styles); i++)
        if (strcmp(styles[i].state, state) == 0)
            return styles[i].style;
    return STYLE_PLAIN;
}

static size_t code_columns(uint32_t code) {
    static const struct {
        uint32_t first, last;
        unsigned columns;
    } ranges[] = {{0x0300, 0x036F, 0},  {0x200B, 0x200F, 0}, {0xFE00, 0xFE0F, 0},   {0x1100, 0x115F, 2},
                  {0x2E80, 0xA4CF, 2},  {0xAC00, 0xD7A3, 2}, {0xF900, 0xFAFF, 2},   {0xFE30, 0xFE6F, 2},
                  {0xFF00, 0xFF60, 2},  {0xFFE0, 0xFFE6, 2}, {0x1F300, 0x1F64F, 2}, {0x1F900, 0x1F9FF, 2},
                  {0x20000, 0x3FFFD, 2}};
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return ranges[i].columns;
    return 1;
}

size_t text_columns(const char *text, size_t len) {
    size_t columns = 0;
    for (size_t i = 0; i < len;) {
        uint32_t code = 0xFFFD;
        size_t n = utf8_next(text + i, len - i, &code);
        columns += code < 0x300 ? 1 : code_columns(code);
        i += n ? n : 1;
    }
    return columns;
}

void text_add_harmless(struct text_buf *b, const char *data, size_t len, bool lines) {
    size_t from = 0;
    for (size_t i = 0; i < len;) {
        uint32_t code = 0;
        size_t n = utf8_next(data + i, len - i, &code);
        bool layout = code == '\t' || code == '\n';
        /* Also the marks that turn the direction of writing: they can make a text read as another. */
        bool turns = (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
        if (n > 0 && !turns && ((code >= 0x20 && code < 0x7F) || code > 0x9F || (layout && lines))) {
            i += n;
            continue;
        }
        text_buf_add_bytes(b, data + from, i - from);
        if (n == 0 || turns)
            text_buf_add(b, "\xEF\xBF\xBD");
        else if (layout)
            text_buf_add(b, " ");
        else
            text_buf_addf(b, "\\x%02x", (unsigned)code);
        i += n ? n : 1;
        from = i;
    }
    text_buf_add_bytes(b, data + from, len - from);
}

void text_add_cut(struct text_buf *b, const char *text, size_t columns) {
    size_t len = strlen(text), used = 0, i = 0;
    if (text_columns(text, len) <= columns) {
        text_buf_add(b, text);
        return;
    }
    while (i < len) {
        uint32_t code = 0xFFFD;
        size_t n = utf8_next(text + i, len - i, &code);
        size_t wide = code < 0x300 ? 1 : code_columns(code);
        if (used + wide + 1 > columns)
            break;
        used += wide;
        i += n ? n : 1;
    }
    text_buf_add_bytes(b, text, i);
    text_buf_add(b, "…");
}
