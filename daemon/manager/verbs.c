/* SPDX-License-Identifier: Apache-2.0 */
/* What people can ask for: checks, then a change (change.c). */
#include "base/clock.h"
#include "manager/private.h"
#include "manager/steps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int check_serving(const struct manager *m, struct reason *why) {
    if (m->stopping || m->ended)
        return reason_set(why, -ESHUTDOWN, "the service is stopping");
    if (!m->serving)
        return reason_set(why, -EAGAIN, "the service is still taking over what runs; try again in a moment");
    return 0;
}

static int parse(struct manager *m, const struct caller *who, const char *file, const char *text, size_t len,
                 struct spec *ret, struct reason *why) {
    struct spec s;
    int r = spec_parse(file, text, len, &s, why);
    if (r < 0)
        return r;
    r = access_spec(m, who, &s, why);
    if (r < 0) {
        reason_prefix(why, "%s", file);
        spec_free(&s);
        return r;
    }
    *ret = s;
    return 0;
}

int manager_validate(struct manager *m, const struct caller *who, const char *file, const char *text,
                     size_t len, char ret_name[], size_t name_size, struct reason *why) {
    CLEANUP(cleanup_spec) struct spec s = {0};
    int r = parse(m, who, file, text, len, &s, why);
    if (r >= 0 && ret_name)
        r = text_format(ret_name, name_size, "%s/%s", s.tenant, s.app);
    return r;
}

static int out_of_memory(struct reason *why) {
    return reason_set(why, -ENOMEM, "the daemon is out of memory; nothing was changed");
}

/* The newest record of an app; of a new one an empty record. */
static struct app_record newest(const struct app *a) {
    return a->tip.spec_text ? a->tip : (struct app_record){0};
}

static int begin(struct app *a, const struct app_record *next, const struct caller *who, enum event_kind kind,
                 verb_done_fn done, void *userdata, const char *text, struct reason *why) {
    int r = change_begin(a, next, who, kind, done, userdata, text, true);
    if (r == -EBUSY)
        return reason_set(why, r, "too many changes are waiting for the disk; try again in a moment");
    return r < 0 ? reason_set(why, r, "'%s': %s; nothing was changed", a->name, strerror(-r)) : 0;
}

static int unchanged(const struct app *a, const char *text, verb_done_fn done, void *userdata) {
    const struct verb_result result = {.text = text, .name = a->name, .generation = a->record.generation};
    done(userdata, &result);
    return 0;
}

static unsigned running_members(const struct app *a) {
    unsigned n = 0;
    for (uint32_t i = 0; i < a->n_members; i++)
        n += instance_state_has_process(a->members[i]->inst.state);
    return n;
}

int manager_register(struct manager *m, const struct caller *who, const char *file, const char *text,
                     size_t len, bool start, verb_done_fn done, void *userdata, struct reason *why) {
    CLEANUP(cleanup_spec) struct spec s = {0};
    AUTO_FREE char *canonical = NULL;
    int r = check_serving(m, why);
    r = r < 0 ? r : parse(m, who, file, text, len, &s, why);
    if (r < 0)
        return r;
    if (spec_print(&s, &canonical) < 0)
        return out_of_memory(why);

    char name[2 * NAME_LEN_MAX + 2];
    snprintf(name, sizeof(name), "%s/%s", s.tenant, s.app);
    struct app *a = apps_find(m, name);
    if (text_list_contains(m->unreadable, name))
        return reason_set(
            why, -EBUSY,
            "the registry has an app '%s' that this version cannot read; a newer version wrote it", name);
    if (a && a->tip.removing)
        return reason_set(why, -EBUSY, "'%s' is still being removed; register it again when that is done",
                          name);
    bool is_new = !a;
    if (is_new && apps_add(m, s.tenant, s.app, &a) < 0)
        return out_of_memory(why);
    struct app_record next = newest(a);
    bool same = next.spec_text && strcmp(next.spec_text, canonical) == 0 && next.instances == s.instances;
    if (same && (next.wanted || !start) && !app_is_changing(a))
        return unchanged(a, "already registered like this", done, userdata);
    next.generation += !same;
    next.spec_text = canonical;
    next.instances = s.instances;
    next.wanted |= start;
    next.registered_usec = m->ports->clock.realtime(m->ports->clock.ctx);
    next.registered_by = who->uid;
    char note[RECORD_TEXT_MAX];
    bool replaces = a->known && running_members(a) > 0 && !spec_keeps_instances(&a->spec, &s);
    snprintf(note, sizeof(note), "registered in class %s, generation %" PRIu64 ", %" PRIu32 " instance%s%s",
             s.class, next.generation, next.instances, next.instances == 1 ? "" : "s",
             replaces ? "; those running are replaced one after another" : "");
    r = begin(a, &next, who, EVENT_REGISTERED, done, userdata, note, why);
    if (r < 0 && is_new)
        apps_drop(a);
    return r;
}

/* The checks all other verbs share. */
static int take(struct manager *m, const struct caller *who, const char *name, struct app **ret,
                struct app_record *next, struct reason *why) {
    int r = check_serving(m, why);
    r = r < 0 ? r : access_app(m, who, name, ret, why);
    if (r < 0)
        return r;
    if ((*ret)->tip.removing)
        return reason_set(why, -EBUSY, "'%s' is being removed", name);
    *next = newest(*ret);
    return 0;
}

int manager_unregister(struct manager *m, const struct caller *who, const char *name, bool purge,
                       verb_done_fn done, void *userdata, struct reason *why) {
    struct app *a;
    struct app_record next;
    int r = take(m, who, name, &a, &next, why);
    if (r < 0)
        return r;
    next.removing = true;
    next.purge = purge;
    next.wanted = false;
    return begin(a, &next, who, EVENT_UNREGISTERED, done, userdata,
                 purge ? "unregistered; its state directories are removed"
                       : "unregistered; its state directories are kept",
                 why);
}

int manager_start_app(struct manager *m, const struct caller *who, const char *name, verb_done_fn done,
                      void *userdata, struct reason *why) {
    struct app *a;
    struct app_record next;
    int r = take(m, who, name, &a, &next, why);
    if (r < 0)
        return r;
    if (next.wanted && running_members(a) == next.instances && !app_is_changing(a))
        return unchanged(a, "already started", done, userdata);
    next.wanted = true;
    return begin(a, &next, who, EVENT_WANTED, done, userdata, "start", why);
}

int manager_stop_app(struct manager *m, const struct caller *who, const char *name, verb_done_fn done,
                     void *userdata, struct reason *why) {
    struct app *a;
    struct app_record next;
    int r = take(m, who, name, &a, &next, why);
    if (r < 0)
        return r;
    if (!next.wanted && !app_is_changing(a) && strcmp(app_summary(a), "stopped") == 0)
        return unchanged(a, "already stopped", done, userdata);
    next.wanted = false;
    return begin(a, &next, who, EVENT_WANTED, done, userdata, "stop", why);
}

void app_restart(struct app *a, uint32_t number) {
    for (uint32_t i = 0; i < a->n_members; i++) {
        struct member *mb = a->members[i];
        if (mb->doomed || (number != MANAGER_ALL_INSTANCES && number != i))
            continue;
        if (mb->inst.state == INSTANCE_STARTING || mb->inst.state == INSTANCE_RUNNING)
            mb->outdated = true;
        else
            member_want(mb, true);
    }
    app_roll(a);
}

int manager_restart_app(struct manager *m, const struct caller *who, const char *name, uint32_t number,
                        verb_done_fn done, void *userdata, struct reason *why) {
    struct app *a;
    struct app_record next;
    int r = take(m, who, name, &a, &next, why);
    if (r < 0)
        return r;
    if (number != MANAGER_ALL_INSTANCES && number >= next.instances)
        return reason_set(why, -ENOENT, "'%s' has no instance %" PRIu32 ": it has 0 to %" PRIu32, name,
                          number, next.instances - 1);
    char text[RECORD_TEXT_MAX] = "restart, one instance after another";
    if (number != MANAGER_ALL_INSTANCES)
        snprintf(text, sizeof(text), "restart of instance %" PRIu32, number);
    if (next.wanted && app_is_changing(a)) { /* behind what is on its way */
        r = begin(a, &next, who, EVENT_WANTED, done, userdata, text, why);
        if (r == 0)
            change_restarts(a, number);
        return r;
    }
    if (next.wanted) { /* nothing to note, so it works on a full disk too */
        app_restart(a, number);
        note_event(m, EVENT_WANTED, a, -1, who->uid, "%s", text);
        const struct verb_result result = {
            .text = text, .name = a->name, .generation = a->record.generation, .changed = true};
        done(userdata, &result);
        return 0;
    }
    next.wanted = true;
    return begin(a, &next, who, EVENT_WANTED, done, userdata, "start (by restart)", why);
}

int manager_scale_app(struct manager *m, const struct caller *who, const char *name, uint32_t instances,
                      verb_done_fn done, void *userdata, struct reason *why) {
    struct app *a;
    struct app_record next;
    int r = take(m, who, name, &a, &next, why);
    if (r < 0)
        return r;
    if (instances < 1 || instances > SPEC_INSTANCES_MAX)
        return reason_set(why, -EINVAL, "an app has 1 to %d instances; streamctl stop %s stops all of them",
                          SPEC_INSTANCES_MAX, name);
    if (instances == next.instances && !app_is_changing(a))
        return unchanged(a, "already has that many instances", done, userdata);
    CLEANUP(cleanup_spec) struct spec s = {0};
    if (spec_copy(&a->spec, &s) < 0)
        return out_of_memory(why);
    s.instances = instances;
    r = access_spec(m, who, &s, why);
    if (r < 0)
        return r;
    char note[RECORD_TEXT_MAX];
    snprintf(note, sizeof(note), "scale from %" PRIu32 " to %" PRIu32 " instances", next.instances,
             instances);
    next.instances = instances;
    return begin(a, &next, who, EVENT_WANTED, done, userdata, note, why);
}
