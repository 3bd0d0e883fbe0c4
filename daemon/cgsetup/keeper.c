/* SPDX-License-Identifier: Apache-2.0 */
/* Starts the keeper; the tree that it keeps is made by prepare.c. */
#include "cgsetup/keeper.h"

#include "base/fd.h"
#include "base/text.h"
#include "cgsetup/groups.h"
#include "cgsetup/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The child: joins its group, tells the parent, and waits for ever. */
static void keep(const char *group, int tell_fd) {
    AUTO_FD int fd = open(group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 ? -errno : fd_write_file_at(fd, "cgroup.procs", "0");
    if (write(tell_fd, &r, sizeof(r)) < 0 || r < 0)
        _exit(1);
    (void)prctl(PR_SET_NAME, "keeper", 0, 0, 0);
    (void)close_range(0, ~0U, 0);
    if (setsid() < 0 || chdir("/") < 0)
        _exit(1);
    for (;;)
        pause();
}

static int start(const char *group) {
    int fds[2], result = -EIO;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    AUTO_FD int read_fd = fds[0];
    AUTO_FD int write_fd = fds[1];
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        keep(group, write_fd);
    write_fd = fd_close(write_fd);
    if (read(read_fd, &result, sizeof(result)) != (ssize_t)sizeof(result))
        return -EIO;
    return result;
}

int keeper_start(const char *run_folder, struct reason *reason) {
    struct cgroup_mount m;
    char group[512], path[1024], note[600];
    int r = mounts_find(&m);
    if (r < 0)
        return reason_set(reason, r, "No cgroup v2 is mounted");
    r = mounts_own_group(&m, group, sizeof(group));
    if (r < 0)
        return reason_set(reason, r, "Failed to read /proc/self/cgroup: %s", strerror(-r));
    if (group[0] == '\0')
        return reason_set(reason, -EINVAL,
                          "This process is in the top group; `keeper` is for streamkeeper-apps.service only");
    r = text_format(path, sizeof(path), "%s%s/keeper", m.path, group);
    if (r == 0)
        r = groups_make(path);
    if (r < 0)
        return reason_set(reason, r, "Failed to make the group %s: %s", path, strerror(-r));
    r = fd_mkdir_p_at(AT_FDCWD, run_folder, 0755);
    if (r == 0)
        r = text_format(note, sizeof(note), "%s\n", group);
    char file[700];
    if (r == 0)
        r = text_format(file, sizeof(file), "%s/%s", run_folder, KEEPER_GROUP_FILE);
    if (r == 0)
        r = fd_replace_file_at(AT_FDCWD, file, note, 0644);
    if (r < 0)
        return reason_set(reason, r, "Failed to note the group in %s: %s", run_folder, strerror(-r));
    r = start(path);
    return r < 0 ? reason_set(reason, r, "Failed to leave a keeper in %s: %s", path, strerror(-r)) : 0;
}
