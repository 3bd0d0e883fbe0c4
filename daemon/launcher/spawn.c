/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher's side of a start; steps.c is the new process's. */
#include "launcher/spawn.h"

#include "base/fd.h"
#include "launcher/statedir.h"
#include "launcher/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fail(struct spawn_failure *f, enum sk_stage stage, int error, const char *detail) {
    *f = (struct spawn_failure){.stage = (uint32_t)stage, .error = (uint32_t)-error};
    snprintf(f->detail, sizeof(f->detail), "%s", detail);
    return error;
}

/* Where clone3 is not there or a container's filter forbids it: fork, and let the new process join its group
 * itself, before it does anything else. */
static pid_t clone_without_clone3(int cgroup_fd, int *ret_pidfd) {
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        if (cgroup_fd >= 0 && fd_write_file_at(cgroup_fd, "cgroup.procs", "0") < 0)
            _exit(127);
        return 0;
    }
    if (ret_pidfd) {
        *ret_pidfd = pidfd_open(pid, 0);
        if (*ret_pidfd < 0) {
            int r = -errno;
            kill(pid, SIGKILL);
            return r;
        }
        (void)fd_set_cloexec(*ret_pidfd, true);
    }
    return pid;
}

pid_t spawn_clone(int cgroup_fd, int *ret_pidfd) {
    int pidfd = -EBADF;
    struct clone_args args = {.exit_signal = SIGCHLD};
    if (ret_pidfd) {
        args.flags |= CLONE_PIDFD;
        args.pidfd = (uint64_t)(uintptr_t)&pidfd;
    }
    if (cgroup_fd >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)cgroup_fd;
    }
    long pid = syscall(SYS_clone3, &args, sizeof(args));
    if (pid < 0 && errno == ENOSYS)
        return clone_without_clone3(cgroup_fd, ret_pidfd);
    if (pid < 0)
        return -errno;
    if (pid > 0 && ret_pidfd)
        *ret_pidfd = pidfd;
    return (pid_t)pid;
}

int spawn_start(const struct spawn_host *host, const struct msg_spawn *m, int cgroup_fd, int log_fd,
                struct spawned *ret, struct spawn_failure *ret_failure) {
    AUTO_FD int state_dir_fd = -EBADF;
    if (m->flags & MSG_SPAWN_STATE_DIR) {
        state_dir_fd = statedir_open(host->state_fd, m->tenant, m->app, m->number, m->uid, m->gid);
        if (state_dir_fd < 0)
            return fail(ret_failure, SK_STAGE_STATE_DIR, state_dir_fd, "");
    }
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return fail(ret_failure, SK_STAGE_TABLE, -errno, "pipe");
    AUTO_FD int read_fd = pipe_fds[0];
    AUTO_FD int write_fd = pipe_fds[1];

    int pidfd = -EBADF;
    pid_t pid = spawn_clone(cgroup_fd, &pidfd);
    if (pid == 0)
        steps_run(host, m, log_fd, state_dir_fd, write_fd);
    if (pid < 0)
        return fail(ret_failure, SK_STAGE_CLONE, (int)pid, "");
    *ret = (struct spawned){.pid = pid, .pidfd = pidfd, .pipe = TAKE_FD(read_fd)};
    return 0;
}

int spawn_result(int pipe, struct spawn_failure *ret) {
    struct spawn_failure f;
    ssize_t n;
    do
        n = read(pipe, &f, sizeof(f));
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? -EAGAIN : 0;
    if (n == 0)
        return 0;
    if ((size_t)n != sizeof(f))
        f = (struct spawn_failure){.stage = SK_STAGE_EXEC, .error = EIO};
    f.detail[sizeof(f.detail) - 1] = '\0';
    *ret = f;
    return 1;
}
