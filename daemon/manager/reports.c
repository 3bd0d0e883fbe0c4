/* SPDX-License-Identifier: Apache-2.0 */
/* What the launcher reports, turned into marks. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "manager/private.h"
#include "manager/steps.h"
#include "wire/stage.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

void run_exit_from_message(const struct msg_exited *m, struct run_exit *ret) {
    *ret = (struct run_exit){.end = RUN_END_UNKNOWN, .code = m->code, .at_usec = m->at_usec};
    if (m->how == MSG_EXIT_CODE)
        ret->end = RUN_END_CODE;
    else if (m->how == MSG_EXIT_SIGNAL || m->how == MSG_EXIT_DUMPED)
        ret->end = RUN_END_SIGNAL;
    ret->dumped = m->how == MSG_EXIT_DUMPED;
    ret->cpu_usec = m->user_usec + m->system_usec;
    ret->memory_peak_bytes = m->max_rss_bytes;
}

static void welcome(void *userdata, const struct msg_welcome *msg) {
    struct manager *m = userdata;
    m->welcome = *msg;
    if (m->tenants.n > 0)
        return;
    struct reason why;
    int r = tenant_table_set_default(&m->tenants, msg->owner_uid);
    r = r < 0 ? r : access_load(m, &why);
    if (r < 0)
        log_errno(LOG_LEVEL_ERROR, r, "Failed to make the tenant 'default'");
    else
        log_info("No tenants.d: one tenant 'default', which belongs to uid %" PRIu32, msg->owner_uid);
}

static void child(void *userdata, const struct msg_child *msg, int pidfd) {
    takeover_child(userdata, msg, pidfd);
}

static void replayed(void *userdata) {
    takeover_settle(userdata);
}

static struct member *member_of(struct manager *m, uint64_t start_id) {
    struct member *mb = map_get(&m->starts, start_id);
    return mb && mb->start_id == start_id ? mb : NULL;
}

static void spawned(void *userdata, const struct msg_child *msg, int pidfd) {
    struct manager *m = userdata;
    struct member *mb = member_of(m, msg->start_id);
    if (!mb) {
        fd_close(pidfd); /* a probe, a tool, or a start that was given up meanwhile */
        return;
    }
    fd_close(mb->pidfd);
    mb->pidfd = pidfd;
    mb->pid = (pid_t)msg->pid;
    mb->start_ticks = msg->start_ticks;
    note_run(mb, false);
    note_event(m, EVENT_STARTED, mb->app, (int32_t)mb->number, -1, "started as pid %" PRIu32 " in class %s%s",
               msg->pid, mb->app->spec.class, mb->inst.restarts ? ", again" : "");
    member_mark(mb, INSTANCE_SPAWNED);
}

static void spawn_failed(void *userdata, const struct msg_failed *msg) {
    struct manager *m = userdata;
    struct app *gone = removal_find(m, msg->start_id);
    if (gone) {
        removal_tool_exited(gone, false);
        return;
    }
    struct member *mb = map_get(&m->starts, msg->start_id);
    if (mb && mb->probe_id == msg->start_id) {
        member_probe_exited(mb, NULL);
        return;
    }
    if (!mb)
        return;
    text_format(mb->detail, sizeof(mb->detail), "%s", msg->detail);
    struct run_exit exit = {.end = RUN_END_FAILED_START,
                            .code = msg->error,
                            .stage = msg->stage,
                            .at_usec = m->ports->clock.realtime(m->ports->clock.ctx)};
    member_mark_exit(mb, &exit);
}

static void exited(void *userdata, const struct msg_exited *msg) {
    struct manager *m = userdata;
    if (!m->serving) {
        takeover_exit(m, msg);
        return;
    }
    struct app *gone = removal_find(m, msg->start_id);
    struct member *mb = map_get(&m->starts, msg->start_id);
    if (gone || !mb || mb->probe_id == msg->start_id)
        link_forget(m->link, msg->start_id);
    if (gone) {
        removal_tool_exited(gone, msg->how == MSG_EXIT_CODE && msg->code == 0);
        return;
    }
    if (mb && mb->probe_id == msg->start_id)
        member_probe_exited(mb, msg);
    else if (mb && mb->start_id == msg->start_id) {
        struct run_exit exit;
        run_exit_from_message(msg, &exit);
        uint64_t real = m->ports->clock.realtime(m->ports->clock.ctx);
        exit.run_usec = usec_sub(msg->at_usec ? msg->at_usec : real, mb->started_usec);
        member_mark_exit(mb, &exit);
    }
}

static void adopted(void *userdata, const struct msg_child *msg, int pidfd) {
    takeover_adopted(userdata, msg, pidfd);
}

static void adopt_failed(void *userdata, const struct msg_failed *msg) {
    takeover_adopt_failed(userdata, msg->start_id);
}

static void state_removed(void *userdata ATTR_UNUSED, const struct msg_failed *msg) {
    if (msg->error)
        log_errno(LOG_LEVEL_WARNING, -(int)msg->error, "Failed to remove a state directory (%s), ignoring",
                  msg->detail);
}

static void terminate(void *userdata, enum msg_terminate_why why) {
    shutdown_begin(userdata, why);
}

static void closed(void *userdata, int error) {
    struct manager *m = userdata;
    if (m->ended)
        return;
    m->ended = true;
    if (m->on_end)
        m->on_end(m->on_end_userdata, error < 0 ? MANAGER_END_PROTOCOL : MANAGER_END_LAUNCHER_GONE);
}

const struct link_callbacks manager_link_callbacks = {
    .welcome = welcome,
    .child = child,
    .replayed = replayed,
    .spawned = spawned,
    .spawn_failed = spawn_failed,
    .exited = exited,
    .adopted = adopted,
    .adopt_failed = adopt_failed,
    .state_removed = state_removed,
    .terminate = terminate,
    .closed = closed,
};
