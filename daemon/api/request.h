/* SPDX-License-Identifier: Apache-2.0 */
/* A method call under way: from the message to its one answer. */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include "api/private.h"
#include "base/reason.h"

struct request {
    struct list node;      /* in the client's or the api's requests */
    struct api *api;       /* borrowed */
    struct client *client; /* NULL: the system bus, or gone */
    sd_bus_message *call;  /* owned */
    sd_bus_slot *asking;   /* owned: the bus driver is asked who the caller is */
    const struct method *method;
    const struct caller *caller; /* who asks; valid until `serve` returns */
    struct peer peer;            /* owned; used on the system bus only */
};

/* The handler of every method; userdata is a struct door. */
int request_enter(sd_bus_message *call, void *userdata, sd_bus_error *error);

/* Exactly one of these ends a request, and frees it. `reply` is taken, however it was filled: if an append to
 * it failed, the caller gets an error instead. `text` NULL or "": the error in general words. */
void request_reply(struct request *q, sd_bus_message *reply);
void request_fail(struct request *q, int error, const char *text);

/* Its client is gone: the answer will go nowhere. */
void request_orphan(struct request *q);
/* Frees it without an answer. */
void request_free(struct request *q);

#endif
