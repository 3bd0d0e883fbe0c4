/* SPDX-License-Identifier: Apache-2.0 */
/* Gives up every privilege of the calling process, in one fixed order, and looks whether it is really gone.
 */
#ifndef LAUNCHER_DROP_H
#define LAUNCHER_DROP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct drop_ids {
    bool change; /* false: we are not root; uid, gid and groups stay as they are */
    uint32_t uid, gid;
    const uint32_t *groups; /* borrowed */
    size_t n_groups;
};

/* Ambient and bounding capabilities, no_new_privs, groups, gid, uid, then the capabilities of the process.
 * Returns 0; -errno of the step that failed; -EPERM if the verification at the end finds something left. The
 * caller must end the process on failure. */
int drop_privileges(const struct drop_ids *ids);

#endif
