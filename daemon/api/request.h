/* SPDX-License-Identifier: Apache-2.0 */
/* A method call under way: from the message to its one answer. */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include "api/private.h"
#include "base/reason.h"

struct request;

struct method {
    const char *name;
    /* Reads the arguments, calls the manager. 0: the request is answered or will be; negative errno: it is to
     * be refused with that reason, and nothing else will happen. */
    int (*serve)(struct request *q, struct reason *why);
    bool always; /* also before the manager serves */
};

struct request {
    struct list node;     /* in the door's requests, or the api's orphans */
    struct api *api;      /* borrowed */
    struct door *door;    /* borrowed; NULL: gone */
    sd_bus_message *call; /* owned */
    sd_bus_slot *asking;  /* owned: the bus driver is asked who the caller is */
    const struct method *method;
    const struct caller *caller; /* who asks; valid until `serve` returns */
    struct peer peer;            /* owned; where the door has none */
};

/* Begins one and serves it, now or when it is known who asks. 0 or -ENOMEM. */
int request_begin(struct door *door, sd_bus_message *call, const struct method *method);

/* The answer to the door's question: 0 and who it is (may be taken), or an error. */
void request_identified(struct request *q, int error, struct peer *peer);

/* Exactly one of these ends a request, and frees it. `reply` is taken, however it was filled: if an append to
 * it failed, the caller gets an error instead. `text` NULL or "": the error in general words. */
void request_reply(struct request *q, sd_bus_message *reply);
void request_fail(struct request *q, int error, const char *text);

/* The door is gone: its requests become orphans. */
void request_orphan_all(struct door *door);
/* Frees it without an answer. */
void request_free(struct request *q);

#endif
