/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of a{sv} in a reply. Nothing is returned: an append that fails spoils the message, and sending it
 * tells (request_reply). Texts are made valid UTF-8 on the way. */
#ifndef API_DICT_H
#define API_DICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#define DICT_LIST "aa{sv}" /* the signature of a list of dictionaries */

void dict_open(sd_bus_message *m);
void dict_close(sd_bus_message *m);
void dict_list_open(sd_bus_message *m); /* dictionaries follow */
void dict_list_close(sd_bus_message *m);

/* A list of dictionaries, or one, as the value of a key; then the same closes. */
void dict_key_list_open(sd_bus_message *m, const char *key);
void dict_key_list_close(sd_bus_message *m);
void dict_key_dict_open(sd_bus_message *m, const char *key);
void dict_key_dict_close(sd_bus_message *m);

void dict_text(sd_bus_message *m, const char *key, const char *value);      /* NULL: left out */
void dict_some_text(sd_bus_message *m, const char *key, const char *value); /* NULL or "": left out */
void dict_bool(sd_bus_message *m, const char *key, bool value);
void dict_u32(sd_bus_message *m, const char *key, uint32_t value);
void dict_i32(sd_bus_message *m, const char *key, int32_t value);
void dict_u64(sd_bus_message *m, const char *key, uint64_t value);
void dict_known(sd_bus_message *m, const char *key, uint64_t value);      /* UINT64_MAX: left out */
void dict_some(sd_bus_message *m, const char *key, uint64_t value);       /* 0: left out */
void dict_texts(sd_bus_message *m, const char *key, char *const *values); /* NULL: an empty list */
void dict_bytes(sd_bus_message *m, const char *key, const void *data, size_t len);

#endif
