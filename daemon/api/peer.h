/* SPDX-License-Identifier: Apache-2.0 */
/* Who is at the other end: as the kernel noted it when the connection was made. */
#ifndef API_PEER_H
#define API_PEER_H

#include "manager/manager.h"
#include "manager/view.h"

struct peer {
    struct caller caller; /* its groups point to the field below */
    gid_t *groups;        /* owned */
};

/* Reads the credentials of a connected AF_UNIX socket. Returns 0 or -errno; ret is untouched on failure. */
int peer_from_socket(int fd, struct peer *ret);

/* Sets the groups (taken). */
void peer_set_groups(struct peer *p, gid_t *groups, size_t n);
void peer_free(struct peer *p);

#endif
