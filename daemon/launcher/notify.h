/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the service manager how we are (the sd_notify protocol), and leaves copies of pidfds with it. */
#ifndef LAUNCHER_NOTIFY_H
#define LAUNCHER_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

struct notify {
    int socket;        /* owned; -EBADF when no service manager listens */
    char address[108]; /* of its socket, as in sun_path; an abstract one begins with NUL */
    unsigned address_len;
};

/* Reads NOTIFY_SOCKET. Returns 0, also without one, or -errno for one that cannot be used. */
int notify_open(struct notify *ret);
void notify_close(struct notify *n);

static inline bool notify_is_on(const struct notify *n) {
    return n->socket >= 0;
}

/* Sends "READY=1" or the like; several lines are allowed. Never blocks. Returns 0, also when nobody listens,
 * or -errno. */
int notify_send(const struct notify *n, const char *text);

/* "STATUS=text" with newlines made harmless. */
int notify_status(const struct notify *n, const char *text);

/* Leaves a copy of a pidfd under the start id; takes it away again. */
int notify_store(const struct notify *n, uint64_t start_id, int pidfd);
int notify_unstore(const struct notify *n, uint64_t start_id);

#endif
