/* SPDX-License-Identifier: Apache-2.0 */
/* A tree of groups made of plain folders and files in a temporary folder, for tests that need no kernel. What
 * the kernel would do (make control files, count, refuse to remove what is in use) a test does itself. */
#ifndef FAKE_CGTREE_H
#define FAKE_CGTREE_H

#include "base/cgroot.h"

#include <stddef.h>
#include <sys/types.h>

struct fake_cgtree {
    char path[64];
    int dirfd;
    struct cgroot root; /* mode unified, this path */
};

/* One control file; its group is made with it. */
struct fake_file {
    const char *group; /* "critical/payments/enrich.0"; "" for the root */
    const char *file;
    const char *text;
};

/* Makes the folder and the files. Returns 0 or -errno. */
int fake_cgtree_make(struct fake_cgtree *ret, const char *controllers, const struct fake_file *files,
                     size_t n);

/* Removes all of it. */
void fake_cgtree_remove(struct fake_cgtree *t);

/* Makes a group with what stands above it, or opens it. Returns an fd owned by the caller, or -errno. */
int fake_cgtree_group(const struct fake_cgtree *t, const char *group);

/* Writes a control file in place, as the kernel changes one: whoever watches it is told. Returns 0 or -errno.
 */
int fake_cgtree_write(const struct fake_cgtree *t, const char *group, const char *file, const char *text);

/* Reads it back. Returns its length or -errno. */
ssize_t fake_cgtree_read(const struct fake_cgtree *t, const char *group, const char *file, char *buf,
                         size_t size);

#endif
