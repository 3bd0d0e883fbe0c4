/* SPDX-License-Identifier: Apache-2.0 */
/* Makes folders; puts nothing into them. */
#include "launcher/folders.h"

#include "base/fd.h"
#include "base/text.h"
#include "streamkeeper/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
    const char *path;
    mode_t mode;
    bool is_daemons;
};

static int make_folder(const struct folder *f, const struct user *daemon, bool give_away) {
    int r = fd_mkdir_p_at(AT_FDCWD, f->path, f->mode);
    if (r < 0)
        return r;
    AUTO_FD int fd = open(f->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    uid_t uid = f->is_daemons && give_away ? daemon->uid : geteuid();
    gid_t gid = f->is_daemons && give_away ? daemon->gid : getegid();
    if ((st.st_uid != uid || (give_away && st.st_gid != gid)) && fchown(fd, uid, gid) < 0)
        return -errno;
    /* Never wider than meant; narrower is the operator's choice. */
    mode_t mode = st.st_mode & 07777 & f->mode;
    if (mode != (st.st_mode & 07777) && fchmod(fd, mode) < 0)
        return -errno;
    return 0;
}

int folders_make(const struct paths *paths, const struct user *daemon, bool give_away,
                 struct reason *reason) {
    char notify[700];
    int r = text_format(notify, sizeof(notify), "%s/%s", paths->run, SK_NOTIFY_DIR);
    if (r < 0)
        return reason_set(reason, r, "%s: path too long", paths->run);
    const struct folder folders[] = {
        {paths->etc, 0755, false},   {paths->run, 0755, false},     {notify, 0711, true},
        {paths->state, 0711, false}, {paths->registry, 0700, true}, {paths->log, 0755, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        r = make_folder(&folders[i], daemon, give_away);
        if (r < 0)
            return reason_set(reason, r, "Failed to make the folder %s: %s", folders[i].path, strerror(-r));
    }
    return 0;
}

static bool may_enter(const struct user *user, const struct stat *st) {
    if (user->uid == 0)
        return true;
    if (st->st_uid == user->uid)
        return st->st_mode & S_IXUSR;
    for (size_t i = 0; i < user->n_groups; i++)
        if (user->groups[i] == st->st_gid)
            return st->st_mode & S_IXGRP;
    return st->st_mode & S_IXOTH;
}

bool folders_user_can_enter(const struct user *user, const char *path, char *ret_obstacle, unsigned size) {
    char part[1024];
    size_t len = strlen(path);
    if (len >= sizeof(part))
        return false;
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        struct stat st;
        memcpy(part, path, i);
        part[i] = '\0';
        if (stat(part, &st) < 0)
            return true;
        if (!may_enter(user, &st)) {
            snprintf(ret_obstacle, size, "%s", part);
            return false;
        }
    }
    return true;
}
