/* SPDX-License-Identifier: Apache-2.0 */
/* One connection of the private socket.
 *
 *     socket --bytes--> buffer --whole lines, whole messages--> socket pair --> sd-bus --replies--> socket
 *
 * Reading stops while the client has replies to read or too many requests under way, so what it can make the
 * daemon hold is one request and the replies to a few. */
#ifndef API_CLIENT_H
#define API_CLIENT_H

#include "api/private.h"

/* Why a client may be closed at its deadline. */
enum client_wait {
    CLIENT_WAIT_NONE,
    CLIENT_WAIT_HANDSHAKE, /* it has not finished it */
    CLIENT_WAIT_MESSAGE,   /* it has sent a part of one */
    CLIENT_WAIT_READER,    /* it does not read its replies */
};

struct client {
    struct door door;
    struct list node;           /* in the api's clients */
    struct peer peer;           /* owned */
    int fd;                     /* owned; sd-bus writes to a duplicate */
    int feed_fd;                /* owned; our end of the pair sd-bus reads from */
    sd_bus *bus;                /* owned */
    sd_event_source *io, *more; /* owned */
    bool handshaken, eof, in_turn;
    size_t handshake_bytes;
    uint8_t *in; /* owned; bytes not yet handed on: in_len of them from in_start */
    size_t in_start, in_len, in_size;
    enum client_wait wait;
    uint64_t deadline_usec; /* monotonic; USEC_NEVER: none */
};

/* Takes fd and peer on success. Adds itself to the api's clients. Returns 0 or -errno. */
int client_new(struct api *a, int fd, struct peer *peer, struct client **ret);

/* Its requests become those of nobody. NULL is fine. */
void client_free(struct client *c);

#endif
