/* SPDX-License-Identifier: Apache-2.0 */
/* After a start of the daemon: finds what runs already, so that nothing is started twice and no end is lost.
 *
 * Three sources, in this order. The launcher's replay: its children, and ends nobody has noted. The groups: a
 * leaf with processes that the launcher does not know (it died) is adopted through it, by the pid in the run
 * record or else the oldest process of the group. The run records: one without an end whose process is
 * nowhere ended unseen; its status is unknown, unless the host was booted since.
 *
 * The last daemon may have died before its newest notes were on the disk, so the replay can know more than
 * the records: of one instance several ends, and a start that is in no record. Ends are sorted by their start
 * ids, which are times: the newest is the instance's present, the others only go into its history. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "manager/private.h"
#include "manager/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t started_monotonic(const struct member *mb) {
    const struct clock_port *clock = &mb->manager->ports->clock;
    uint64_t ran = usec_sub(clock->realtime(clock->ctx), mb->started_usec);
    return usec_sub(clock->monotonic(clock->ctx), ran);
}

/* Makes the machine believe what is so: the process of this start runs, or did (its end is fed next). */
static void adopt(struct member *mb, bool alive) {
    struct manager *m = mb->manager;
    const struct clock_port *clock = &m->ports->clock;
    if (mb->inst.state != INSTANCE_STOPPED)
        return;
    /* An instance that was still becoming ready is given its time anew. */
    bool ready = mb->inst.was_ready || mb->app->spec.ready == SPEC_READY_NONE;
    struct instance_args args = {.policy = &mb->app->policy,
                                 .now_usec = clock->monotonic(clock->ctx),
                                 .jitter = clock->random(clock->ctx)};
    instance_adopt(&mb->inst, ready, started_monotonic(mb), &args);
    mb->run_open = false;
    mb->taken_over = true;
    mb->state_usec = mb->started_usec;
    if (!alive)
        return;
    if (mb->generation != mb->app->record.generation) {
        /* The roll to the present generation had not reached it. */
        mb->outdated = true;
        app_roll(mb->app);
    }
    if (member_open_notify(mb) < 0)
        log_warning("Failed to open the notification socket of '%s/%u' again: its messages are not heard "
                    "until its next start",
                    mb->app->name, mb->number);
    member_arm(mb);
    note_run(mb, false);
}

static void attach_leaf(struct member *mb, int dirfd) {
    struct manager *m = mb->manager;
    const struct group_port *group = &m->ports->group;
    if (mb->leaf_fd >= 0 || dirfd < 0)
        return;
    mb->leaf_fd = dirfd;
    mb->leaf_killed = true; /* nobody knows what was done to it before */
    struct group_usage usage;
    group->usage(group->ctx, mb->leaf_fd, &usage);
    if (mb->oom_before == UINT64_MAX)
        mb->oom_before = usage.oom_kills;
    if (mb->cpu_before == UINT64_MAX)
        mb->cpu_before = 0;
    mb->watched = group->watch(group->ctx, mb->start_id, mb->leaf_fd) == 0;
}

static void open_known_leaf(struct member *mb) {
    struct manager *m = mb->manager;
    char tenant[NAME_LEN_MAX + 1];
    struct group_leaf leaf = {.class = mb->class,
                              .tenant = app_tenant(mb->app, tenant),
                              .app = strchr(mb->app->name, '/') + 1,
                              .number = mb->number};
    if (mb->leaf_fd < 0 && mb->class[0])
        attach_leaf(mb, m->ports->group.open_leaf(m->ports->group.ctx, &leaf));
}

static struct member *member_by_names(struct manager *m, const char *tenant, const char *app,
                                      uint32_t number) {
    char name[2 * NAME_LEN_MAX + 2];
    snprintf(name, sizeof(name), "%s/%s", tenant, app);
    struct app *a = apps_find(m, name);
    if (!a)
        return NULL;
    if (number >= a->n_members && number < SPEC_INSTANCES_MAX && app_resize(a, number + 1) == 0)
        app_resize(a, a->record.instances); /* it is beyond the scale: doomed, but known until it is down */
    return number < a->n_members ? a->members[number] : NULL;
}

static bool is_unreadable(const struct manager *m, const char *tenant, const char *app) {
    char name[2 * NAME_LEN_MAX + 2];
    snprintf(name, sizeof(name), "%s/%s", tenant, app);
    return text_list_contains(m->unreadable, name);
}

/* The instance whose start it is: by its record, or by the names, where that was lost. NULL: none. */
static struct member *member_of_start(struct manager *m, uint64_t start_id, const char *tenant,
                                      const char *app, uint32_t number) {
    m->last_start_id = MAX(m->last_start_id, start_id);
    if (start_id_is_helper(start_id))
        return NULL; /* whatever it was to find out, somebody begins anew */
    struct member *mb = map_get(&m->starts, start_id);
    return !mb && tenant[0] ? member_by_names(m, tenant, app, number) : mb;
}

/* A start that is newer than what the record says. */
static void renew_start(struct member *mb, uint64_t start_id) {
    struct manager *m = mb->manager;
    groups_close_leaf(mb, true); /* of an older run, perhaps in another class */
    map_remove(&m->starts, mb->start_id);
    mb->start_id = start_id;
    mb->generation = mb->app->record.generation;
    mb->started_usec = start_id; /* ids are times */
    mb->inst.was_ready = false;
    mb->oom_before = mb->cpu_before = UINT64_MAX;
    mb->adopt_pid = 0;
    mb->start_ticks = 0;
    text_format(mb->class, sizeof(mb->class), "%s", mb->app->spec.class);
    map_set(&m->starts, start_id, mb);
}

void takeover_child(struct manager *m, const struct msg_child *child, int pidfd) {
    struct member *mb = member_of_start(m, child->start_id, child->tenant, child->app, child->number);
    if (!mb && is_unreadable(m, child->tenant, child->app)) {
        fd_close(pidfd);
        return;
    }
    if (!mb || mb->pid != 0) {
        log_notice("The launcher has a process (pid %" PRIu32 ") of no registered instance: killing it",
                   child->pid);
        link_signal(m->link, child->start_id, SIGKILL);
        link_kill(m->link, child->start_id);
        fd_close(pidfd);
        return;
    }
    if (mb->start_id != child->start_id)
        renew_start(mb, child->start_id);
    mb->pid = (pid_t)child->pid;
    mb->start_ticks = child->start_ticks;
    mb->pidfd = pidfd;
    open_known_leaf(mb);
    adopt(mb, true);
}

/* An end that happened while no daemon was there; or that the last one noted, and died before it could say
 * so. */
struct member_end {
    struct member *member;
    uint64_t start_id;
    pid_t pid;
    struct run_exit exit;
};

void takeover_exit(struct manager *m, const struct msg_exited *exit) {
    struct member *mb = member_of_start(m, exit->start_id, exit->tenant, exit->app, exit->number);
    if (!mb && is_unreadable(m, exit->tenant, exit->app))
        return;
    if (!mb || exit->start_id <= mb->noted_id) {
        link_forget(m->link, exit->start_id);
        return;
    }
    struct ends *e = &m->ends;
    if (e->n == e->size) {
        size_t size = e->size ? e->size * 2 : 64;
        struct member_end *grown = realloc(e->list, size * sizeof(*grown));
        if (!grown)
            return; /* the next daemon is told again */
        e->list = grown;
        e->size = size;
    }
    struct member_end *end = &e->list[e->n++];
    *end = (struct member_end){.member = mb, .start_id = exit->start_id, .pid = (pid_t)exit->pid};
    run_exit_from_message(exit, &end->exit);
}

static int by_start_id(const void *a, const void *b) {
    const struct member_end *x = a, *y = b;
    return x->start_id < y->start_id ? -1 : x->start_id > y->start_id;
}

static void settle_end(const struct member_end *end) {
    struct member *mb = end->member;
    bool present = mb->inst.state != INSTANCE_STOPPED; /* adopted, or an older end was here */
    bool ended = mb->pending & 1U << INSTANCE_EXITED;
    if (present && end->start_id < mb->start_id) {
        note_past_exit(mb, end->start_id, end->pid, &end->exit);
        return;
    }
    if (ended && end->start_id == mb->start_id)
        return; /* told twice */
    if (ended)
        note_past_exit(mb, mb->start_id, mb->pid, &mb->pending_exit);
    if (end->start_id != mb->start_id)
        renew_start(mb, end->start_id);
    mb->pid = end->pid;
    open_known_leaf(mb);
    adopt(mb, false);
    struct run_exit exit = end->exit;
    exit.run_usec = usec_sub(exit.at_usec, mb->started_usec);
    member_mark_exit(mb, &exit);
}

static void settle_ends(struct manager *m) {
    if (m->ends.n > 0)
        qsort(m->ends.list, m->ends.n, sizeof(*m->ends.list), by_start_id);
    for (size_t i = 0; i < m->ends.n; i++)
        if (i == 0 || m->ends.list[i].start_id != m->ends.list[i - 1].start_id)
            settle_end(&m->ends.list[i]);
    free(m->ends.list);
    m->ends = (struct ends){0};
}

static void exited_unseen(struct member *mb) {
    struct run_exit end = {.end = RUN_END_UNKNOWN,
                           .at_usec = mb->manager->ports->clock.realtime(mb->manager->ports->clock.ctx)};
    end.run_usec = usec_sub(end.at_usec, mb->started_usec);
    member_mark_exit(mb, &end);
}

/* An empty leaf is opened by an instance whose end is being settled; any other is of a run that is over. */
static bool is_in_use(const struct manager *m, const struct group_leaf *leaf) {
    char name[2 * NAME_LEN_MAX + 2];
    snprintf(name, sizeof(name), "%s/%s", leaf->tenant, leaf->app);
    const struct app *a = apps_find(m, name);
    const struct member *mb = a && leaf->number < a->n_members ? a->members[leaf->number] : NULL;
    return mb && mb->leaf_fd >= 0 && strcmp(mb->class, leaf->class) == 0;
}

static void found_leaf(void *userdata, const struct group_leaf *leaf, int dirfd) {
    struct manager *m = userdata;
    const struct group_port *group = &m->ports->group;
    if (is_unreadable(m, leaf->tenant, leaf->app))
        return;
    if (group->populated(group->ctx, dirfd) <= 0) {
        if (!is_in_use(m, leaf))
            group->remove_leaf(group->ctx, leaf);
        return;
    }
    struct member *mb = member_by_names(m, leaf->tenant, leaf->app, leaf->number);
    if (!mb || (mb->pid != 0 && strcmp(mb->class, leaf->class) != 0)) {
        log_notice("Group %s/%s/%s.%u has processes of no registered instance: killing them", leaf->class,
                   leaf->tenant, leaf->app, leaf->number);
        group->kill(group->ctx, dirfd);
        return;
    }
    if (mb->pid != 0 || mb->inst.state != INSTANCE_STOPPED)
        return; /* the launcher's own child */
    pid_t pid;
    uint64_t ticks;
    if (mb->start_id <= mb->noted_id) /* a start that is in no record */
        renew_start(mb, manager_new_start_id(m));
    text_format(mb->class, sizeof(mb->class), "%s", leaf->class);
    attach_leaf(mb, fcntl(dirfd, F_DUPFD_CLOEXEC, 0));
    adopt(mb, true);
    if (mb->adopt_pid == 0) {
        if (group->find_main(group->ctx, dirfd, &pid, &ticks) < 0) {
            exited_unseen(mb);
            return;
        }
        mb->adopt_pid = pid;
        mb->start_ticks = ticks;
    }
    struct msg_adopt msg = {.start_id = mb->start_id,
                            .pid = (uint32_t)mb->adopt_pid,
                            .start_ticks = mb->start_ticks,
                            .tenant = leaf->tenant,
                            .app = leaf->app,
                            .number = leaf->number};
    if (link_adopt(m->link, &msg, dirfd) < 0)
        exited_unseen(mb);
}

void takeover_adopted(struct manager *m, const struct msg_child *child, int pidfd) {
    struct member *mb = map_get(&m->starts, child->start_id);
    if (!mb || mb->start_id != child->start_id) {
        fd_close(pidfd);
        return;
    }
    fd_close(mb->pidfd);
    mb->pidfd = pidfd;
    mb->pid = (pid_t)child->pid;
    mb->start_ticks = child->start_ticks;
    note_run(mb, false);
    note_event(m, EVENT_TAKEN_OVER, mb->app, (int32_t)mb->number, -1,
               "taken over as pid %" PRIu32 " from a launcher that died", child->pid);
}

/* The main process is gone; whatever else is in the group is swept by the machine. */
void takeover_adopt_failed(struct manager *m, uint64_t start_id) {
    struct member *mb = map_get(&m->starts, start_id);
    if (mb && mb->start_id == start_id)
        exited_unseen(mb);
}

static void settle_member(struct member *mb, unsigned *taken) {
    struct manager *m = mb->manager;
    if (mb->inst.state != INSTANCE_STOPPED) {
        bool ended = mb->pending & 1U << INSTANCE_EXITED;
        *taken += !ended;
        if (!ended && mb->inst.state == INSTANCE_STARTING)
            member_watch_ready(mb);
        return;
    }
    if (mb->run_open) { /* its record has no end, and the process is nowhere */
        mb->run_open = false;
        if (strcmp(mb->run_boot_id, m->boot_id) == 0) {
            open_known_leaf(mb);
            adopt(mb, false);
            exited_unseen(mb);
        } else {
            note_run(mb, true);
        }
    }
    if (!mb->app->record.wanted || mb->app->record.removing || mb->doomed ||
        mb->inst.state != INSTANCE_STOPPED)
        return;
    /* Held, or ended as its policy lets it: a new daemon is no reason to try again, a boot of the host is. */
    bool stays = mb->run_verdict == RESTART_FORBIDDEN || mb->run_verdict == RESTART_BUDGET ||
                 mb->run_verdict == RESTART_DONE || mb->run_verdict == RESTART_NEVER;
    if (stays && strcmp(mb->run_boot_id, m->boot_id) == 0 &&
        mb->inst.exit.at_usec >= mb->app->record.asked_usec)
        instance_restore(&mb->inst, mb->run_verdict, m->ports->clock.monotonic(m->ports->clock.ctx));
    else
        member_want(mb, false);
}

void takeover_settle(struct manager *m) {
    unsigned taken = 0;
    settle_ends(m);
    m->ports->group.each_leaf(m->ports->group.ctx, found_leaf, m);
    for (size_t i = 0; i < m->n_apps; i++) {
        struct app *a = m->apps[i];
        for (uint32_t n = 0; n < a->n_members; n++) {
            struct member *mb = a->members[n];
            settle_member(mb, &taken);
            if (mb->doomed || a->record.removing || !a->record.wanted)
                member_stop(mb, mb->doomed ? "scaled down" : "asked to stop");
        }
        if (a->record.removing)
            removal_continue(a);
    }
    m->serving = true;
    if (taken)
        note_event(m, EVENT_SERVICE, NULL, -1, -1, "daemon started, %u running instances taken over", taken);
    else
        note_event(m, EVENT_SERVICE, NULL, -1, -1, "daemon started");
    manager_kick(m);
    link_ready(m->link);
    if (m->on_ready)
        m->on_ready(m->on_ready_userdata);
}
