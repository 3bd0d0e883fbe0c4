/* SPDX-License-Identifier: Apache-2.0 */
/* Exits and results of starts into the child table; tells nobody itself. */
#include "launcher/reap.h"

#include "base/clock.h"
#include "base/fd.h"
#include "launcher/launcher.h"
#include "launcher/outbox.h"
#include "launcher/starts.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>

static uint64_t timeval_usec(struct timeval t) {
    return (uint64_t)t.tv_sec * USEC_PER_SEC + (uint64_t)t.tv_usec;
}

void reap_note_exit(struct launcher *l, struct child *c, bool is_known, int wait_status,
                    const struct rusage *usage) {
    c->exit = (struct msg_exited){.start_id = c->start_id,
                                  .pid = (uint32_t)c->pid,
                                  .how = MSG_EXIT_UNKNOWN,
                                  .at_usec = clock_realtime_usec(),
                                  .at_monotonic_usec = clock_monotonic_usec()};
    if (is_known && WIFEXITED(wait_status)) {
        c->exit.how = MSG_EXIT_CODE;
        c->exit.code = (uint32_t)WEXITSTATUS(wait_status);
    } else if (is_known && WIFSIGNALED(wait_status)) {
        c->exit.how = WCOREDUMP(wait_status) ? MSG_EXIT_DUMPED : MSG_EXIT_SIGNAL;
        c->exit.code = (uint32_t)WTERMSIG(wait_status);
    }
    if (usage) {
        c->exit.user_usec = timeval_usec(usage->ru_utime);
        c->exit.system_usec = timeval_usec(usage->ru_stime);
        c->exit.max_rss_bytes = (uint64_t)usage->ru_maxrss * 1024;
    }
    c->has_exited = true;
    children_set_pid(&l->children, c, 0);
    if (c->state == CHILD_RUNNING) {
        c->state = CHILD_EXITED;
        if (!(c->owed & (OWE_START | OWE_ADOPTED | OWE_CHILD)))
            c->pidfd = fd_close(c->pidfd);
        outbox_owe(l, c, OWE_EXITED);
    } else if (c->state == CHILD_STARTING) {
        outbox_owe(l, c, OWE_START | OWE_EXITED);
    }
}

void reap_pipe(struct launcher *l, struct child *c) {
    if (c->state != CHILD_STARTING)
        return;
    (void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, c->pipe, NULL);
    bool talks = l->outbox.state == WIRE_REPLAYING || l->outbox.state == WIRE_OPEN;
    if (talks)
        outbox_owe(l, c, OWE_START);
    else
        (void)starts_settle(l, c, NULL);
}

void reap_all(struct launcher *l) {
    for (;;) {
        int status;
        struct rusage usage;
        pid_t pid = wait4(-1, &status, WNOHANG | __WALL, &usage);
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid <= 0)
            return;
        struct child *c = children_by_pid(&l->children, pid);
        if (pid == l->daemon.pid) {
            l->daemon.has_ended = true;
            l->daemon.wait_status = status;
        } else if (c && c->own)
            reap_note_exit(l, c, true, status, &usage);
    }
}
