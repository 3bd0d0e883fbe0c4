/* SPDX-License-Identifier: Apache-2.0 */
/* The last duty of a daemon whose launcher died (wire/handover.h): keeps the pidfds until the next launcher
 * fetches them. */
#ifndef ADAPTERS_CUSTODY_H
#define ADAPTERS_CUSTODY_H

#include <stddef.h>

struct handover_child;

/* Waits on the listening socket and hands the children to the first peer that is root or our own user. Takes
 * the pidfds. Returns 0 when they were handed over or nobody came for an hour, or -errno. Blocking: nothing
 * else is left to do. */
int custody_run(int listen_fd, struct handover_child *children, size_t n);

#endif
