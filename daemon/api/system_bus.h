/* SPDX-License-Identifier: Apache-2.0 */
/* The object on the system bus, where there is one. */
#ifndef API_SYSTEM_BUS_H
#define API_SYSTEM_BUS_H

#include "api/private.h"

struct system_bus;

/* As api_connect_system_bus, with the path of the bus's socket. */
void system_bus_connect(struct api *a, const char *socket);
void system_bus_free(struct system_bus *b);

#endif
