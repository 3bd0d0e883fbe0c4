/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the tree that the apps live in, and says in <run>/cgroup (base/cgroot.h) what came of it.
 *
 *     <root group>/<class>     one for each class, with every controller that can be had
 *
 * The root group is, in this order: the group of streamkeeper-apps.service, where that has left a note; with
 * --root, a group of that root's own at the top of the mount (its name ends with a number made from the
 * path); without root, one below our own group, if that is ours. Where none can be made the mode is none and
 * the reason says why: that is no failure. */
#ifndef CGSETUP_PREPARE_H
#define CGSETUP_PREPARE_H

#include "base/paths.h"
#include "base/reason.h"

#include <stddef.h>
#include <sys/types.h>

/* Safe to repeat while apps run. Returns 0, or -errno with words when even the result could not be written.
 */
int prepare_tree(const struct paths *paths, uid_t uid, gid_t gid, struct reason *reason);

/* Removes the tree of a --root service as far as it is empty. Returns 0 or -errno with words. */
int prepare_remove(const struct paths *paths, struct reason *reason);

/* Pure: the name of a root's group: "streamkeeper", or "streamkeeper-<number>" for a --root. */
int prepare_group_name(const char *root, char *ret, size_t size);

#endif
