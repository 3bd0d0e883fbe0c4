/* SPDX-License-Identifier: Apache-2.0 */
/* Form of one line; knows no section and no key by name. */
#include "conf/line.h"

#include "conf/fault.h"

#include <string.h>

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static char *skip_blanks(char *s) {
    while (is_blank(*s))
        s++;
    return s;
}

static void strip_end(char *s) {
    size_t n = strlen(s);
    while (n > 0 && is_blank(s[n - 1]))
        n--;
    s[n] = '\0';
}

enum line_kind line_kind_of(const char *line) {
    while (is_blank(*line))
        line++;
    if (*line == '\0' || *line == ';' || *line == '#')
        return LINE_NOTHING;
    return *line == '[' ? LINE_SECTION : LINE_KEY;
}

bool line_goes_on(const char *line, size_t len) {
    size_t n = 0;
    while (n < len && line[len - 1 - n] == '\\')
        n++;
    return n % 2 == 1;
}

static bool is_name(const char *s) {
    size_t n = 0;
    for (; s[n]; n++) {
        bool letter = s[n] >= 'a' && s[n] <= 'z';
        bool inner = n > 0 && ((s[n] >= '0' && s[n] <= '9') || s[n] == '-');
        if (!letter && !inner)
            return false;
    }
    return n > 0 && n <= LINE_NAME_MAX;
}

const char *line_take_section(char *line) {
    char *name = skip_blanks(line) + 1;
    memmove(line, name, strlen(name) + 1);
    char *end = strchr(line, ']');
    if (!end)
        return "the section's ']' is missing; right would be a line such as [app]";
    *end = '\0';
    if (line_kind_of(end + 1) != LINE_NOTHING)
        return "there is something behind the section's ']'; put it on a line of its own";
    if (!is_name(line))
        return "this is no section's name; names are lower-case letters, digits and hyphens";
    return NULL;
}

/* Ends the value where its comment begins, and checks its quotes. */
static const char *cut_comment(char *value, bool joined) {
    char quote = '\0';
    for (char *s = value; *s; s++) {
        bool escapes = *s == '\\' && (!quote || (quote == '"' && (s[1] == '"' || s[1] == '\\')));
        if (escapes) {
            if (*++s == '\0')
                return "the value ends in a backslash; write \\\\ for a backslash, or remove it";
        } else if (quote) {
            quote = *s == quote ? '\0' : quote;
        } else if (*s == '"' || *s == '\'') {
            quote = *s;
        } else if (*s == ';' && s > value && is_blank(s[-1])) {
            /* "\ ;" never comes here as a comment: the blank was skipped with its backslash. */
            if (*skip_blanks(s + 1) == '\0')
                return "it ends in a lone ';', which starts a comment; remove it, or write ';' in quotes if "
                       "it "
                       "belongs to the value";
            if (joined)
                return "a comment in a continued line would swallow what follows; put it on a line of its "
                       "own";
            *s = '\0';
            return NULL;
        } else if (*s == '#' && s > value && is_blank(s[-1])) {
            return "a comment behind a value starts with ';', not '#'; write \"#\" in quotes if it belongs "
                   "to "
                   "the value";
        }
    }
    return quote ? "a quote is opened and not closed; close it, or write \\ in front of it if it is a "
                   "character of "
                   "the value"
                 : NULL;
}

const char *line_take_key(char *line, bool joined, char **ret_key, char **ret_value) {
    char *key = skip_blanks(line);
    *ret_key = key;
    char *equals = strpbrk(key, "=:");
    if (!equals)
        return "this is no key = value; a value goes on in the next line only where its own line ends in "
               "'\\'";
    bool colon = *equals == ':';
    *equals = '\0';
    strip_end(key);
    if (colon)
        return "key and value are separated by '=', not ':'";
    if (*key == '\0')
        return "the key before '=' is missing";
    if (!is_name(key))
        return "this is no key; keys are lower-case letters, digits and hyphens";
    char *value = skip_blanks(equals + 1);
    if (*value == ';')
        *value = '\0';
    const char *wrong = cut_comment(value, joined);
    if (wrong)
        return wrong;
    size_t full = strlen(value);
    strip_end(value);
    if (strlen(value) < full && line_goes_on(value, strlen(value)))
        return "the value ends in an escaped blank; put the blank in quotes";
    if (*value == '\0')
        return "it has no value; give one, or remove the line";
    *ret_value = value;
    return NULL;
}

unsigned line_find_bad_byte(const char *text, size_t len, const char **ret_what) {
    unsigned line = 1;
    for (size_t i = 0; i < len;) {
        if (text[i] == '\n') {
            line++;
            i++;
            continue;
        }
        if (text[i] == '\t' || (text[i] == '\r' && i + 1 < len && text[i + 1] == '\n')) {
            i++;
            continue;
        }
        size_t n = conf_utf8_printable(text + i, len - i);
        if (n == 0) {
            unsigned char c = (unsigned char)text[i];
            *ret_what = c == '\0'               ? "a NUL byte"
                        : c < 0x20 || c == 0x7f ? "a control character"
                        : c == 0xc2             ? "a control character or bytes that are not UTF-8"
                                                : "bytes that are not UTF-8";
            return line;
        }
        i += n;
    }
    return 0;
}
