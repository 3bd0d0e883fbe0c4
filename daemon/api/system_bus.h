/* SPDX-License-Identifier: Apache-2.0 */
/* The object on the system bus, where there is one. */
#ifndef API_SYSTEM_BUS_H
#define API_SYSTEM_BUS_H

#include "api/private.h"

struct system_bus;

void system_bus_free(struct system_bus *b);

/* Asks the bus driver who has sent the call. `fn` is called later, unless *ret_slot (owned) is dropped
 * before; the peer may be taken. Returns 0 or -errno. */
typedef void (*system_bus_caller_fn)(void *userdata, int error, struct peer *peer);
int system_bus_ask_caller(sd_bus_message *call, sd_bus_slot **ret_slot, system_bus_caller_fn fn,
                          void *userdata);

#endif
