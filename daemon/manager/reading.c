/* SPDX-License-Identifier: Apache-2.0 */
/* History, events and output: read from the store and the logs, answered when they come. */
#include "manager/private.h"
#include "manager/steps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct history_request {
    uint32_t limit;
    exits_fn fn;
    void *userdata;
};

static int newest_first(const void *a, const void *b) {
    const struct exit_record *x = a, *y = b;
    if (x->exit.at_usec != y->exit.at_usec)
        return x->exit.at_usec < y->exit.at_usec ? 1 : -1;
    return x->seq < y->seq ? 1 : x->seq > y->seq ? -1 : 0;
}

static void exits_read(void *userdata, int error, const struct store_entry *entries, size_t n) {
    AUTO_FREE struct history_request *q = userdata;
    AUTO_FREE struct exit_record *exits = calloc(n + 1, sizeof(*exits));
    size_t good = 0;
    if (error == 0 && !exits)
        error = -ENOMEM;
    for (size_t i = 0; error == 0 && i < n; i++)
        good += exit_record_decode(entries[i].value, entries[i].len, &exits[good]) == 0;
    if (error == 0)
        qsort(exits, good, sizeof(*exits), newest_first);
    q->fn(q->userdata, error, exits, MIN(good, (size_t)q->limit));
}

int manager_history(struct manager *m, const struct caller *who, const char *name, uint32_t limit,
                    exits_fn fn, void *userdata, struct reason *why) {
    struct app *a;
    int r = access_app(m, who, name, &a, why);
    if (r < 0)
        return r;
    struct history_request *q = malloc(sizeof(*q));
    if (!q)
        return reason_set(why, -ENOMEM, "the daemon is out of memory");
    *q = (struct history_request){limit, fn, userdata};
    char tenant[NAME_LEN_MAX + 1], prefix[RECORD_KEY_MAX];
    record_app_prefix(prefix, "exit", app_tenant(a, tenant), strchr(a->name, '/') + 1);
    /* All of them: the keys are in the order of instances, the newest of all may be anywhere. */
    const struct store_scan scan = {.prefix = prefix};
    r = m->ports->store.scan(m->ports->store.ctx, &scan, exits_read, q);
    if (r >= 0)
        return 0;
    free(q);
    return reason_set(why, r, "the registry cannot be read now: %s", strerror(-r));
}

struct events_request {
    struct manager *manager;
    struct caller who;
    gid_t groups[64];
    char name[2 * NAME_LEN_MAX + 2];
    uint32_t limit;
    bool newest;
    events_fn fn;
    void *userdata;
};

static bool wanted(const struct events_request *q, const struct event_record *e) {
    if (q->name[0]) {
        size_t n = strlen(e->tenant);
        return strncmp(q->name, e->tenant, n) == 0 && q->name[n] == '/' &&
               strcmp(q->name + n + 1, e->app) == 0;
    }
    return e->tenant[0] ? access_tenant(q->manager, &q->who, e->tenant)
                        : access_is_operator(q->manager, &q->who);
}

static void events_read(void *userdata, int error, const struct store_entry *entries, size_t n) {
    AUTO_FREE struct events_request *q = userdata;
    AUTO_FREE struct event_record *records = calloc(n + 1, sizeof(*records));
    AUTO_FREE struct event_view *views = calloc(n + 1, sizeof(*views));
    size_t good = 0;
    if (error == 0 && (!records || !views))
        error = -ENOMEM;
    for (size_t i = 0; error == 0 && i < n && good < q->limit; i++) {
        struct event_view *v = &views[good];
        if (event_record_decode(entries[i].value, entries[i].len, &records[good]) < 0 ||
            record_key_seq(entries[i].key, &v->seq) < 0 || !wanted(q, &records[good]))
            continue;
        v->event = &records[good++];
    }
    for (size_t i = 0; q->newest && i < good / 2; i++) { /* oldest first */
        struct event_view swap = views[i];
        views[i] = views[good - 1 - i];
        views[good - 1 - i] = swap;
    }
    q->fn(q->userdata, error, views, good);
}

int manager_events(struct manager *m, const struct caller *who, const char *name, uint64_t after,
                   uint32_t limit, events_fn fn, void *userdata, struct reason *why) {
    struct app *a;
    int r = name ? access_app(m, who, name, &a, why) : 0;
    if (r < 0)
        return r;
    struct events_request *q = calloc(1, sizeof(*q));
    if (!q)
        return reason_set(why, -ENOMEM, "the daemon is out of memory");
    *q = (struct events_request){
        .manager = m, .who = *who, .limit = limit, .newest = after == 0, .fn = fn, .userdata = userdata};
    q->who.n_groups = MIN(who->n_groups, ARRAY_LEN(q->groups));
    if (q->who.n_groups)
        memcpy(q->groups, who->groups, q->who.n_groups * sizeof(gid_t));
    q->who.groups = q->groups;
    text_format(q->name, sizeof(q->name), "%s", name ? name : "");
    char key[RECORD_KEY_MAX];
    record_event_key(key, after);
    const struct store_scan scan = {.prefix = "event/",
                                    .after = after ? key : NULL,
                                    .newest_first = q->newest,
                                    .limit = m->conf.history_events};
    r = m->ports->store.scan(m->ports->store.ctx, &scan, events_read, q);
    if (r >= 0)
        return 0;
    free(q);
    return reason_set(why, r, "the registry cannot be read now: %s", strerror(-r));
}

int manager_logs(struct manager *m, const struct caller *who, const char *name, uint32_t number,
                 const char *cursor, uint32_t lines, log_lines_fn fn, void *userdata, struct reason *why) {
    struct app *a;
    char tenant[NAME_LEN_MAX + 1];
    int r = access_app(m, who, name, &a, why);
    if (r < 0)
        return r;
    if (number >= MAX(a->n_members, a->record.instances))
        return reason_set(why, -ENOENT, "'%s' has no instance %u", name, number);
    r = m->ports->log.read(m->ports->log.ctx, app_tenant(a, tenant), strchr(a->name, '/') + 1, number, cursor,
                           lines, fn, userdata);
    return r < 0 ? reason_set(why, r, "the output of '%s/%u' cannot be read: %s", name, number, strerror(-r))
                 : 0;
}
