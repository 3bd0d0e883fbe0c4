/* SPDX-License-Identifier: Apache-2.0 */
/* The only file that includes libcgroup; its error convention stops here. */
#include "cgsetup/library.h"

#include <errno.h>
#include <libcgroup.h>
#include <stdbool.h>

static void free_group(struct cgroup **g) {
    cgroup_free(g);
}

static int fail(struct reason *reason, const char *what, const char *group, int code) {
    return reason_set(reason, -EIO, "libcgroup failed to %s %s: %s", what, group, cgroup_strerror(code));
}

int library_create(const char *group, const char *const *controllers, struct reason *reason) {
    int code = cgroup_init();
    if (code)
        return fail(reason, "read the mounts for", group, code);
    CLEANUP(free_group) struct cgroup *g = cgroup_new_cgroup(group);
    if (!g)
        return reason_set(reason, -ENOMEM, "libcgroup failed to describe %s", group);
    /* By name: cgroup_add_all_controllers adds none on a pure cgroup v2 host, and says that it did. */
    for (; *controllers; controllers++)
        if (!cgroup_add_controller(g, *controllers))
            return reason_set(reason, -EIO, "libcgroup does not know the controller %s", *controllers);
    code = cgroup_create_cgroup(g, true);
    return code ? fail(reason, "create", group, code) : 0;
}
