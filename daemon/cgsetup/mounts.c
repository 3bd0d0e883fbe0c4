/* SPDX-License-Identifier: Apache-2.0 */
/* Reads mount and membership tables; makes no group. */
#include "cgsetup/mounts.h"

#include "base/attr.h"
#include "base/fd.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define TABLE_MAX (1024 * 1024)

/* mountinfo: id parent major:minor root point options [optional…] - type source options */
static int parse_line(const char *line, size_t len, struct cgroup_mount *ret) {
    char text[1024];
    struct cgroup_mount m;
    if (len >= sizeof(text))
        return -ENOENT;
    memcpy(text, line, len);
    text[len] = '\0';
    const char *type = strstr(text, " - ");
    if (!type || strncmp(type + 3, "cgroup2 ", strlen("cgroup2 ")) != 0)
        return -ENOENT;
    if (sscanf(text, "%*s %*s %*s %255s %255s", m.root, m.path) != 2 || m.path[0] != '/')
        return -ENOENT;
    *ret = m;
    return 0;
}

int mounts_parse(const char *mountinfo, struct cgroup_mount *ret) {
    bool found = false;
    while (*mountinfo) {
        size_t len = strcspn(mountinfo, "\n");
        struct cgroup_mount m;
        if (parse_line(mountinfo, len, &m) == 0) {
            bool usual = strcmp(m.path, "/sys/fs/cgroup") == 0;
            if (!found || usual)
                *ret = m;
            found = true;
            if (usual)
                break;
        }
        mountinfo += len + (mountinfo[len] == '\n');
    }
    return found ? 0 : -ENOENT;
}

int mounts_parse_cgroup(const char *text, char *ret_path, size_t size) {
    while (*text) {
        size_t len = strcspn(text, "\n");
        if (strncmp(text, "0::/", 4) == 0) {
            if (len - 3 >= size)
                return -ENAMETOOLONG;
            memcpy(ret_path, text + 3, len - 3);
            ret_path[len - 3] = '\0';
            return 0;
        }
        text += len + (text[len] == '\n');
    }
    return -ENOENT;
}

int mounts_find(struct cgroup_mount *ret) {
    AUTO_FREE char *text = NULL;
    int r = fd_read_file_at(AT_FDCWD, "/proc/self/mountinfo", TABLE_MAX, &text, NULL);
    return r < 0 ? r : mounts_parse(text, ret);
}

int mounts_own_group(const struct cgroup_mount *m, char *ret_group, size_t size) {
    AUTO_FREE char *text = NULL;
    char path[512];
    int r = fd_read_file_at(AT_FDCWD, "/proc/self/cgroup", TABLE_MAX, &text, NULL);
    if (r == 0)
        r = mounts_parse_cgroup(text, path, sizeof(path));
    if (r < 0)
        return r;
    const char *below = path;
    size_t root_len = strlen(m->root);
    if (root_len > 1) {
        if (strncmp(path, m->root, root_len) != 0 || (path[root_len] != '/' && path[root_len] != '\0'))
            return -ENOENT; /* our group is not in what is mounted here */
        below += root_len;
    }
    return text_format(ret_group, size, "%s", strcmp(below, "/") == 0 ? "" : below);
}
