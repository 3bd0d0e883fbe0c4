/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to the pidfds when a launcher dies.
 *
 * The daemon holds a pidfd of every running start. When its launcher dies it can do nothing more for the
 * apps, but from Linux 6.15 on a pidfd still tells the exit status of a process after it is gone (ioctl
 * PIDFD_GET_INFO, PIDFD_INFO_EXIT; the kernel's include/uapi/linux/pidfd.h). So the orphaned daemon closes
 * its registry and its clients, and waits on the listening handover socket (SK_HANDOVER_FD) for the next
 * launcher, gives it every pidfd, and ends; it also ends when none has come for an hour. A launcher connects
 * to an old handover socket before it makes its own.
 *
 * Each datagram is a CHILD message (wire/msg.h) with one pidfd; REPLAYED ends it. The receiver checks that
 * the peer is root or the daemon's user. Under a service manager the launcher also keeps copies in its fd
 * store, under the start id as name, so that they outlive both. */
#ifndef WIRE_HANDOVER_H
#define WIRE_HANDOVER_H

#include <stddef.h>
#include <stdint.h>

struct handover_child {
    uint64_t start_id;
    uint32_t pid;
    uint64_t start_ticks;
    int pidfd; /* owned by whoever fills the struct */
};

/* Sends all children to a connected handover socket and the end mark. Returns 0 or -errno. The pidfds stay
 * the caller's. */
int handover_send(int socket, const struct handover_child *children, size_t n);

/* Receives until the end mark or the end of the connection, at most `max` (more are dropped and closed);
 * waits at most timeout_msec for each datagram. Returns the number received (their pidfds are the caller's)
 * or -errno (none is left open). */
int handover_receive(int socket, struct handover_child *ret, size_t max, int timeout_msec);

#endif
