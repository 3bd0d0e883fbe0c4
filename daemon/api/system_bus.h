/* SPDX-License-Identifier: Apache-2.0 */
/* The object on the system bus, where there is one. */
#ifndef API_SYSTEM_BUS_H
#define API_SYSTEM_BUS_H

#include "api/private.h"

struct system_bus;

/* Connects to the bus with this socket, when there is one; see api.h. */
void system_bus_connect(struct api *a, const char *socket);
void system_bus_free(struct system_bus *b);

#endif
