/* SPDX-License-Identifier: Apache-2.0 */
/* The settle step: the one place where what happened meets what is wanted. Runs at the end of a loop turn in
 * which anything was marked. */
#include "base/clock.h"
#include "base/log.h"
#include "manager/private.h"
#include "manager/steps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-event.h>

/* In which order pending events are fed: facts before wishes, a stop before a start, so that both in one turn
 * are a restart. */
static const enum instance_event feed_order[] = {
    INSTANCE_SPAWNED,    INSTANCE_SPAWN_FAILED, INSTANCE_READY, INSTANCE_EXITED,
    INSTANCE_EMPTY,      INSTANCE_NOT_READY,    INSTANCE_STOP,  INSTANCE_STOP_DUE,
    INSTANCE_DELAY_OVER, INSTANCE_WANT,         INSTANCE_GO,
};
_Static_assert(ARRAY_LEN(feed_order) == INSTANCE_EVENT_MAX, "every event has its place");

/* More steps than any path through the machine has; what is left waits for the next turn. */
#define STEPS_PER_TURN 32

void manager_kick(struct manager *m) {
    if (m->settle_source)
        sd_event_source_set_enabled(m->settle_source, SD_EVENT_ONESHOT);
}

static void mark_dirty(struct member *mb) {
    if (list_is_empty(&mb->dirty))
        list_append(&mb->manager->dirty, &mb->dirty);
    manager_kick(mb->manager);
}

void member_mark(struct member *mb, enum instance_event event) {
    mb->pending |= 1U << event;
    mark_dirty(mb);
}

void member_mark_exit(struct member *mb, const struct run_exit *exit) {
    mb->pending_exit = *exit;
    member_mark(mb, exit->end == RUN_END_FAILED_START ? INSTANCE_SPAWN_FAILED : INSTANCE_EXITED);
}

void member_want(struct member *mb, bool manual) {
    mb->pending_manual |= manual;
    member_mark(mb, INSTANCE_WANT);
}

void member_stop(struct member *mb, const char *why) {
    mb->pending &= ~(1U << INSTANCE_WANT);
    mb->pending_manual = false;
    text_format(mb->stop_why, sizeof(mb->stop_why), "%s", why);
    member_mark(mb, INSTANCE_STOP);
}

static void note_state(struct member *mb, enum instance_state before, enum restart_verdict verdict_before) {
    struct manager *m = mb->manager;
    const struct instance *i = &mb->inst;
    if (i->state == before && i->last_verdict == verdict_before)
        return;
    mb->state_usec = m->ports->clock.realtime(m->ports->clock.ctx);
    char text[128], age[32];
    switch (i->state) {
    case INSTANCE_RUNNING:
        if (before == INSTANCE_RUNNING || mb->app->spec.ready == SPEC_READY_NONE)
            break;
        note_run(mb, false); /* so that the next daemon knows it as ready */
        note_event(m, EVENT_READY, mb->app, (int32_t)mb->number, -1, "ready %s after its start",
                   text_age(usec_sub(i->since_usec, i->started_usec), age, sizeof(age)));
        break;
    case INSTANCE_HELD:
        note_event(m, EVENT_HELD, mb->app, (int32_t)mb->number, -1,
                   "%s; last: %s. Start it by hand when the cause is gone",
                   restart_verdict_name(i->last_verdict), run_exit_text(&i->exit, text, sizeof(text)));
        break;
    case INSTANCE_BACKOFF:
    case INSTANCE_FAILED_START:
        if (i->deadline_usec != USEC_NEVER)
            note_event(m, EVENT_RESTARTING, mb->app, (int32_t)mb->number, -1, "%s; starts again in %s",
                       run_exit_text(&i->exit, text, sizeof(text)),
                       text_age(usec_sub(i->deadline_usec, i->since_usec), age, sizeof(age)));
        break;
    case INSTANCE_STOPPED:
        if (before == INSTANCE_STOPPING)
            note_event(m, EVENT_STOPPED, mb->app, (int32_t)mb->number, -1, "stopped: %s",
                       mb->stop_why[0] ? mb->stop_why : restart_verdict_name(i->last_verdict));
        break;
    case INSTANCE_GATED:
    case INSTANCE_STARTING:
    case INSTANCE_STOPPING:
    case INSTANCE_STATE_MAX:
    case INSTANCE_STATE_INVALID:
    default:
        break;
    }
}

/* A deadline that passed in the same turn as what it waited for came is none any more. */
static bool is_stale(const struct instance *i, enum instance_event event, uint64_t now_usec) {
    bool timed = event == INSTANCE_NOT_READY || event == INSTANCE_STOP_DUE || event == INSTANCE_DELAY_OVER;
    return timed && (i->deadline_event != event || i->deadline_usec > now_usec);
}

static void feed(struct member *mb, enum instance_event event) {
    struct manager *m = mb->manager;
    const struct clock_port *clock = &m->ports->clock;
    struct instance_args args = {.exit = &mb->pending_exit,
                                 .policy = &mb->app->policy,
                                 .now_usec = clock->monotonic(clock->ctx),
                                 .jitter = clock->random(clock->ctx),
                                 .manual = mb->pending_manual};
    enum instance_state before = mb->inst.state;
    enum restart_verdict verdict = mb->inst.last_verdict;
    if (event == INSTANCE_WANT)
        mb->pending_manual = false;
    unsigned actions = is_stale(&mb->inst, event, args.now_usec) ? 0 : instance_feed(&mb->inst, event, &args);
    if (mb->inst.state == INSTANCE_RUNNING && before != INSTANCE_RUNNING)
        member_watchdog(mb);
    /* First how the run ended, then what follows. */
    member_act(mb, actions & INSTANCE_DO_RECORD);
    note_state(mb, before, verdict);
    if (mb->inst.state == INSTANCE_GATED && list_is_empty(&mb->gate))
        list_append(&m->class_states[MIN(class_index(m, mb->app->spec.class), m->classes.n - 1U)].gated,
                    &mb->gate);
    if (mb->inst.state != INSTANCE_GATED)
        list_remove(&mb->gate);
    member_act(mb, actions & ~(unsigned)INSTANCE_DO_RECORD);
    member_arm(mb);
}

static void settle_member(struct member *mb) {
    for (unsigned step = 0; mb->pending && step < STEPS_PER_TURN; step++)
        for (size_t i = 0; i < ARRAY_LEN(feed_order); i++) {
            unsigned bit = 1U << feed_order[i];
            if (!(mb->pending & bit))
                continue;
            mb->pending &= ~bit;
            feed(mb, feed_order[i]);
            break;
        }
    if (mb->pending)
        mark_dirty(mb);
    /* While its state is purged, the tool that does so is in there. */
    if ((mb->inst.state == INSTANCE_STOPPED || mb->inst.state == INSTANCE_HELD) && !mb->app->purging)
        groups_close_leaf(mb, true);
}

/* The part of the burst that only the highest class may use. */
#define KEPT_FOR_FIRST(burst) ((burst) / 4)

/* Opens the gate for those whose turn it is: by class, then in the order of their coming. */
static void settle_gate(struct manager *m) {
    const struct clock_port *clock = &m->ports->clock;
    uint64_t now = clock->monotonic(clock->ctx), next = USEC_NEVER;
    if (m->stopping || !m->serving)
        return;
    for (unsigned c = 0; c < m->classes.n; c++) {
        struct list *gated = &m->class_states[c].gated;
        uint32_t keep = c == 0 ? 0 : KEPT_FOR_FIRST(m->gate.burst);
        LIST_EACH(gated, node) {
            struct member *mb = LIST_ENTRY(node, struct member, gate);
            if (!mb->inst.manual && !gate_take(&m->gate, keep, now)) {
                next = MIN(next, gate_next_usec(&m->gate, keep, now));
                continue; /* manual starts behind it need no token */
            }
            list_remove(&mb->gate);
            member_mark(mb, INSTANCE_GO);
        }
    }
    if (next != USEC_NEVER) {
        sd_event_source_set_time(m->gate_timer, next);
        sd_event_source_set_enabled(m->gate_timer, SD_EVENT_ONESHOT);
    }
}

static bool may_replace_next(const struct app *a) {
    for (uint32_t i = 0; i < a->n_members; i++) {
        const struct member *mb = a->members[i];
        enum instance_state s = mb->inst.state;
        if (s == INSTANCE_GATED || s == INSTANCE_STOPPING || mb->pending)
            return false;
        if (s == INSTANCE_STARTING && !mb->outdated)
            return false;
        if (mb->replaced && s != INSTANCE_RUNNING && s != INSTANCE_STOPPED)
            return false; /* what replaces it does not run: keep what still does */
    }
    return true;
}

/* One that is not ready first: nothing is lost by it, and perhaps it never will be. */
static struct member *next_outdated(struct app *a) {
    struct member *first = NULL;
    for (uint32_t i = 0; i < a->n_members; i++) {
        struct member *mb = a->members[i];
        if (mb->doomed || !instance_state_has_process(mb->inst.state))
            mb->outdated = false;
        if (!mb->outdated)
            continue;
        if (mb->inst.state == INSTANCE_STARTING)
            return mb;
        first = first ? first : mb;
    }
    return first;
}

/* Replaces outdated members one after another, each ready before the next. */
static void settle_roll(struct app *a) {
    if (!may_replace_next(a))
        return;
    struct member *mb = next_outdated(a);
    if (mb) {
        mb->outdated = false;
        mb->replaced = true;
        member_stop(mb, mb->generation == a->record.generation ? "restart" : "replaced by a new generation");
        member_want(mb, true);
        return;
    }
    for (uint32_t i = 0; i < a->n_members; i++)
        a->members[i]->replaced = false;
    list_remove(&a->roll);
}

void app_roll(struct app *a) {
    if (list_is_empty(&a->roll))
        list_append(&a->manager->rolling, &a->roll);
    manager_kick(a->manager);
}

static void settle_dirty(struct manager *m) {
    struct list batch = LIST_INIT(batch);
    while (!list_is_empty(&m->dirty)) {
        struct list *node = m->dirty.next;
        list_remove(node);
        list_append(&batch, node);
    }
    while (!list_is_empty(&batch)) {
        struct member *mb = LIST_ENTRY(batch.next, struct member, dirty);
        list_remove(&mb->dirty);
        struct app *a = mb->app;
        settle_member(mb);
        if (a->record.removing)
            removal_continue(a);
        else
            app_trim(a);
    }
}

static int settle(sd_event_source *source ATTR_UNUSED, void *userdata) {
    struct manager *m = userdata;
    if (!m->serving)
        return 0; /* decided when all that runs is known */
    if (m->sums_dirty)
        groups_apply_sums(m);
    for (unsigned round = 0; round < STEPS_PER_TURN && !list_is_empty(&m->dirty); round++) {
        settle_dirty(m);
        settle_gate(m);
    }
    settle_gate(m);
    LIST_EACH(&m->rolling, node) {
        if (!m->stopping)
            settle_roll(LIST_ENTRY(node, struct app, roll));
    }
    if (m->stopping)
        shutdown_continue(m);
    if (!list_is_empty(&m->dirty))
        manager_kick(m);
    note_flush(m);
    return 0;
}

static int gate_due(sd_event_source *source ATTR_UNUSED, uint64_t usec ATTR_UNUSED, void *userdata) {
    manager_kick(userdata);
    return 0;
}

int settle_attach(struct manager *m) {
    /* Behind all other sources of a turn, so that it sees everything the turn brought. */
    int r = sd_event_add_defer(m->loop, &m->settle_source, settle, m);
    if (r < 0)
        return r;
    sd_event_source_set_priority(m->settle_source, SD_EVENT_PRIORITY_IDLE);
    sd_event_source_set_enabled(m->settle_source, SD_EVENT_OFF);
    sd_event_source_set_description(m->settle_source, "settle");
    r = sd_event_add_time(m->loop, &m->gate_timer, CLOCK_MONOTONIC, 0, 1000, gate_due, m);
    if (r < 0)
        return r;
    sd_event_source_set_description(m->gate_timer, "start gate");
    return sd_event_source_set_enabled(m->gate_timer, SD_EVENT_OFF);
}
