/* SPDX-License-Identifier: Apache-2.0 */
/* Words in quotes, without a shell: the inverse pair text_split_quoted and text_add_quoted of text.h. */
#include "base/text.h"

#include <errno.h>
#include <string.h>

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n';
}

/* Reads one word at *p into b; *p is left behind it. */
static int take_word(const char **p, struct text_buf *b) {
    const char *s = *p;
    char quote = '\0';
    for (; *s && (quote || !is_blank(*s)); s++) {
        if (!quote && (*s == '\'' || *s == '"')) {
            quote = *s;
            continue;
        }
        if (quote && *s == quote) {
            quote = '\0';
            continue;
        }
        bool escapes = *s == '\\' && (quote == '\0' || (quote == '"' && (s[1] == '"' || s[1] == '\\')));
        if (escapes && *++s == '\0')
            return -EINVAL;
        text_buf_add_bytes(b, s, 1);
    }
    if (quote)
        return -EINVAL;
    *p = s;
    return 0;
}

int text_split_quoted(const char *text, char ***ret_list) {
    CLEANUP(cleanup_text_list) char **list = NULL;
    for (;;) {
        while (is_blank(*text))
            text++;
        if (*text == '\0')
            break;
        CLEANUP(cleanup_text_buf) struct text_buf word = {0};
        int r = take_word(&text, &word);
        if (r < 0)
            return r;
        AUTO_FREE char *taken = text_buf_take(&word);
        r = taken ? text_list_add(&list, taken) : -ENOMEM;
        if (r < 0)
            return r;
    }
    *ret_list = TAKE_PTR(list);
    return 0;
}

static bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("_-+=:,./@%^~", c));
}

void text_add_quoted(struct text_buf *b, const char *word) {
    bool plain = *word != '\0';
    for (const char *p = word; plain && *p; p++)
        plain = is_plain(*p);
    if (plain) {
        text_buf_add(b, word);
        return;
    }
    text_buf_add(b, "\"");
    for (const char *p = word; *p; p++) {
        if (*p == '"' || *p == '\\')
            text_buf_add(b, "\\");
        text_buf_add_bytes(b, p, 1);
    }
    text_buf_add(b, "\"");
}
