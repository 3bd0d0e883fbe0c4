/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses the root group and fills it; the daemon makes everything below the class groups. */
#include "cgsetup/prepare.h"

#include "base/cgroot.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/text.h"
#include "cgsetup/classes.h"
#include "cgsetup/groups.h"
#include "cgsetup/keeper.h"
#include "cgsetup/library.h"
#include "cgsetup/mounts.h"
#include "streamkeeper/names.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SUPERVISOR "supervisor"

struct tree {
    struct cgroup_mount mount;
    char parent[512]; /* path of the group above the root group */
    char note[200];   /* why a controller is missing */
    struct cgroot result;
    uid_t uid;
    gid_t gid;
    bool is_root;
};

int prepare_group_name(const char *root, char *ret, size_t size) {
    if (!root[0])
        return text_format(ret, size, "streamkeeper");
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (const char *p = root; *p; p++)
        hash = (hash ^ (uint8_t)*p) * UINT64_C(1099511628211);
    return text_format(ret, size, "streamkeeper-%016" PRIx64, hash);
}

static void be_none(struct tree *t, const char *format, ...) ATTR_PRINTF(2, 3);
static void be_none(struct tree *t, const char *format, ...) {
    va_list ap;
    t->result = (struct cgroot){.mode = CGROOT_NONE};
    va_start(ap, format);
    vsnprintf(t->result.reason, sizeof(t->result.reason), format, ap);
    va_end(ap);
}

/* The unit's group, from the keeper's note. Returns 1 when there is one, 0 when not, or -errno. */
static int find_unit_group(struct tree *t, const struct paths *paths) {
    char file[700];
    AUTO_FREE char *text = NULL;
    int r = text_format(file, sizeof(file), "%s/%s", paths->run, KEEPER_GROUP_FILE);
    if (r < 0)
        return r;
    r = fd_read_file_at(AT_FDCWD, file, 512, &text, NULL);
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return r;
    text[strcspn(text, "\n")] = '\0';
    if (text[0] != '/' || strstr(text, "/../"))
        return -EINVAL;
    r = text_format(t->result.path, sizeof(t->result.path), "%s%s", t->mount.path, text);
    if (r < 0)
        return r;
    return access(t->result.path, F_OK) == 0 ? 1 : -ENOENT;
}

/* Without root: below our own group. Its processes must leave it before it can have controllers for others.
 */
static int find_own_group(struct tree *t) {
    char group[400], supervisor[600];
    int r = mounts_own_group(&t->mount, group, sizeof(group));
    if (r < 0)
        return r;
    size_t len = strlen(group), suffix = strlen("/" SUPERVISOR);
    bool moved = len > suffix && strcmp(group + len - suffix, "/" SUPERVISOR) == 0;
    if (moved)
        group[len - suffix] = '\0';
    r = text_format(t->parent, sizeof(t->parent), "%s%s", t->mount.path, group);
    if (r == 0)
        r = text_format(supervisor, sizeof(supervisor), "%s/" SUPERVISOR, t->parent);
    if (r < 0)
        return r;
    if (access(t->parent, W_OK) < 0)
        return -errno;
    if (moved)
        return 0;
    r = groups_make(supervisor);
    return r < 0 ? r : groups_move_all(t->parent, supervisor);
}

/* Decides where the root group is, and makes what is above it ready. */
static int choose_root(struct tree *t, const struct paths *paths) {
    char name[64];
    int r = paths->root[0] ? 0 : find_unit_group(t, paths);
    if (r != 0)
        return MIN(r, 0);
    if (t->is_root && !paths->root[0] && access("/run/systemd/system", F_OK) == 0)
        return -ESRCH;
    r = prepare_group_name(paths->root, name, sizeof(name));
    if (r == 0 && t->is_root)
        r = text_format(t->parent, sizeof(t->parent), "%s", t->mount.path);
    else if (r == 0)
        r = find_own_group(t);
    if (r == 0)
        r = text_format(t->result.path, sizeof(t->result.path), "%s/%s", t->parent, name);
    if (r < 0)
        return r;
    r = groups_enable(t->parent);
    if (r < 0)
        snprintf(t->note, sizeof(t->note), "%s refused them (%s)", t->parent, strerror(-r));
    return groups_make(t->result.path);
}

/* A class group through libcgroup where it can do it, else by hand. */
static int make_class(struct tree *t, const char *path) {
    char available[64];
    int r = groups_enabled(t->result.path, "cgroup.controllers", available, sizeof(available));
    if (r == 0 && t->is_root && available[0]) {
        const char *wanted[8] = {NULL};
        size_t n = 0;
        for (size_t i = 0; groups_controllers[i]; i++)
            if (groups_has_word(available, groups_controllers[i]))
                wanted[n++] = groups_controllers[i];
        struct reason reason = {0};
        r = library_create(path + strlen(t->mount.path) + 1, wanted, &reason);
        if (r < 0)
            log_warning("%s; making it without the library", reason.text);
    }
    /* Also after the library said that all is well. */
    r = groups_enable(t->result.path);
    if (r < 0)
        snprintf(t->note, sizeof(t->note), "%s refused them (%s)", t->result.path, strerror(-r));
    r = groups_make(path);
    if (r == 0)
        (void)groups_enable(path);
    return r;
}

static int make_classes(struct tree *t, const struct paths *paths) {
    CLEANUP(cleanup_text_list) char **names = NULL;
    char path[700];
    int r = classes_list(paths->etc, &names);
    for (size_t i = 0; r == 0 && names[i]; i++) {
        r = text_format(path, sizeof(path), "%s/%s", t->result.path, names[i]);
        if (r == 0)
            r = make_class(t, path);
        if (r == 0 && t->is_root)
            r = groups_give(path, t->uid, t->gid, true);
        /* What classes really have: read back from the last, they are all alike. */
        if (r == 0)
            r = groups_enabled(path, "cgroup.subtree_control", t->result.controllers,
                               sizeof(t->result.controllers));
    }
    if (r == 0 && t->is_root)
        r = groups_give(t->result.path, t->uid, t->gid, false);
    return r;
}

static bool is_v1_mounted(void) {
    return access("/sys/fs/cgroup/memory/memory.usage_in_bytes", F_OK) == 0 ||
           access("/sys/fs/cgroup/cpu/cpu.shares", F_OK) == 0;
}

static void explain_missing(struct tree *t) {
    struct cgroot *c = &t->result;
    char missing[64] = "";
    size_t len = 0;
    for (size_t i = 0; groups_controllers[i]; i++)
        if (!groups_has_word(c->controllers, groups_controllers[i]))
            len += (size_t)snprintf(missing + len, sizeof(missing) - len, "%s%s", len ? " " : "",
                                    groups_controllers[i]);
    if (!missing[0])
        return;
    if (!c->controllers[0] && is_v1_mounted())
        snprintf(c->reason, sizeof(c->reason),
                 "the controllers are bound to cgroup v1; boot with systemd.unified_cgroup_hierarchy=1 to "
                 "have limits "
                 "and weights");
    else
        snprintf(c->reason, sizeof(c->reason), "without controllers %s: %s", missing,
                 t->note[0] ? t->note : "the kernel or the group above does not offer them");
}

static void build(struct tree *t, const struct paths *paths) {
    int r = mounts_find(&t->mount);
    if (r < 0) {
        be_none(t, "no cgroup v2 is mounted; processes are tracked one by one");
        return;
    }
    r = choose_root(t, paths);
    if (r == -ESRCH) {
        be_none(
            t,
            "streamkeeper-apps.service has left no note of its group; start it before streamkeeper.service");
        return;
    }
    if (r < 0 && !t->is_root) {
        be_none(t,
                "%s: %s; run as root, or in a group of your own (systemd-run --user --scope -p Delegate=yes)",
                t->parent[0] ? t->parent : t->mount.path, strerror(-r));
        return;
    }
    if (r == 0)
        r = make_classes(t, paths);
    if (r < 0) {
        be_none(t, "%s: no groups can be made there (%s)", t->result.path[0] ? t->result.path : t->mount.path,
                strerror(-r));
        return;
    }
    t->result.mode = t->result.controllers[0] ? CGROOT_UNIFIED : CGROOT_HYBRID;
    explain_missing(t);
}

int prepare_tree(const struct paths *paths, uid_t uid, gid_t gid, struct reason *reason) {
    struct tree t = {.uid = uid, .gid = gid, .is_root = geteuid() == 0};
    char text[1200], file[700];
    build(&t, paths);
    int r = fd_mkdir_p_at(AT_FDCWD, paths->run, 0755);
    if (r == 0)
        r = cgroot_print(&t.result, text, sizeof(text));
    if (r == 0)
        r = text_format(file, sizeof(file), "%s/%s", paths->run, SK_CGROUP_FILE);
    if (r == 0)
        r = fd_replace_file_at(AT_FDCWD, file, text, 0644);
    return r < 0
               ? reason_set(reason, r, "Failed to write %s/%s: %s", paths->run, SK_CGROUP_FILE, strerror(-r))
               : 0;
}

int prepare_remove(const struct paths *paths, struct reason *reason) {
    struct cgroot c;
    char name[64], file[700];
    AUTO_FREE char *text = NULL;
    if (!paths->root[0])
        return reason_set(reason, -EINVAL, "`remove` needs --root: the system's tree belongs to its unit");
    int r = text_format(file, sizeof(file), "%s/%s", paths->run, SK_CGROUP_FILE);
    if (r == 0)
        r = fd_read_file_at(AT_FDCWD, file, 4096, &text, NULL);
    if (r == -ENOENT)
        return 0;
    if (r == 0)
        r = cgroot_parse(text, &c);
    if (r == 0)
        r = prepare_group_name(paths->root, name, sizeof(name));
    if (r < 0)
        return reason_set(reason, r, "Failed to read %s: %s", file, strerror(-r));
    const char *last = strrchr(c.path, '/');
    if (c.mode == CGROOT_NONE || !last)
        return 0;
    if (strcmp(last + 1, name) != 0)
        return reason_set(reason, -EINVAL, "%s is not the group of this --root, leaving it", c.path);
    r = groups_remove(c.path);
    return r < 0 ? reason_set(reason, r, "%s is not empty, leaving it: %s", c.path, strerror(-r)) : 0;
}
