/* SPDX-License-Identifier: Apache-2.0 */
/* One datagram in or out of a SOCK_SEQPACKET socket, with at most SK_WIRE_FDS_MAX descriptors beside it. */
#ifndef WIRE_CHAN_H
#define WIRE_CHAN_H

#include "streamkeeper/wire.h"

#include <stddef.h>
#include <sys/types.h>

/* Sends one datagram; the fds stay the caller's. Returns 0, -EAGAIN when the socket is full and non-blocking,
 * -EPIPE when the other side is gone, or another -errno. */
int chan_send(int socket, const void *data, size_t len, const int *fds, size_t n_fds);

/* Receives one datagram into buf; received fds (close-on-exec, owned by the caller) go to
 * fds[SK_WIRE_FDS_MAX] and their number to *ret_n_fds. Returns the length, 0 at the end of the connection,
 * -EAGAIN, -EMSGSIZE for a datagram or a control part that was cut (its fds are closed), or another -errno.
 * On failure no fd is left open. */
ssize_t chan_receive(int socket, void *buf, size_t size, int fds[SK_WIRE_FDS_MAX], size_t *ret_n_fds);

#endif
