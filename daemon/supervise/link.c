/* SPDX-License-Identifier: Apache-2.0 */
/* The connection to the launcher: order, queue and framing of messages; what they mean is the callbacks'
 * business. */
#include "supervise/link.h"

#include "base/fd.h"
#include "base/list.h"
#include "wire/chan.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>

#define RECEIVED_PER_TURN 64

/* What the launcher may say: nothing but WELCOME first, then the replay, then anything new. */
enum phase { PHASE_HELLO = 1 << 0, PHASE_REPLAY = 1 << 1, PHASE_LIVE = 1 << 2 };

struct outgoing {
    struct list node;
    size_t len, n_fds;
    int fds[SK_WIRE_FDS_MAX]; /* owned copies */
    uint8_t data[];
};

struct link {
    int socket;
    sd_event_source *source; /* owned */
    const struct link_callbacks *callbacks;
    void *userdata; /* borrowed */
    enum phase phase;
    bool ended; /* the end of the connection was seen once */
    struct list queue;
    size_t queued;
    uint8_t in[SK_WIRE_MESSAGE_MAX], out[SK_WIRE_MESSAGE_MAX];
};

static void outgoing_free(struct outgoing *o) {
    for (size_t i = 0; i < o->n_fds; i++)
        fd_close(o->fds[i]);
    free(o);
}

static void drop_queue(struct link *l) {
    LIST_EACH(&l->queue, node) {
        list_remove(node);
        outgoing_free(LIST_ENTRY(node, struct outgoing, node));
    }
    l->queued = 0;
}

static int enqueue(struct link *l, size_t len, const int *fds, size_t n_fds) {
    if (l->queued >= LINK_QUEUE_MAX)
        return -ENOBUFS;
    struct outgoing *o = malloc(sizeof(*o) + len);
    if (!o)
        return -ENOMEM;
    o->len = len;
    o->n_fds = 0;
    memcpy(o->data, l->out, len);
    for (size_t i = 0; i < n_fds; i++) {
        int fd = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
        if (fd < 0) {
            int r = -errno;
            outgoing_free(o);
            return r;
        }
        o->fds[o->n_fds++] = fd;
    }
    int r = sd_event_source_set_io_events(l->source, EPOLLIN | EPOLLOUT);
    if (r < 0) {
        outgoing_free(o);
        return r;
    }
    list_append(&l->queue, &o->node);
    l->queued++;
    return 0;
}

/* Sends what lies in l->out; `len` may be the error of its encoder. */
static int submit(struct link *l, int len, const int *fds, size_t n_fds) {
    if (l->socket < 0)
        return -EPIPE;
    if (len < 0)
        return len;
    if (list_is_empty(&l->queue)) {
        int r = chan_send(l->socket, l->out, (size_t)len, fds, n_fds);
        if (r != -EAGAIN)
            return r;
    }
    return enqueue(l, (size_t)len, fds, n_fds);
}

/* Sends from the queue until it is empty or the socket full. A launcher that is gone shows when reading. */
static int flush(struct link *l) {
    LIST_EACH(&l->queue, node) {
        struct outgoing *o = LIST_ENTRY(node, struct outgoing, node);
        int r = chan_send(l->socket, o->data, o->len, o->fds, o->n_fds);
        if (r == -EAGAIN)
            return 0;
        if (r == -EPIPE)
            break;
        if (r < 0)
            return r;
        list_remove(node);
        outgoing_free(o);
        l->queued--;
    }
    drop_queue(l);
    return sd_event_source_set_io_events(l->source, EPOLLIN);
}

static void end(struct link *l, int error) {
    drop_queue(l);
    l->source = sd_event_source_disable_unref(l->source);
    l->socket = fd_close(l->socket);
    l->callbacks->closed(l->userdata, error);
}

static int on_welcome(struct link *l, const void *data, size_t len, int *pidfd ATTR_UNUSED) {
    struct msg_welcome m;
    int r = msg_decode_welcome(data, len, &m);
    if (r < 0)
        return r;
    if (m.version != SK_WIRE_VERSION)
        return -EPROTONOSUPPORT;
    l->phase = PHASE_REPLAY;
    l->callbacks->welcome(l->userdata, &m);
    return 0;
}

static int on_replayed(struct link *l, const void *data, size_t len, int *pidfd ATTR_UNUSED) {
    int r = msg_decode_plain(data, len);
    if (r < 0)
        return r;
    l->phase = PHASE_LIVE;
    l->callbacks->replayed(l->userdata);
    return 0;
}

/* CHILD, SPAWNED and ADOPTED. */
static int on_child(struct link *l, const void *data, size_t len, int *pidfd) {
    struct msg_child m;
    int r = msg_decode_child(data, len, &m);
    if (r < 0)
        return r;
    int verb = msg_verb(data, len);
    if (verb == SK_REPORT_CHILD)
        l->callbacks->child(l->userdata, &m, TAKE_FD(*pidfd));
    else if (verb == SK_REPORT_SPAWNED)
        l->callbacks->spawned(l->userdata, &m, TAKE_FD(*pidfd));
    else
        l->callbacks->adopted(l->userdata, &m, TAKE_FD(*pidfd));
    return 0;
}

/* SPAWN_FAILED, ADOPT_FAILED and STATE_REMOVED. */
static int on_failed(struct link *l, const void *data, size_t len, int *pidfd ATTR_UNUSED) {
    struct msg_failed m;
    int r = msg_decode_failed(data, len, &m);
    if (r < 0)
        return r;
    int verb = msg_verb(data, len);
    if (verb == SK_REPORT_SPAWN_FAILED)
        l->callbacks->spawn_failed(l->userdata, &m);
    else if (verb == SK_REPORT_ADOPT_FAILED)
        l->callbacks->adopt_failed(l->userdata, &m);
    else
        l->callbacks->state_removed(l->userdata, &m);
    return 0;
}

static int on_exited(struct link *l, const void *data, size_t len, int *pidfd ATTR_UNUSED) {
    struct msg_exited m;
    int r = msg_decode_exited(data, len, &m);
    if (r < 0)
        return r;
    l->callbacks->exited(l->userdata, &m);
    return 0;
}

static int on_terminate(struct link *l, const void *data, size_t len, int *pidfd ATTR_UNUSED) {
    struct msg_terminate m;
    int r = msg_decode_terminate(data, len, &m);
    if (r < 0)
        return r;
    l->callbacks->terminate(l->userdata, (enum msg_terminate_why)m.why);
    return 0;
}

static int on_ping(struct link *l, const void *data, size_t len, int *pidfd ATTR_UNUSED) {
    int r = msg_decode_plain(data, len);
    if (r < 0)
        return r;
    r = submit(l, msg_encode_plain(SK_REQUEST_PONG, l->out, sizeof(l->out)), NULL, 0);
    return r == -EPIPE ? 0 : r;
}

#define PHASE_TALK (PHASE_REPLAY | PHASE_LIVE)

static const struct report {
    int (*handle)(struct link *l, const void *data, size_t len, int *pidfd);
    unsigned phases;
    bool with_pidfd;
} reports[] = {
    [SK_REPORT_WELCOME - SK_REPORT_WELCOME] = {on_welcome, PHASE_HELLO, false},
    [SK_REPORT_CHILD - SK_REPORT_WELCOME] = {on_child, PHASE_REPLAY, true},
    [SK_REPORT_REPLAYED - SK_REPORT_WELCOME] = {on_replayed, PHASE_REPLAY, false},
    [SK_REPORT_SPAWNED - SK_REPORT_WELCOME] = {on_child, PHASE_LIVE, true},
    [SK_REPORT_SPAWN_FAILED - SK_REPORT_WELCOME] = {on_failed, PHASE_LIVE, false},
    [SK_REPORT_EXITED - SK_REPORT_WELCOME] = {on_exited, PHASE_TALK, false},
    [SK_REPORT_ADOPTED - SK_REPORT_WELCOME] = {on_child, PHASE_LIVE, true},
    [SK_REPORT_ADOPT_FAILED - SK_REPORT_WELCOME] = {on_failed, PHASE_LIVE, false},
    [SK_REPORT_STATE_REMOVED - SK_REPORT_WELCOME] = {on_failed, PHASE_LIVE, false},
    [SK_REPORT_TERMINATE - SK_REPORT_WELCOME] = {on_terminate, PHASE_TALK, false},
    [SK_REPORT_PING - SK_REPORT_WELCOME] = {on_ping, PHASE_TALK, false},
};
static_assert(ARRAY_LEN(reports) == SK_REPORT_PING - SK_REPORT_WELCOME + 1, "a report without a handler");

/* One message; `fd` is -EBADF, or the callee's. */
static int dispatch(struct link *l, const void *data, size_t len, int fd) {
    AUTO_FD int pidfd = fd;
    int verb = msg_verb(data, len);
    if (verb < SK_REPORT_WELCOME || verb > SK_REPORT_PING)
        return -EBADMSG;
    const struct report *report = &reports[verb - SK_REPORT_WELCOME];
    if (!(report->phases & l->phase) || (pidfd >= 0 && !report->with_pidfd))
        return -EBADMSG;
    return report->handle(l, data, len, &pidfd);
}

/* Returns 1 when there may be more to read, 0 when not now, -EPIPE at the end, or another -errno. */
static int receive(struct link *l) {
    int fds[SK_WIRE_FDS_MAX];
    size_t n_fds = 0;
    ssize_t len = chan_receive(l->socket, l->in, sizeof(l->in), fds, &n_fds);
    if (len == -EAGAIN)
        return 0;
    if (len < 0)
        return len == -EMSGSIZE ? -EBADMSG : (int)len;
    if (len == 0) {
        /* A launcher that dies with requests unread shows as an end even before its last words: look behind
         * it. */
        bool again = !l->ended;
        l->ended = true;
        return again ? 1 : -EPIPE;
    }
    for (size_t i = 1; i < n_fds; i++)
        fd_close(fds[i]);
    if (n_fds > 1) {
        fd_close(fds[0]);
        return -EBADMSG;
    }
    int r = dispatch(l, l->in, (size_t)len, n_fds ? fds[0] : -EBADF);
    return r < 0 ? r : 1;
}

static int on_io(sd_event_source *s ATTR_UNUSED, int fd ATTR_UNUSED, uint32_t events, void *userdata) {
    struct link *l = userdata;
    int r = 0;
    if (events & EPOLLOUT)
        r = flush(l);
    if (r >= 0 && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        for (int i = 0; i < RECEIVED_PER_TURN; i++) {
            r = receive(l);
            if (r <= 0)
                break;
        }
    if (r < 0)
        end(l, r == -EPIPE ? 0 : r);
    return 0;
}

int link_new(sd_event *loop, int socket, const struct link_callbacks *callbacks, void *userdata,
             struct link **ret) {
    AUTO_FD int taken = socket;
    int r = fd_set_nonblock(taken, true);
    if (r < 0)
        return r;
    CLEANUP(cleanup_link) struct link *l = malloc(sizeof(*l));
    if (!l)
        return -ENOMEM;
    l->socket = TAKE_FD(taken);
    l->source = NULL;
    l->callbacks = callbacks;
    l->userdata = userdata;
    l->phase = PHASE_HELLO;
    l->ended = false;
    l->queued = 0;
    list_init(&l->queue);
    r = sd_event_add_io(loop, &l->source, l->socket, EPOLLIN, on_io, l);
    if (r < 0)
        return r;
    (void)sd_event_source_set_description(l->source, "launcher");
    const struct msg_hello hello = {.version = SK_WIRE_VERSION};
    r = submit(l, msg_encode_hello(&hello, l->out, sizeof(l->out)), NULL, 0);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(l);
    return 0;
}

void link_free(struct link *l) {
    if (!l)
        return;
    drop_queue(l);
    sd_event_source_disable_unref(l->source);
    fd_close(l->socket);
    free(l);
}

int link_spawn(struct link *l, const struct msg_spawn *m, int cgroup_fd, int log_fd) {
    struct msg_spawn flagged = *m;
    flagged.flags &= ~(uint32_t)(MSG_SPAWN_CGROUP | MSG_SPAWN_LOG);
    int fds[SK_WIRE_FDS_MAX];
    size_t n_fds = 0;
    if (cgroup_fd >= 0) {
        flagged.flags |= MSG_SPAWN_CGROUP;
        fds[n_fds++] = cgroup_fd;
    }
    if (log_fd >= 0) {
        flagged.flags |= MSG_SPAWN_LOG;
        fds[n_fds++] = log_fd;
    }
    return submit(l, msg_encode_spawn(&flagged, l->out, sizeof(l->out)), fds, n_fds);
}

int link_signal(struct link *l, uint64_t start_id, int signo) {
    const struct msg_signal m = {.start_id = start_id, .signo = (uint32_t)signo};
    return submit(l, msg_encode_signal(&m, l->out, sizeof(l->out)), NULL, 0);
}

static int send_start_ref(struct link *l, uint8_t verb, uint64_t start_id) {
    const struct msg_start_ref m = {.start_id = start_id};
    return submit(l, msg_encode_start_ref(verb, &m, l->out, sizeof(l->out)), NULL, 0);
}

int link_kill(struct link *l, uint64_t start_id) {
    return send_start_ref(l, SK_REQUEST_KILL, start_id);
}

int link_forget(struct link *l, uint64_t start_id) {
    return send_start_ref(l, SK_REQUEST_FORGET, start_id);
}

int link_adopt(struct link *l, const struct msg_adopt *m, int cgroup_fd) {
    return submit(l, msg_encode_adopt(m, l->out, sizeof(l->out)), &cgroup_fd, cgroup_fd >= 0);
}

int link_state_remove(struct link *l, const struct msg_state_remove *m) {
    return submit(l, msg_encode_state_remove(m, l->out, sizeof(l->out)), NULL, 0);
}

int link_ready(struct link *l) {
    return submit(l, msg_encode_plain(SK_REQUEST_READY, l->out, sizeof(l->out)), NULL, 0);
}

int link_status(struct link *l, const char *text) {
    const struct msg_status m = {.text = text};
    return submit(l, msg_encode_status(&m, l->out, sizeof(l->out)), NULL, 0);
}

int link_done(struct link *l) {
    return submit(l, msg_encode_plain(SK_REQUEST_DONE, l->out, sizeof(l->out)), NULL, 0);
}
