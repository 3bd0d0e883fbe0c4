/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's requests: one table of verbs, each with the reason why it is safe. */
#ifndef LAUNCHER_SERVE_H
#define LAUNCHER_SERVE_H

#include <stddef.h>

struct launcher;

/* Reads and answers what has arrived. A message that is unknown, malformed or out of turn ends the connection
 * and the daemon's process. */
void serve_wire(struct launcher *l);

/* Reads what a daemon that has gone, or closes, still said: only its DONE counts. */
void serve_last_words(struct launcher *l);

/* Sends what is owed. */
void serve_flush(struct launcher *l);

/* One request. fds are borrowed. Returns 0, or -EBADMSG or -EPROTO for one that ends the connection. */
int serve_message(struct launcher *l, const void *data, size_t len, const int *fds, size_t n_fds);

#endif
