/* SPDX-License-Identifier: Apache-2.0 */
/* Names, words and lists of words in and out of fields; types.c has the numbers. */
#include "conf/types.h"

#include "base/parse.h"
#include "conf/fault.h"
#include "conf/specifier.h"

#include <errno.h>
#include <string.h>

static char **get_list(const struct conf_row *row, const void *object) {
    char **list;
    memcpy(&list, (const char *)object + row->offset, sizeof(list));
    return list;
}

static void put_list(const struct conf_row *row, void *object, char **list) {
    memcpy((char *)object + row->offset, &list, sizeof(list));
}

/* Words are at most the blanks plus one; counting first keeps a hostile line from costing more than it is
 * long. */
static bool has_at_most_words(const char *text, uint64_t max) {
    uint64_t n = 0;
    char quote = '\0';
    bool inside = false;
    for (; *text; text++) {
        bool blank = !quote && (*text == ' ' || *text == '\t');
        if (!blank && !inside && ++n > max)
            return false;
        inside = !blank;
        if (*text == '\\' && text[1] && (!quote || (quote == '"' && (text[1] == '"' || text[1] == '\\'))))
            text++;
        else if (quote ? *text == quote : (*text == '"' || *text == '\''))
            quote = quote ? '\0' : *text;
    }
    return true;
}

int conf_split_words(const char *text, uint64_t max, char ***ret_list, struct reason *why) {
    if (!has_at_most_words(text, max))
        return reason_set(why, -EINVAL, "more than %u words, which is the most", (unsigned)max);
    CLEANUP(cleanup_text_list) char **list = NULL;
    int r = text_split_quoted(text, &list);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        return reason_set(why, -EINVAL, "a quote is opened and not closed");
    if (!list)
        return reason_set(why, -EINVAL, "there is nothing in it; give at least one word");
    *ret_list = TAKE_PTR(list);
    return 0;
}

void conf_print_words(struct text_buf *b, char *const *words) {
    for (char *const *p = words; p && *p; p++) {
        if (p != words)
            text_buf_add(b, " ");
        text_add_quoted(b, *p);
    }
}

static int parse_name(const struct conf_row *row, const char *text, void *object,
                      struct reason *why ATTR_UNUSED) {
    if (!text_is_name(text))
        return -EINVAL;
    memcpy((char *)object + row->offset, text, strlen(text) + 1);
    return 0;
}

static void print_name(const struct conf_row *row, const void *object, struct text_buf *b) {
    text_buf_add(b, (const char *)object + row->offset);
}

static bool equal_name(const struct conf_row *row, const void *a, const void *b) {
    return strcmp((const char *)a + row->offset, (const char *)b + row->offset) == 0;
}

const struct conf_type conf_type_name = {
    .parse = parse_name, .print = print_name, .equal = equal_name, .size = NAME_LEN_MAX + 1};

static char *get_string(const struct conf_row *row, const void *object) {
    char *text;
    memcpy(&text, (const char *)object + row->offset, sizeof(text));
    return text;
}

static void put_string(const struct conf_row *row, void *object, char *text) {
    memcpy((char *)object + row->offset, &text, sizeof(text));
}

static int parse_string(const struct conf_row *row, const char *text, void *object, struct reason *why) {
    CLEANUP(cleanup_text_list) char **list = NULL;
    char shown[CONF_SHOWN_SIZE];
    int r = conf_split_words(text, 2, &list, why);
    if (r == -ENOMEM)
        return r;
    if (r < 0 || list[1])
        return reason_set(
            why, -EINVAL,
            "\"%s\" is more than one word; right would be %s; a blank that belongs to it goes in quotes",
            conf_shown(text, shown), row->right);
    if (row->flags & CONF_SPECIFIERS) {
        r = specifier_check(list[0], why);
        if (r < 0)
            return r;
    }
    if (row->valid && !row->valid(list[0]))
        return -EINVAL;
    put_string(row, object, TAKE_PTR(list[0]));
    return 0;
}

static void print_string(const struct conf_row *row, const void *object, struct text_buf *b) {
    const char *text = get_string(row, object);
    if (text)
        text_add_quoted(b, text);
}

static bool equal_string(const struct conf_row *row, const void *a, const void *b) {
    const char *x = get_string(row, a), *y = get_string(row, b);
    return x && y ? strcmp(x, y) == 0 : x == y;
}

static int copy_string(const struct conf_row *row, const void *from, void *to) {
    const char *text = get_string(row, from);
    char *copy = text ? strdup(text) : NULL;
    put_string(row, to, copy);
    return text && !copy ? -ENOMEM : 0;
}

static void release_string(const struct conf_row *row, void *object) {
    free(get_string(row, object));
    put_string(row, object, NULL);
}

const struct conf_type conf_type_string = {.parse = parse_string,
                                           .print = print_string,
                                           .equal = equal_string,
                                           .copy = copy_string,
                                           .release = release_string,
                                           .size = sizeof(char *)};

static int check_words(const struct conf_row *row, char *const *list, struct reason *why) {
    char shown[CONF_SHOWN_SIZE];
    for (char *const *p = list; *p; p++) {
        if (row->valid && !row->valid(*p))
            return reason_set(why, -EINVAL, "\"%s\" is not valid; right would be %s", conf_shown(*p, shown),
                              row->right);
        if (text_list_contains(p + 1, *p))
            return reason_set(why, -EINVAL, "\"%s\" stands there twice; keep one", conf_shown(*p, shown));
    }
    return 0;
}

static int parse_list(const struct conf_row *row, const char *text, void *object, struct reason *why) {
    CLEANUP(cleanup_text_list) char **list = NULL;
    int r = conf_split_words(text, row->max, &list, why);
    if (r < 0)
        return r;
    r = check_words(row, list, why);
    if (r < 0)
        return r;
    put_list(row, object, TAKE_PTR(list));
    return 0;
}

static void print_list(const struct conf_row *row, const void *object, struct text_buf *b) {
    conf_print_words(b, get_list(row, object));
}

bool conf_list_equal(const struct conf_row *row, const void *a, const void *b) {
    return text_list_equal(get_list(row, a), get_list(row, b));
}

int conf_list_copy(const struct conf_row *row, const void *from, void *to) {
    char **copy = NULL;
    int r = text_list_copy(get_list(row, from), &copy);
    put_list(row, to, copy);
    return r;
}

void conf_list_release(const struct conf_row *row, void *object) {
    text_list_free(get_list(row, object));
    put_list(row, object, NULL);
}

const struct conf_type conf_type_list = {.parse = parse_list,
                                         .print = print_list,
                                         .equal = conf_list_equal,
                                         .copy = conf_list_copy,
                                         .release = conf_list_release,
                                         .size = sizeof(char **)};

int conf_parse_command(const char *text, uint64_t max, bool specifiers, char ***ret_list,
                       struct reason *why) {
    CLEANUP(cleanup_text_list) char **list = NULL;
    int r = conf_split_words(text, max, &list, why);
    if (r < 0)
        return r;
    char shown[CONF_SHOWN_SIZE];
    if (list[0][0] != '/')
        return reason_set(why, -EINVAL,
                          "\"%s\" is not an absolute path; right would be one such as /usr/bin/java",
                          conf_shown(list[0], shown));
    for (char **p = list; specifiers && *p; p++) {
        r = specifier_check(*p, why);
        if (r < 0)
            return r;
    }
    *ret_list = TAKE_PTR(list);
    return 0;
}

static int parse_command(const struct conf_row *row, const char *text, void *object, struct reason *why) {
    CLEANUP(cleanup_text_list) char **list = NULL;
    int r = conf_parse_command(text, row->max, row->flags & CONF_SPECIFIERS, &list, why);
    if (r < 0)
        return r;
    put_list(row, object, TAKE_PTR(list));
    return 0;
}

const struct conf_type conf_type_command = {.parse = parse_command,
                                            .print = print_list,
                                            .equal = conf_list_equal,
                                            .copy = conf_list_copy,
                                            .release = conf_list_release,
                                            .size = sizeof(char **)};

bool conf_is_user(const char *text) {
    uint32_t number;
    if (parse_u32(text, &number) == 0)
        return number != UINT32_MAX;
    size_t n = 0;
    for (; text[n]; n++) {
        char c = text[n];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        bool inner = n > 0 && ((c >= '0' && c <= '9') || c == '-' || c == '.');
        if (!letter && !inner)
            return false;
    }
    return n > 0 && n < 64;
}
