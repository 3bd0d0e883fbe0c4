/* SPDX-License-Identifier: Apache-2.0 */
/* Receives every call, finds out who asks, has it served, sends the answer. */
#include "api/request.h"

#include "api/error.h"
#include "base/log.h"
#include "base/utf8.h"

#include <errno.h>
#include <string.h>

void request_free(struct request *q) {
    if (!q)
        return;
    list_remove(&q->node);
    if (q->door) {
        q->door->n_requests--;
        if (q->door->ended)
            q->door->ended(q->door);
    }
    sd_bus_slot_unref(q->asking);
    sd_bus_message_unref(q->call);
    peer_free(&q->peer);
    free(q);
}

void request_orphan_all(struct door *door) {
    LIST_EACH(&door->requests, node) {
        struct request *q = LIST_ENTRY(node, struct request, node);
        q->asking = sd_bus_slot_unref(q->asking);
        list_remove(&q->node);
        list_append(&q->api->orphans, &q->node);
        q->door = NULL;
    }
    door->n_requests = 0;
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

void request_identified(struct request *q, int error, struct peer *peer) {
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

int request_begin(struct door *door, sd_bus_message *call, const struct method *method) {
    struct request *q = calloc(1, sizeof(*q));
    if (!q)
        return -ENOMEM;
    q->api = door->api;
    q->door = door;
    q->method = method;
    q->call = sd_bus_message_ref(call);
    list_init(&q->node);
    list_append(&door->requests, &q->node);
    door->n_requests++;
    if (door->peer) {
        q->caller = &door->peer->caller;
        serve(q);
        return 0;
    }
    int r = door->identify(q);
    if (r < 0)
        request_fail(q, r, NULL);
    return 0;
}
