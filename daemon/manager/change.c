/* SPDX-License-Identifier: Apache-2.0 */
/* A change of an app: queued for the disk, applied when it is there, answered then. Changes of one app may
 * follow each other without waiting: each builds on the newest one queued (`tip`). They go to the store one
 * after another, so that when one fails those built on it can be refused with it: what was refused has never
 * happened. */
#include "base/clock.h"
#include "base/log.h"
#include "manager/private.h"
#include "manager/steps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct change {
    struct app *app;
    struct list node; /* in app->changing */
    struct app_record record;
    enum event_kind kind;
    int64_t actor;
    bool manual;
    bool restarts;
    uint32_t number; /* ... of this instance */
    char text[RECORD_TEXT_MAX];
    verb_done_fn done;
    void *userdata;
};

static void change_free(struct change *c) {
    list_remove(&c->node);
    app_record_free(&c->record);
    free(c);
}

void changes_drop(struct app *a) {
    LIST_EACH(&a->changing, node) {
        change_free(LIST_ENTRY(node, struct change, node));
    }
}

static int record_copy(const struct app_record *r, struct app_record *ret) {
    struct app_record copy = *r;
    copy.spec_text = strdup(r->spec_text);
    if (!copy.spec_text)
        return -ENOMEM;
    *ret = copy;
    return 0;
}

static void policy_of(const struct spec *s, struct restart_policy *ret) {
    *ret = (struct restart_policy){.delay_usec = s->delay_usec,
                                   .delay_max_usec = s->delay_max_usec,
                                   .budget_starts = s->budget_starts,
                                   .budget_usec = s->budget_usec,
                                   .stable_usec = s->stable_usec,
                                   .stop_usec = s->stop_usec,
                                   .ready_usec = s->ready_usec};
    static const enum restart_when when[SPEC_RESTART_MAX] = {
        [SPEC_RESTART_ALWAYS] = RESTART_POLICY_ALWAYS,
        [SPEC_RESTART_ON_FAILURE] = RESTART_POLICY_ON_FAILURE,
        [SPEC_RESTART_NEVER] = RESTART_POLICY_NEVER,
    };
    ret->when = when[s->restart];
    memcpy(ret->success, s->success.bits, sizeof(ret->success));
    memcpy(ret->no_restart, s->no_restart.bits, sizeof(ret->no_restart));
}

/* Replaces what the app is by the record; takes the record. The spec text is our own, so it parses; if not,
 * the old one stays. */
static int adopt_record(struct app *a, struct app_record *record, bool *ret_same_process) {
    struct spec spec;
    struct reason why;
    int r = spec_parse(a->name, record->spec_text, strlen(record->spec_text), &spec, &why);
    if (r < 0) {
        log_error("The registry holds a spec that does not parse: %s", why.text);
        return r;
    }
    *ret_same_process = a->known && spec_keeps_instances(&a->spec, &spec);
    spec_free(&a->spec);
    a->spec = spec;
    app_record_free(&a->record);
    a->record = *record;
    *record = (struct app_record){0};
    a->known = true;
    policy_of(&a->spec, &a->policy);
    a->manager->sums_dirty = true;
    return 0;
}

int app_load_record(struct app *a, struct app_record *record) {
    bool same;
    struct app_record tip;
    int r = record_copy(record, &tip);
    if (r < 0)
        return r;
    r = adopt_record(a, record, &same);
    if (r < 0) {
        app_record_free(&tip);
        return r;
    }
    a->tip = tip;
    return app_resize(a, a->record.instances);
}

/* Brings the members in line with what is wanted now. */
static void steer(struct app *a, const struct change *c, bool new_generation, bool same_process) {
    if (a->manager->stopping)
        return; /* noted for the next time; now everything goes down */
    bool up = a->record.wanted && !a->record.removing;
    const char *why = a->record.removing ? "unregistered" : "asked to stop";
    for (uint32_t i = 0; i < a->n_members; i++) {
        struct member *mb = a->members[i];
        if (mb->doomed)
            continue;
        if (!up) {
            member_stop(mb, why);
            continue;
        }
        bool running = instance_state_has_process(mb->inst.state) && mb->inst.state != INSTANCE_STOPPING &&
                       !(mb->pending & 1U << INSTANCE_STOP);
        if (running && new_generation && !same_process) {
            mb->outdated = true;
        } else if (running && mb->generation != a->record.generation && !mb->outdated) {
            mb->generation = a->record.generation;
            note_run(mb, false);
            if (mb->inst.state == INSTANCE_STARTING && mb->inst.started_usec) {
                member_end_ready(mb); /* by the new rule from now on */
                member_watch_ready(mb);
            }
        } else if (!running) {
            mb->replaced |= new_generation;
            member_want(mb, c->manual);
        }
    }
    if (up && new_generation && !same_process)
        app_roll(a);
}

void change_restarts(struct app *a, uint32_t number) {
    struct change *c = LIST_ENTRY(a->changing.prev, struct change, node);
    c->restarts = true;
    c->number = number;
}

static void answer(const struct change *c, int error, const char *text) {
    if (!c->done)
        return;
    const struct verb_result result = {.error = error,
                                       .text = text,
                                       .name = c->app->name,
                                       .generation = c->app->record.generation,
                                       .changed = error == 0};
    c->done(c->userdata, &result);
}

/* This one, and with it those that were built on it. */
static void refuse_all(struct app *a, int error) {
    char text[REASON_TEXT_SIZE];
    snprintf(text, sizeof(text), "the registry could not store the change of '%s': %s; nothing was changed%s",
             a->name, strerror(-error),
             error == -ENOSPC ? ". Make room on the file system of the registry and try again" : "");
    app_record_free(&a->tip);
    if (a->known && record_copy(&a->record, &a->tip) < 0)
        log_error("Out of memory while undoing a change of '%s'", a->name);
    LIST_EACH(&a->changing, node) {
        struct change *c = LIST_ENTRY(node, struct change, node);
        answer(c, error, text);
        change_free(c);
    }
    if (!a->known)
        apps_drop(a);
}

static void committed(void *userdata, int error);

/* Gives the oldest change to the store. */
static int change_send(struct app *a) {
    struct change *c = LIST_ENTRY(a->changing.next, struct change, node);
    char tenant[NAME_LEN_MAX + 1], key[RECORD_KEY_MAX];
    record_app_key(key, app_tenant(a, tenant), strchr(a->name, '/') + 1);
    size_t size = strlen(c->record.spec_text) + 128;
    AUTO_FREE uint8_t *value = malloc(size);
    int len = value ? app_record_encode(&c->record, value, size) : -ENOMEM;
    const struct store_change changes[] = {{.key = key, .value = value, .len = (size_t)MAX(len, 0)}};
    return len < 0 ? len : note_commit(a->manager, changes, 1, true, committed, c);
}

static void committed(void *userdata, int error) {
    struct change *c = userdata;
    struct app *a = c->app;
    struct manager *m = a->manager;
    bool same_process = true, new_generation = c->record.generation != a->record.generation;
    bool first = !a->known;
    if (error == 0)
        error = adopt_record(a, &c->record, &same_process);
    if (error < 0) {
        refuse_all(a, error);
        return;
    }
    note_event(m, c->kind, a, -1, c->actor, "%s", c->text);
    answer(c, 0, c->text);
    app_resize(a, a->record.instances);
    if (c->restarts && !m->stopping)
        app_restart(a, c->number);
    else
        steer(a, c, new_generation && !first, same_process);
    change_free(c);
    manager_kick(m);
    int r = app_is_changing(a) ? change_send(a) : 0;
    if (r < 0)
        refuse_all(a, r);
    else if (a->record.removing)
        removal_continue(a);
}

int change_begin(struct app *a, const struct app_record *next, const struct caller *who, enum event_kind kind,
                 verb_done_fn done, void *userdata, const char *text, bool manual) {
    const struct clock_port *clock = &a->manager->ports->clock;
    struct change *c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    *c = (struct change){
        .app = a, .kind = kind, .actor = who->uid, .manual = manual, .done = done, .userdata = userdata};
    list_init(&c->node);
    text_format(c->text, sizeof(c->text), "%s", text);
    struct app_record tip, newest = *next;
    newest.most_instances = MAX(newest.most_instances, newest.instances);
    if (manual && newest.wanted)
        newest.asked_usec = clock->realtime(clock->ctx);
    int r = record_copy(&newest, &c->record);
    r = r < 0 ? r : record_copy(&newest, &tip);
    if (r < 0) {
        change_free(c);
        return r;
    }
    bool waits = app_is_changing(a);
    list_append(&a->changing, &c->node);
    r = waits ? 0 : change_send(a);
    if (r < 0) {
        app_record_free(&tip);
        change_free(c);
        return r;
    }
    app_record_free(&a->tip);
    a->tip = tip;
    return 0;
}
