/* SPDX-License-Identifier: Apache-2.0 */
/* The control API: D-Bus on the private socket <run>/control.sock and, where there is one, on the system bus.
 *
 * The same object and methods on both (methods.h). A method reads its arguments, calls the manager once and
 * turns the answer into a reply; whoever asks is told by the kernel (the socket's peer credentials) or by the
 * bus driver, never by the client.
 *
 * The private socket needs no bus daemon. Anybody may connect, so every client is kept on a leash: the number
 * of connections is limited (in all and per user), a client that does not finish the handshake, sends half a
 * message or does not read its replies is closed after a while, a request has a greatest size, and of each
 * client only a few requests are served per turn of the loop. Nothing here ever blocks. */
#ifndef API_API_H
#define API_API_H

#include "api/limits.h"

struct api;
struct manager;
typedef struct sd_event sd_event;

/* Takes the listening socket (also on failure). Nothing is accepted before api_start, clients simply wait, so
 * start it when the manager serves. Returns 0 or -errno. */
int api_new(sd_event *loop, struct manager *manager, int listen_fd, const struct api_limits *limits,
            struct api **ret);
int api_start(struct api *a);

/* Closes all connections. A request that the manager has not answered is forgotten here, so free the manager
 * first, and do not run the loop in between. */
void api_free(struct api *a);

/* Offers the same on the system bus, when its socket exists. Never fatal: a bus that is not there, goes away
 * or refuses the name is logged and tried again calmly (a refusal is not). */
void api_connect_system_bus(struct api *a);

#endif
