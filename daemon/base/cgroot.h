/* SPDX-License-Identifier: Apache-2.0 */
/* The result of preparing the cgroup tree: the file <run>/cgroup, written by streamkeeper-cgsetup, read by
 * launcher and daemon.
 *
 * Lines of key=value:
 *   path=/sys/fs/cgroup/...   absolute path of the apps' root group ("" in mode none)
 *   mode=unified|hybrid|none  unified: controllers below it; hybrid: cgroup v2 without controllers (they are
 * bound to v1); none: no group can be made, processes are only tracked controllers=cpu memory …  enabled for
 * the class groups reason=…                  one line for a person: why not more, and what to do about it */
#ifndef BASE_CGROOT_H
#define BASE_CGROOT_H

#include <stddef.h>

enum cgroot_mode { CGROOT_NONE, CGROOT_HYBRID, CGROOT_UNIFIED, CGROOT_MODE_MAX };

struct cgroot {
    enum cgroot_mode mode;
    char path[512];
    char controllers[128];
    char reason[256];
};

const char *cgroot_mode_name(enum cgroot_mode mode);

/* Parses the text of such a file. Unknown keys are skipped. Returns 0, or -EINVAL (ret untouched). */
int cgroot_parse(const char *text, struct cgroot *ret);

/* Reads and parses the file in the run folder. Returns 0 or -errno (ret untouched). */
int cgroot_load(const char *run, struct cgroot *ret);

/* Writes the text. Returns 0, -EINVAL for a newline in a field, or -ENAMETOOLONG. */
int cgroot_print(const struct cgroot *c, char *buf, size_t size);

#endif
