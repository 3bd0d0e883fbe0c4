/* SPDX-License-Identifier: Apache-2.0 */
/* Takes over processes; finds none by itself. */
#include "launcher/adopt.h"

#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"
#include "launcher/launcher.h"
#include "launcher/outbox.h"
#include "launcher/proc.h"
#include "launcher/reap.h"
#include "launcher/sockets.h"
#include "streamkeeper/names.h"
#include "wire/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTEN_FDS_FIRST 3
#define HANDOVER_PATIENCE_MS                                                      \
    3000 /* for each datagram of an orphaned daemon: it closes its registry first \
          */
#define HANDOVER_BATCH CHILDREN_MAX

/* Looks for a pid among the lines of cgroup.procs. */
static bool group_has(int cgroup_fd, pid_t pid) {
    AUTO_FD int fd = openat(cgroup_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    char block[4096];
    uint64_t number = 0;
    ssize_t n;
    while ((n = read(fd, block, sizeof(block))) > 0)
        for (ssize_t i = 0; i < n; i++) {
            if (block[i] >= '0' && block[i] <= '9') {
                number = number * 10 + (uint64_t)(block[i] - '0');
                continue;
            }
            if (number == (uint64_t)pid)
                return true;
            number = 0;
        }
    return false;
}

static int watch(struct launcher *l, struct child *c) {
    struct epoll_event event = {.events = EPOLLIN,
                                .data.u64 = source_tag(SOURCE_PIDFD, children_index(&l->children, c))};
    return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, c->pidfd, &event) < 0 ? -errno : 0;
}

/* Makes a running record that is not our child, or is (a re-executed launcher that lost its table). */
static int add_running(struct launcher *l, uint64_t start_id, pid_t pid, const struct proc_stat *s, int pidfd,
                       struct child **ret) {
    struct child *c;
    int r = children_add(&l->children, start_id, &c);
    if (r < 0)
        return r;
    c->state = CHILD_RUNNING;
    c->start_ticks = s->start_ticks;
    c->own = s->ppid == getpid();
    c->has_cgroup = l->cgroot.mode != CGROOT_NONE;
    c->pidfd = pidfd;
    (void)proc_read_uid(pid, &c->uid);
    children_set_pid(&l->children, c, pid);
    r = c->own ? 0 : watch(l, c);
    if (r < 0) {
        c->pidfd = -EBADF; /* stays the caller's */
        children_remove(&l->children, c);
        return r;
    }
    *ret = c;
    return 0;
}

int adopt_from_group(struct launcher *l, const struct msg_adopt *m, int cgroup_fd) {
    int r = policy_check_cgroup(&l->policy, cgroup_fd, NULL, NULL, 0);
    if (r < 0)
        return r;
    struct child *c = children_by_id(&l->children, m->start_id);
    if (c) {
        if (c->has_exited || c->pid != (pid_t)m->pid)
            return -EEXIST;
        outbox_owe(l, c, OWE_ADOPTED);
        return 0;
    }
    if (m->pid <= 1 || children_by_pid(&l->children, (pid_t)m->pid))
        return -EEXIST;
    /* The pidfd first: what is read after it is about the process it holds. */
    AUTO_FD int pidfd = pidfd_open((pid_t)m->pid, 0);
    if (pidfd < 0)
        return -errno;
    struct proc_stat s;
    r = proc_read_stat((pid_t)m->pid, &s);
    if (r < 0)
        return r;
    if (s.start_ticks != m->start_ticks || !group_has(cgroup_fd, (pid_t)m->pid))
        return -ESRCH;
    r = add_running(l, m->start_id, (pid_t)m->pid, &s, pidfd, &c);
    if (r < 0)
        return r;
    children_set_instance(c, m->tenant, m->app, m->number);
    if (l->under_systemd)
        (void)notify_store(&l->notify, c->start_id, pidfd);
    (void)TAKE_FD(pidfd);
    outbox_owe(l, c, OWE_ADOPTED);
    return 0;
}

static bool pidfd_has_ended(int pidfd) {
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

/* The exit of a process that is not our child. Its parent may not have waited for it yet: then /proc still
 * shows the status; else the kernel keeps it with the pidfd, if it is recent. */
static void note_foreign_exit(struct launcher *l, struct child *c) {
    int status = 0;
    struct proc_stat s;
    bool is_known = false;
    if (c->pid > 0 && proc_read_stat(c->pid, &s) == 0 && s.state == 'Z' && s.start_ticks == c->start_ticks) {
        status = s.wait_status;
        is_known = true;
    }
    int told;
    if (proc_pidfd_exit(c->pidfd, &told) == 0) {
        status = told;
        is_known = true;
    }
    (void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, c->pidfd, NULL);
    reap_note_exit(l, c, is_known, status, NULL);
}

void adopt_ended(struct launcher *l, struct child *c) {
    if (c->state == CHILD_RUNNING && !c->own && c->pidfd >= 0 && pidfd_has_ended(c->pidfd))
        note_foreign_exit(l, c);
}

int adopt_pidfd(struct launcher *l, uint64_t start_id, uint64_t start_ticks, int pidfd) {
    AUTO_FD int owned = pidfd;
    pid_t pid = 0;
    int r = proc_pidfd_pid(owned, &pid);
    if (r < 0)
        return r;
    struct proc_stat s = {.start_ticks = start_ticks};
    if (pid > 0 && (proc_read_stat(pid, &s) < 0 || (start_ticks && s.start_ticks != start_ticks)))
        s = (struct proc_stat){.start_ticks = start_ticks};
    if (children_by_pid(&l->children, pid))
        return -EEXIST;
    struct child *c;
    r = add_running(l, start_id, pid, &s, owned, &c);
    if (r < 0)
        return r;
    (void)TAKE_FD(owned);
    if (!c->own)
        adopt_ended(l, c);
    return 0;
}

int adopt_from_service_manager(struct launcher *l) {
    const char *pid_text = getenv("LISTEN_PID"), *count_text = getenv("LISTEN_FDS"),
               *names = getenv("LISTEN_FDNAMES");
    uint32_t pid, count;
    int taken = 0;
    if (!pid_text || !count_text || parse_u32(pid_text, &pid) < 0 || parse_u32(count_text, &count) < 0 ||
        pid != (uint32_t)getpid())
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        char name[32] = "";
        size_t len = names ? strcspn(names, ":") : 0;
        if (len < sizeof(name) && names)
            memcpy(name, names, len);
        if (names)
            names += len + (names[len] == ':');
        int fd = LISTEN_FDS_FIRST + (int)i;
        (void)fd_set_cloexec(fd, true);
        uint64_t id;
        if (parse_u64(name, &id) < 0 || id == 0) {
            log_warning("The service manager kept a descriptor '%s' that means nothing here, ignoring", name);
            fd_close(fd);
            continue;
        }
        if (adopt_pidfd(l, id, 0, fd) == 0)
            taken++;
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return taken;
}

/* Root, or the daemon's user: nobody else may hand us processes. */
static bool is_trusted(const struct launcher *l, int socket) {
    struct ucred peer;
    socklen_t len = sizeof(peer);
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return false;
    return peer.uid == 0 || peer.uid == l->daemon_user.uid;
}

int adopt_from_daemon(struct launcher *l) {
    AUTO_FD int fd = socket_connect(l->paths.run, SK_HANDOVER_SOCKET, SOCK_SEQPACKET);
    if (fd < 0 || !is_trusted(l, fd))
        return 0;
    struct handover_child *children = calloc(HANDOVER_BATCH, sizeof(*children));
    if (!children)
        return 0;
    int n = handover_receive(fd, children, HANDOVER_BATCH, HANDOVER_PATIENCE_MS);
    int taken = 0;
    for (int i = 0; i < n; i++)
        if (adopt_pidfd(l, children[i].start_id, children[i].start_ticks, children[i].pidfd) == 0)
            taken++;
    free(children);
    if (n < 0)
        log_errno(
            LOG_LEVEL_WARNING, n,
            "The daemon of the last launcher hands nothing over; its instances are found by their groups");
    return taken;
}
