/* SPDX-License-Identifier: Apache-2.0 */
/* One connection: its bytes, its turns, its limits. What a message means is in request.c. */
#include "api/client.h"

#include "api/frame.h"
#include "api/methods.h"
#include "api/request.h"
#include "base/clock.h"
#include "base/fd.h"
#include "streamkeeper/names.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define MESSAGES_PER_TURN 16
#define REQUESTS_MAX      32           /* of one client, under way at once */
#define BUFFER_MIN        2048         /* bytes */
#define REPLY_BUFFER      (256 * 1024) /* bytes the kernel may hold for a client that does not read */

static uint64_t queued(const struct client *c) {
    uint64_t n = 0;
    return sd_bus_get_n_queued_write(c->bus, &n) < 0 ? 0 : n;
}

static bool is_blocked(const struct client *c) {
    return queued(c) > 0 || c->door.n_requests >= REQUESTS_MAX;
}

/* The length of the line or message at the front of the buffer if all of it is there, 0 if not, -errno. */
static ssize_t front(const struct client *c, bool *ret_begin) {
    const uint8_t *data = c->in + c->in_start;
    ssize_t n = c->handshaken ? frame_message(data, c->in_len, SK_REQUEST_MAX)
                              : frame_line(data, c->in_len, ret_begin);
    return n > (ssize_t)c->in_len ? 0 : n;
}

static int process(struct client *c) {
    int r;
    do
        r = sd_bus_process(c->bus, NULL);
    while (r > 0);
    if (r < 0)
        return r;
    return sd_bus_is_open(c->bus) > 0 ? 0 : -ECONNRESET;
}

static int feed(struct client *c, const uint8_t *data, size_t len) {
    while (len > 0) {
        ssize_t n = send(c->feed_fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN ? -EIO : -errno; /* it reads all there is, so there is room */
        data += n;
        len -= (size_t)n;
        int r = process(c);
        if (r < 0)
            return r;
    }
    return 0;
}

static int serve_front(struct client *c, size_t len, bool begin) {
    const uint8_t *data = c->in + c->in_start;
    if (!c->handshaken) {
        c->handshake_bytes += len;
        if (c->handshake_bytes > FRAME_HANDSHAKE_MAX)
            return -EMSGSIZE;
    }
    int r = feed(c, data, len);
    c->in_start += len;
    c->in_len -= len;
    if (r < 0)
        return r;
    if (c->handshaken || begin)
        c->wait = CLIENT_WAIT_NONE;
    if (begin && sd_bus_is_ready(c->bus) <= 0)
        return -EPROTO; /* it says it has finished, sd-bus does not think so */
    c->handshaken |= begin;
    return 0;
}

/* Serves a few of what has arrived. *ret_more: there is more that could be served at once. */
static int serve(struct client *c, bool *ret_more) {
    *ret_more = false;
    for (unsigned i = 0; !is_blocked(c); i++) {
        bool begin = false;
        ssize_t len = front(c, &begin);
        if (len < 0)
            return (int)len;
        if (len == 0)
            break;
        if (i >= MESSAGES_PER_TURN) {
            *ret_more = true;
            break;
        }
        int r = serve_front(c, (size_t)len, begin);
        if (r < 0)
            return r;
    }
    if (c->in_len == 0 && c->in_size > BUFFER_MIN) {
        free(TAKE_PTR(c->in));
        c->in_size = 0;
    }
    if (c->in_len == 0)
        c->in_start = 0;
    return 0;
}

static int make_room(struct client *c) {
    if (c->in_start > 0) {
        memmove(c->in, c->in + c->in_start, c->in_len);
        c->in_start = 0;
    }
    if (c->in_len < c->in_size)
        return 0;
    size_t size = c->in_size ? c->in_size * 2 : BUFFER_MIN;
    if (size > SK_REQUEST_MAX)
        return -EMSGSIZE; /* not reached: a buffer of this size holds a whole message */
    uint8_t *grown = realloc(c->in, size);
    if (!grown)
        return -ENOMEM;
    c->in = grown;
    c->in_size = size;
    return 0;
}

static int receive(struct client *c) {
    int r = make_room(c);
    if (r < 0)
        return r;
    size_t at = c->in_start + c->in_len;
    ssize_t n = recv(c->fd, c->in + at, c->in_size - at, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    if (n == 0)
        c->eof = true;
    c->in_len += (size_t)n;
    return 0;
}

static void set_wait(struct client *c, enum client_wait wait, uint64_t usec) {
    if (c->wait == wait && wait != CLIENT_WAIT_NONE)
        return;
    c->wait = wait;
    c->deadline_usec = wait == CLIENT_WAIT_NONE ? USEC_NEVER : usec_add(clock_monotonic_usec(), usec);
    if (wait != CLIENT_WAIT_NONE)
        api_note_deadline(c->door.api, c->deadline_usec);
}

static void update_wait(struct client *c) {
    const struct api_limits *limits = &c->door.api->limits;
    if (!c->handshaken)
        set_wait(c, CLIENT_WAIT_HANDSHAKE, limits->handshake_usec);
    else if (queued(c) > 0)
        set_wait(c, CLIENT_WAIT_READER, limits->reply_usec);
    else if (c->in_len > 0 && c->door.n_requests < REQUESTS_MAX)
        set_wait(c, CLIENT_WAIT_MESSAGE, limits->message_usec);
    else
        set_wait(c, CLIENT_WAIT_NONE, 0);
}

/* One turn: serve, then say what to wait for. Frees the client when it is done with. */
static void turn(struct client *c, bool hung_up) {
    bool more = false;
    c->in_turn = true;
    int r = serve(c, &more);
    c->in_turn = false;
    if (r < 0) {
        if (r != -ECONNRESET && r != -EPIPE)
            api_complain(c->door.api, &c->peer.caller,
                         r == -EMSGSIZE ? "it sent a request that is too long" : "it does not speak D-Bus");
        client_free(c);
        return;
    }
    if (!more && (hung_up || (c->eof && queued(c) == 0 && c->door.n_requests == 0))) {
        client_free(c);
        return;
    }
    update_wait(c);
    uint32_t events = 0;
    if (!c->eof && !more && !is_blocked(c))
        events |= EPOLLIN;
    if (queued(c) > 0)
        events |= EPOLLOUT;
    sd_event_source_set_io_events(c->io, events);
    if (more)
        sd_event_source_set_enabled(c->more, SD_EVENT_ONESHOT);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
    struct client *c = userdata;
    (void)source;
    (void)fd;
    int r = 0;
    if (revents & EPOLLOUT) {
        if (c->wait == CLIENT_WAIT_READER)
            c->wait = CLIENT_WAIT_NONE; /* it reads: a new deadline */
        c->in_turn = true;
        r = process(c);
        c->in_turn = false;
    }
    if (r >= 0 && revents & EPOLLIN && !c->eof && !is_blocked(c))
        r = receive(c);
    if (r < 0) {
        client_free(c);
        return 0;
    }
    /* Gone for good: nobody reads a reply any more. What it sent before is served as far as it is here. */
    bool gone = revents & (EPOLLHUP | EPOLLERR) && (c->eof || is_blocked(c) || !(revents & EPOLLIN));
    turn(c, gone);
    return 0;
}

static int on_more(sd_event_source *source, void *userdata) {
    (void)source;
    turn(userdata, false);
    return 0;
}

/* A request has ended, perhaps by a reply: look again what to do, in a turn of its own. */
static void on_ended(struct door *door) {
    struct client *c = CONTAINER_OF(door, struct client, door);
    if (!c->in_turn)
        sd_event_source_set_enabled(c->more, SD_EVENT_ONESHOT);
}

static int start_bus(struct client *c) {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
        return -errno;
    c->feed_fd = pair[0];
    AUTO_FD int in = pair[1];
    AUTO_FD int out = fcntl(c->fd, F_DUPFD_CLOEXEC, 3);
    if (out < 0)
        return -errno;
    sd_id128_t id;
    int r = sd_id128_randomize(&id);
    if (r >= 0)
        r = sd_bus_new(&c->bus);
    if (r >= 0)
        r = sd_bus_set_fd(c->bus, in, out);
    if (r < 0)
        return r;
    in = out = -EBADF; /* sd-bus owns them now */
    r = sd_bus_set_server(c->bus, 1, id);
    if (r >= 0) /* what the client claims to be is not looked at: the kernel has told */
        r = sd_bus_set_anonymous(c->bus, 1);
    if (r >= 0)
        r = sd_bus_negotiate_fds(c->bus, 0);
    if (r >= 0)
        r = sd_bus_start(c->bus);
    if (r >= 0)
        r = methods_add(c->bus, &c->door);
    int size = REPLY_BUFFER; /* sd-bus asks for 8 MiB */
    if (r >= 0 && setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) < 0)
        r = -errno;
    return r;
}

int client_new(struct api *a, int fd, struct peer *peer, struct client **ret) {
    struct client *c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    c->door = (struct door){.api = a, .peer = &c->peer, .ended = on_ended};
    c->feed_fd = -EBADF;
    c->deadline_usec = USEC_NEVER;
    c->fd = fd;
    list_init(&c->node);
    list_init(&c->door.requests);
    int r = start_bus(c);
    if (r >= 0)
        r = sd_event_add_io(a->loop, &c->io, fd, EPOLLIN, on_io, c);
    if (r >= 0)
        r = sd_event_add_defer(a->loop, &c->more, on_more, c);
    if (r >= 0)
        r = sd_event_source_set_enabled(c->more, SD_EVENT_OFF);
    if (r < 0) {
        c->fd = -EBADF; /* stays the caller's */
        client_free(c);
        return r;
    }
    sd_event_source_set_description(c->io, "api-client");
    sd_event_source_set_description(c->more, "api-client-more");
    sd_event_source_set_priority(c->io, API_PRIORITY);
    sd_event_source_set_priority(c->more, API_PRIORITY);
    c->peer = *peer;
    *peer = (struct peer){0};
    list_append(&a->clients, &c->node);
    a->n_clients++;
    update_wait(c);
    *ret = c;
    return 0;
}

void client_free(struct client *c) {
    if (!c)
        return;
    request_orphan_all(&c->door);
    if (!list_is_empty(&c->node)) {
        list_remove(&c->node);
        c->door.api->n_clients--;
    }
    sd_event_source_disable_unref(c->io);
    sd_event_source_disable_unref(c->more);
    sd_bus_close_unref(c->bus);
    fd_close(c->fd);
    fd_close(c->feed_fd);
    peer_free(&c->peer);
    free(c->in);
    free(c);
}
