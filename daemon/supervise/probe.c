/* SPDX-License-Identifier: Apache-2.0 */
/* Tries to connect until somebody listens; sends and reads nothing. */
#include "supervise/probe.h"

#include "base/clock.h"
#include "base/fd.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>

#define INTERVAL_MIN_USEC (10 * USEC_PER_MSEC)

struct probe {
    sd_event *loop;                /* owned reference */
    sd_event_source *timer, *wait; /* owned */
    int socket;                    /* of the present try, else -EBADF */
    unsigned family;               /* the present try's place in `families` */
    uint16_t port;
    uint64_t interval_usec;
    probe_fn fn;
    void *userdata; /* borrowed */
};

static const sa_family_t families[] = {AF_INET, AF_INET6};

static void end_try(struct probe *p) {
    p->wait = sd_event_source_disable_unref(p->wait);
    p->socket = fd_close(p->socket);
}

static void succeed(struct probe *p) {
    end_try(p);
    p->timer = sd_event_source_disable_unref(p->timer);
    p->fn(p->userdata); /* may free p */
}

/* A connect to a port of the ephemeral range can meet itself: nobody listens then. */
static bool is_self_connected(int fd) {
    struct sockaddr_storage here = {0}, there = {0};
    socklen_t here_len = sizeof(here), there_len = sizeof(there);
    return getsockname(fd, (struct sockaddr *)&here, &here_len) == 0 &&
           getpeername(fd, (struct sockaddr *)&there, &there_len) == 0 && here_len == there_len &&
           memcmp(&here, &there, here_len) == 0;
}

static int connect_loopback(int fd, sa_family_t family, uint16_t port) {
    const struct sockaddr_in in4 = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct sockaddr_in6 in6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int r = family == AF_INET ? connect(fd, (const struct sockaddr *)&in4, sizeof(in4))
                              : connect(fd, (const struct sockaddr *)&in6, sizeof(in6));
    return r < 0 ? -errno : 0;
}

static int on_answer(sd_event_source *s, int fd, uint32_t events, void *userdata);

/* Begins a try with the present family. Returns 1 when connected, 0 when under way, -errno when it failed. */
static int begin_try(struct probe *p) {
    p->socket = socket(families[p->family], SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (p->socket < 0)
        return -errno;
    int r = connect_loopback(p->socket, families[p->family], p->port);
    if (r == 0)
        return is_self_connected(p->socket) ? -ECONNREFUSED : 1;
    if (r != -EINPROGRESS)
        return r;
    return sd_event_add_io(p->loop, &p->wait, p->socket, EPOLLOUT, on_answer, p);
}

/* Tries the families from the present one on, until one is connected or under way. After the last, the timer
 * begins anew. */
static void try_on(struct probe *p) {
    for (; p->family < ARRAY_LEN(families); p->family++) {
        int r = begin_try(p);
        if (r > 0) {
            succeed(p);
            return;
        }
        if (r == 0)
            return;
        end_try(p);
    }
}

static int on_answer(sd_event_source *s ATTR_UNUSED, int fd, uint32_t events ATTR_UNUSED, void *userdata) {
    struct probe *p = userdata;
    int error = 0;
    socklen_t len = sizeof(error);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0 && !is_self_connected(fd)) {
        succeed(p);
        return 0;
    }
    end_try(p);
    p->family++;
    try_on(p);
    return 0;
}

static int on_time(sd_event_source *s, uint64_t usec ATTR_UNUSED, void *userdata) {
    struct probe *p = userdata;
    int r = sd_event_source_set_time_relative(s, p->interval_usec);
    if (r >= 0)
        r = sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
    if (r < 0)
        return r;
    end_try(p); /* a try that still hangs */
    p->family = 0;
    try_on(p);
    return 0;
}

int probe_tcp_new(sd_event *loop, uint16_t port, uint64_t interval_usec, probe_fn fn, void *userdata,
                  struct probe **ret) {
    struct probe *p = malloc(sizeof(*p));
    if (!p)
        return -ENOMEM;
    *p = (struct probe){.loop = sd_event_ref(loop),
                        .socket = -EBADF,
                        .port = port,
                        .interval_usec = MAX(interval_usec, INTERVAL_MIN_USEC),
                        .fn = fn,
                        .userdata = userdata};
    int r = sd_event_add_time_relative(loop, &p->timer, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_time, p);
    if (r < 0) {
        probe_free(p);
        return r;
    }
    (void)sd_event_source_set_description(p->timer, "probe");
    *ret = p;
    return 0;
}

void probe_free(struct probe *p) {
    if (!p)
        return;
    end_try(p);
    sd_event_source_disable_unref(p->timer);
    sd_event_unref(p->loop);
    free(p);
}
