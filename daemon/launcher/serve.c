/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs to actions. Decides nothing about apps: that is the daemon's. */
#include "launcher/serve.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/text.h"
#include "launcher/adopt.h"
#include "launcher/daemon.h"
#include "launcher/killall.h"
#include "launcher/launcher.h"
#include "launcher/outbox.h"
#include "launcher/proc.h"
#include "launcher/starts.h"
#include "launcher/statedir.h"
#include "launcher/watchdog.h"
#include "wire/chan.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <unistd.h>

#define BATCH_MAX     64                 /* requests in a row before the other sources get their turn */
#define DONE_PATIENCE (5 * USEC_PER_SEC) /* for the daemon to end after it has said DONE */

struct request {
    const void *data;
    size_t len;
    const int *fds;
    size_t n_fds;
};

static int answer_failed(struct launcher *l, uint8_t verb, uint64_t start_id, enum sk_stage stage, int error,
                         const char *detail) {
    uint8_t buf[512];
    const struct msg_failed m = {
        .start_id = start_id, .stage = stage, .error = (uint32_t)-error, .detail = detail};
    return outbox_answer(l, buf, msg_encode_failed(verb, &m, buf, sizeof(buf)));
}

/* Safe: tells only what `status` shows to everybody. */
static int on_hello(struct launcher *l, const struct request *q) {
    struct msg_hello m;
    if (msg_decode_hello(q->data, q->len, &m) < 0)
        return -EBADMSG;
    const struct policy *p = &l->policy;
    const struct msg_welcome w = {.version = SK_WIRE_VERSION,
                                  .launcher_pid = (uint32_t)getpid(),
                                  .can_change_uid = p->can_change_uid,
                                  .has_journal = p->has_journal,
                                  .under_systemd = l->under_systemd,
                                  .owner_uid = p->owner_uid,
                                  .owner_gid = p->owner_gid,
                                  .uid_min = p->uid_min,
                                  .uid_max = p->uid_max,
                                  .owner_permitted = p->owner_permitted};
    uint8_t buf[64];
    int r = outbox_answer(l, buf, msg_encode_welcome(&w, buf, sizeof(buf)));
    if (r < 0)
        return r;
    if (m.version != SK_WIRE_VERSION)
        log_warning("streamkeeperd speaks version %u of the launcher protocol, this launcher %u", m.version,
                    SK_WIRE_VERSION);
    outbox_replay(l);
    return 0;
}

/* Checks what only the request's descriptors show. Returns the failure's stage words through ret_detail. */
static int check_spawn(struct launcher *l, const struct request *q, int *ret_cgroup_fd, int *ret_log_fd,
                       const char **ret_detail) {
    const struct msg_spawn *m = &l->spawn;
    size_t next = 0;
    int cgroup_fd = m->flags & MSG_SPAWN_CGROUP ? q->fds[next++] : -EBADF;
    int log_fd = m->flags & MSG_SPAWN_LOG ? q->fds[next] : -EBADF;
    int r = policy_check_spawn(&l->policy, m, ret_detail);
    if (r == 0 && cgroup_fd >= 0) {
        *ret_detail = "cgroup";
        r = policy_check_cgroup(&l->policy, cgroup_fd, m->tenant, m->app, m->number);
    }
    if (r < 0)
        return r;
    *ret_cgroup_fd = cgroup_fd;
    *ret_log_fd = log_fd;
    return 0;
}

static int record_started(struct launcher *l, struct child *c, const struct spawned *s) {
    struct proc_stat stat = {0};
    c->own = true;
    c->uid = l->spawn.uid;
    children_set_instance(c, l->spawn.tenant, l->spawn.app, l->spawn.number);
    c->has_cgroup = l->spawn.flags & MSG_SPAWN_CGROUP;
    c->pidfd = s->pidfd;
    c->pipe = s->pipe;
    children_set_pid(&l->children, c, s->pid);
    if (proc_read_stat(s->pid, &stat) == 0)
        c->start_ticks = stat.start_ticks;
    if (l->under_systemd)
        (void)notify_store(&l->notify, c->start_id, c->pidfd);
    struct epoll_event event = {.events = EPOLLIN,
                                .data.u64 = source_tag(SOURCE_PIPE, children_index(&l->children, c))};
    return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, c->pipe, &event) < 0 ? -errno : 0;
}

/* Safe: policy.h. The process gives up all privileges before it reaches anything of the tenant's, and is in
 * its group before its first instruction. */
static int on_spawn(struct launcher *l, const struct request *q) {
    const struct msg_spawn *m = &l->spawn;
    if (msg_decode_spawn(q->data, q->len, &l->spawn) < 0)
        return -EBADMSG;
    size_t n_fds = !!(m->flags & MSG_SPAWN_CGROUP) + (size_t) !!(m->flags & MSG_SPAWN_LOG);
    if (q->n_fds != n_fds)
        return -EBADMSG;
    policy_filter_groups(&l->policy, &l->spawn);
    int cgroup_fd = -EBADF, log_fd = -EBADF;
    const char *detail = "";
    int r = check_spawn(l, q, &cgroup_fd, &log_fd, &detail);
    if (r < 0)
        return answer_failed(l, SK_REPORT_SPAWN_FAILED, m->start_id, SK_STAGE_REQUEST, r, detail);
    struct child *c;
    r = children_add(&l->children, m->start_id, &c);
    if (r < 0)
        return answer_failed(l, SK_REPORT_SPAWN_FAILED, m->start_id,
                             r == -EEXIST ? SK_STAGE_REQUEST : SK_STAGE_TABLE, r, "start id");
    struct spawned s;
    struct spawn_failure f;
    r = spawn_start(&l->host, m, cgroup_fd, log_fd, &s, &f);
    if (r < 0) {
        children_remove(&l->children, c);
        return answer_failed(l, SK_REPORT_SPAWN_FAILED, m->start_id, (enum sk_stage)f.stage, r, f.detail);
    }
    r = record_started(l, c, &s);
    if (r < 0) {
        (void)kill(s.pid, SIGKILL); /* reaped as one of no record */
        starts_forget(l, c);
        return answer_failed(l, SK_REPORT_SPAWN_FAILED, m->start_id, SK_STAGE_TABLE, r, "epoll");
    }
    return 0;
}

/* Safe: the process is our own child and not reaped, or held by a pidfd, so the signal cannot hit another
 * one; the daemon decides about instances anyway. */
static int on_signal(struct launcher *l, const struct request *q) {
    struct msg_signal m;
    if (msg_decode_signal(q->data, q->len, &m) < 0)
        return -EBADMSG;
    struct child *c = children_by_id(&l->children, m.start_id);
    if (!c || c->has_exited || c->pid <= 0)
        return 0; /* it has gone meanwhile: the exit is on its way */
    if (c->own)
        (void)kill(c->pid, (int)m.signo);
    else
        (void)pidfd_send_signal(c->pidfd, (int)m.signo, NULL, 0);
    return 0;
}

/* Safe: only processes of the start's own user or session, and only where no group could be killed instead.
 */
static int on_kill(struct launcher *l, const struct request *q) {
    struct msg_start_ref m;
    if (msg_decode_start_ref(q->data, q->len, &m) < 0)
        return -EBADMSG;
    struct child *c = children_by_id(&l->children, m.start_id);
    if (!c || c->has_cgroup)
        return 0;
    /* The session outlives its leader, but its number may be someone else's once the leader is reaped and no
     * member is left: then only the mark in the environment counts. */
    pid_t session = c->has_exited ? 0 : c->pid;
    int n = killall_start(c->start_id, c->uid, session);
    if (n < 0)
        log_errno(LOG_LEVEL_WARNING, n, "Failed to kill all processes of start %llu",
                  (unsigned long long)c->start_id);
    return 0;
}

/* Safe: only our own record of it is dropped, and only after the exit. */
static int on_forget(struct launcher *l, const struct request *q) {
    struct msg_start_ref m;
    if (msg_decode_start_ref(q->data, q->len, &m) < 0)
        return -EBADMSG;
    struct child *c = children_by_id(&l->children, m.start_id);
    if (c && c->state == CHILD_EXITED)
        starts_forget(l, c);
    return 0;
}

/* Safe: the process must be in an instance's group below our root, and be the one that the daemon has seen
 * there. */
static int on_adopt(struct launcher *l, const struct request *q) {
    struct msg_adopt m;
    if (q->n_fds != 1 || msg_decode_adopt(q->data, q->len, &m) < 0)
        return -EBADMSG;
    int r = adopt_from_group(l, &m, q->fds[0]);
    if (r < 0)
        return answer_failed(l, SK_REPORT_ADOPT_FAILED, m.start_id, SK_STAGE_REQUEST, r, "");
    return 0;
}

/* Safe: removes empty directories at one fixed depth below the state folder, by names without '/' or '.'. */
static int on_state_remove(struct launcher *l, const struct request *q) {
    struct msg_state_remove m;
    if (msg_decode_state_remove(q->data, q->len, &m) < 0)
        return -EBADMSG;
    int r = text_is_name(m.tenant) && text_is_name(m.app)
                ? statedir_remove(l->host.state_fd, m.tenant, m.app, m.number)
                : -EINVAL;
    char path[3 * NAME_LEN_MAX] = "";
    (void)text_format(path, sizeof(path), "%s/%s/%u", m.tenant, m.app, m.number);
    return answer_failed(l, SK_REPORT_STATE_REMOVED, 0, SK_STAGE_STATE_DIR, r, path);
}

/* Safe: tells whoever waits for the service; says nothing about instances. */
static int on_ready(struct launcher *l, const struct request *q) {
    if (msg_decode_plain(q->data, q->len) < 0)
        return -EBADMSG;
    if (l->is_ready)
        return 0;
    l->is_ready = l->daemon.has_served = true;
    l->daemon.failures = 0;
    log_notice("Ready: streamkeeperd (pid %d) serves %s/control.sock", (int)l->daemon.pid, l->paths.run);
    if (l->ending == ENDING_NOT)
        (void)notify_send(&l->notify, "READY=1\nSTATUS=serving");
    if (l->options.ready_fd >= 0) {
        if (write(l->options.ready_fd, "READY\n", 6) < 0)
            log_warning("Nobody reads the descriptor of --ready-fd, ignoring");
        l->options.ready_fd = fd_close(l->options.ready_fd);
    }
    return 0;
}

/* Safe: a line of text for a person; control bytes are replaced. */
static int on_status(struct launcher *l, const struct request *q) {
    struct msg_status m;
    if (msg_decode_status(q->data, q->len, &m) < 0)
        return -EBADMSG;
    (void)notify_status(&l->notify, m.text);
    return 0;
}

/* Safe: feeds the watchdog of the service manager, nothing else. */
static int on_pong(struct launcher *l, const struct request *q) {
    if (msg_decode_plain(q->data, q->len) < 0)
        return -EBADMSG;
    watchdog_pong(l);
    return 0;
}

/* Safe: means something only when we want to end anyway. */
static int on_done(struct launcher *l, const struct request *q) {
    if (msg_decode_plain(q->data, q->len) < 0 || l->ending == ENDING_NOT)
        return -EBADMSG;
    l->is_done = true;
    l->daemon.kill_at = usec_add(clock_monotonic_usec(), DONE_PATIENCE);
    return 0;
}

static const struct {
    int (*run)(struct launcher *l, const struct request *q);
    bool before_welcome;
    bool takes_fds;
} verbs[] = {
    [SK_REQUEST_HELLO] = {on_hello, true, false},
    [SK_REQUEST_SPAWN] = {on_spawn, false, true},
    [SK_REQUEST_SIGNAL] = {on_signal, false, false},
    [SK_REQUEST_KILL] = {on_kill, false, false},
    [SK_REQUEST_FORGET] = {on_forget, false, false},
    [SK_REQUEST_ADOPT] = {on_adopt, false, true},
    [SK_REQUEST_STATE_REMOVE] = {on_state_remove, false, false},
    [SK_REQUEST_READY] = {on_ready, false, false},
    [SK_REQUEST_STATUS] = {on_status, false, false},
    [SK_REQUEST_PONG] = {on_pong, false, false},
    [SK_REQUEST_DONE] = {on_done, false, false},
};

_Static_assert(ARRAY_LEN(verbs) == SK_REQUEST_DONE + 1, "a request without a handler");

int serve_message(struct launcher *l, const void *data, size_t len, const int *fds, size_t n_fds) {
    int verb = msg_verb(data, len);
    if (verb <= 0 || (size_t)verb >= ARRAY_LEN(verbs))
        return -EBADMSG;
    bool greets = l->outbox.state == WIRE_GREETING;
    if (verbs[verb].before_welcome != greets)
        return -EPROTO;
    if (n_fds > 0 && !verbs[verb].takes_fds)
        return -EBADMSG;
    const struct request q = {.data = data, .len = len, .fds = fds, .n_fds = n_fds};
    return verbs[verb].run(l, &q);
}

/* One datagram. Returns 1, 0 when none is there or none may be read, or -errno. */
static int serve_one(struct launcher *l) {
    int fds[SK_WIRE_FDS_MAX];
    size_t n_fds = 0;
    if (!outbox_may_read(l))
        return 0;
    ssize_t len = chan_receive(l->outbox.socket, l->datagram, sizeof(l->datagram), fds, &n_fds);
    if (len == -EAGAIN)
        return 0;
    if (len <= 0)
        return len < 0 ? (int)len : -EPIPE;
    l->daemon.heard_at = clock_monotonic_usec();
    int r = serve_message(l, l->datagram, (size_t)len, fds, n_fds);
    for (size_t i = 0; i < n_fds; i++)
        fd_close(fds[i]);
    if (r == 0)
        r = outbox_flush(l);
    return r < 0 ? r : 1;
}

void serve_last_words(struct launcher *l) {
    int fds[SK_WIRE_FDS_MAX];
    size_t n_fds = 0;
    ssize_t len;
    if (l->outbox.state != WIRE_OPEN)
        return;
    while ((len = chan_receive(l->outbox.socket, l->datagram, sizeof(l->datagram), fds, &n_fds)) > 0) {
        if (msg_verb(l->datagram, (size_t)len) == SK_REQUEST_DONE && l->ending != ENDING_NOT)
            l->is_done = true;
        for (size_t i = 0; i < n_fds; i++)
            fd_close(fds[i]);
    }
}

/* The connection is at its end, for one reason or another. */
static void hang_up(struct launcher *l, int error) {
    if (error == -EPIPE && l->daemon.pid > 0) {
        serve_last_words(l);
        outbox_close(l); /* its death comes as SIGCHLD; one that only closed the wire is killed soon */
        l->daemon.kill_at = MIN(l->daemon.kill_at, usec_add(clock_monotonic_usec(), USEC_PER_SEC));
    } else {
        daemon_kill(l, error == -EPROTO ? "it sent a message out of turn" : "it broke the protocol");
    }
}

void serve_flush(struct launcher *l) {
    int r = outbox_flush(l);
    if (r < 0)
        hang_up(l, r);
}

void serve_wire(struct launcher *l) {
    int r = outbox_flush(l);
    for (int i = 0; r == 0 && i < BATCH_MAX; i++) {
        r = serve_one(l);
        if (r == 0)
            return;
        r = MIN(r, 0);
    }
    if (r < 0)
        hang_up(l, r);
}
