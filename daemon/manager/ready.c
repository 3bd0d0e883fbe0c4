/* SPDX-License-Identifier: Apache-2.0 */
/* Readiness of an instance by the rule of its spec: nothing, a message, a connect, a command. And the
 * watchdog an app may ask for. */
#include "base/clock.h"
#include "base/log.h"
#include "manager/private.h"
#include "manager/steps.h"
#include "streamkeeper/names.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <systemd/sd-event.h>

static int arm(struct member *mb, uint64_t in_usec, sd_event_time_handler_t fn) {
    uint64_t now = mb->manager->ports->clock.monotonic(mb->manager->ports->clock.ctx);
    sd_event_source_disable_unref(mb->probe_timer);
    mb->probe_timer = NULL;
    return sd_event_add_time(mb->manager->loop, &mb->probe_timer, CLOCK_MONOTONIC, usec_add(now, in_usec),
                             1000, fn, mb);
}

static void on_notify(void *userdata, const struct notify_message *msg) {
    struct member *mb = userdata;
    const struct clock_port *clock = &mb->manager->ports->clock;
    if (msg->status[0])
        text_format(mb->status, sizeof(mb->status), "%s", msg->status);
    if (msg->ready && mb->app->spec.ready == SPEC_READY_NOTIFY)
        member_mark(mb, INSTANCE_READY);
    if (msg->watchdog_usec)
        mb->watchdog_usec = msg->watchdog_usec;
    uint64_t now = clock->monotonic(clock->ctx);
    if (msg->watchdog || msg->watchdog_usec)
        member_watchdog(mb);
    if (msg->extend_usec) /* never longer than an hour at a time, whatever the app says */
        instance_extend(&mb->inst, MIN(msg->extend_usec, 60 * USEC_PER_MIN), now);
    member_arm(mb);
}

/* The app lives: its watchdog, if it told of one, begins anew. */
void member_watchdog(struct member *mb) {
    const struct clock_port *clock = &mb->manager->ports->clock;
    if (mb->watchdog_usec)
        instance_watchdog(&mb->inst, mb->watchdog_usec, clock->monotonic(clock->ctx));
}

int member_open_notify(struct member *mb) {
    if (mb->app->spec.ready != SPEC_READY_NOTIFY)
        return 0;
    char dir[700], name[32];
    struct account user;
    int r = spawn_account(mb->app, &user, NULL);
    if (r < 0)
        return r;
    r = text_format(dir, sizeof(dir), "%s/" SK_NOTIFY_DIR, mb->manager->paths.run);
    if (r < 0)
        return r;
    snprintf(name, sizeof(name), "%" PRIx64, mb->start_id);
    return notify_new(mb->manager->loop, dir, name, user.uid, on_notify, mb, &mb->notify);
}

static void on_connected(void *userdata) {
    struct member *mb = userdata;
    member_mark(mb, INSTANCE_READY);
}

static int run_probe(sd_event_source *source ATTR_UNUSED, uint64_t usec ATTR_UNUSED, void *userdata) {
    struct member *mb = userdata;
    struct manager *m = mb->manager;
    if (mb->app->spec.ready != SPEC_READY_EXEC) { /* a new generation has another rule */
        member_watch_ready(mb);
        return 0;
    }
    mb->probe_id = manager_new_helper_id(m);
    int r = map_set(&m->starts, mb->probe_id, mb);
    r = r < 0 ? r : spawn_probe(mb, mb->probe_id);
    if (r < 0) {
        log_errno(LOG_LEVEL_WARNING, r, "Failed to run the readiness command of '%s/%u', trying again",
                  mb->app->name, mb->number);
        map_remove(&m->starts, mb->probe_id);
        mb->probe_id = 0;
        arm(mb, mb->app->spec.ready_interval_usec, run_probe);
    }
    return 0;
}

/* The probe of a run that is over, or of one that goes on. */
void member_probe_exited(struct member *mb, const struct msg_exited *exit) {
    struct manager *m = mb->manager;
    map_remove(&m->starts, mb->probe_id);
    mb->probe_id = 0;
    if (mb->inst.state != INSTANCE_STARTING)
        return;
    if (exit && exit->how == MSG_EXIT_CODE && exit->code == 0)
        member_mark(mb, INSTANCE_READY);
    else
        arm(mb, mb->app->spec.ready_interval_usec, run_probe);
}

void member_watch_ready(struct member *mb) {
    int r = 0;
    switch (mb->app->spec.ready) {
    case SPEC_READY_NOTIFY:
        break; /* the socket is open since before the start */
    case SPEC_READY_TCP:
        r = probe_tcp_new(mb->manager->loop, mb->app->spec.ready_port, mb->app->spec.ready_interval_usec,
                          on_connected, mb, &mb->probe);
        break;
    case SPEC_READY_EXEC:
        run_probe(NULL, 0, mb);
        break;
    case SPEC_READY_NONE:
    case SPEC_READY_MAX:
    default:
        member_mark(mb, INSTANCE_READY);
        break;
    }
    if (r < 0)
        log_errno(LOG_LEVEL_WARNING, r, "Failed to watch the readiness of '%s/%u'", mb->app->name,
                  mb->number);
}

void member_end_ready(struct member *mb) {
    probe_free(mb->probe);
    mb->probe = NULL;
    sd_event_source_disable_unref(mb->probe_timer);
    mb->probe_timer = NULL;
    if (mb->probe_id) {
        link_signal(mb->manager->link, mb->probe_id, SIGKILL);
        link_kill(mb->manager->link, mb->probe_id);
        map_remove(&mb->manager->starts, mb->probe_id);
        mb->probe_id = 0;
    }
}
