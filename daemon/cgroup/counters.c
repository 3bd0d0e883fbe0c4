/* SPDX-License-Identifier: Apache-2.0 */
/* Reads no file itself. */
#include "cgroup/counters.h"

#include "base/parse.h"

#include <stddef.h>
#include <string.h>

#define BLANKS " \t\n"

/* The number in the len bytes, UINT64_MAX when they are none. */
static uint64_t number(const char *text, size_t len) {
    char digits[24];
    uint64_t value;
    if (len == 0 || len >= sizeof(digits))
        return UINT64_MAX;
    memcpy(digits, text, len);
    digits[len] = '\0';
    return parse_u64(digits, &value) == 0 ? value : UINT64_MAX;
}

uint64_t counter_keyed(const char *text, const char *key) {
    size_t key_len = strlen(key);
    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\n");
        if (len > key_len && line[key_len] == ' ' && memcmp(line, key, key_len) == 0)
            return number(line + key_len + 1, len - key_len - 1);
        line += len + (line[len] == '\n');
    }
    return UINT64_MAX;
}

uint64_t counter_single(const char *text) {
    size_t len = strcspn(text, "\n");
    return text[len] == '\n' && text[len + 1] != '\0' ? UINT64_MAX : number(text, len);
}

uint64_t counter_io_sum(const char *text, const char *field) {
    uint64_t sum = UINT64_MAX;
    size_t field_len = strlen(field);
    for (const char *word = text + strspn(text, BLANKS); *word; word += strspn(word, BLANKS)) {
        size_t len = strcspn(word, BLANKS);
        if (len > field_len && word[field_len] == '=' && memcmp(word, field, field_len) == 0) {
            uint64_t value = number(word + field_len + 1, len - field_len - 1);
            uint64_t before = sum == UINT64_MAX ? 0 : sum;
            if (value < UINT64_MAX - before)
                sum = before + value;
        }
        word += len;
    }
    return sum;
}

bool counter_has_word(const char *text, const char *word) {
    size_t word_len = strlen(word);
    for (const char *at = text + strspn(text, BLANKS); *at; at += strspn(at, BLANKS)) {
        size_t len = strcspn(at, BLANKS);
        if (len == word_len && memcmp(at, word, len) == 0)
            return true;
        at += len;
    }
    return false;
}
