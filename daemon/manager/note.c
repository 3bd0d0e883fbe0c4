/* SPDX-License-Identifier: Apache-2.0 */
/* Writes down what happened: events, ends of runs, the present run of an instance. None of it is waited for;
 * what must not be lost is forgotten by the launcher only after it is on the disk. */
#include "base/clock.h"
#include "base/log.h"
#include "manager/private.h"
#include "manager/steps.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NOTES_MAX   256 /* more are not kept back */
#define CHANGES_MAX 4   /* of one commit */

static void note_free(struct store_change *c) {
    free((void *)(uintptr_t)c->key);
    free((void *)(uintptr_t)c->value);
}

void note_flush(struct manager *m) {
    if (m->n_notes == 0)
        return;
    int r = m->ports->store.commit(m->ports->store.ctx, m->notes, m->n_notes, false, NULL, NULL);
    if (r < 0)
        log_errno(LOG_LEVEL_WARNING, r, "Failed to note %zu events and starts, ignoring", m->n_notes);
    while (m->n_notes > 0)
        note_free(&m->notes[--m->n_notes]);
}

/* One commit, so that a death between the two cannot part what belongs together. */
int note_commit(struct manager *m, const struct store_change *changes, size_t n, bool sync,
                store_done_fn done, void *userdata) {
    assert(n <= CHANGES_MAX);
    if (m->n_notes > 0)
        memcpy(m->notes + m->n_notes, changes, n * sizeof(*changes));
    int r = m->ports->store.commit(m->ports->store.ctx, m->n_notes > 0 ? m->notes : changes, m->n_notes + n,
                                   sync, done, userdata);
    while (m->n_notes > 0)
        note_free(&m->notes[--m->n_notes]);
    return r;
}

/* Keeps a change back until the end of the loop turn, where all of them go to the store as one: a thousand
 * starts in a turn are one commit. value NULL deletes. */
static int keep(struct manager *m, const char *key, const void *value, size_t len) {
    if (!m->notes)
        m->notes = calloc(NOTES_MAX + CHANGES_MAX, sizeof(*m->notes));
    if (m->n_notes == NOTES_MAX)
        note_flush(m);
    struct store_change c = {.key = strdup(key), .value = value ? malloc(len + 1) : NULL, .len = len};
    if (!m->notes || !c.key || (value && !c.value)) {
        note_free(&c);
        return -ENOMEM;
    }
    if (value)
        memcpy((void *)(uintptr_t)c.value, value, len);
    m->notes[m->n_notes++] = c;
    manager_kick(m);
    return 0;
}

static int put(struct manager *m, const char *key, const void *value, int len, const char *old_key) {
    if (len < 0)
        return len;
    int r = keep(m, key, value, (size_t)len);
    return r < 0 || !old_key ? r : keep(m, old_key, NULL, 0);
}

void note_event(struct manager *m, enum event_kind kind, const struct app *a, int32_t number, int64_t actor,
                const char *format, ...) {
    struct event_record e = {.at_usec = m->ports->clock.realtime(m->ports->clock.ctx),
                             .kind = kind,
                             .number = number,
                             .actor_uid = actor};
    if (a) {
        app_tenant(a, e.tenant);
        text_format(e.app, sizeof(e.app), "%s", strchr(a->name, '/') + 1);
    }
    va_list ap;
    va_start(ap, format);
    vsnprintf(e.text, sizeof(e.text), format, ap);
    va_end(ap);

    char key[RECORD_KEY_MAX], old[RECORD_KEY_MAX];
    uint8_t value[1024];
    uint64_t seq = ++m->event_seq;
    record_event_key(key, seq);
    bool full = seq > m->conf.history_events;
    if (full)
        record_event_key(old, seq - m->conf.history_events);
    int r = put(m, key, value, event_record_encode(&e, value, sizeof(value)), full ? old : NULL);
    if (r < 0)
        log_errno(LOG_LEVEL_WARNING, r, "Failed to note an event, ignoring");
    enum log_level level = kind == EVENT_HELD || kind == EVENT_OOM || kind == EVENT_START_FAILED
                               ? LOG_LEVEL_WARNING
                               : LOG_LEVEL_INFO;
    if (a && number >= 0)
        log_line(level, "%s/%d: %s", a->name, number, e.text);
    else
        log_line(level, "%s%s%s", a ? a->name : "", a ? ": " : "", e.text);
}

struct exit_note {
    struct manager *manager;
    uint64_t start_id;
};

/* The end is on the disk: the launcher need not remember it. A failed write keeps it there for the next
 * daemon. */
static void exit_noted(void *userdata, int error) {
    AUTO_FREE struct exit_note *note = userdata;
    if (error == 0 && note->manager->link)
        link_forget(note->manager->link, note->start_id);
}

static void describe(const struct member *mb, struct exit_record *r) {
    const struct instance *i = &mb->inst;
    if (i->stop_intended && mb->stop_why[0])
        text_format(r->reason, sizeof(r->reason), "%s", mb->stop_why);
    else if (i->exit.end == RUN_END_FAILED_START && mb->detail[0])
        text_format(r->reason, sizeof(r->reason), "%s", mb->detail);
    else if (i->not_ready)
        text_format(r->reason, sizeof(r->reason), "%s",
                    mb->stop_why[0] ? mb->stop_why : "it was not ready in time");
    else if (i->exit.oom_killed)
        text_format(r->reason, sizeof(r->reason), "out of memory at its limit");
    else
        text_format(r->reason, sizeof(r->reason), "ended by itself");
}

static void fill_usage(struct member *mb) {
    struct run_exit *e = &mb->inst.exit;
    if (mb->leaf_fd < 0)
        return;
    struct group_usage usage;
    const struct group_port *group = &mb->manager->ports->group;
    group->usage(group->ctx, mb->leaf_fd, &usage);
    if (usage.cpu_usec != UINT64_MAX && mb->cpu_before != UINT64_MAX)
        e->cpu_usec = usec_sub(usage.cpu_usec, mb->cpu_before);
    if (usage.memory_peak_bytes != UINT64_MAX)
        e->memory_peak_bytes = usage.memory_peak_bytes;
    e->oom_killed =
        usage.oom_kills != UINT64_MAX && mb->oom_before != UINT64_MAX && usage.oom_kills > mb->oom_before;
}

/* The end of a run and what the run record says of it, together and for good. */
static void store_exit(struct member *mb, const struct exit_record *r, uint64_t start_id, bool ended) {
    struct manager *m = mb->manager;
    char tenant[NAME_LEN_MAX + 1], key[RECORD_KEY_MAX], old[RECORD_KEY_MAX];
    const char *app = strchr(mb->app->name, '/') + 1;
    app_tenant(mb->app, tenant);
    record_exit_key(key, tenant, app, mb->number, r->seq);
    bool full = r->seq > m->conf.history_exits;
    if (full)
        record_exit_key(old, tenant, app, mb->number, r->seq - m->conf.history_exits);
    uint8_t value[1024];
    struct exit_note *note = calloc(1, sizeof(*note));
    if (note)
        *note = (struct exit_note){m, start_id};
    mb->noted_id = MAX(mb->noted_id, start_id);
    note_run(mb, ended);
    int len = exit_record_encode(r, value, sizeof(value));
    const struct store_change changes[] = {{.key = key, .value = value, .len = (size_t)MAX(len, 0)},
                                           {.key = old}};
    int result = len < 0 ? len : note_commit(m, changes, full ? 2 : 1, true, note ? exit_noted : NULL, note);
    if (result < 0) {
        free(note);
        log_errno(LOG_LEVEL_WARNING, result, "Failed to note the end of '%s/%u', ignoring", mb->app->name,
                  mb->number);
    }
}

void note_amend_exit(const struct app *a, const struct exit_record *r) {
    char tenant[NAME_LEN_MAX + 1], key[RECORD_KEY_MAX];
    uint8_t value[1024];
    record_exit_key(key, app_tenant(a, tenant), strchr(a->name, '/') + 1, r->number, r->seq);
    (void)put(a->manager, key, value, exit_record_encode(r, value, sizeof(value)), NULL);
}

void note_past_exit(struct member *mb, uint64_t start_id, pid_t pid, const struct run_exit *exit) {
    struct exit_record r = {.number = mb->number,
                            .seq = ++mb->exit_seq,
                            .started_usec = start_id, /* ids are times */
                            .pid = (uint32_t)pid,
                            .exit = *exit,
                            .verdict = RESTART_NOW,
                            .reason = "ended by itself; the daemon died before it could note it"};
    r.exit.run_usec = usec_sub(exit->at_usec, start_id);
    store_exit(mb, &r, start_id, false);
}

void note_exit(struct member *mb) {
    struct manager *m = mb->manager;
    mb->has_last_exit = true;
    bool started = mb->inst.exit.end != RUN_END_FAILED_START;
    if (started)
        fill_usage(mb);
    struct exit_record r = {.number = mb->number,
                            .seq = ++mb->exit_seq,
                            .generation = mb->generation,
                            .started_usec = mb->started_usec,
                            .pid = (uint32_t)mb->pid,
                            .exit = mb->inst.exit,
                            .verdict = mb->inst.last_verdict};
    describe(mb, &r);
    store_exit(mb, &r, mb->start_id, true);
    if (started)
        last_line_ask(mb, &r);
    char text[160], age[32];
    if (started)
        note_event(m, EVENT_EXITED, mb->app, (int32_t)mb->number, -1, "%s after %s%s%s",
                   run_exit_text(&r.exit, text, sizeof(text)), text_age(r.exit.run_usec, age, sizeof(age)),
                   mb->inst.stop_intended ? ", as asked: " : "", mb->inst.stop_intended ? mb->stop_why : "");
    else
        note_event(m, EVENT_START_FAILED, mb->app, (int32_t)mb->number, -1, "start failed: %s%s%s",
                   run_exit_text(&r.exit, text, sizeof(text)), mb->detail[0] ? ": " : "", mb->detail);
}

void note_run(struct member *mb, bool ended) {
    struct manager *m = mb->manager;
    struct run_record r = {.start_id = mb->start_id,
                           .generation = mb->generation,
                           .pid = (uint32_t)mb->pid,
                           .start_ticks = mb->start_ticks,
                           .exit_seq = mb->exit_seq,
                           .started_usec = mb->started_usec,
                           .oom_before = mb->oom_before,
                           .cpu_before = mb->cpu_before,
                           .ended = ended,
                           .ready = mb->inst.was_ready,
                           .verdict = ended ? mb->inst.last_verdict : RESTART_NONE,
                           .restarts = mb->inst.restarts};
    text_format(r.class, sizeof(r.class), "%s", mb->class);
    text_format(r.boot_id, sizeof(r.boot_id), "%s", m->boot_id);
    char tenant[NAME_LEN_MAX + 1], key[RECORD_KEY_MAX];
    record_run_key(key, app_tenant(mb->app, tenant), strchr(mb->app->name, '/') + 1, mb->number);
    uint8_t value[512];
    int result = put(m, key, value, run_record_encode(&r, value, sizeof(value)), NULL);
    if (result < 0)
        log_errno(LOG_LEVEL_WARNING, result, "Failed to note the start of '%s/%u', ignoring", mb->app->name,
                  mb->number);
}
