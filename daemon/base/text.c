/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded text; see quote.c for words in quotes and human.c for ages and sizes. */
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool text_is_name(const char *text) {
    size_t n = 0;
    for (; text[n]; n++) {
        char c = text[n];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!alnum && (n == 0 || (c != '-' && c != '_')))
            return false;
        if (n >= NAME_LEN_MAX)
            return false;
    }
    return n > 0;
}

int text_format(char *buf, size_t size, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(buf, size, format, ap);
    va_end(ap);
    return n >= 0 && (size_t)n < size ? 0 : -ENAMETOOLONG;
}

void text_buf_free(struct text_buf *b) {
    free(b->data);
    *b = (struct text_buf){0};
}

static bool reserve(struct text_buf *b, size_t more) {
    if (b->failed)
        return false;
    if (more >= PTRDIFF_MAX - b->len) {
        b->failed = true;
        return false;
    }
    size_t need = b->len + more + 1;
    if (need <= b->size)
        return true;
    size_t size = b->size ? b->size : 128;
    while (size < need)
        size *= 2;
    char *grown = realloc(b->data, size);
    if (!grown) {
        b->failed = true;
        return false;
    }
    b->data = grown;
    b->size = size;
    return true;
}

void text_buf_add_bytes(struct text_buf *b, const void *data, size_t len) {
    if (!reserve(b, len))
        return;
    memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void text_buf_add(struct text_buf *b, const char *text) {
    text_buf_add_bytes(b, text, strlen(text));
}

void text_buf_addf(struct text_buf *b, const char *format, ...) {
    va_list ap, again;
    va_start(ap, format);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    if (n < 0)
        b->failed = true;
    else if (reserve(b, (size_t)n)) {
        vsnprintf(b->data + b->len, (size_t)n + 1, format, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

char *text_buf_take(struct text_buf *b) {
    if (!b->data && !b->failed)
        text_buf_add(b, "");
    char *data = b->failed ? NULL : TAKE_PTR(b->data);
    text_buf_free(b);
    return data;
}

void text_list_free(char **list) {
    for (char **p = list; p && *p; p++)
        free(*p);
    free(list);
}

size_t text_list_len(char *const *list) {
    size_t n = 0;
    while (list && list[n])
        n++;
    return n;
}

int text_list_add(char ***list, const char *text) {
    size_t n = text_list_len(*list);
    char *copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    char **grown = realloc(*list, (n + 2) * sizeof(*grown));
    if (!grown) {
        free(copy);
        return -ENOMEM;
    }
    grown[n] = copy;
    grown[n + 1] = NULL;
    *list = grown;
    return 0;
}

int text_list_copy(char *const *list, char ***ret) {
    CLEANUP(cleanup_text_list) char **copy = NULL;
    for (char *const *p = list; p && *p; p++) {
        int r = text_list_add(&copy, *p);
        if (r < 0)
            return r;
    }
    *ret = TAKE_PTR(copy);
    return 0;
}

bool text_list_equal(char *const *a, char *const *b) {
    size_t n = text_list_len(a);
    if (n != text_list_len(b))
        return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(a[i], b[i]) != 0)
            return false;
    return true;
}

bool text_list_contains(char *const *list, const char *text) {
    for (char *const *p = list; p && *p; p++)
        if (strcmp(*p, text) == 0)
            return true;
    return false;
}

#define DISTANCE_LEN_MAX (2 * NAME_LEN_MAX + 1)

size_t text_distance(const char *a, const char *b) {
    size_t la = strlen(a), lb = strlen(b);
    if (la > DISTANCE_LEN_MAX || lb > DISTANCE_LEN_MAX)
        return SIZE_MAX;
    /* Optimal string alignment: three rows of the edit matrix are enough to see swaps. */
    size_t rows[3][DISTANCE_LEN_MAX + 1];
    for (size_t j = 0; j <= lb; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t *now = rows[i % 3], *before = rows[(i - 1) % 3], *two_before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t replace = before[j - 1] + (a[i - 1] != b[j - 1]);
            size_t one_more = MIN(before[j], now[j - 1]) + 1;
            now[j] = MIN(replace, one_more);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = MIN(now[j], two_before[j - 2] + 1);
        }
    }
    return rows[la % 3][lb];
}
