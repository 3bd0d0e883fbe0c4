/* SPDX-License-Identifier: Apache-2.0 */
/* libcgroup, behind words of our own. Version 2.0.2 says "done" in cases where nothing was done: whoever
 * calls this reads the result back from the kernel. */
#ifndef CGSETUP_LIBRARY_H
#define CGSETUP_LIBRARY_H

#include "base/reason.h"

/* Creates a group (a path below the mount point, without a leading '/') with the named controllers, enabling
 * them in the groups above it. One that exists is fine. `controllers` ends with NULL. Only as root: for an
 * owner of a delegated tree the library fails. Returns 0, or -EIO with the library's words. */
int library_create(const char *group, const char *const *controllers, struct reason *reason);

#endif
