/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of groups below the apps' root, by directory descriptors only:
 *
 *     <root>/<class>/<tenant>/<app>.<n>
 *
 * Processes live in the leaves and nowhere else. Class groups exist before the daemon starts
 * (streamkeeper-cgsetup); the daemon makes tenant and leaf groups itself, because it owns the class groups.
 * The kernel's rules behind this are in its Documentation/admin-guide/cgroup-v2.rst (delegation, no internal
 * processes). Nothing here blocks: control files answer at once. */
#ifndef CGROUP_TREE_H
#define CGROUP_TREE_H

#include "base/cgroot.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct cgtree;

/* Opens the root group. In mode none there is no tree: returns 0 and *ret NULL. -errno otherwise. */
int cgtree_open(const struct cgroot *root, struct cgtree **ret);
void cgtree_free(struct cgtree *t);

const struct cgroot *cgtree_root(const struct cgtree *t);

/* True if the controller ("cpu", "memory", "io", "pids") is enabled for the class groups. */
bool cgtree_has(const struct cgtree *t, const char *controller);

/* Makes what is missing and returns a directory fd owned by the caller, or -errno. A tenant group gets its
 * controllers enabled when made; a leaf's number is part of its name. -ENOENT for a class group when it is
 * not there and cannot be made. */
int cgtree_open_class(struct cgtree *t, const char *class);
int cgtree_open_tenant(struct cgtree *t, const char *class, const char *tenant);
int cgtree_open_leaf(struct cgtree *t, const char *class, const char *tenant, const char *app,
                     uint32_t number);

/* Removes an empty leaf, and its tenant group if that is empty then. Returns 0 (also when it is already
 * gone), -EBUSY while processes are in it or are still being buried, or another -errno. */
int cgtree_remove_leaf(struct cgtree *t, const char *class, const char *tenant, const char *app,
                       uint32_t number);

struct cgleaf_name {
    char class[NAME_LEN_MAX + 1], tenant[NAME_LEN_MAX + 1], app[NAME_LEN_MAX + 1];
    uint32_t number;
};

/* Calls `fn` for every leaf whose name has the right form; groups of other names are left alone. dirfd is
 * borrowed. Returns 0 or -errno. */
typedef void (*cgleaf_fn)(void *userdata, const struct cgleaf_name *name, int dirfd);
int cgtree_each_leaf(struct cgtree *t, cgleaf_fn fn, void *userdata);

#endif
