/* SPDX-License-Identifier: Apache-2.0 */
/* Makes, finds and removes groups; what they are worth (weights, limits) is not its business. */
#include "cgroup/tree.h"

#include "base/attr.h"
#include "base/fd.h"
#include "cgroup/counters.h"
#include "cgroup/group.h"
#include "cgroup/leafname.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_GROUP (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* How deep an app may have nested groups below its leaf and still have them removed. */
#define NESTED_MAX 16

struct cgtree {
    struct cgroot root;
    int dirfd;
};

int cgtree_open(const struct cgroot *root, struct cgtree **ret) {
    if (root->mode == CGROOT_NONE) {
        *ret = NULL;
        return 0;
    }
    AUTO_FD int fd = open(root->path, OPEN_GROUP);
    if (fd < 0)
        return -errno;
    struct cgtree *t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    t->root = *root;
    t->dirfd = TAKE_FD(fd);
    *ret = t;
    return 0;
}

void cgtree_free(struct cgtree *t) {
    if (!t)
        return;
    fd_close(t->dirfd);
    free(t);
}

const struct cgroot *cgtree_root(const struct cgtree *t) {
    return &t->root;
}

bool cgtree_has(const struct cgtree *t, const char *controller) {
    return t && counter_has_word(t->root.controllers, controller);
}

static int open_group(int parent, const char *name) {
    int fd = openat(parent, name, OPEN_GROUP);
    if (fd >= 0)
        return fd;
    /* ENODEV: the parent was removed; ELOOP: a symbolic link, which a group never is */
    return errno == ENODEV ? -ENOENT : errno == ELOOP ? -ENOTDIR : -errno;
}

/* Opens or makes a group. */
static int make_group(int parent, const char *name) {
    int fd = open_group(parent, name);
    if (fd != -ENOENT)
        return fd;
    if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
        return errno == ENODEV ? -ENOENT : -errno;
    return open_group(parent, name);
}

/* Turns on for the groups below what the root has, where it is not on yet: all in one write, which the kernel
 * does as a whole or not at all. */
static int enable_controllers(const struct cgtree *t, int dirfd) {
    char enabled[256], words[sizeof(t->root.controllers)];
    memcpy(words, t->root.controllers, sizeof(words));
    if (words[0] == '\0')
        return 0;
    ssize_t n = group_read(dirfd, "cgroup.subtree_control", enabled, sizeof(enabled));
    if (n < 0)
        return (int)n;

    char wanted[2 * sizeof(words)] = "";
    size_t len = 0;
    char *rest = words;
    for (char *word = strsep(&rest, " "); word; word = strsep(&rest, " ")) {
        size_t word_len = strlen(word);
        if (word_len == 0 || counter_has_word(enabled, word))
            continue;
        if (len > 0)
            wanted[len++] = ' ';
        wanted[len++] = '+';
        memcpy(wanted + len, word, word_len + 1);
        len += word_len;
    }
    return len > 0 ? group_write(dirfd, "cgroup.subtree_control", wanted) : 0;
}

/* Opens or makes a group whose place is above the leaves. */
static int make_inner_group(const struct cgtree *t, int parent, const char *name) {
    AUTO_FD int fd = make_group(parent, name);
    if (fd < 0)
        return fd;
    int r = enable_controllers(t, fd);
    return r < 0 ? r : TAKE_FD(fd);
}

int cgtree_open_class(struct cgtree *t, const char *class) {
    if (!text_is_name(class))
        return -EINVAL;
    int fd = make_inner_group(t, t->dirfd, class);
    return fd == -EACCES || fd == -EPERM || fd == -EROFS ? -ENOENT : fd;
}

int cgtree_open_tenant(struct cgtree *t, const char *class, const char *tenant) {
    if (!text_is_name(class) || !text_is_name(tenant))
        return -EINVAL;
    AUTO_FD int class_fd = open_group(t->dirfd, class);
    if (class_fd == -ENOENT)
        class_fd = cgtree_open_class(t, class);
    if (class_fd < 0)
        return class_fd;
    return make_inner_group(t, class_fd, tenant);
}

int cgtree_open_leaf(struct cgtree *t, const char *class, const char *tenant, const char *app,
                     uint32_t number) {
    char name[LEAF_NAME_SIZE];
    int r = leafname_format(app, number, name);
    if (r < 0)
        return r;
    AUTO_FD int tenant_fd = cgtree_open_tenant(t, class, tenant);
    return tenant_fd < 0 ? tenant_fd : make_group(tenant_fd, name);
}

static int remove_group(int parent, const char *name, unsigned depth);

/* Calls fn for each directory below dirfd whose name does not begin with a dot, until it returns < 0. What
 * disappears meanwhile is passed over. */
static int each_dir(int dirfd, int (*fn)(void *userdata, int parent, const char *name), void *userdata) {
    int fd = openat(dirfd, ".", OPEN_GROUP);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        int r = -errno;
        fd_close(fd);
        return r == -ENOENT || r == -ENODEV ? 0 : r;
    }
    int r = 0;
    for (;;) {
        errno = 0;
        const struct dirent *e = readdir(dir);
        if (!e) {
            r = errno == ENOENT || errno == ENODEV ? 0 : -errno;
            break;
        }
        if (e->d_name[0] == '.' || (e->d_type != DT_DIR && e->d_type != DT_UNKNOWN))
            continue;
        r = fn(userdata, dirfd, e->d_name);
        if (r < 0)
            break;
    }
    closedir(dir);
    return r;
}

static int remove_nested(void *userdata, int parent, const char *name) {
    const unsigned *depth = userdata;
    return remove_group(parent, name, *depth + 1);
}

/* Removes a group without processes, and what was nested in it. 0 also when it is not there. */
static int remove_group(int parent, const char *name, unsigned depth) {
    if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT || errno == ENODEV)
        return 0;
    if (errno != EBUSY && errno != ENOTEMPTY)
        return -errno;

    AUTO_FD int fd = open_group(parent, name);
    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    if (depth >= NESTED_MAX || group_is_populated(fd) == 1)
        return -EBUSY;
    int r = each_dir(fd, remove_nested, &depth);
    if (r < 0)
        return r;
    if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return 0;
    return errno == ENOTEMPTY ? -EBUSY : -errno;
}

int cgtree_remove_leaf(struct cgtree *t, const char *class, const char *tenant, const char *app,
                       uint32_t number) {
    char name[LEAF_NAME_SIZE];
    if (!text_is_name(class) || !text_is_name(tenant) || leafname_format(app, number, name) < 0)
        return -EINVAL;
    AUTO_FD int class_fd = open_group(t->dirfd, class);
    if (class_fd < 0)
        return class_fd == -ENOENT ? 0 : class_fd;
    AUTO_FD int tenant_fd = open_group(class_fd, tenant);
    if (tenant_fd < 0)
        return tenant_fd == -ENOENT ? 0 : tenant_fd;
    int r = remove_group(tenant_fd, name, 0);
    if (r < 0)
        return r;
    /* Only if nothing else is in it. */
    unlinkat(class_fd, tenant, AT_REMOVEDIR);
    return 0;
}

struct walk {
    cgleaf_fn fn;
    void *userdata;
    struct cgleaf_name name;
};

/* Passes over what is gone, and over links and files in the shape of groups. */
static int skip_gone(int r) {
    return r == -ENOENT || r == -ENOTDIR ? 0 : r;
}

static int walk_leaf(void *userdata, int parent, const char *name) {
    struct walk *w = userdata;
    if (leafname_parse(name, w->name.app, &w->name.number) < 0)
        return 0;
    AUTO_FD int fd = open_group(parent, name);
    if (fd < 0)
        return skip_gone(fd);
    struct cgleaf_name found = w->name; /* fn may come back here */
    w->fn(w->userdata, &found, fd);
    return 0;
}

static int walk_tenant(void *userdata, int parent, const char *name) {
    struct walk *w = userdata;
    if (!text_is_name(name))
        return 0;
    AUTO_FD int fd = open_group(parent, name);
    if (fd < 0)
        return skip_gone(fd);
    memcpy(w->name.tenant, name, strlen(name) + 1);
    return each_dir(fd, walk_leaf, w);
}

static int walk_class(void *userdata, int parent, const char *name) {
    struct walk *w = userdata;
    if (!text_is_name(name))
        return 0;
    AUTO_FD int fd = open_group(parent, name);
    if (fd < 0)
        return skip_gone(fd);
    memcpy(w->name.class, name, strlen(name) + 1);
    return each_dir(fd, walk_tenant, w);
}

int cgtree_each_leaf(struct cgtree *t, cgleaf_fn fn, void *userdata) {
    struct walk w = {.fn = fn, .userdata = userdata};
    return each_dir(t->dirfd, walk_class, &w);
}
