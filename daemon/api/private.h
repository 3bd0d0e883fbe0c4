/* SPDX-License-Identifier: Apache-2.0 */
/* The structures that the files of this folder share.
 *
 *   api - clients (one per connection of the private socket) - requests (not yet answered)
 *       - system bus                                         - requests
 *
 * A request may outlive its door: it is then an orphan, and its answer goes nowhere. */
#ifndef API_PRIVATE_H
#define API_PRIVATE_H

#include "api/limits.h"
#include "api/peer.h"
#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

/* Requests are less urgent than what the children of the service do. */
#define API_PRIORITY 10

struct request;

/* Where messages come in: a connection, or the system bus; the userdata of the methods. */
struct door {
    struct api *api;         /* borrowed */
    const struct peer *peer; /* who is behind it; NULL: `identify` finds out for each request */
    struct list requests;    /* not yet answered */
    uint32_t n_requests;
    void (*ended)(struct door *d); /* a request has ended; may be NULL */
    /* Asks who has sent it; request_identified tells. 0 or -errno. NULL where there is a peer. */
    int (*identify)(struct request *q);
};

/* Ranks of the classes, so that whoever gets a list can sort it. */
struct ranks {
    struct {
        char name[NAME_LEN_MAX + 1];
        uint32_t rank;
    } of[CLASS_MAX];
    uint32_t n;
};

struct api {
    sd_event *loop;          /* borrowed */
    struct manager *manager; /* borrowed */
    struct api_limits limits;
    uid_t own_uid;
    int listen_fd;                  /* owned */
    sd_event_source *listen_source; /* owned; so are all below */
    sd_event_source *deadline_timer;
    sd_event_source *listen_timer; /* set while no descriptors are left */
    struct list clients;
    uint32_t n_clients;
    struct list orphans; /* requests whose door is gone */
    struct system_bus *system_bus;
    struct ranks ranks;       /* n 0: not asked for yet */
    uint64_t complaints_usec; /* when the present minute of complaints began */
    uint32_t complaints;
};

/* Logs why a client was sent away; at most some lines a minute, however many are. */
void api_complain(struct api *a, const struct caller *who, const char *why);

/* A client has a (new) deadline: see to it that the timer is armed. */
void api_note_deadline(struct api *a, uint64_t deadline_usec);

#endif
