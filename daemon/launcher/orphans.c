/* SPDX-License-Identifier: Apache-2.0 */
/* Reads /proc; decides nothing about what it finds but whether it is an instance of ours. */
#include "launcher/orphans.h"

#include "base/fd.h"
#include "base/parse.h"
#include "launcher/adopt.h"
#include "launcher/launcher.h"
#include "launcher/proc.h"
#include "streamkeeper/names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

#define ENVIRONMENT_MAX (4 * 1024 * 1024) /* bytes; more is nothing that we have started */

struct orphan {
    uint64_t start_id, start_ticks;
    pid_t pid;
};

/* The value of a variable in a block of NUL-terminated entries, or NULL. */
static const char *find_value(const char *block, size_t len, const char *name) {
    size_t name_len = strlen(name);
    for (const char *p = block; p < block + len; p += strlen(p) + 1)
        if (strncmp(p, name, name_len) == 0 && p[name_len] == '=')
            return p + name_len + 1;
    return NULL;
}

/* The state directory is below ours and belongs to the user. */
static bool is_state_dir_of(const struct launcher *l, const char *path, uint32_t uid) {
    size_t len = strlen(l->paths.state);
    struct stat st;
    if (strncmp(path, l->paths.state, len) != 0 || path[len] != '/' || path[len + 1] == '/' ||
        strstr(path + len, ".."))
        return false;
    return fstatat(l->host.state_fd, path + len + 1, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
           st.st_uid == uid;
}

/* Whether this is the first process of a session, as every main process is, and ours. */
static bool examine(const struct launcher *l, pid_t pid, struct orphan *ret) {
    char path[64];
    struct proc_stat s;
    uint32_t uid;
    uint64_t id;
    AUTO_FREE char *block = NULL;
    size_t len = 0;
    if (proc_read_stat(pid, &s) < 0 || s.session != pid || s.state == 'Z' || s.state == 'X')
        return false;
    if (proc_read_uid(pid, &uid) < 0 || !policy_permits_uid(&l->policy, uid))
        return false;
    snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
    if (fd_read_file_at(AT_FDCWD, path, ENVIRONMENT_MAX, &block, &len) < 0)
        return false;
    const char *directory = find_value(block, len, SK_ENV_STATE_DIR);
    const char *start = find_value(block, len, SK_ENV_START_ID);
    if (!directory || !start || !is_state_dir_of(l, directory, uid))
        return false;
    if (parse_u64(start, &id) < 0 || id == 0)
        return false;
    *ret = (struct orphan){.start_id = id, .start_ticks = s.start_ticks, .pid = pid};
    return true;
}

static int compare(const void *pa, const void *pb) {
    const struct orphan *a = pa, *b = pb;
    if (a->start_id != b->start_id)
        return a->start_id < b->start_id ? -1 : 1;
    if (a->start_ticks != b->start_ticks)
        return a->start_ticks < b->start_ticks ? -1 : 1;
    return a->pid < b->pid ? -1 : 1;
}

static size_t search(const struct launcher *l, struct orphan *found, size_t max) {
    size_t n = 0;
    DIR *proc = opendir("/proc");
    const struct dirent *entry;
    while (proc && n < max && (entry = readdir(proc))) {
        uint32_t pid;
        if (parse_u32(entry->d_name, &pid) == 0 && pid > 1 && examine(l, (pid_t)pid, &found[n]))
            n++;
    }
    if (proc)
        closedir(proc);
    return n;
}

int orphans_adopt(struct launcher *l) {
    if (l->cgroot.mode != CGROOT_NONE)
        return 0;
    AUTO_FREE struct orphan *found = calloc(CHILDREN_MAX, sizeof(*found));
    if (!found)
        return 0;
    size_t n = search(l, found, CHILDREN_MAX);
    int taken = 0;
    qsort(found, n, sizeof(*found), compare);
    for (size_t i = 0; i < n; i++) {
        if (children_by_id(&l->children, found[i].start_id))
            continue;
        int pidfd = pidfd_open(found[i].pid, 0);
        if (pidfd >= 0 && adopt_pidfd(l, found[i].start_id, found[i].start_ticks, pidfd) == 0)
            taken++;
    }
    return taken;
}
