/* SPDX-License-Identifier: Apache-2.0 */
/* Waits and hands out; does nothing itself but note why we end. */
#include "launcher/loop.h"

#include "base/clock.h"
#include "base/log.h"
#include "launcher/adopt.h"
#include "launcher/daemon.h"
#include "launcher/launcher.h"
#include "launcher/outbox.h"
#include "launcher/reap.h"
#include "launcher/resume.h"
#include "launcher/serve.h"
#include "launcher/watchdog.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RELOAD_PATIENCE (10 * USEC_PER_SEC) /* for the daemon to leave before we execute ourselves again */
#define EVENTS          64

/* The two that the C library keeps for itself and lets nobody touch: some parents ignore every number there
 * is. */
static void reset_hidden_signals(void) {
    static const int hidden[] = {32, 33};
    const unsigned long fallback[4] = {
        0}; /* the kernel's struct sigaction: SIG_DFL, no flags, no restorer, empty mask */
    for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
        (void)syscall(SYS_rt_sigaction, hidden[i], fallback, NULL, sizeof(unsigned long));
}

int loop_open(struct launcher *l) {
    static const int handled[] = {SIGCHLD, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGPIPE};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_LEN(handled); i++)
        sigaddset(&set, handled[i]);
    if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
        return -errno;
    /* Instances inherit dispositions: none may stay ignored because our parent ignored it (nohup, some
     * shells). */
    struct sigaction old;
    for (int signo = 1; signo <= SIGRTMAX; signo++)
        if (sigaction(signo, NULL, &old) == 0 && old.sa_handler == SIG_IGN)
            (void)signal(signo, SIG_DFL);
    reset_hidden_signals();
    l->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (l->signal_fd < 0)
        return -errno;
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll_fd < 0)
        return -errno;
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = source_tag(SOURCE_SIGNAL, 0)};
    return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->signal_fd, &event) < 0 ? -errno : 0;
}

static unsigned count_running(struct launcher *l) {
    unsigned n = 0, i = 0;
    for (struct child *c; (c = children_next(&l->children, &i));)
        n += !c->has_exited;
    return n;
}

static void end(struct launcher *l, enum ending ending) {
    l->ending = ending;
    l->outbox.owes_terminate = true;
    if (ending == ENDING_RELOAD)
        (void)notify_send(&l->notify, "STATUS=executing itself again; instances run on");
    else
        (void)notify_send(&l->notify, "STOPPING=1");
    daemon_hurry(l);
    bool needs_daemon = ending != ENDING_RELOAD && ending != ENDING_LEAVE && count_running(l) > 0;
    if (l->daemon.pid == 0 && !needs_daemon) {
        l->is_done = true;
        l->must_exit = ending != ENDING_RELOAD;
    } else if (ending == ENDING_RELOAD) {
        l->daemon.kill_at = usec_add(clock_monotonic_usec(), RELOAD_PATIENCE);
    }
}

void loop_signal(struct launcher *l, int signo) {
    if (l->ending == ENDING_RELOAD && signo != SIGCHLD) {
        l->deferred_signal = signo == SIGHUP ? l->deferred_signal : signo;
        return;
    }
    switch (signo) {
    case SIGCHLD:
        reap_all(l);
        return;
    case SIGTERM:
    case SIGINT:
        if (l->ending == ENDING_STOP || l->ending == ENDING_ASK) {
            unsigned n = count_running(l);
            log_notice("Still stopping: %u instance%s to go; SIGQUIT ends and leaves them running", n,
                       n == 1 ? "" : "s");
            return;
        }
        log_notice("%s: stopping all instances in order", signo == SIGINT ? "SIGINT" : "SIGTERM");
        end(l, l->under_systemd ? ENDING_ASK : ENDING_STOP);
        return;
    case SIGQUIT:
        log_notice("SIGQUIT: ending; %u instances are left running", count_running(l));
        end(l, ENDING_LEAVE);
        return;
    case SIGHUP:
        if (l->ending != ENDING_NOT)
            return;
        log_notice("SIGHUP: executing %s again; instances run on", l->program);
        end(l, ENDING_RELOAD);
        return;
    default:
        log_debug("Signal %d, ignoring", signo);
    }
}

static void read_signals(struct launcher *l) {
    struct signalfd_siginfo info;
    while (read(l->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        loop_signal(l, (int)info.ssi_signo);
}

static void handle(struct launcher *l, uint64_t tag) {
    struct child *c = &l->children.records[tag & (CHILDREN_MAX - 1)];
    switch ((enum source)(tag >> 32)) {
    case SOURCE_SIGNAL:
        read_signals(l);
        return;
    case SOURCE_WIRE:
        serve_wire(l);
        return;
    case SOURCE_PIPE:
        reap_pipe(l, c);
        return;
    case SOURCE_PIDFD:
        adopt_ended(l, c);
        return;
    }
}

static int timeout_msec(const struct launcher *l) {
    uint64_t at = MIN(l->daemon.start_at, l->daemon.kill_at);
    at = MIN(at, l->watchdog.next_at);
    if (at == USEC_NEVER)
        return -1;
    uint64_t wait = usec_sub(at, clock_monotonic_usec());
    return (int)MIN((wait + USEC_PER_MSEC - 1) / USEC_PER_MSEC, (uint64_t)INT_MAX);
}

/* The daemon has left for a reload: go, or carry on as before. */
static void reload(struct launcher *l) {
    if (l->deferred_signal) /* blocked, so it stays pending over the exec */
        (void)kill(getpid(), l->deferred_signal);
    int r = resume_exec(l);
    log_errno(LOG_LEVEL_ERROR, r, "Failed to execute %s again, carrying on with the running program",
              l->program);
    l->ending = ENDING_NOT;
    l->is_done = false;
    l->deferred_signal = 0;
    daemon_start(l);
}

int loop_run(struct launcher *l) {
    struct epoll_event events[EVENTS];
    while (!l->must_exit) {
        int n = epoll_wait(l->epoll_fd, events, EVENTS, timeout_msec(l));
        if (n < 0 && errno != EINTR)
            return log_errno(LOG_LEVEL_ERROR, -errno, "Failed to wait for events"), 1;
        for (int i = 0; i < n; i++)
            handle(l, events[i].data.u64);
        if (l->daemon.has_ended) {
            serve_last_words(l);
            daemon_ended(l);
        }
        watchdog_tick(l);
        daemon_tick(l);
        if (l->ending == ENDING_RELOAD && l->is_done && l->daemon.pid == 0)
            reload(l);
        serve_flush(l);
    }
    return l->exit_code;
}
