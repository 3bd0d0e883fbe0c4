/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps streamkeeperd running; does not speak with it. */
#include "launcher/daemon.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/text.h"
#include "launcher/drop.h"
#include "launcher/launcher.h"
#include "launcher/lock.h"
#include "launcher/outbox.h"
#include "launcher/steps.h"
#include "streamkeeper/exit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define STABLE_USEC        (10 * USEC_PER_SEC) /* lived that long: start again at once */
#define DELAY_FIRST_USEC   (100 * USEC_PER_MSEC)
#define DELAY_MAX_USEC     (5 * USEC_PER_SEC)
#define OOM_SCORE          (-900)
#define FAILURES_AT_ENDING 5   /* deaths in a row before we end without it */
#define FD_SPARE           100 /* first number for descriptors on their way to 3, 4 and 5 */

/* Puts three descriptors at 3, 4 and 5, whatever their numbers are now. */
static int place_fds(int wire, int control, int handover) {
    const int from[] = {wire, control, handover};
    int spare[3];
    for (int i = 0; i < 3; i++) {
        spare[i] = fcntl(from[i], F_DUPFD_CLOEXEC, FD_SPARE);
        if (spare[i] < 0)
            return -errno;
    }
    for (int i = 0; i < 3; i++)
        if (dup2(spare[i], SK_WIRE_FD + i) < 0)
            return -errno;
    return close_range(SK_HANDOVER_FD + 1, ~0U, 0) < 0 ? -errno : 0;
}

/* In the new process. Returns -errno, or does not return. */
static int exec_daemon(struct launcher *l, int wire) {
    static const char *const kept[] = {"PATH", "LANG", "JOURNAL_STREAM", "INVOCATION_ID"};
    char entries[ARRAY_LEN(kept)][512];
    const char *env[ARRAY_LEN(kept) + 1] = {NULL};
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
        const char *value = getenv(kept[i]);
        if (value && text_format(entries[n], sizeof(entries[n]), "%s=%s", kept[i], value) == 0) {
            env[n] = entries[n];
            n++;
        }
    }
    int r = steps_new_session();
    if (r < 0)
        return r;
    (void)steps_set_oom_score(OOM_SCORE); /* refused without root: then it is as likely a victim as any */
    r = steps_set_stdio(l->host.null_fd, STDOUT_FILENO, STDERR_FILENO);
    if (r < 0)
        return r;
    r = place_fds(wire, l->control_fd, l->handover_fd);
    if (r < 0)
        return r;
    const struct drop_ids ids = {.change = l->host.is_root,
                                 .uid = l->daemon_user.uid,
                                 .gid = l->daemon_user.gid,
                                 .groups = l->daemon_user.groups,
                                 .n_groups = l->daemon_user.n_groups};
    r = drop_privileges(&ids);
    if (r < 0)
        return r;
    if (chdir("/") < 0)
        return -errno;
    const char *argv[4] = {"streamkeeperd", NULL};
    if (l->paths.root[0]) {
        argv[1] = "--root";
        argv[2] = l->paths.root;
    }
    execve(l->daemon.path, (char **)(uintptr_t)argv, (char **)(uintptr_t)env);
    return -errno;
}

static int start(struct launcher *l) {
    int s[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, s) < 0)
        return -errno;
    AUTO_FD int ours = s[0];
    AUTO_FD int theirs = s[1];
    pid_t pid = spawn_clone(-EBADF, NULL);
    if (pid < 0)
        return (int)pid;
    if (pid == 0) {
        int r = exec_daemon(l, theirs);
        log_errno(LOG_LEVEL_ERROR, r, "Failed to start %s", l->daemon.path);
        _exit(127);
    }
    l->daemon.pid = pid;
    int r = outbox_open(l, ours);
    if (r < 0) {
        kill(pid, SIGKILL);
        return r;
    }
    (void)TAKE_FD(ours);
    return 0;
}

static void start_later(struct launcher *l) {
    struct daemon_process *d = &l->daemon;
    d->start_at = usec_add(clock_monotonic_usec(), d->delay_usec);
    uint64_t longer = MAX(d->delay_usec * 2, DELAY_FIRST_USEC);
    d->delay_usec = MIN(longer, DELAY_MAX_USEC);
}

void daemon_start(struct launcher *l) {
    struct daemon_process *d = &l->daemon;
    d->start_at = d->kill_at = USEC_NEVER;
    d->started_at = d->heard_at = clock_monotonic_usec();
    int r = start(l);
    if (r < 0) {
        log_errno(LOG_LEVEL_ERROR, r, "Failed to start %s, trying again", d->path);
        if (d->pid == 0)
            start_later(l);
        return;
    }
    (void)lock_write(l->lock_fd, d->pid);
    log_debug("Started %s as pid %d", d->path, (int)d->pid);
}

static void describe_status(int status, char *buf, size_t size) {
    char name[32];
    if (WIFEXITED(status))
        snprintf(buf, size, "exit code %d", WEXITSTATUS(status));
    else
        snprintf(buf, size, "%s%s", signal_name(WTERMSIG(status), name, sizeof(name)),
                 WCOREDUMP(status) ? ", core dumped" : "");
}

/* It says that its configuration is wrong, at the very start and with nothing to look after: whoever started
 * us shall know. Later, or with instances, we go on trying until somebody has corrected it. */
static bool is_refusal(const struct launcher *l) {
    int status = l->daemon.wait_status;
    return !l->daemon.has_served && l->children.count == 0 && WIFEXITED(status) &&
           WEXITSTATUS(status) == SK_EXIT_INVALID;
}

void daemon_hurry(struct launcher *l) {
    l->daemon.delay_usec = 0;
    if (l->daemon.pid == 0)
        l->daemon.start_at = clock_monotonic_usec();
}

void daemon_ended(struct launcher *l) {
    struct daemon_process *d = &l->daemon;
    char how[64];
    describe_status(d->wait_status, how, sizeof(how));
    d->pid = 0;
    d->has_ended = false;
    d->kill_at = USEC_NEVER;
    l->is_ready = false;
    outbox_close(l);
    if (l->is_done || (l->ending == ENDING_RELOAD)) {
        l->must_exit = l->ending != ENDING_RELOAD;
        l->is_done = true;
        return;
    }
    if (is_refusal(l)) {
        log_error("Not started: correct the configuration, see above");
        l->must_exit = true;
        l->exit_code = SK_EXIT_FAILURE;
        return;
    }
    uint64_t lived = usec_sub(clock_monotonic_usec(), d->started_at);
    if (l->ending != ENDING_NOT && ++d->failures >= FAILURES_AT_ENDING) {
        log_error("streamkeeperd ended again (%s); giving up, %u instances are left running", how,
                  l->children.count);
        l->must_exit = true;
        l->exit_code = 1;
        return;
    }
    if (lived >= STABLE_USEC)
        d->delay_usec = 0;
    char age[32];
    log_warning("streamkeeperd ended after %s (%s); starting it again%s", text_age(lived, age, sizeof(age)),
                how, d->delay_usec ? " after a pause" : "");
    (void)notify_status(&l->notify, "streamkeeperd has died and is started again; instances run on");
    if (d->delay_usec == 0) {
        d->delay_usec = DELAY_FIRST_USEC;
        d->start_at = clock_monotonic_usec();
    } else {
        start_later(l);
    }
}

void daemon_kill(struct launcher *l, const char *why) {
    log_error("Killing streamkeeperd: %s", why);
    if (l->daemon.pid > 0 && !l->daemon.has_ended)
        kill(l->daemon.pid, SIGKILL);
    outbox_close(l);
}

void daemon_tick(struct launcher *l) {
    uint64_t now = clock_monotonic_usec();
    if (l->daemon.kill_at <= now) {
        l->daemon.kill_at = USEC_NEVER;
        daemon_kill(l, "it did not end in time");
    }
    if (l->daemon.pid == 0 && l->daemon.start_at <= now && !l->must_exit && !l->is_done)
        daemon_start(l);
}
