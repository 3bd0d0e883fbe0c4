/* SPDX-License-Identifier: Apache-2.0 */
/* Sends to the daemon; does not read from it. */
#include "launcher/outbox.h"

#include "base/fd.h"
#include "launcher/launcher.h"
#include "launcher/starts.h"
#include "wire/chan.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>

int outbox_open(struct launcher *l, int socket) {
    struct outbox *o = &l->outbox;
    outbox_close(l);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = source_tag(SOURCE_WIRE, 0)};
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, socket, &event) < 0)
        return -errno;
    o->socket = socket;
    o->interest = EPOLLIN;
    o->state = WIRE_GREETING;
    return 0;
}

void outbox_close(struct launcher *l) {
    struct outbox *o = &l->outbox;
    queue_clear(&o->queue);
    unsigned i = 0;
    for (struct child *c; (c = children_next(&l->children, &i));)
        c->owed = 0;
    fd_close(o->socket);
    *o = (struct outbox){.socket = -EBADF};
}

void outbox_owe(struct launcher *l, struct child *c, uint8_t owed) {
    struct outbox *o = &l->outbox;
    if (o->state != WIRE_REPLAYING && o->state != WIRE_OPEN)
        return;
    c->owed |= owed;
    /* In the replay only what runs and what has exited may be told; how a start turned out comes behind it.
     */
    bool waits = o->state == WIRE_REPLAYING && (c->owed & OWE_START);
    if (!waits)
        queue_add(&o->queue, c);
}

int outbox_answer(struct launcher *l, const void *data, int len) {
    if (len < 0 || (size_t)len > sizeof(l->outbox.reply))
        return -EMSGSIZE;
    memcpy(l->outbox.reply, data, (size_t)len);
    l->outbox.reply_len = len;
    return 0;
}

void outbox_replay(struct launcher *l) {
    l->outbox.state = WIRE_REPLAYING;
    l->outbox.owes_replayed = true;
    l->outbox.owes_terminate = l->ending != ENDING_NOT;
    unsigned i = 0;
    for (struct child *c; (c = children_next(&l->children, &i));) {
        c->is_told = false;
        if (c->state == CHILD_STARTING && starts_settle(l, c, NULL) < 0)
            outbox_owe(l, c, OWE_CHILD); /* still on its way: a failure follows as SPAWN_FAILED */
        else if (c->state == CHILD_RUNNING)
            outbox_owe(l, c, OWE_CHILD);
        else if (c->state == CHILD_EXITED)
            outbox_owe(l, c, OWE_EXITED);
    }
}

static int send_plain(struct launcher *l, uint8_t verb) {
    uint8_t buf[8];
    int len = msg_encode_plain(verb, buf, sizeof(buf));
    return len < 0 ? len : chan_send(l->outbox.socket, buf, (size_t)len, NULL, 0);
}

static int send_child(struct launcher *l, uint8_t verb, struct child *c) {
    uint8_t buf[256];
    const struct msg_child m = {.start_id = c->start_id,
                                .pid = c->has_exited ? c->exit.pid : (uint32_t)c->pid,
                                .start_ticks = c->start_ticks,
                                .tenant = c->tenant,
                                .app = c->app,
                                .number = c->number};
    int len = msg_encode_child(verb, &m, buf, sizeof(buf));
    if (len < 0)
        return len;
    AUTO_FD int opened = -EBADF;
    int fd = c->pidfd;
    if (fd < 0 && c->pid > 0) /* our own child, not reaped: the pid is still this process */
        fd = opened = pidfd_open(c->pid, 0);
    int r = chan_send(l->outbox.socket, buf, (size_t)len, &fd, fd >= 0);
    if (r == 0)
        c->is_told = true;
    return r;
}

static int send_exited(struct launcher *l, struct child *c) {
    uint8_t buf[320];
    struct msg_exited m = c->exit;
    m.tenant = c->tenant;
    m.app = c->app;
    m.number = c->number;
    int len = msg_encode_exited(&m, buf, sizeof(buf));
    return len < 0 ? len : chan_send(l->outbox.socket, buf, (size_t)len, NULL, 0);
}

static void answer_spawn_failed(struct launcher *l, uint64_t start_id, const struct spawn_failure *f) {
    uint8_t buf[512];
    const struct msg_failed m = {
        .start_id = start_id, .stage = f->stage, .error = f->error, .detail = f->detail};
    (void)outbox_answer(l, buf, msg_encode_failed(SK_REPORT_SPAWN_FAILED, &m, buf, sizeof(buf)));
}

/* The start's result is in its pipe. Returns 0, 1 when the start failed and the record is gone, or -errno. */
static int tell_start(struct launcher *l, struct child *c) {
    if (c->state != CHILD_STARTING)
        return 0;
    struct spawn_failure failure;
    int r = spawn_result(c->pipe, &failure);
    if (r > 0) {
        uint64_t id = c->start_id;
        starts_forget(l, c);
        answer_spawn_failed(l, id, &failure);
        return 1;
    }
    if (r == -EAGAIN)
        return 0; /* not known yet after all: the pipe or the exit will tell */
    if (r == 0 && !c->is_told)
        r = send_child(l, SK_REPORT_SPAWNED, c);
    if (r < 0)
        return r; /* the pipe stays at its end: we come here again */
    (void)starts_settle(l, c, NULL);
    return 0;
}

/* Everything owed about the first record in the queue. Returns 0, -EAGAIN, or -errno. */
static int tell_first(struct launcher *l) {
    struct child *c = l->outbox.queue.first;
    int r = 0;
    if (c->owed & OWE_CHILD) {
        /* Gone meanwhile: the exit alone tells all. */
        r = c->state == CHILD_EXITED ? 0 : send_child(l, SK_REPORT_CHILD, c);
        if (r < 0)
            return r;
        c->owed &= (uint8_t)~OWE_CHILD;
    }
    if ((c->owed & OWE_START) && l->outbox.state == WIRE_OPEN) {
        r = tell_start(l, c);
        if (r != 0)
            return MIN(r, 0);
        c->owed &= (uint8_t)~OWE_START;
    }
    if (c->owed & OWE_ADOPTED) {
        r = send_child(l, SK_REPORT_ADOPTED, c);
        if (r < 0)
            return r;
        c->owed &= (uint8_t)~OWE_ADOPTED;
    }
    if ((c->owed & OWE_EXITED) && c->state == CHILD_EXITED) {
        r = send_exited(l, c);
        if (r < 0)
            return r;
        c->owed &= (uint8_t)~OWE_EXITED;
    }
    queue_remove(&l->outbox.queue, c);
    return 0;
}

static int tell_terminate(struct launcher *l) {
    static const uint32_t why[] = {[ENDING_STOP] = MSG_TERMINATE_STOP,
                                   [ENDING_LEAVE] = MSG_TERMINATE_LEAVE,
                                   [ENDING_ASK] = MSG_TERMINATE_ASK,
                                   [ENDING_RELOAD] = MSG_TERMINATE_LEAVE};
    uint8_t buf[16];
    const struct msg_terminate m = {.why = why[l->ending]};
    int len = msg_encode_terminate(&m, buf, sizeof(buf));
    return len < 0 ? len : chan_send(l->outbox.socket, buf, (size_t)len, NULL, 0);
}

static void open_conversation(struct launcher *l) {
    l->outbox.owes_replayed = false;
    l->outbox.state = WIRE_OPEN;
    unsigned i = 0;
    for (struct child *c; (c = children_next(&l->children, &i));)
        if (c->owed)
            outbox_owe(l, c, 0);
}

/* One message of those that are owed. Returns 1 when something was sent, 0 when nothing is owed, -EAGAIN, or
 * -errno. */
static int send_one(struct launcher *l) {
    struct outbox *o = &l->outbox;
    int r;
    if (o->reply_len > 0) {
        r = chan_send(o->socket, o->reply, (size_t)o->reply_len, NULL, 0);
        if (r == 0)
            o->reply_len = 0;
    } else if (o->queue.first) {
        r = tell_first(l);
    } else if (o->owes_replayed) {
        r = send_plain(l, SK_REPORT_REPLAYED);
        if (r == 0)
            open_conversation(l);
    } else if (o->state == WIRE_OPEN && o->owes_terminate) {
        r = tell_terminate(l);
        if (r == 0)
            o->owes_terminate = false;
    } else if (o->state == WIRE_OPEN && o->owes_ping) {
        r = send_plain(l, SK_REPORT_PING);
        if (r == 0)
            o->owes_ping = false;
    } else {
        return 0;
    }
    return r < 0 ? r : 1;
}

bool outbox_may_read(const struct launcher *l) {
    return l->outbox.reply_len == 0 && l->outbox.state != WIRE_REPLAYING && l->outbox.state != WIRE_CLOSED;
}

int outbox_flush(struct launcher *l) {
    struct outbox *o = &l->outbox;
    if (o->state == WIRE_CLOSED)
        return 0;
    int r;
    do
        r = send_one(l);
    while (r > 0);
    if (r < 0 && r != -EAGAIN)
        return r;
    unsigned wanted = (outbox_may_read(l) ? (unsigned)EPOLLIN : 0) | (r < 0 ? (unsigned)EPOLLOUT : 0);
    if (wanted == o->interest)
        return 0;
    struct epoll_event event = {.events = wanted, .data.u64 = source_tag(SOURCE_WIRE, 0)};
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, o->socket, &event) < 0)
        return -errno;
    o->interest = wanted;
    return 0;
}
