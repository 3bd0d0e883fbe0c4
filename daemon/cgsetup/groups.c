/* SPDX-License-Identifier: Apache-2.0 */
/* Works on one group at a time; does not know which groups the service needs. */
#include "cgsetup/groups.h"

#include "base/attr.h"
#include "base/fd.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 6
#define PROCS_MAX (4 * 1024 * 1024)

const char *const groups_controllers[] = {"memory", "io", "cpu", "pids", NULL};

static void close_folder(DIR **d) {
    if (*d)
        closedir(*d);
}

int groups_make(const char *path) {
    return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

bool groups_has_word(const char *words, const char *word) {
    size_t len = strlen(word);
    while (*words) {
        words += strspn(words, " \n");
        size_t n = strcspn(words, " \n");
        if (n == len && memcmp(words, word, n) == 0)
            return true;
        words += n;
    }
    return false;
}

static int open_group(const char *path) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int groups_enabled(const char *path, const char *file, char *ret, size_t size) {
    AUTO_FREE char *text = NULL;
    AUTO_FD int fd = open_group(path);
    if (fd < 0)
        return fd;
    int r = fd_read_file_at(fd, file, 4096, &text, NULL);
    if (r < 0)
        return r;
    size_t len = 0;
    ret[0] = '\0';
    for (size_t i = 0; groups_controllers[i]; i++) {
        if (!groups_has_word(text, groups_controllers[i]))
            continue;
        int n = snprintf(ret + len, size - len, "%s%s", len ? " " : "", groups_controllers[i]);
        if (n < 0 || (size_t)n >= size - len)
            return -ENAMETOOLONG;
        len += (size_t)n;
    }
    return 0;
}

int groups_enable(const char *path) {
    char available[64], enabled[64], text[32];
    int r = groups_enabled(path, "cgroup.controllers", available, sizeof(available));
    if (r == 0)
        r = groups_enabled(path, "cgroup.subtree_control", enabled, sizeof(enabled));
    if (r < 0)
        return r;
    AUTO_FD int fd = open_group(path);
    if (fd < 0)
        return fd;
    int last = 0;
    for (size_t i = 0; groups_controllers[i]; i++) {
        const char *name = groups_controllers[i];
        if (!groups_has_word(available, name) || groups_has_word(enabled, name))
            continue;
        snprintf(text, sizeof(text), "+%s", name);
        r = fd_write_file_at(fd, "cgroup.subtree_control", text);
        /* The rest would work on a group with processes, and turn it into a threaded one. */
        if (r == -EBUSY)
            return r;
        last = r < 0 ? r : last;
    }
    return last;
}

int groups_move_all(const char *from, const char *to) {
    AUTO_FREE char *text = NULL;
    AUTO_FD int from_fd = open_group(from);
    AUTO_FD int to_fd = open_group(to);
    if (from_fd < 0 || to_fd < 0)
        return from_fd < 0 ? from_fd : to_fd;
    int r = fd_read_file_at(from_fd, "cgroup.procs", PROCS_MAX, &text, NULL);
    if (r < 0)
        return r;
    for (char *save = NULL, *pid = strtok_r(text, "\n", &save); pid; pid = strtok_r(NULL, "\n", &save)) {
        r = fd_write_file_at(to_fd, "cgroup.procs", pid);
        if (r < 0 && r != -ESRCH)
            return r;
    }
    return 0;
}

static int give_file(int fd, const char *name, uid_t uid, gid_t gid) {
    return fchownat(fd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT ? -errno : 0;
}

int groups_give(const char *path, uid_t uid, gid_t gid, bool all_files) {
    static const char *const delegation[] = {"cgroup.procs", "cgroup.threads", "cgroup.subtree_control"};
    AUTO_FD int fd = open_group(path);
    if (fd < 0)
        return fd;
    if (fchown(fd, uid, gid) < 0)
        return -errno;
    for (size_t i = 0; !all_files && i < ARRAY_LEN(delegation); i++) {
        int r = give_file(fd, delegation[i], uid, gid);
        if (r < 0)
            return r;
    }
    CLEANUP(close_folder) DIR *d = all_files ? opendir(path) : NULL;
    for (struct dirent *e; d && (e = readdir(d));) {
        struct stat st;
        if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
            !(st.st_mode & S_IWUSR))
            continue;
        int r = give_file(fd, e->d_name, uid, gid);
        if (r < 0)
            return r;
    }
    return 0;
}

static int remove_below(int parent, const char *name, int depth) {
    int result = 0;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    CLEANUP(close_folder) DIR *d = fdopendir(fd);
    if (!d) {
        fd_close(fd);
        return -ENOMEM;
    }
    for (struct dirent *e; depth < DEPTH_MAX && (e = readdir(d));) {
        if (e->d_type != DT_DIR || e->d_name[0] == '.')
            continue;
        int r = remove_below(dirfd(d), e->d_name, depth + 1);
        result = r < 0 ? r : result;
    }
    if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        return -errno;
    return result;
}

int groups_remove(const char *path) {
    return remove_below(AT_FDCWD, path, 0);
}
