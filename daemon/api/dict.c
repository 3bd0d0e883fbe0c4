/* SPDX-License-Identifier: Apache-2.0 */
/* Appends to replies. */
#include "api/dict.h"

#include "base/utf8.h"

#include <string.h>

void dict_open(sd_bus_message *m) {
    sd_bus_message_open_container(m, 'a', "{sv}");
}

void dict_close(sd_bus_message *m) {
    sd_bus_message_close_container(m);
}

void dict_list_open(sd_bus_message *m) {
    sd_bus_message_open_container(m, 'a', "a{sv}");
}

void dict_list_close(sd_bus_message *m) {
    sd_bus_message_close_container(m);
}

static void open_value(sd_bus_message *m, const char *key, const char *type) {
    sd_bus_message_open_container(m, 'e', "sv");
    sd_bus_message_append_basic(m, 's', key);
    sd_bus_message_open_container(m, 'v', type);
}

static void close_value(sd_bus_message *m) {
    sd_bus_message_close_container(m);
    sd_bus_message_close_container(m);
}

static void add_basic(sd_bus_message *m, const char *key, const char *type, const void *value) {
    open_value(m, key, type);
    sd_bus_message_append_basic(m, type[0], value);
    close_value(m);
}

void dict_key_list_open(sd_bus_message *m, const char *key) {
    open_value(m, key, DICT_LIST);
    dict_list_open(m);
}

void dict_key_list_close(sd_bus_message *m) {
    dict_list_close(m);
    close_value(m);
}

void dict_key_dict_open(sd_bus_message *m, const char *key) {
    open_value(m, key, "a{sv}");
    dict_open(m);
}

void dict_key_dict_close(sd_bus_message *m) {
    dict_close(m);
    close_value(m);
}

static void append_text(sd_bus_message *m, const char *value) {
    size_t len = strlen(value);
    if (utf8_is_valid(value, len)) {
        sd_bus_message_append_basic(m, 's', value);
        return;
    }
    CLEANUP(cleanup_text_buf) struct text_buf clean = {0};
    utf8_add_valid(&clean, value, len);
    sd_bus_message_append_basic(m, 's', clean.failed || !clean.data ? "?" : clean.data);
}

void dict_text(sd_bus_message *m, const char *key, const char *value) {
    if (!value)
        return;
    open_value(m, key, "s");
    append_text(m, value);
    close_value(m);
}

void dict_some_text(sd_bus_message *m, const char *key, const char *value) {
    if (value && *value)
        dict_text(m, key, value);
}

void dict_bool(sd_bus_message *m, const char *key, bool value) {
    int number = value;
    add_basic(m, key, "b", &number);
}

void dict_u32(sd_bus_message *m, const char *key, uint32_t value) {
    add_basic(m, key, "u", &value);
}

void dict_i32(sd_bus_message *m, const char *key, int32_t value) {
    add_basic(m, key, "i", &value);
}

void dict_u64(sd_bus_message *m, const char *key, uint64_t value) {
    add_basic(m, key, "t", &value);
}

void dict_known(sd_bus_message *m, const char *key, uint64_t value) {
    if (value != UINT64_MAX)
        dict_u64(m, key, value);
}

void dict_some(sd_bus_message *m, const char *key, uint64_t value) {
    if (value != 0)
        dict_u64(m, key, value);
}

void dict_texts(sd_bus_message *m, const char *key, char *const *values) {
    open_value(m, key, "as");
    sd_bus_message_open_container(m, 'a', "s");
    for (; values && *values; values++)
        append_text(m, *values);
    sd_bus_message_close_container(m);
    close_value(m);
}

void dict_bytes(sd_bus_message *m, const char *key, const void *data, size_t len) {
    open_value(m, key, "ay");
    sd_bus_message_append_array(m, 'y', data, len);
    close_value(m);
}
