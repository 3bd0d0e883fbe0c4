/* SPDX-License-Identifier: Apache-2.0 */
/* The steps between the command line and the loop, in the order in which main calls them. All log what is
 * wrong, and return 0 or -errno. */
#ifndef LAUNCHER_SETUP_H
#define LAUNCHER_SETUP_H

struct launcher;

/* Where our programs are, what the service manager told us, whose service this is. */
int setup_identity(struct launcher *l);

/* Descriptors for many instances; what we were given is kept for them. `is_resumed`: it is known already. */
int setup_limits(struct launcher *l, int is_resumed);

/* Folders and the lock; a resumed launcher holds the lock. */
int setup_folders(struct launcher *l);
int setup_lock(struct launcher *l);

/* The cgroup tree: prepared by the units under a service manager, else by us through streamkeeper-cgsetup;
 * then read. */
int setup_cgroups(struct launcher *l);

/* Processes of the last launcher, and the sockets. */
int setup_takeover(struct launcher *l);

/* After the loop: removes the sockets, and the groups of a --root service that has stopped. */
void setup_undo(struct launcher *l);

#endif
