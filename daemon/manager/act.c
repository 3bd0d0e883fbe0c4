/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out what the machine of an instance answers, and its deadline. Decides nothing. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "manager/private.h"
#include "manager/steps.h"
#include "wire/stage.h"

#include <errno.h>
#include <systemd/sd-event.h>

static int deadline_due(sd_event_source *source ATTR_UNUSED, uint64_t usec ATTR_UNUSED, void *userdata) {
    struct member *mb = userdata;
    enum instance_event event = mb->inst.deadline_event;
    char age[32];
    if (event == INSTANCE_NOT_READY && mb->inst.state == INSTANCE_RUNNING)
        text_format(mb->stop_why, sizeof(mb->stop_why), "its watchdog was silent for %s",
                    text_age(mb->watchdog_usec, age, sizeof(age)));
    /* What it said of its readiness while no daemon listened is lost. That is no reason to end it. */
    if (event == INSTANCE_NOT_READY && mb->inst.state == INSTANCE_STARTING && mb->taken_over &&
        mb->app->spec.ready == SPEC_READY_NOTIFY)
        event = INSTANCE_READY;
    member_mark(mb, event);
    return 0;
}

void member_arm(struct member *mb) {
    if (mb->inst.deadline_usec == USEC_NEVER) {
        if (mb->timer)
            sd_event_source_set_enabled(mb->timer, SD_EVENT_OFF);
        return;
    }
    if (!mb->timer) {
        int r = sd_event_add_time(mb->manager->loop, &mb->timer, CLOCK_MONOTONIC, mb->inst.deadline_usec,
                                  1000, deadline_due, mb);
        if (r < 0) {
            log_errno(LOG_LEVEL_ERROR, r, "Failed to arm a timer for '%s', trying again with its next event",
                      mb->app->name);
            return;
        }
        sd_event_source_set_description(mb->timer, "instance deadline");
    }
    sd_event_source_set_time(mb->timer, mb->inst.deadline_usec);
    sd_event_source_set_enabled(mb->timer, SD_EVENT_ONESHOT);
}

static void start(struct member *mb) {
    int r = member_spawn(mb);
    if (r >= 0 || r == -EPIPE)
        return; /* without a launcher we end, and the next daemon starts it */
    struct run_exit failed = {.end = RUN_END_FAILED_START, .code = (uint32_t)-r, .stage = SK_STAGE_REQUEST};
    failed.at_usec = mb->manager->ports->clock.realtime(mb->manager->ports->clock.ctx);
    member_mark_exit(mb, &failed);
}

static void send_signal(struct member *mb) {
    int r = link_signal(mb->manager->link, mb->start_id, mb->app->spec.stop_signal);
    if (r < 0 && r != -EPIPE)
        log_errno(LOG_LEVEL_WARNING, r, "Failed to ask for the stop signal of '%s/%u'", mb->app->name,
                  mb->number);
}

static void kill_all(struct member *mb) {
    const struct group_port *group = &mb->manager->ports->group;
    int r = mb->leaf_fd >= 0 ? group->kill(group->ctx, mb->leaf_fd) : -EOPNOTSUPP;
    mb->leaf_killed |= r >= 0;
    if (r < 0)
        r = link_kill(mb->manager->link, mb->start_id);
    if (r < 0 && r != -EPIPE)
        log_errno(LOG_LEVEL_WARNING, r, "Failed to kill '%s/%u', trying again", mb->app->name, mb->number);
}

/* EMPTY comes from here when nothing is left, else from the group's watch. */
void member_sweep(struct member *mb) {
    const struct group_port *group = &mb->manager->ports->group;
    if (mb->leaf_fd < 0) {
        kill_all(mb);
        member_mark(mb, INSTANCE_EMPTY);
        return;
    }
    int populated = group->populated(group->ctx, mb->leaf_fd);
    if (populated <= 0)
        member_mark(mb, INSTANCE_EMPTY);
    else
        kill_all(mb);
}

void member_forget_run(struct member *mb) {
    member_end_ready(mb);
    notify_free(mb->notify);
    mb->notify = NULL;
    mb->pidfd = fd_close(mb->pidfd);
    mb->pid = 0;
    mb->watchdog_usec = 0;
    mb->status[0] = '\0';
}

void member_act(struct member *mb, unsigned actions) {
    if (actions & INSTANCE_DO_RECORD) {
        note_exit(mb);
        mb->pidfd = fd_close(mb->pidfd);
    }
    if (actions & INSTANCE_DO_END_READY)
        member_end_ready(mb);
    if (actions & INSTANCE_DO_SPAWN)
        start(mb);
    if (actions & INSTANCE_DO_WATCH_READY)
        member_watch_ready(mb);
    if (actions & INSTANCE_DO_SIGNAL)
        send_signal(mb);
    if (actions & INSTANCE_DO_KILL)
        kill_all(mb);
    if (actions & INSTANCE_DO_SWEEP)
        member_sweep(mb);
}
