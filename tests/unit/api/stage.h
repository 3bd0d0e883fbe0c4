/* SPDX-License-Identifier: Apache-2.0 */
/* The set of every test here: a loop, a fake manager, an API on a socket in a folder of its own. Server and
 * clients share the loop, so nothing depends on threads or luck. */
#ifndef TEST_STAGE_H
#define TEST_STAGE_H

#include "api/api.h"
#include "fake_manager.h"

#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

struct stage {
    sd_event *loop;
    struct manager manager;
    struct api *api;
    char folder[64], socket[80];
};

/* Limits of 0 fields are those of a small service: 8 + 8 clients. Asserts inside. */
void stage_open(struct stage *s, const struct api_limits *limits);
void stage_close(struct stage *s);

/* Runs the loop until the condition holds; false after 10 s without it. */
typedef bool (*stage_condition)(void *userdata);
bool stage_until(struct stage *s, stage_condition condition, void *userdata);
/* Runs the loop as long as there is something to do. */
void stage_settle(struct stage *s);

/* A raw, non-blocking connection. */
int stage_connect(struct stage *s);
/* A raw connection that has finished the handshake. */
int stage_connect_authenticated(struct stage *s);
/* True when the other side has closed it (what it sent before is thrown away). */
bool stage_is_closed(int fd);
bool stage_until_closed(struct stage *s, int fd);

/* A D-Bus client on the loop. */
sd_bus *stage_client(struct stage *s);

/* Calls and runs the loop until the answer is there. Returns the reply (an error is one too), NULL when the
 * connection broke. */
sd_bus_message *stage_call(struct stage *s, sd_bus *bus, const char *method, const char *types, ...);

/* The bytes of a method call with these arguments, as they go over the wire; the length. */
size_t stage_wire_call(const char *member, uint32_t serial, uint8_t *buf, size_t size);

#endif
