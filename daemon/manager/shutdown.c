/* SPDX-License-Identifier: Apache-2.0 */
/* The end of the service. A stop goes through the classes from the lowest rank up, each down before the next
 * is touched, so that critical apps keep their neighbours' resources to the last. What is to run stays noted
 * as such: the next start of the service starts it again. */
#include "base/log.h"
#include "manager/private.h"
#include "manager/steps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void tell_end(void *userdata, int error ATTR_UNUSED) {
    struct manager *m = userdata;
    link_done(m->link);
    if (m->on_end)
        m->on_end(m->on_end_userdata, m->end_why);
}

/* The end is told when all that was noted before is on the disk. */
static void end(struct manager *m, enum manager_end why) {
    if (m->ended)
        return;
    m->ended = true;
    m->end_why = why;
    const char *text = why == MANAGER_END_STOPPED ? "stopped" : "left";
    const struct store_change change = {.key = "service/last-end", .value = text, .len = strlen(text)};
    if (note_commit(m, &change, 1, true, tell_end, m) < 0)
        tell_end(m, 0);
}

static void stop_kind(void *userdata, bool stop) {
    struct manager *m = userdata;
    shutdown_begin(m, stop ? MSG_TERMINATE_STOP : MSG_TERMINATE_LEAVE);
}

void shutdown_begin(struct manager *m, enum msg_terminate_why why) {
    if (m->stopping || m->ended)
        return;
    if (why == MSG_TERMINATE_ASK) {
        int r = m->ports->service.ask_stop_kind(m->ports->service.ctx, stop_kind, m);
        if (r >= 0)
            return;
        log_errno(LOG_LEVEL_WARNING, r,
                  "Failed to ask the service manager whether this is a stop or a restart: leaving the apps "
                  "running");
        why = MSG_TERMINATE_LEAVE;
    }
    if (why == MSG_TERMINATE_LEAVE) {
        note_event(m, EVENT_SERVICE, NULL, -1, -1, "daemon ends, the apps go on running");
        end(m, MANAGER_END_LEFT);
        return;
    }
    note_event(m, EVENT_SERVICE, NULL, -1, -1, "stopping all apps, lowest class first");
    m->stopping = true;
    manager_kick(m);
}

/* The class of a step: first what belongs to no class any more, then from the lowest rank up (they are sorted
 * the other way). */
static unsigned class_of_step(const struct manager *m, unsigned step) {
    return step == 0 ? CLASS_MAX : m->classes.n - step;
}

/* Returns how many instances of the class are not down yet; tells them to stop, once. */
static unsigned stop_class(struct manager *m, unsigned class, bool tell) {
    unsigned up = 0;
    for (size_t i = 0; i < m->n_apps; i++) {
        struct app *a = m->apps[i];
        if (class_index(m, a->spec.class) != class)
            continue;
        for (uint32_t n = 0; n < a->n_members; n++) {
            struct member *mb = a->members[n];
            if (tell && !member_is_down(mb))
                member_stop(mb, "the service is stopped");
            up += !member_is_down(mb);
        }
    }
    return up;
}

void shutdown_continue(struct manager *m) {
    if (m->ended)
        return;
    for (; m->stop_step <= m->classes.n; m->stop_step++, m->stop_told = false) {
        unsigned class = class_of_step(m, m->stop_step);
        unsigned up = stop_class(m, class, !m->stop_told);
        m->stop_told = true;
        if (up == 0)
            continue;
        char text[128];
        snprintf(text, sizeof(text), "stopping: %u instances of class %s left", up,
                 class == CLASS_MAX ? "(none)" : m->classes.classes[class].name);
        link_status(m->link, text);
        return;
    }
    note_event(m, EVENT_SERVICE, NULL, -1, -1, "all apps are stopped");
    end(m, MANAGER_END_STOPPED);
}
