/* SPDX-License-Identifier: Apache-2.0 */
/* Readiness by the notification protocol of systemd's sd_notify(3): one datagram socket per instance that
 * asks for it, so that one tenant can neither flood nor forge another's. Of a message the keys READY, STATUS,
 * WATCHDOG, WATCHDOG_USEC, STOPPING and EXTEND_TIMEOUT_USEC are known; others are skipped. */
#ifndef SUPERVISE_NOTIFY_H
#define SUPERVISE_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sd_event sd_event;
struct notify;

struct notify_message {
    bool ready, stopping, watchdog;
    uint64_t extend_usec;   /* 0: not said */
    uint64_t watchdog_usec; /* 0: not said */
    char status[128];       /* "" : not said; UTF-8 without control characters, cut to fit */
};

/* Pure. Never fails: what is not understood is skipped. */
void notify_parse(const char *data, size_t len, struct notify_message *ret);

typedef void (*notify_fn)(void *userdata, const struct notify_message *m);

/* Makes the socket `name` in the folder `dir` (a left-over one is replaced), mode 0666; accepts only
 * datagrams whose sender has `uid` (or is root). Where that path is longer than a socket's name may be, an
 * abstract name made from it is taken. At most 64 messages are read per loop turn, and an app that floods
 * waits. The callback may free the notify. Returns 0 or -errno. */
int notify_new(sd_event *loop, const char *dir, const char *name, uint32_t uid, notify_fn fn, void *userdata,
               struct notify **ret);

/* What goes into NOTIFY_SOCKET; borrowed from the notify. */
const char *notify_path(const struct notify *n);

/* Removes the socket file. NULL is fine. */
void notify_free(struct notify *n);

static inline void cleanup_notify(struct notify **n) {
    notify_free(*n);
}

#endif
