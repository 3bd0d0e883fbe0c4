/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, sizes, times and words in and out of fields; types_text.c has the texts. */
#include "conf/types.h"

#include "base/parse.h"
#include "conf/fault.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static void put(const struct conf_row *row, void *object, const void *value, size_t size) {
    memcpy((char *)object + row->offset, value, size);
}

static uint32_t get_u32(const struct conf_row *row, const void *object) {
    uint32_t value;
    memcpy(&value, (const char *)object + row->offset, sizeof(value));
    return value;
}

static uint64_t get_u64(const struct conf_row *row, const void *object) {
    uint64_t value;
    memcpy(&value, (const char *)object + row->offset, sizeof(value));
    return value;
}

/* A zero that no text of the row can give stands for "not said". */
static bool is_unset(const struct conf_row *row, uint64_t value) {
    return value == 0 && row->min > 0;
}

static int put_u32(const struct conf_row *row, void *object, int r, uint32_t value) {
    if (r < 0 || value < row->min || value > row->max)
        return -EINVAL;
    put(row, object, &value, sizeof(value));
    return 0;
}

static int put_u64(const struct conf_row *row, void *object, int r, uint64_t value) {
    if (r < 0 || value < row->min || value > row->max)
        return -EINVAL;
    put(row, object, &value, sizeof(value));
    return 0;
}

static int parse_u32_row(const struct conf_row *row, const char *text, void *object,
                         struct reason *why ATTR_UNUSED) {
    uint32_t value = 0;
    int r = parse_u32(text, &value);
    return put_u32(row, object, r, value);
}

static void print_u32(const struct conf_row *row, const void *object, struct text_buf *b) {
    uint32_t value = get_u32(row, object);
    if (!is_unset(row, value))
        text_buf_addf(b, "%" PRIu32, value);
}

static int parse_i32_row(const struct conf_row *row, const char *text, void *object,
                         struct reason *why ATTR_UNUSED) {
    int32_t value;
    if (parse_i32(text, &value) < 0 || value < (int64_t)row->min || value > (int64_t)row->max)
        return -EINVAL;
    put(row, object, &value, sizeof(value));
    return 0;
}

static void print_i32(const struct conf_row *row, const void *object, struct text_buf *b) {
    text_buf_addf(b, "%" PRIi32, (int32_t)get_u32(row, object));
}

static int parse_octal(const struct conf_row *row, const char *text, void *object,
                       struct reason *why ATTR_UNUSED) {
    uint32_t value = 0;
    size_t n = strlen(text);
    if (n < 3 || n > 4 || strspn(text, "01234567") != n)
        return -EINVAL;
    for (const char *p = text; *p; p++)
        value = value * 8 + (uint32_t)(*p - '0');
    return put_u32(row, object, 0, value);
}

static void print_octal(const struct conf_row *row, const void *object, struct text_buf *b) {
    text_buf_addf(b, "%04" PRIo32, get_u32(row, object));
}

static int parse_bool_row(const struct conf_row *row, const char *text, void *object,
                          struct reason *why ATTR_UNUSED) {
    bool value;
    if (parse_bool(text, &value) < 0)
        return -EINVAL;
    put(row, object, &value, sizeof(value));
    return 0;
}

static void print_bool(const struct conf_row *row, const void *object, struct text_buf *b) {
    bool value;
    memcpy(&value, (const char *)object + row->offset, sizeof(value));
    text_buf_add(b, value ? "yes" : "no");
}

static int parse_milli_row(const struct conf_row *row, const char *text, void *object,
                           struct reason *why ATTR_UNUSED) {
    uint32_t value = 0;
    int r = parse_milli(text, &value);
    return put_u32(row, object, r, value);
}

static void print_milli(const struct conf_row *row, const void *object, struct text_buf *b) {
    uint32_t value = get_u32(row, object);
    if (is_unset(row, value))
        return;
    text_buf_addf(b, "%" PRIu32, value / 1000);
    if (value % 1000 == 0)
        return;
    char fraction[8];
    (void)text_format(fraction, sizeof(fraction), ".%03" PRIu32, value % 1000);
    size_t n = strlen(fraction);
    while (fraction[n - 1] == '0')
        fraction[--n] = '\0';
    text_buf_add(b, fraction);
}

static int parse_size_row(const struct conf_row *row, const char *text, void *object,
                          struct reason *why ATTR_UNUSED) {
    uint64_t value = 0;
    int r = parse_size(text, &value);
    return put_u64(row, object, r, value);
}

static void print_size(const struct conf_row *row, const void *object, struct text_buf *b) {
    char buf[32];
    uint64_t value = get_u64(row, object);
    if (!is_unset(row, value))
        text_buf_add(b, text_size(value, buf, sizeof(buf)));
}

static const char infinity[] = "infinity";

static int parse_limit(const struct conf_row *row, const char *text, void *object, struct reason *why) {
    static const uint64_t unlimited = UINT64_MAX;
    if (strcmp(text, infinity) != 0)
        return parse_size_row(row, text, object, why);
    put(row, object, &unlimited, sizeof(unlimited));
    return 0;
}

static void print_limit(const struct conf_row *row, const void *object, struct text_buf *b) {
    if (get_u64(row, object) == UINT64_MAX)
        text_buf_add(b, infinity);
    else
        print_size(row, object, b);
}

static int parse_count(const struct conf_row *row, const char *text, void *object,
                       struct reason *why ATTR_UNUSED) {
    uint64_t value = UINT64_MAX;
    if (strcmp(text, infinity) == 0) {
        put(row, object, &value, sizeof(value));
        return 0;
    }
    int r = parse_u64(text, &value);
    return put_u64(row, object, r, value);
}

static void print_count(const struct conf_row *row, const void *object, struct text_buf *b) {
    uint64_t value = get_u64(row, object);
    if (value == UINT64_MAX)
        text_buf_add(b, infinity);
    else if (!is_unset(row, value))
        text_buf_addf(b, "%" PRIu64, value);
}

static int parse_duration_row(const struct conf_row *row, const char *text, void *object,
                              struct reason *why ATTR_UNUSED) {
    uint64_t value = 0;
    int r = parse_duration(text, &value);
    return put_u64(row, object, r, value);
}

static void print_duration(const struct conf_row *row, const void *object, struct text_buf *b) {
    char buf[64];
    uint64_t value = get_u64(row, object);
    if (!is_unset(row, value))
        text_buf_add(b, text_duration(value, buf, sizeof(buf)));
}

static int parse_signal_row(const struct conf_row *row, const char *text, void *object,
                            struct reason *why ATTR_UNUSED) {
    int value;
    if (parse_signal(text, &value) < 0)
        return -EINVAL;
    put(row, object, &value, sizeof(value));
    return 0;
}

static void print_signal(const struct conf_row *row, const void *object, struct text_buf *b) {
    char buf[32];
    int value = (int)get_u32(row, object), back;
    const char *name = signal_name(value, buf, sizeof(buf));
    if (parse_signal(name, &back) == 0 && back == value)
        text_buf_add(b, name);
    else
        text_buf_addf(b, "%d", value);
}

static int parse_word(const struct conf_row *row, const char *text, void *object,
                      struct reason *why ATTR_UNUSED) {
    for (uint32_t i = 0; row->words[i]; i++)
        if (row->words[i][0] != '\0' && strcmp(text, row->words[i]) == 0) {
            put(row, object, &i, sizeof(i));
            return 0;
        }
    return -EINVAL;
}

static void print_word(const struct conf_row *row, const void *object, struct text_buf *b) {
    text_buf_add(b, row->words[get_u32(row, object)]);
}

#define NUMBER_TYPE(name, c_type, parse_function, print_function) \
    const struct conf_type name = {.parse = parse_function, .print = print_function, .size = sizeof(c_type)}

NUMBER_TYPE(conf_type_u32, uint32_t, parse_u32_row, print_u32);
NUMBER_TYPE(conf_type_i32, int32_t, parse_i32_row, print_i32);
NUMBER_TYPE(conf_type_octal, uint32_t, parse_octal, print_octal);
NUMBER_TYPE(conf_type_bool, bool, parse_bool_row, print_bool);
NUMBER_TYPE(conf_type_milli, uint32_t, parse_milli_row, print_milli);
NUMBER_TYPE(conf_type_size, uint64_t, parse_size_row, print_size);
NUMBER_TYPE(conf_type_limit, uint64_t, parse_limit, print_limit);
NUMBER_TYPE(conf_type_count, uint64_t, parse_count, print_count);
NUMBER_TYPE(conf_type_duration, uint64_t, parse_duration_row, print_duration);
NUMBER_TYPE(conf_type_signal, int, parse_signal_row, print_signal);
NUMBER_TYPE(conf_type_word, uint32_t, parse_word, print_word);
