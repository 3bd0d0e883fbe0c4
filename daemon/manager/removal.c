/* SPDX-License-Identifier: Apache-2.0 */
/* An app that is unregistered, step by step: stop its instances, with --purge empty and remove the state
 * directories (as the tenant, by the state tool), delete its records, forget it. Each step may be begun again
 * after a restart of the daemon. */
#include "base/log.h"
#include "manager/private.h"
#include "manager/steps.h"

#include <errno.h>
#include <string.h>

struct app *removal_find(struct manager *m, uint64_t start_id) {
    struct app *a = map_get(&m->tools, start_id);
    return a;
}

static void records_gone(void *userdata, int error) {
    (void)userdata;
    if (error < 0)
        log_errno(
            LOG_LEVEL_ERROR, error,
            "Failed to delete the records of an unregistered app; it will be removed at the next start");
}

static void forget(struct app *a) {
    struct manager *m = a->manager;
    char tenant[NAME_LEN_MAX + 1], app_key[RECORD_KEY_MAX], runs[RECORD_KEY_MAX], exits[RECORD_KEY_MAX];
    const char *app = strchr(a->name, '/') + 1;
    app_tenant(a, tenant);
    record_app_key(app_key, tenant, app);
    record_app_prefix(runs, "run", tenant, app);
    record_app_prefix(exits, "exit", tenant, app);
    const struct store_change changes[] = {
        {.key = app_key}, {.key = runs, .prefix = true}, {.key = exits, .prefix = true}};
    int r = note_commit(m, changes, ARRAY_LEN(changes), true, records_gone, NULL);
    if (r < 0)
        records_gone(NULL, r);
    for (uint32_t n = 0; n < a->n_members; n++)
        groups_close_leaf(a->members[n], true);
    if (a->record.purge && !a->purge_failed)
        for (uint32_t n = 0; n < a->n_members; n++)
            m->ports->log.forget(m->ports->log.ctx, tenant, app, n);
    note_event(m, EVENT_UNREGISTERED, a, -1, -1,
               !a->record.purge  ? "gone; its state directories are kept"
               : a->purge_failed ? "gone; not all of its state directories could be removed"
                                 : "gone, with its state directories");
    apps_drop(a);
}

static void purged_one(struct app *a, bool ok) {
    struct manager *m = a->manager;
    map_remove(&m->tools, a->purge_id);
    a->purge_id = 0;
    char tenant[NAME_LEN_MAX + 1];
    const struct msg_state_remove what = {
        .tenant = app_tenant(a, tenant), .app = strchr(a->name, '/') + 1, .number = a->purge_next};
    if (ok)
        link_state_remove(m->link, &what);
    a->purge_failed |= !ok;
    if (!ok)
        note_event(
            m, EVENT_UNREGISTERED, a, (int32_t)a->purge_next, -1,
            "its state directory could not be emptied and is left; the log of the state tool says why");
    a->purge_next++;
}

/* One state directory after another. */
static void purge_next(struct app *a) {
    struct manager *m = a->manager;
    while (a->purge_next < a->n_members) {
        a->purge_id = manager_new_helper_id(m);
        int r = map_set(&m->tools, a->purge_id, a);
        r = r < 0 ? r : spawn_tool(a, a->purge_next, a->purge_id);
        if (r >= 0 || r == -EPIPE)
            return; /* without a launcher we end, and the next daemon begins again */
        log_errno(LOG_LEVEL_WARNING, r, "Failed to purge the state directory of '%s/%u', leaving it", a->name,
                  a->purge_next);
        purged_one(a, false);
    }
    forget(a);
}

void removal_tool_exited(struct app *a, bool ok) {
    purged_one(a, ok);
    purge_next(a);
}

void removal_continue(struct app *a) {
    if (app_is_changing(a) || a->purging)
        return;
    for (uint32_t n = 0; n < a->n_members; n++)
        if (!member_is_down(a->members[n]))
            return;
    a->purging = true;
    /* Members for those that were scaled away: their state directories may be there. */
    uint32_t most = MIN(a->record.most_instances, (uint32_t)SPEC_INSTANCES_MAX);
    if (a->record.purge && most > a->n_members && app_resize(a, most) < 0)
        a->purge_failed = true;
    if (a->record.purge)
        purge_next(a);
    else
        forget(a);
}
