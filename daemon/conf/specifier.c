/* SPDX-License-Identifier: Apache-2.0 */
/* Checks specifiers and replaces them: spec_expand of spec.h too. Does not know where the values come from.
 */
#include "conf/specifier.h"

#include "base/text.h"
#include "conf/fault.h"
#include "conf/spec.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

const char *specifier_find_unknown(const char *text) {
    for (; (text = strchr(text, '%')); text += 2)
        if (text[1] == '\0' || !strchr(SPECIFIER_LETTERS, text[1]))
            return text;
    return NULL;
}

int specifier_check(const char *text, struct reason *why) {
    const char *found = specifier_find_unknown(text);
    if (!found)
        return 0;
    if (found[1] == '\0')
        return reason_set(why, -EINVAL, "a single %% at the end; write %%%% for a percent sign");
    char rest[CONF_SHOWN_SIZE], letter[8] = "";
    size_t n = conf_utf8_printable(found + 1, strlen(found + 1));
    memcpy(letter, found + 1, MIN(n, sizeof(letter) - 1));
    return reason_set(
        why, -EINVAL,
        "there is no specifier %%%s (in \"%s\"); right would be one of %%S %%n %%a %%t %%c %%i, or %%%% "
        "for a percent sign",
        letter, conf_shown(text, rest));
}

static void add_value(struct text_buf *b, char letter, const struct spec_specifiers *v) {
    switch (letter) {
    case 'S':
        text_buf_add(b, v->state_directory);
        break;
    case 'n':
        text_buf_addf(b, "%" PRIu32, v->number);
        break;
    case 'a':
        text_buf_add(b, v->app);
        break;
    case 't':
        text_buf_add(b, v->tenant);
        break;
    case 'c':
        text_buf_add(b, v->client_id);
        break;
    case 'i':
        text_buf_add(b, v->member_id);
        break;
    default:
        text_buf_add(b, "%");
        break;
    }
}

/* Expands one word; *left is what may still be written. */
static int expand_word(const char *word, const struct spec_specifiers *values, size_t *left, char **ret) {
    CLEANUP(cleanup_text_buf) struct text_buf b = {0};
    for (const char *p = word; *p; p++) {
        const char *percent = strchrnul(p, '%');
        text_buf_add_bytes(&b, p, (size_t)(percent - p));
        p = percent;
        if (*p == '\0')
            break;
        add_value(&b, *++p, values);
        if (b.len > *left)
            return -E2BIG;
    }
    if (b.len >= *left)
        return -E2BIG;
    size_t len = b.len;
    char *text = text_buf_take(&b);
    if (!text)
        return -ENOMEM;
    *left -= len + 1;
    *ret = text;
    return 0;
}

int spec_expand(char *const *words, const struct spec_specifiers *values, char ***ret_words) {
    size_t n = text_list_len(words), left = SPEC_EXPANDED_MAX;
    for (size_t i = 0; i < n; i++)
        if (specifier_find_unknown(words[i]))
            return -EINVAL;
    CLEANUP(cleanup_text_list) char **list = calloc(n + 1, sizeof(*list));
    if (!list)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        int r = expand_word(words[i], values, &left, &list[i]);
        if (r < 0)
            return r;
    }
    *ret_words = TAKE_PTR(list);
    return 0;
}
