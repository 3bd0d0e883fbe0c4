/* SPDX-License-Identifier: Apache-2.0 */
/* The listening socket, and the deadlines of the connections. */
#include "api/api.h"

#include "api/client.h"
#include "api/request.h"
#include "api/system_bus.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUS_SOCKET        "/run/dbus/system_bus_socket"
#define ACCEPTS_PER_TURN  16
#define RESERVED_CLIENTS  8
#define DEADLINE_ACCURACY (250 * USEC_PER_MSEC)

static const char *wait_text(enum client_wait wait) {
    switch (wait) {
    case CLIENT_WAIT_HANDSHAKE:
        return "it did not finish the handshake";
    case CLIENT_WAIT_MESSAGE:
        return "it sent half a message";
    case CLIENT_WAIT_READER:
        return "it does not read its replies";
    case CLIENT_WAIT_NONE:
        break;
    }
    return "it is idle";
}

/* Closes who is late; goes on only while somebody else has a deadline. */
static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
    struct api *a = userdata;
    (void)source;
    (void)usec;
    uint64_t now = clock_monotonic_usec(), next = USEC_NEVER;
    LIST_EACH(&a->clients, node) {
        struct client *c = LIST_ENTRY(node, struct client, node);
        if (c->deadline_usec <= now) {
            api_complain(a, &c->peer.caller, wait_text(c->wait));
            client_free(c);
        } else {
            next = MIN(next, c->deadline_usec);
        }
    }
    if (next != USEC_NEVER)
        api_note_deadline(a, next);
    return 0;
}

static bool is_trusted(const struct api *a, uid_t uid) {
    return uid == 0 || uid == a->own_uid;
}

static bool has_room(const struct api *a, uid_t uid) {
    if (is_trusted(a, uid))
        return a->n_clients < a->limits.clients_max;
    uint32_t own = 0;
    LIST_EACH(&a->clients, node)
    own += LIST_ENTRY(node, struct client, node)->peer.caller.uid == uid;
    return own < a->limits.clients_per_user_max && a->n_clients + RESERVED_CLIENTS < a->limits.clients_max;
}

static void admit(struct api *a, int taken_fd) {
    AUTO_FD int fd = taken_fd;
    CLEANUP(peer_free) struct peer peer = {0};
    int r = peer_from_socket(fd, &peer);
    if (r < 0)
        return; /* gone already */
    if (!has_room(a, peer.caller.uid)) {
        api_complain(a, &peer.caller, "too many connections");
        return;
    }
    struct client *c;
    r = client_new(a, fd, &peer, &c);
    if (r < 0)
        log_errno(LOG_LEVEL_WARNING, r, "Failed to serve a control connection of uid %u", peer.caller.uid);
    else
        fd = -EBADF;
}

/* Without descriptors the socket would stay readable for ever: look away for a second. */
static void pause_listening(struct api *a, int error) {
    log_errno(LOG_LEVEL_WARNING, error, "Failed to accept control connections, trying again in a second");
    sd_event_source_set_enabled(a->listen_source, SD_EVENT_OFF);
    sd_event_source_set_time_relative(a->listen_timer, USEC_PER_SEC);
    sd_event_source_set_enabled(a->listen_timer, SD_EVENT_ONESHOT);
}

static int on_listen_timer(sd_event_source *source, uint64_t usec, void *userdata) {
    struct api *a = userdata;
    (void)source;
    (void)usec;
    return sd_event_source_set_enabled(a->listen_source, SD_EVENT_ON);
}

static int on_listen(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
    struct api *a = userdata;
    (void)source;
    (void)revents;
    for (unsigned i = 0; i < ACCEPTS_PER_TURN; i++) {
        int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client >= 0) {
            admit(a, client);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            pause_listening(a, -errno);
            break;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            break; /* EAGAIN */
        }
    }
    return 0;
}

static int add_sources(struct api *a) {
    int r = sd_event_add_io(a->loop, &a->listen_source, a->listen_fd, EPOLLIN, on_listen, a);
    if (r >= 0)
        r = sd_event_source_set_enabled(a->listen_source, SD_EVENT_OFF);
    if (r >= 0)
        r = sd_event_add_time(a->loop, &a->deadline_timer, CLOCK_MONOTONIC, 0, DEADLINE_ACCURACY, on_deadline,
                              a);
    if (r >= 0)
        r = sd_event_source_set_enabled(a->deadline_timer, SD_EVENT_OFF);
    if (r >= 0)
        r = sd_event_add_time(a->loop, &a->listen_timer, CLOCK_MONOTONIC, 0, DEADLINE_ACCURACY,
                              on_listen_timer, a);
    if (r >= 0)
        r = sd_event_source_set_enabled(a->listen_timer, SD_EVENT_OFF);
    if (r < 0)
        return r;
    sd_event_source_set_description(a->listen_source, "api-listen");
    sd_event_source_set_description(a->deadline_timer, "api-deadline");
    sd_event_source_set_description(a->listen_timer, "api-listen-pause");
    sd_event_source_set_priority(a->listen_source, API_PRIORITY);
    return 0;
}

static uint64_t or_default(uint64_t value, uint64_t fallback) {
    return value ? value : fallback;
}

int api_new(sd_event *loop, struct manager *manager, int listen_fd, const struct api_limits *limits,
            struct api **ret) {
    AUTO_FD int fd = listen_fd;
    int r = fd_set_nonblock(fd, true);
    if (r < 0)
        return r;
    struct api *a = calloc(1, sizeof(*a));
    if (!a)
        return -ENOMEM;
    a->loop = loop;
    a->manager = manager;
    a->own_uid = geteuid();
    a->listen_fd = TAKE_FD(fd);
    a->limits = *limits;
    a->limits.handshake_usec = or_default(limits->handshake_usec, 5 * USEC_PER_SEC);
    a->limits.message_usec = or_default(limits->message_usec, 10 * USEC_PER_SEC);
    a->limits.reply_usec = or_default(limits->reply_usec, USEC_PER_MIN);
    list_init(&a->clients);
    list_init(&a->orphans);
    r = add_sources(a);
    if (r < 0) {
        api_free(a);
        return r;
    }
    *ret = a;
    return 0;
}

int api_start(struct api *a) {
    int r = sd_event_source_set_enabled(a->listen_source, SD_EVENT_ON);
    return r < 0 ? r : 0;
}

void api_connect_system_bus(struct api *a) {
    system_bus_connect(a, BUS_SOCKET);
}

void api_free(struct api *a) {
    if (!a)
        return;
    LIST_EACH(&a->clients, node)
    client_free(LIST_ENTRY(node, struct client, node));
    system_bus_free(a->system_bus);
    LIST_EACH(&a->orphans, node)
    request_free(LIST_ENTRY(node, struct request, node));
    sd_event_source_disable_unref(a->listen_source);
    sd_event_source_disable_unref(a->deadline_timer);
    sd_event_source_disable_unref(a->listen_timer);
    fd_close(a->listen_fd);
    free(a);
}
