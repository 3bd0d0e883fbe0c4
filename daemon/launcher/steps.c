/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a new process, in the order of enum sk_stage; runs in the child only. */
#include "launcher/steps.h"

#include "base/fd.h"
#include "launcher/drop.h"
#include "launcher/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From the kernel's include/uapi/linux/sched/types.h; the C library has no wrapper. */
struct kernel_sched_attr {
    uint32_t size, sched_policy;
    uint64_t sched_flags;
    int32_t sched_nice;
    uint32_t sched_priority;
    uint64_t sched_runtime, sched_deadline, sched_period;
};

#define KERNEL_IOPRIO_WHO_PROCESS 1

struct step_context {
    const struct spawn_host *host;
    const struct msg_spawn *m;
    int log_fd, state_dir_fd, report_fd;
    const char *detail;
};

/* Scheduling wishes are wishes: where the kernel refuses one (no root, a container without CAP_SYS_NICE) the
 * app is better started without it. What the launcher lacks is said once, when it starts. */
static int wish(int r) {
    switch (r) {
    case -EPERM:
    case -EACCES:
    case -ENOENT:
    case -ENOSYS:
    case -EINVAL:
        return 0;
    default:
        return r;
    }
}

int steps_new_session(void) {
    sigset_t none;
    if (setsid() < 0 && errno != EPERM) /* EPERM: it leads one already */
        return -errno;
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

int steps_set_stdio(int in_fd, int out_fd, int err_fd) {
    const int from[] = {in_fd, out_fd, err_fd};
    for (int i = 0; i < 3; i++) {
        if (from[i] == i) {
            int r = fd_set_cloexec(i, false);
            if (r < 0)
                return r;
        } else if (dup2(from[i], i) < 0)
            return -errno;
    }
    return 0;
}

int steps_close_others(int keep_a, int keep_b) {
    int low = MIN(keep_a, keep_b), high = MAX(keep_a, keep_b);
    unsigned next = 3;
    for (int i = 0; i < 2; i++) {
        int keep = i == 0 ? low : high;
        if (keep < 3 || (unsigned)keep < next)
            continue;
        if ((unsigned)keep > next && close_range(next, (unsigned)keep - 1, 0) < 0)
            return -errno;
        next = (unsigned)keep + 1;
    }
    return close_range(next, ~0U, 0) < 0 ? -errno : 0;
}

int steps_set_oom_score(int value) {
    char text[16];
    snprintf(text, sizeof(text), "%d", value);
    return fd_write_file_at(AT_FDCWD, "/proc/self/oom_score_adj", text);
}

static int step_log(struct step_context *c) {
    if (c->m->flags & MSG_SPAWN_JOURNAL) {
        c->detail = "journal";
        c->log_fd = journal_connect(c->m->log_name);
        if (c->log_fd < 0)
            return c->log_fd;
    }
    int out = c->log_fd >= 0 ? c->log_fd : c->host->null_fd;
    return steps_set_stdio(c->host->null_fd, out, out);
}

static int step_session(struct step_context *c) {
    int r = steps_new_session();
    if (r < 0)
        return r;
    umask((mode_t)c->m->umask);
    return steps_close_others(c->report_fd, c->state_dir_fd);
}

static int set_scheduling(const struct msg_spawn *m) {
    /* In one call, so that SCHED_IDLE does not undo the nice value. Slices are known from Linux 6.12 on;
     * older ones ignore the field. */
    const struct kernel_sched_attr attr = {.size = sizeof(attr),
                                           .sched_policy = m->sched_policy,
                                           .sched_nice = m->nice,
                                           .sched_runtime = UINT64_C(1000) * m->sched_slice_usec};
    if (syscall(SYS_sched_setattr, 0, &attr, 0) == 0)
        return 0;
    int r = -errno;
    if (m->nice != 0 && setpriority(PRIO_PROCESS, 0, m->nice) < 0)
        return -errno;
    return r;
}

static int step_sched(struct step_context *c) {
    const struct msg_spawn *m = c->m;
    char text[16];
    int r;
    if (m->nice != 0 || m->sched_policy != MSG_SCHED_OTHER || m->sched_slice_usec != 0) {
        c->detail = "scheduling policy";
        r = wish(set_scheduling(m));
        if (r < 0)
            return r;
    }
    if (m->flags & MSG_SPAWN_AUTOGROUP) {
        c->detail = "autogroup";
        snprintf(text, sizeof(text), "%d", m->nice);
        r = wish(fd_write_file_at(AT_FDCWD, "/proc/self/autogroup", text));
        if (r < 0 && r != -EAGAIN)
            return r;
    }
    c->detail = "I/O priority";
    if (m->ioprio != 0 && syscall(SYS_ioprio_set, KERNEL_IOPRIO_WHO_PROCESS, 0, (int)m->ioprio) < 0 &&
        wish(-errno) < 0)
        return -errno;
    c->detail = "oom_score_adj";
    return wish(steps_set_oom_score(m->oom_score_adj));
}

static int step_limits(struct step_context *c) {
    /* Ours is raised for the descriptors of all instances; theirs is what we were given. */
    (void)setrlimit(RLIMIT_NOFILE, &c->host->nofile);
    for (size_t i = 0; i < c->m->n_rlimits; i++) {
        const struct msg_rlimit *l = &c->m->rlimits[i];
        const struct rlimit limit = {.rlim_cur = l->soft, .rlim_max = l->hard};
        if (setrlimit((__rlimit_resource_t)l->resource, &limit) < 0)
            return -errno;
    }
    return 0;
}

static int step_credentials(struct step_context *c) {
    const struct drop_ids ids = {.change = c->host->is_root,
                                 .uid = c->m->uid,
                                 .gid = c->m->gid,
                                 .groups = c->m->groups,
                                 .n_groups = c->m->n_groups};
    return drop_privileges(&ids);
}

static int step_workdir(struct step_context *c) {
    const char *path = c->m->working_directory;
    c->detail = path;
    if (path[0] == '\0' && c->state_dir_fd >= 0)
        return fchdir(c->state_dir_fd) < 0 ? -errno : 0;
    return chdir(path[0] ? path : "/") < 0 ? -errno : 0;
}

static int step_exec(struct step_context *c) {
    const char *path = c->m->flags & MSG_SPAWN_STATE_TOOL ? c->host->state_tool : c->m->argv[0];
    c->detail = path;
    /* execve changes neither list: the casts are for its prototype. */
    execve(path, (char **)(uintptr_t)c->m->argv, (char **)(uintptr_t)c->m->env);
    return -errno;
}

static void report(const struct step_context *c, enum sk_stage stage, int error) {
    struct spawn_failure f = {.stage = (uint32_t)stage, .error = (uint32_t)-error};
    size_t len = c->detail ? strlen(c->detail) : 0;
    memcpy(f.detail, c->detail ? c->detail : "", MIN(len, sizeof(f.detail) - 1));
    if (write(c->report_fd, &f, sizeof(f)) < 0)
        return; /* nobody is there to hear it */
}

void steps_run(const struct spawn_host *host, const struct msg_spawn *m, int log_fd, int state_dir_fd,
               int report_fd) {
    static const struct {
        enum sk_stage stage;
        int (*run)(struct step_context *c);
    } steps[] = {
        {SK_STAGE_LOG, step_log},
        {SK_STAGE_SESSION, step_session},
        {SK_STAGE_SCHED, step_sched},
        {SK_STAGE_LIMITS, step_limits},
        {SK_STAGE_CREDENTIALS, step_credentials},
        {SK_STAGE_WORKDIR, step_workdir},
        {SK_STAGE_EXEC, step_exec},
    };
    struct step_context c = {
        .host = host, .m = m, .log_fd = log_fd, .state_dir_fd = state_dir_fd, .report_fd = report_fd};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        c.detail = NULL;
        int r = steps[i].run(&c);
        if (r < 0) {
            report(&c, steps[i].stage, r);
            break;
        }
    }
    _exit(127);
}
