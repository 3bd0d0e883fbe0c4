/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the registry as bytes, as record.h lists them. */
#include "manager/record.h"
#include "base/cursor.h"
#include "conf/spec.h"

#include <errno.h>
#include <string.h>

#define RECORD_VERSION 1

static const char *const kind_names[] = {
    [EVENT_REGISTERED] = "registered",
    [EVENT_UNREGISTERED] = "unregistered",
    [EVENT_WANTED] = "asked",
    [EVENT_STARTED] = "started",
    [EVENT_READY] = "ready",
    [EVENT_EXITED] = "exited",
    [EVENT_START_FAILED] = "start-failed",
    [EVENT_RESTARTING] = "restarting",
    [EVENT_HELD] = "held",
    [EVENT_STOPPED] = "stopped",
    [EVENT_OOM] = "oom",
    [EVENT_GATED] = "gated",
    [EVENT_TAKEN_OVER] = "taken-over",
    [EVENT_SERVICE] = "service",
};
_Static_assert(ARRAY_LEN(kind_names) == EVENT_KIND_MAX, "every kind of event has a name");

const char *event_kind_name(enum event_kind kind) {
    return (unsigned)kind < EVENT_KIND_MAX ? kind_names[kind] : "unknown";
}

static void begin(struct packer *p, void *buf, size_t size) {
    packer_init(p, buf, size);
    packer_u8(p, RECORD_VERSION);
}

static void open_value(struct cursor *c, const void *data, size_t len) {
    cursor_init(c, data, len);
    if (cursor_u8(c) != RECORD_VERSION)
        c->bad = true;
}

/* Copies a text into an array; one that does not fit makes the record bad. */
static void copy_text(struct cursor *c, char *buf, size_t size) {
    const char *text = cursor_text(c);
    if (strlen(text) >= size)
        c->bad = true;
    else
        strcpy(buf, text);
}

static bool flag(struct cursor *c) {
    uint8_t v = cursor_u8(c);
    if (v > 1)
        c->bad = true;
    return v == 1;
}

int app_record_encode(const struct app_record *r, void *buf, size_t size) {
    struct packer p;
    begin(&p, buf, size);
    packer_u64(&p, r->generation);
    packer_u8(&p, r->wanted);
    packer_u8(&p, r->removing);
    packer_u8(&p, r->purge);
    packer_u32(&p, r->instances);
    packer_u32(&p, r->most_instances);
    packer_u64(&p, r->registered_usec);
    packer_u32(&p, r->registered_by);
    packer_u64(&p, r->asked_usec);
    packer_text(&p, r->spec_text);
    return packer_end(&p);
}

int app_record_decode(const void *data, size_t len, struct app_record *ret) {
    struct cursor c;
    open_value(&c, data, len);
    struct app_record r = {.generation = cursor_u64(&c)};
    r.wanted = flag(&c);
    r.removing = flag(&c);
    r.purge = flag(&c);
    r.instances = cursor_u32(&c);
    r.most_instances = cursor_u32(&c);
    r.registered_usec = cursor_u64(&c);
    r.registered_by = cursor_u32(&c);
    r.asked_usec = cursor_u64(&c);
    const char *text = cursor_text(&c);
    if (r.instances < 1 || r.instances > SPEC_INSTANCES_MAX)
        c.bad = true;
    int end = cursor_end(&c);
    if (end < 0)
        return end;
    r.spec_text = strdup(text);
    if (!r.spec_text)
        return -ENOMEM;
    *ret = r;
    return 0;
}

void app_record_free(struct app_record *r) {
    free(r->spec_text);
    *r = (struct app_record){0};
}

static enum restart_verdict unpack_verdict(struct cursor *c) {
    uint8_t verdict = cursor_u8(c);
    if (verdict >= RESTART_VERDICT_MAX)
        c->bad = true;
    return (enum restart_verdict)verdict;
}

int run_record_encode(const struct run_record *r, void *buf, size_t size) {
    struct packer p;
    begin(&p, buf, size);
    packer_u64(&p, r->start_id);
    packer_u64(&p, r->generation);
    packer_u32(&p, r->pid);
    packer_u64(&p, r->start_ticks);
    packer_u64(&p, r->exit_seq);
    packer_u64(&p, r->started_usec);
    packer_u64(&p, r->oom_before);
    packer_u64(&p, r->cpu_before);
    packer_u8(&p, r->ended);
    packer_u8(&p, r->ready);
    packer_u8(&p, (uint8_t)r->verdict);
    packer_u32(&p, r->restarts);
    packer_text(&p, r->class);
    packer_text(&p, r->boot_id);
    return packer_end(&p);
}

int run_record_decode(const void *data, size_t len, struct run_record *ret) {
    struct cursor c;
    open_value(&c, data, len);
    struct run_record r = {.start_id = cursor_u64(&c)};
    r.generation = cursor_u64(&c);
    r.pid = cursor_u32(&c);
    r.start_ticks = cursor_u64(&c);
    r.exit_seq = cursor_u64(&c);
    r.started_usec = cursor_u64(&c);
    r.oom_before = cursor_u64(&c);
    r.cpu_before = cursor_u64(&c);
    r.ended = flag(&c);
    r.ready = flag(&c);
    r.verdict = unpack_verdict(&c);
    r.restarts = cursor_u32(&c);
    copy_text(&c, r.class, sizeof(r.class));
    copy_text(&c, r.boot_id, sizeof(r.boot_id));
    int end = cursor_end(&c);
    if (end == 0)
        *ret = r;
    return end;
}

static void pack_exit(struct packer *p, const struct run_exit *e) {
    packer_u8(p, (uint8_t)e->end);
    packer_u32(p, e->code);
    packer_u32(p, e->stage);
    packer_u8(p, e->dumped);
    packer_u8(p, e->oom_killed);
    packer_u8(p, e->not_ready);
    packer_u64(p, e->at_usec);
    packer_u64(p, e->run_usec);
    packer_u64(p, e->cpu_usec);
    packer_u64(p, e->memory_peak_bytes);
}

static void unpack_exit(struct cursor *c, struct run_exit *ret) {
    uint8_t end = cursor_u8(c);
    if (end >= RUN_END_MAX)
        c->bad = true;
    ret->end = (enum run_end)end;
    ret->code = cursor_u32(c);
    ret->stage = cursor_u32(c);
    ret->dumped = flag(c);
    ret->oom_killed = flag(c);
    ret->not_ready = flag(c);
    ret->at_usec = cursor_u64(c);
    ret->run_usec = cursor_u64(c);
    ret->cpu_usec = cursor_u64(c);
    ret->memory_peak_bytes = cursor_u64(c);
}

int exit_record_encode(const struct exit_record *r, void *buf, size_t size) {
    struct packer p;
    begin(&p, buf, size);
    packer_u32(&p, r->number);
    packer_u64(&p, r->seq);
    packer_u64(&p, r->generation);
    packer_u64(&p, r->started_usec);
    packer_u32(&p, r->pid);
    pack_exit(&p, &r->exit);
    packer_u8(&p, (uint8_t)r->verdict);
    packer_text(&p, r->reason);
    packer_text(&p, r->last_line);
    return packer_end(&p);
}

int exit_record_decode(const void *data, size_t len, struct exit_record *ret) {
    struct cursor c;
    open_value(&c, data, len);
    struct exit_record r = {.number = cursor_u32(&c)};
    r.seq = cursor_u64(&c);
    r.generation = cursor_u64(&c);
    r.started_usec = cursor_u64(&c);
    r.pid = cursor_u32(&c);
    unpack_exit(&c, &r.exit);
    r.verdict = unpack_verdict(&c);
    copy_text(&c, r.reason, sizeof(r.reason));
    copy_text(&c, r.last_line, sizeof(r.last_line));
    int end = cursor_end(&c);
    if (end == 0)
        *ret = r;
    return end;
}

int event_record_encode(const struct event_record *r, void *buf, size_t size) {
    struct packer p;
    begin(&p, buf, size);
    packer_u64(&p, r->at_usec);
    packer_u8(&p, (uint8_t)r->kind);
    packer_text(&p, r->tenant);
    packer_text(&p, r->app);
    packer_u32(&p, (uint32_t)r->number);
    packer_u64(&p, (uint64_t)r->actor_uid);
    packer_text(&p, r->text);
    return packer_end(&p);
}

int event_record_decode(const void *data, size_t len, struct event_record *ret) {
    struct cursor c;
    open_value(&c, data, len);
    struct event_record r = {.at_usec = cursor_u64(&c)};
    uint8_t kind = cursor_u8(&c);
    if (kind >= EVENT_KIND_MAX)
        c.bad = true;
    r.kind = (enum event_kind)kind;
    copy_text(&c, r.tenant, sizeof(r.tenant));
    copy_text(&c, r.app, sizeof(r.app));
    r.number = (int32_t)cursor_u32(&c);
    r.actor_uid = (int64_t)cursor_u64(&c);
    copy_text(&c, r.text, sizeof(r.text));
    int end = cursor_end(&c);
    if (end == 0)
        *ret = r;
    return end;
}
