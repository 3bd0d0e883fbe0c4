/* SPDX-License-Identifier: Apache-2.0 */
/* Receives every call, finds out who asks, has it served, sends the answer. */
#include "api/request.h"

#include "api/client.h"
#include "api/error.h"
#include "api/methods.h"
#include "api/system_bus.h"
#include "base/log.h"
#include "base/utf8.h"

#include <errno.h>
#include <string.h>

void request_free(struct request *q) {
    if (!q)
        return;
    list_remove(&q->node);
    if (q->client) {
        q->client->n_requests--;
        client_kick(q->client);
    }
    sd_bus_slot_unref(q->asking);
    sd_bus_message_unref(q->call);
    peer_free(&q->peer);
    free(q);
}

void request_orphan(struct request *q) {
    list_remove(&q->node);
    list_append(&q->api->requests, &q->node);
    q->client = NULL;
}

void request_fail(struct request *q, int error, const char *text) {
    CLEANUP(cleanup_text_buf) struct text_buf clean = {0};
    utf8_add_valid(&clean, text ? text : "", text ? strlen(text) : 0);
    if (clean.len == 0)
        text_buf_add(&clean, strerror(-error));
    sd_bus_reply_method_errorf(q->call, api_error_name(error), "%s",
                               clean.failed ? "out of memory" : clean.data);
    request_free(q);
}

void request_reply(struct request *q, sd_bus_message *reply) {
    int r = reply ? sd_bus_send(NULL, reply, NULL) : -ENOMEM;
    sd_bus_message_unref(reply);
    if (r < 0 && r != -ENOTCONN && r != -ECONNRESET && r != -EPIPE) {
        log_errno(LOG_LEVEL_WARNING, r, "Failed to answer %s", sd_bus_message_get_member(q->call));
        request_fail(q, -ENOMEM, "the answer could not be made");
        return;
    }
    request_free(q);
}

static void serve(struct request *q) {
    struct reason why = {0};
    if (!q->method->always && !manager_is_serving(q->api->manager)) {
        request_fail(q, -EAGAIN, "the service is starting or stopping; try again in a moment");
        return;
    }
    int r = q->method->serve(q, &why); /* 0: it may be gone already */
    if (r < 0)
        request_fail(q, r, why.text);
}

static void on_caller(void *userdata, int error, struct peer *peer) {
    struct request *q = userdata;
    q->asking = sd_bus_slot_unref(q->asking);
    if (error < 0) {
        request_fail(q, -EPERM, "the bus does not say who is asking");
        return;
    }
    q->peer = *peer;
    *peer = (struct peer){0};
    q->caller = &q->peer.caller;
    serve(q);
}

int request_enter(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    struct door *door = userdata;
    (void)error;
    const struct method *method = method_find(sd_bus_message_get_member(call));
    if (!method)
        return 0; /* sd-bus says that it is unknown */
    struct request *q = calloc(1, sizeof(*q));
    if (!q)
        return -ENOMEM;
    q->api = door->api;
    q->method = method;
    q->call = sd_bus_message_ref(call);
    list_init(&q->node);
    if (door->client) {
        q->client = door->client;
        q->client->n_requests++;
        list_append(&q->client->requests, &q->node);
        q->caller = &q->client->peer.caller;
        serve(q);
        return 1;
    }
    list_append(&door->api->requests, &q->node);
    int r = system_bus_ask_caller(call, &q->asking, on_caller, q);
    if (r < 0)
        request_fail(q, r, NULL);
    return 1;
}
