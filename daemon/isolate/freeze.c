/* SPDX-License-Identifier: Apache-2.0 */
/* When instances are frozen, thawed and evicted. Only those of the lowest class ever are. */
#include "isolate/govparts.h"

#include "base/clock.h"

#define AT_ONCE_MAX     64                 /* in one step; in the next, more */
#define IDLE_FOR_USEC   (2 * USEC_PER_SEC) /* nobody to protect for so long: thaw */
#define KILL_AGAIN_USEC (10 * USEC_PER_SEC)

static uint32_t lowest(const struct governor *g) {
    return g->n_classes - 1;
}

/* May it be frozen for this resource? Who was thawed just now gets time to run (and to tell its group that it
 * lives); who does not use the resource is not worth it. */
static bool is_candidate(const struct governor *g, const struct leaf *l, enum resource r) {
    return l->used && l->class == lowest(g) && l->state == LEAF_IS_FREE && leaf_use(l, r) > 0 &&
           (l->thawed_at == 0 || has_lasted(g, l->thawed_at, g->conf.freeze_hold_usec / 2));
}

static bool is_before(const struct leaf *a, const struct leaf *b, enum resource r) {
    uint64_t x = leaf_use(a, r), y = leaf_use(b, r);
    /* Unknown comes last: plus one makes it the smallest. */
    return x + 1 != y + 1 ? x + 1 > y + 1 : a->started > b->started;
}

static struct leaf *biggest(struct governor *g, enum resource r, uint32_t *ret_running) {
    struct leaf *best = NULL;
    *ret_running = 0;
    for (uint32_t i = 0; i < g->leaves_top; i++) {
        struct leaf *l = &g->leaves[i];
        *ret_running += l->used && l->class == lowest(g) && l->state == LEAF_IS_FREE && leaf_use(l, r) > 0;
        if (is_candidate(g, l, r) && (!best || is_before(l, best, r)))
            best = l;
    }
    return best;
}

static uint64_t hold_of(const struct governor *g, struct leaf *l) {
    if (l->thawed_at == 0 || has_lasted(g, l->thawed_at, g->conf.relapse_usec))
        l->relapses = 0;
    else
        l->relapses = MIN(l->relapses + 1, 8U);
    uint64_t hold = g->conf.freeze_hold_usec << l->relapses;
    return MIN(hold, l->member ? g->conf.freeze_hold_max_member_usec : g->conf.freeze_hold_max_usec);
}

static bool is_to_evict(const struct governor *g, const struct leaf *l) {
    return l->helped && leaf_frozen_lately(g, l) > g->conf.evict_frozen_usec && g->evicting == UINT32_MAX &&
           (g->evicted_at == 0 || has_lasted(g, g->evicted_at, g->conf.evict_pause_usec));
}

/* Everything that uses the resource is frozen, and it is as hot as before: they were not the cause. */
static void give_up(struct governor *g, enum resource r) {
    struct lane *lane = &g->lanes[lowest(g)][r];
    struct verdict *v = say(g, ACT_ALARM, RULE_NOT_THE_CAUSE, r, g->heat[r].class);
    say_heat(g, v, r);
    say_fact(v, FACT_INSTANCES, g->frozen[r], READING_NONE);
    for (uint32_t i = 0; i < g->leaves_top; i++)
        if (g->leaves[i].used && g->leaves[i].state == LEAF_IS_FROZEN && g->leaves[i].frozen_for == r)
            leaf_thaw(g, &g->leaves[i], RULE_NOT_THE_CAUSE);
    g->heat[r].futile_until = g->now + FUTILE_USEC;
    lane->freeze_n = 1;
}

static void enter_frozen(struct governor *g, struct lane *lane) {
    if (lane->state == LADDER_FROZEN || lane->state == LADDER_EVICT)
        return;
    lane->state = LADDER_FROZEN;
    lane->freeze_n = 1;
    lane->floor_since = 0;
    lane->frozen_at = g->now;
}

void freeze_more(struct governor *g, enum resource r) {
    struct lane *lane = &g->lanes[lowest(g)][r];
    uint32_t running, n = lane->state == LADDER_FROZEN ? lane->freeze_n : 1;
    n = g->heat[r].late ? AT_ONCE_MAX : MIN(n, (uint32_t)AT_ONCE_MAX);
    for (uint32_t done = 0; done < n; done++) {
        struct leaf *l = biggest(g, r, &running);
        if (!l) {
            bool all_frozen = done == 0 && running == 0 && g->frozen[r] > 0;
            if (all_frozen && has_lasted(g, lane->frozen_at, g->conf.freeze_after_usec))
                give_up(g, r);
            return;
        }
        enter_frozen(g, lane);
        if (is_to_evict(g, l)) {
            lane->state = LADDER_EVICT;
            leaf_stop(g, l, r);
            return;
        }
        leaf_freeze(g, l, r, g->heat[r].why, hold_of(g, l));
        lane->frozen_at = g->now;
        if (done == 0)
            lane->freeze_n = MIN(2 * n, (uint32_t)AT_ONCE_MAX);
    }
}

static void step_frozen(struct governor *g, struct leaf *l) {
    const struct heat *h = &g->heat[l->frozen_for];
    if (l->stuck) /* kill.c looks after it */
        return;
    if (g->now >= l->hold_until)
        leaf_thaw(g, l, RULE_HOLD_OVER);
    else if (h->idle && has_lasted(g, h->cool_since, IDLE_FOR_USEC) && has_lasted(g, l->since, IDLE_FOR_USEC))
        leaf_thaw(g, l, RULE_PROTECTED_IDLE);
}

void freeze_step(struct governor *g) {
    for (uint32_t i = 0; i < g->leaves_top; i++) {
        struct leaf *l = &g->leaves[i];
        if (!l->used || l->state == LEAF_IS_FREE)
            continue;
        if (l->state == LEAF_IS_FROZEN)
            step_frozen(g, l);
        else if (l->state == LEAF_IS_STOPPING && has_lasted(g, l->since, g->conf.evict_stop_usec) &&
                 may_kill(g))
            leaf_kill(g, l, RULE_STOP_TIMEOUT, RES_CPU);
        else if (l->state == LEAF_IS_KILLED && has_lasted(g, l->since, KILL_AGAIN_USEC) && may_kill(g))
            leaf_kill(g, l, RULE_KILL_AGAIN, RES_MEMORY);
    }
}
