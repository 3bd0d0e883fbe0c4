/* SPDX-License-Identifier: Apache-2.0 */
/* The small messages as bytes; msg_spawn.c has the large one. No policy: a well-formed message may still be
 * refused by its receiver. */
#include "wire/msg.h"

#include "base/cursor.h"

#include <errno.h>

static void begin(struct packer *p, void *buf, size_t size, uint8_t verb) {
    packer_init(p, buf, size < SK_WIRE_MESSAGE_MAX ? size : SK_WIRE_MESSAGE_MAX);
    packer_u8(p, verb);
}

int msg_verb(const void *data, size_t len) {
    return len > 0 ? *(const uint8_t *)data : -EBADMSG;
}

/* Begins to read; the verb is returned, 0 for none. */
static uint8_t open_message(struct cursor *c, const void *data, size_t len) {
    cursor_init(c, data, len);
    return len > SK_WIRE_MESSAGE_MAX ? 0 : cursor_u8(c);
}

static bool take_bool(struct cursor *c) {
    uint8_t v = cursor_u8(c);
    if (v > 1)
        c->bad = true;
    return v == 1;
}

static uint64_t take_start_id(struct cursor *c) {
    uint64_t id = cursor_u64(c);
    if (id == 0)
        c->bad = true;
    return id;
}

/* A number in first..last. */
static uint32_t take_range(struct cursor *c, uint32_t first, uint32_t last) {
    uint32_t v = cursor_u32(c);
    if (v < first || v > last)
        c->bad = true;
    return v;
}

static bool is_plain(uint8_t verb) {
    return verb == SK_REPORT_REPLAYED || verb == SK_REQUEST_READY || verb == SK_REPORT_PING ||
           verb == SK_REQUEST_PONG || verb == SK_REQUEST_DONE;
}

static bool is_start_ref(uint8_t verb) {
    return verb == SK_REQUEST_KILL || verb == SK_REQUEST_FORGET;
}

static bool is_child(uint8_t verb) {
    return verb == SK_REPORT_CHILD || verb == SK_REPORT_SPAWNED || verb == SK_REPORT_ADOPTED;
}

static bool is_failed(uint8_t verb) {
    return verb == SK_REPORT_SPAWN_FAILED || verb == SK_REPORT_ADOPT_FAILED ||
           verb == SK_REPORT_STATE_REMOVED;
}

int msg_encode_plain(uint8_t verb, void *buf, size_t size) {
    struct packer p;
    if (!is_plain(verb))
        return -EINVAL;
    begin(&p, buf, size, verb);
    return packer_end(&p);
}

int msg_decode_plain(const void *data, size_t len) {
    struct cursor c;
    if (!is_plain(open_message(&c, data, len)))
        return -EBADMSG;
    return cursor_end(&c);
}

int msg_encode_hello(const struct msg_hello *m, void *buf, size_t size) {
    struct packer p;
    begin(&p, buf, size, SK_REQUEST_HELLO);
    packer_u32(&p, m->version);
    return packer_end(&p);
}

int msg_decode_hello(const void *data, size_t len, struct msg_hello *ret) {
    struct cursor c;
    struct msg_hello m;
    if (open_message(&c, data, len) != SK_REQUEST_HELLO)
        return -EBADMSG;
    m.version = cursor_u32(&c);
    if (cursor_end(&c) < 0)
        return -EBADMSG;
    *ret = m;
    return 0;
}

int msg_encode_welcome(const struct msg_welcome *m, void *buf, size_t size) {
    struct packer p;
    begin(&p, buf, size, SK_REPORT_WELCOME);
    packer_u32(&p, m->version);
    packer_u32(&p, m->launcher_pid);
    packer_u8(&p, m->can_change_uid);
    packer_u8(&p, m->has_journal);
    packer_u8(&p, m->under_systemd);
    packer_u32(&p, m->owner_uid);
    packer_u32(&p, m->owner_gid);
    packer_u32(&p, m->uid_min);
    packer_u32(&p, m->uid_max);
    packer_u8(&p, m->owner_permitted);
    return packer_end(&p);
}

int msg_decode_welcome(const void *data, size_t len, struct msg_welcome *ret) {
    struct cursor c;
    struct msg_welcome m;
    if (open_message(&c, data, len) != SK_REPORT_WELCOME)
        return -EBADMSG;
    m.version = cursor_u32(&c);
    m.launcher_pid = cursor_u32(&c);
    m.can_change_uid = take_bool(&c);
    m.has_journal = take_bool(&c);
    m.under_systemd = take_bool(&c);
    m.owner_uid = cursor_u32(&c);
    m.owner_gid = cursor_u32(&c);
    m.uid_min = cursor_u32(&c);
    m.uid_max = cursor_u32(&c);
    m.owner_permitted = take_bool(&c);
    if (cursor_end(&c) < 0)
        return -EBADMSG;
    *ret = m;
    return 0;
}

int msg_encode_signal(const struct msg_signal *m, void *buf, size_t size) {
    struct packer p;
    begin(&p, buf, size, SK_REQUEST_SIGNAL);
    packer_u64(&p, m->start_id);
    packer_u32(&p, m->signo);
    return packer_end(&p);
}

int msg_decode_signal(const void *data, size_t len, struct msg_signal *ret) {
    struct cursor c;
    struct msg_signal m;
    if (open_message(&c, data, len) != SK_REQUEST_SIGNAL)
        return -EBADMSG;
    m.start_id = take_start_id(&c);
    m.signo = take_range(&c, 1, 64);
    if (cursor_end(&c) < 0)
        return -EBADMSG;
    *ret = m;
    return 0;
}

int msg_encode_start_ref(uint8_t verb, const struct msg_start_ref *m, void *buf, size_t size) {
    struct packer p;
    if (!is_start_ref(verb))
        return -EINVAL;
    begin(&p, buf, size, verb);
    packer_u64(&p, m->start_id);
    return packer_end(&p);
}

int msg_decode_start_ref(const void *data, size_t len, struct msg_start_ref *ret) {
    struct cursor c;
    struct msg_start_ref m;
    if (!is_start_ref(open_message(&c, data, len)))
        return -EBADMSG;
    m.start_id = take_start_id(&c);
    if (cursor_end(&c) < 0)
        return -EBADMSG;
    *ret = m;
    return 0;
}

/* Which instance a start belongs to; NULL is written as "". */
static void pack_instance(struct packer *p, const char *tenant, const char *app, uint32_t number) {
    packer_text(p, tenant ? tenant : "");
    packer_text(p, app ? app : "");
    packer_u32(p, number);
}

static void take_instance(struct cursor *c, const char **ret_tenant, const char **ret_app,
                          uint32_t *ret_number) {
    *ret_tenant = cursor_text(c);
    *ret_app = cursor_text(c);
    *ret_number = cursor_u32(c);
}

int msg_encode_adopt(const struct msg_adopt *m, void *buf, size_t size) {
    struct packer p;
    begin(&p, buf, size, SK_REQUEST_ADOPT);
    packer_u64(&p, m->start_id);
    packer_u32(&p, m->pid);
    packer_u64(&p, m->start_ticks);
    pack_instance(&p, m->tenant, m->app, m->number);
    return packer_end(&p);
}

int msg_decode_adopt(const void *data, size_t len, struct msg_adopt *ret) {
    struct cursor c;
    struct msg_adopt m;
    if (open_message(&c, data, len) != SK_REQUEST_ADOPT)
        return -EBADMSG;
    m.start_id = take_start_id(&c);
    m.pid = take_range(&c, 1, INT32_MAX);
    m.start_ticks = cursor_u64(&c);
    take_instance(&c, &m.tenant, &m.app, &m.number);
    if (cursor_end(&c) < 0)
        return -EBADMSG;
    *ret = m;
    return 0;
}

int msg_encode_state_remove(const struct msg_state_remove *m, void *buf, size_t size) {
    struct packer p;
    begin(&p, buf, size, SK_REQUEST_STATE_REMOVE);
    packer_text(&p, m->tenant);
    packer_text(&p, m->app);
    packer_u32(&p, m->number);
    return packer_end(&p);
}

int msg_decode_state_remove(const void *data, size_t len, struct msg_state_remove *ret) {
    struct cursor c;
    struct msg_state_remove m;
    if (open_message(&c, data, len) != SK_REQUEST_STATE_REMOVE)
        return -EBADMSG;
    m.tenant = cursor_text(&c);
    m.app = cursor_text(&c);
    m.number = cursor_u32(&c);
    if (cursor_end(&c) < 0)
        return -EBADMSG;
    *ret = m;
    return 0;
}

int msg_encode_status(const struct msg_status *m, void *buf, size_t size) {
    struct packer p;
    begin(&p, buf, size, SK_REQUEST_STATUS);
    packer_text(&p, m->text);
    return packer_end(&p);
}

int msg_decode_status(const void *data, size_t len, struct msg_status *ret) {
    struct cursor c;
    struct msg_status m;
    if (open_message(&c, data, len) != SK_REQUEST_STATUS)
        return -EBADMSG;
    m.text = cursor_text(&c);
    if (cursor_end(&c) < 0)
        return -EBADMSG;
    *ret = m;
    return 0;
}

int msg_encode_child(uint8_t verb, const struct msg_child *m, void *buf, size_t size) {
    struct packer p;
    if (!is_child(verb))
        return -EINVAL;
    begin(&p, buf, size, verb);
    packer_u64(&p, m->start_id);
    packer_u32(&p, m->pid);
    packer_u64(&p, m->start_ticks);
    pack_instance(&p, m->tenant, m->app, m->number);
    return packer_end(&p);
}

int msg_decode_child(const void *data, size_t len, struct msg_child *ret) {
    struct cursor c;
    struct msg_child m;
    if (!is_child(open_message(&c, data, len)))
        return -EBADMSG;
    m.start_id = take_start_id(&c);
    m.pid = take_range(&c, 0, INT32_MAX);
    m.start_ticks = cursor_u64(&c);
    take_instance(&c, &m.tenant, &m.app, &m.number);
    if (cursor_end(&c) < 0)
        return -EBADMSG;
    *ret = m;
    return 0;
}

int msg_encode_failed(uint8_t verb, const struct msg_failed *m, void *buf, size_t size) {
    struct packer p;
    if (!is_failed(verb))
        return -EINVAL;
    begin(&p, buf, size, verb);
    packer_u64(&p, m->start_id);
    packer_u32(&p, m->stage);
    packer_u32(&p, m->error);
    packer_text(&p, m->detail);
    return packer_end(&p);
}

int msg_decode_failed(const void *data, size_t len, struct msg_failed *ret) {
    struct cursor c;
    struct msg_failed m;
    uint8_t verb = open_message(&c, data, len);
    if (!is_failed(verb))
        return -EBADMSG;
    m.start_id = verb == SK_REPORT_STATE_REMOVED ? cursor_u64(&c) : take_start_id(&c);
    m.stage = take_range(&c, 0, SK_STAGE_MAX - 1);
    m.error = take_range(&c, 0, INT32_MAX);
    m.detail = cursor_text(&c);
    if (cursor_end(&c) < 0)
        return -EBADMSG;
    *ret = m;
    return 0;
}

int msg_encode_exited(const struct msg_exited *m, void *buf, size_t size) {
    struct packer p;
    begin(&p, buf, size, SK_REPORT_EXITED);
    packer_u64(&p, m->start_id);
    packer_u32(&p, m->pid);
    packer_u32(&p, m->how);
    packer_u32(&p, m->code);
    packer_u64(&p, m->at_usec);
    packer_u64(&p, m->at_monotonic_usec);
    packer_u64(&p, m->user_usec);
    packer_u64(&p, m->system_usec);
    packer_u64(&p, m->max_rss_bytes);
    pack_instance(&p, m->tenant, m->app, m->number);
    return packer_end(&p);
}

int msg_decode_exited(const void *data, size_t len, struct msg_exited *ret) {
    struct cursor c;
    struct msg_exited m;
    if (open_message(&c, data, len) != SK_REPORT_EXITED)
        return -EBADMSG;
    m.start_id = take_start_id(&c);
    m.pid = take_range(&c, 0, INT32_MAX);
    m.how = take_range(&c, MSG_EXIT_UNKNOWN, MSG_EXIT_DUMPED);
    m.code = cursor_u32(&c);
    m.at_usec = cursor_u64(&c);
    m.at_monotonic_usec = cursor_u64(&c);
    m.user_usec = cursor_u64(&c);
    m.system_usec = cursor_u64(&c);
    m.max_rss_bytes = cursor_u64(&c);
    take_instance(&c, &m.tenant, &m.app, &m.number);
    if (cursor_end(&c) < 0)
        return -EBADMSG;
    *ret = m;
    return 0;
}

int msg_encode_terminate(const struct msg_terminate *m, void *buf, size_t size) {
    struct packer p;
    begin(&p, buf, size, SK_REPORT_TERMINATE);
    packer_u32(&p, m->why);
    return packer_end(&p);
}

int msg_decode_terminate(const void *data, size_t len, struct msg_terminate *ret) {
    struct cursor c;
    struct msg_terminate m;
    if (open_message(&c, data, len) != SK_REPORT_TERMINATE)
        return -EBADMSG;
    m.why = take_range(&c, MSG_TERMINATE_STOP, MSG_TERMINATE_ASK);
    if (cursor_end(&c) < 0)
        return -EBADMSG;
    *ret = m;
    return 0;
}
