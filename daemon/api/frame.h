/* SPDX-License-Identifier: Apache-2.0 */
/* Where things end in the bytes of a client: lines of the handshake, then messages. Pure.
 *
 * sd-bus would read a message of any size (up to 128 MiB) as long as bytes come. So the bytes of a client are
 * collected here first, and sd-bus gets whole handshake lines and whole messages of a bounded size only. */
#ifndef API_FRAME_H
#define API_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define FRAME_LINE_MAX      1024 /* bytes of one handshake line */
#define FRAME_HANDSHAKE_MAX 4096 /* bytes of all of them */
#define FRAME_HEADER        16   /* bytes of a message that tell its size */

/* The length of the handshake line at the start of the bytes, with its end ("\r\n"); 0: not complete yet;
 * -EMSGSIZE: too long. *ret_begin: it is the last one, messages follow. */
ssize_t frame_line(const void *data, size_t len, bool *ret_begin);

/* The length of the message at the start of the bytes, whether or not all of it is there; 0: fewer than
 * FRAME_HEADER bytes; -EBADMSG: no message; -EMSGSIZE: longer than max. */
ssize_t frame_message(const void *data, size_t len, size_t max);

#endif
