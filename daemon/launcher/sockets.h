/* SPDX-License-Identifier: Apache-2.0 */
/* The listening sockets in the run folder. They are ours, so that clients can connect while the daemon is
 * started again. */
#ifndef LAUNCHER_SOCKETS_H
#define LAUNCHER_SOCKETS_H

#include <sys/types.h>

/* Makes <folder>/<name> anew (an old socket is replaced) and listens. Any length of path will do. Returns the
 * descriptor (owned by the caller) or -errno. */
int socket_listen(const char *folder, const char *name, int type, mode_t mode);

/* Connects. Returns the descriptor (owned by the caller) or -errno. */
int socket_connect(const char *folder, const char *name, int type);

/* Removes it; one that is not there is fine. */
void socket_remove(const char *folder, const char *name);

#endif
