/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon has to be told, kept in the child records themselves: nothing is lost when the socket is
 * full, and nothing is allocated. */
#ifndef LAUNCHER_OUTBOX_H
#define LAUNCHER_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

struct launcher;
struct child;

/* A new connection (socket becomes owned), or none. Whatever was owed on the old one is forgotten: the replay
 * after the next HELLO tells it all. */
int outbox_open(struct launcher *l, int socket);
void outbox_close(struct launcher *l);

/* Marks something owed about a record (enum child_owed). Without an open conversation it is left to the
 * replay. */
void outbox_owe(struct launcher *l, struct child *c, uint8_t owed);

/* Puts the answer to a request in its slot. Returns 0 or -EMSGSIZE. */
int outbox_answer(struct launcher *l, const void *data, int len);

/* Owes every record, then REPLAYED. */
void outbox_replay(struct launcher *l);

/* Sends as much as the socket takes and watches it for the rest. Returns 0, or -errno when the connection is
 * broken. */
int outbox_flush(struct launcher *l);

/* True when the next request may be read. */
bool outbox_may_read(const struct launcher *l);

#endif
