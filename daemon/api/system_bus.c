/* SPDX-License-Identifier: Apache-2.0 */
/* Connects, asks for the name, comes back when the bus went away. */
#include "api/system_bus.h"

#include "api/methods.h"
#include "api/request.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "streamkeeper/names.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define RETRY_MIN (1 * USEC_PER_SEC)
#define RETRY_MAX (5 * USEC_PER_MIN)
#define DRIVER    "org.freedesktop.DBus"

struct system_bus {
    struct door door;
    sd_bus *bus;            /* owned; NULL: not connected */
    sd_event_source *retry; /* owned */
    uint64_t delay_usec;
    char address[256];
};

static int later(struct system_bus *b, int error, const char *what) {
    log_errno(LOG_LEVEL_WARNING, error, "%s, trying again in %u s; the private socket is not affected", what,
              (unsigned)(b->delay_usec / USEC_PER_SEC));
    b->bus = sd_bus_close_unref(b->bus);
    sd_event_source_set_time_relative(b->retry, b->delay_usec);
    sd_event_source_set_enabled(b->retry, SD_EVENT_ONESHOT);
    b->delay_usec = MIN(2 * b->delay_usec, RETRY_MAX);
    return 0;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
    struct system_bus *b = userdata;
    (void)m;
    (void)error;
    return later(b, -ECONNRESET, "The system bus went away");
}

static int on_name(sd_bus_message *m, void *userdata, sd_bus_error *error) {
    struct system_bus *b = userdata;
    (void)error;
    uint32_t outcome = 0;
    if (sd_bus_message_is_method_error(m, NULL)) {
        const sd_bus_error *e = sd_bus_message_get_error(m);
        log_warning("The system bus refuses the name %s (%s); only the private socket is served", SK_BUS_NAME,
                    e && e->message ? e->message : "no reason given");
        b->bus = sd_bus_close_unref(b->bus);
        return 0;
    }
    if (sd_bus_message_read(m, "u", &outcome) < 0 || (outcome != 1 && outcome != 4))
        return later(b, -EEXIST, "Somebody else has the name " SK_BUS_NAME " on the system bus");
    b->delay_usec = RETRY_MIN;
    log_info("serving %s on the system bus", SK_BUS_NAME);
    return 0;
}

/* The fields of GetConnectionCredentials that matter. Without UnixUserID: -ENOENT. */
static int read_credentials(sd_bus_message *m, struct peer *ret) {
    bool has_uid = false;
    int r = sd_bus_message_enter_container(m, 'a', "{sv}");
    while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
        const char *key;
        uint32_t number = 0;
        r = sd_bus_message_read(m, "s", &key);
        if (r < 0)
            break;
        if (strcmp(key, "UnixUserID") == 0) {
            r = sd_bus_message_read(m, "v", "u", &number);
            ret->caller.uid = number;
            has_uid = r >= 0;
        } else if (strcmp(key, "ProcessID") == 0) {
            r = sd_bus_message_read(m, "v", "u", &number);
            ret->caller.pid = (pid_t)number;
        } else if (strcmp(key, "UnixGroupIDs") == 0) {
            const void *ids = NULL;
            size_t size = 0;
            r = sd_bus_message_enter_container(m, 'v', "au");
            if (r >= 0)
                r = sd_bus_message_read_array(m, 'u', &ids, &size);
            if (r >= 0)
                r = sd_bus_message_exit_container(m);
            gid_t *groups = r >= 0 && size > 0 ? malloc(size) : NULL;
            if (groups) {
                memcpy(groups, ids, size);
                peer_set_groups(ret, groups, size / sizeof(gid_t));
            }
        } else {
            r = sd_bus_message_skip(m, "v");
        }
        if (r >= 0)
            r = sd_bus_message_exit_container(m);
    }
    return r < 0 ? r : has_uid ? 0 : -ENOENT;
}

static int on_credentials(sd_bus_message *m, void *userdata, sd_bus_error *error) {
    (void)error;
    /* A group nobody has: only the list of groups counts. */
    CLEANUP(peer_free) struct peer peer = {.caller = {.uid = (uid_t)-1, .gid = (gid_t)-1}};
    int r =
        sd_bus_message_is_method_error(m, NULL) ? -sd_bus_message_get_errno(m) : read_credentials(m, &peer);
    request_identified(userdata, r, &peer);
    return 0;
}

/* Asks the bus driver who has sent it. */
static int identify(struct request *q) {
    const char *sender = sd_bus_message_get_sender(q->call);
    if (!sender)
        return -EPERM;
    return sd_bus_call_method_async(sd_bus_message_get_bus(q->call), &q->asking, DRIVER,
                                    "/org/freedesktop/DBus", DRIVER, "GetConnectionCredentials",
                                    on_credentials, q, "s", sender);
}

static int attempt(struct system_bus *b) {
    int r = sd_bus_new(&b->bus);
    if (r >= 0)
        r = sd_bus_set_address(b->bus, b->address);
    if (r >= 0)
        r = sd_bus_set_bus_client(b->bus, 1);
    if (r >= 0)
        r = sd_bus_negotiate_fds(b->bus, 0);
    if (r >= 0)
        r = sd_bus_start(b->bus);
    if (r >= 0)
        r = sd_bus_match_signal_async(b->bus, NULL, "org.freedesktop.DBus.Local",
                                      "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                      "Disconnected", on_disconnected, NULL, b);
    if (r >= 0)
        r = methods_add(b->bus, &b->door);
    if (r >= 0)
        r = sd_bus_request_name_async(b->bus, NULL, SK_BUS_NAME, 0, on_name, b);
    if (r >= 0)
        r = sd_bus_attach_event(b->bus, b->door.api->loop, API_PRIORITY);
    return r;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
    struct system_bus *b = userdata;
    (void)source;
    (void)usec;
    int r = attempt(b);
    if (r < 0)
        later(b, r, "Failed to connect to the system bus");
    return 0;
}

void system_bus_connect(struct api *a, const char *socket) {
    if (a->system_bus || access(socket, F_OK) < 0)
        return;
    struct system_bus *b = calloc(1, sizeof(*b));
    if (!b) {
        log_errno(LOG_LEVEL_WARNING, -ENOMEM, "Failed to connect to the system bus");
        return;
    }
    b->door = (struct door){.api = a, .identify = identify};
    b->delay_usec = RETRY_MIN;
    list_init(&b->door.requests);
    int r = text_format(b->address, sizeof(b->address), "unix:path=%s", socket);
    if (r >= 0)
        r = sd_event_add_time(a->loop, &b->retry, CLOCK_MONOTONIC, 0, 0, on_retry, b);
    if (r < 0) {
        log_errno(LOG_LEVEL_WARNING, r, "Failed to connect to the system bus");
        system_bus_free(b);
        return;
    }
    sd_event_source_set_description(b->retry, "api-bus-retry");
    a->system_bus = b; /* the timer is due: the first attempt is made in the loop */
}

void system_bus_free(struct system_bus *b) {
    if (!b)
        return;
    request_orphan_all(&b->door);
    sd_event_source_disable_unref(b->retry);
    sd_bus_close_unref(b->bus);
    free(b);
}
