/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON writer. */
#include "ctl/json.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

void json_add_text(struct text_buf *b, const char *data, size_t len) {
    size_t from = 0;
    text_buf_add(b, "\"");
    for (size_t i = 0; i < len;) {
        uint32_t code = 0xFFFD;
        size_t n = utf8_next(data + i, len - i, &code);
        bool plain = n > 0 && code >= 0x20 && (code < 0x7F || code > 0x9F) && code != '"' && code != '\\';
        if (!plain) {
            text_buf_add_bytes(b, data + from, i - from);
            if (code == '"' || code == '\\')
                text_buf_addf(b, "\\%c", (char)code);
            else if (code == '\n')
                text_buf_add(b, "\\n");
            else if (code == '\t')
                text_buf_add(b, "\\t");
            else
                text_buf_addf(b, "\\u%04" PRIx32, code);
            from = i + (n ? n : 1);
        }
        i += n ? n : 1;
    }
    text_buf_add_bytes(b, data + from, len - from);
    text_buf_add(b, "\"");
}

static void add_number(struct text_buf *b, uint64_t number) {
    char digits[24], *p = digits + sizeof(digits);
    do
        *--p = (char)('0' + number % 10);
    while (number /= 10);
    text_buf_add_bytes(b, p, (size_t)(digits + sizeof(digits) - p));
}

static void add_inner(struct text_buf *b, const struct value *v) {
    bool first = true;
    VALUE_EACH(v, child) {
        if (!first)
            text_buf_add_bytes(b, ",", 1);
        first = false;
        if (v->kind == VALUE_DICT) {
            json_add_text(b, child->key, strlen(child->key));
            text_buf_add_bytes(b, ":", 1);
        }
        json_add_line(b, child);
    }
}

void json_add_line(struct text_buf *b, const struct value *v) {
    switch (v->kind) {
    case VALUE_BOOL:
        text_buf_add(b, v->boolean ? "true" : "false");
        break;
    case VALUE_INT:
        text_buf_addf(b, "%" PRId64, v->integer);
        break;
    case VALUE_UINT:
        add_number(b, v->number);
        break;
    case VALUE_DOUBLE:
        if (isfinite(v->real))
            text_buf_addf(b, "%.17g", v->real);
        else
            text_buf_add(b, "null");
        break;
    case VALUE_TEXT:
        json_add_text(b, v->text.data, v->text.len);
        break;
    case VALUE_LIST:
        text_buf_add(b, "[");
        add_inner(b, v);
        text_buf_add(b, "]");
        break;
    case VALUE_DICT:
        text_buf_add(b, "{");
        add_inner(b, v);
        text_buf_add(b, "}");
        break;
    }
}

void json_add(struct text_buf *b, const struct value *v) {
    if (v->kind != VALUE_LIST || v->list.n == 0) {
        json_add_line(b, v);
        text_buf_add(b, "\n");
        return;
    }
    const char *before = "[";
    VALUE_EACH(v, child) {
        text_buf_add(b, before);
        json_add_line(b, child);
        before = ",\n ";
    }
    text_buf_add(b, "]\n");
}
