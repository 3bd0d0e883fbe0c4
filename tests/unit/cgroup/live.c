/* SPDX-License-Identifier: Apache-2.0 */
/* Real groups and processes; every process dies with the test program or earlier. */
#include "live.h"

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int find_mount(char *ret, size_t size) {
    FILE *mounts = fopen("/proc/self/mounts", "re");
    char line[1024], path[512];
    int r = -ENOENT;
    while (mounts && fgets(line, sizeof(line), mounts))
        if (sscanf(line, "cgroup2 %511s", path) == 1 && strlen(path) < size) {
            memcpy(ret, path, strlen(path) + 1);
            r = 0;
        }
    if (mounts)
        fclose(mounts);
    return r;
}

int live_make(struct live *ret) {
    static unsigned serial;
    struct live l = {.root = {.mode = CGROOT_HYBRID}, .dirfd = -EBADF};
    char mount[256];
    if (find_mount(mount, sizeof(mount)) < 0) {
        printf("skip: no cgroup v2 mount on this host\n");
        return -ENOENT;
    }
    snprintf(l.root.path, sizeof(l.root.path), "%s/streamkeeper-unit-test-%d-%u", mount, (int)getpid(),
             serial++);
    if (mkdir(l.root.path, 0755) < 0) {
        int r = -errno;
        printf("skip: cannot make a group in %s: %s\n", mount, strerror(-r));
        return r;
    }
    l.dirfd = open(l.root.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (l.dirfd < 0)
        return -errno;
    *ret = l;
    return 0;
}

/* Waits until nothing of the group is left, then removes the groups below and it. */
static void remove_below(int parent, const char *name) {
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir)
        return;
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir))
        if (e->d_type == DT_DIR && e->d_name[0] != '.')
            remove_below(fd, e->d_name);
    unlinkat(parent, name, AT_REMOVEDIR);
    closedir(dir);
}

void live_remove(struct live *l) {
    if (l->dirfd < 0)
        return;
    fd_write_file_at(l->dirfd, "cgroup.kill", "1");
    AUTO_FD int events = openat(l->dirfd, "cgroup.events", O_RDONLY | O_CLOEXEC);
    char text[256];
    struct pollfd p = {.fd = events, .events = POLLPRI};
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    while (fd_pread_text(events, text, sizeof(text)) > 0 && strstr(text, "populated 1") &&
           poll(&p, 1, 5000) > 0)
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    remove_below(AT_FDCWD, l->root.path);
    l->dirfd = fd_close(l->dirfd);
}

__attribute__((noreturn)) static void wait_for_end(void) {
    for (;;)
        pause();
}

/* A child, and a grandchild that loses its parent to init. */
static void fork_more(void) {
    if (fork() == 0)
        wait_for_end();
    pid_t middle = fork();
    if (middle == 0) {
        if (fork() == 0)
            wait_for_end();
        _exit(0);
    }
    waitpid(middle, NULL, 0);
}

pid_t live_spawn(int group_fd, enum live_child what) {
    int ready[2];
    if (pipe2(ready, O_CLOEXEC) < 0)
        return -errno;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int r = fd_write_file_at(group_fd, "cgroup.procs", "0");
        if (r == 0 && what == LIVE_FORKS)
            fork_more();
        if (write(ready[1], &r, sizeof(r)) != sizeof(r) || r < 0)
            _exit(1);
        for (volatile unsigned i = 0; what == LIVE_SPINS; i++)
            ;
        wait_for_end();
    }
    int r = pid < 0 ? -errno : -EPIPE;
    close(ready[1]);
    if (pid > 0 && read(ready[0], &r, sizeof(r)) != sizeof(r))
        r = -EPIPE;
    close(ready[0]);
    return r < 0 ? r : pid;
}
