/* SPDX-License-Identifier: Apache-2.0 */
/* Who is killed for memory, and when: the host almost out of it, the protected class hurt, an instance stuck
 * at its limit. One at a time, the largest of the lowest class first, and only one that gives back enough to
 * matter. */
#include "isolate/govparts.h"

#include "base/clock.h"

static uint64_t excess_of(const struct leaf *l) {
    uint64_t own = l->signal.memory_bytes;
    return own == READING_NONE || own <= l->declared ? 0 : own - l->declared;
}

static struct leaf *largest_of(struct governor *g, uint32_t class) {
    uint64_t least = g->sample->memory_total == READING_NONE
                         ? READING_NONE
                         : MAX(share(g->sample->memory_total, g->conf.kill_least), (uint64_t)1);
    struct leaf *best = NULL;
    for (uint32_t i = 0; i < g->leaves_top; i++) {
        struct leaf *l = &g->leaves[i];
        if (l->used && l->class == class && l->state != LEAF_IS_KILLED && excess_of(l) >= least &&
            (!best || excess_of(l) > excess_of(best)))
            best = l;
    }
    return best;
}

/* The last one who was killed is still there and holds memory: what it gives back may be enough, and large
 * processes take their time. Waits for twice the time between kills. */
static bool is_pending(const struct governor *g) {
    if (g->memory.killed_at == 0 || has_lasted(g, g->memory.killed_at, 2 * g->conf.kill_interval_usec))
        return false;
    for (uint32_t i = 0; i < g->leaves_top; i++) {
        const struct leaf *l = &g->leaves[i];
        if (l->used && l->state == LEAF_IS_KILLED && l->signal.memory_bytes != READING_NONE &&
            l->signal.memory_bytes >= share(g->sample->memory_total, g->conf.kill_least))
            return true;
    }
    return false;
}

/* Rule C: nothing is left to wait for. The lowest class first, then the next. */
static bool is_exhausted(const struct governor *g, enum verdict_rule *ret_rule) {
    const struct sample *s = g->sample;
    if (s->memory_total == READING_NONE || s->memory_available == READING_NONE)
        return false;
    if (s->memory_available < share(s->memory_total, g->conf.kill_available)) {
        *ret_rule = RULE_KILL_AVAILABLE;
        return true;
    }
    /* A small swap that is full of what nobody needs is no trouble while memory is free. */
    *ret_rule = RULE_KILL_SWAP;
    return s->swap_total != READING_NONE && s->swap_free != READING_NONE && s->swap_total > 0 &&
           s->swap_free < share(s->swap_total, g->conf.kill_swap) && memory_is_short(g);
}

static void say_short(const struct governor *g, struct verdict *v) {
    bool swap = v->rule == RULE_KILL_SWAP;
    say_fact(v, FACT_AVAILABLE, g->sample->memory_available,
             swap ? memory_target(g) : share(g->sample->memory_total, g->conf.kill_available));
    if (swap)
        say_fact(v, FACT_SWAP_FREE, g->sample->swap_free, share(g->sample->swap_total, g->conf.kill_swap));
}

static void kill_exhausted(struct governor *g) {
    enum verdict_rule rule;
    struct memory_state *m = &g->memory;
    if (!is_exhausted(g, &rule)) {
        m->no_victim_said = false;
        return;
    }
    struct leaf *l = NULL;
    for (uint32_t c = g->n_classes; c > g->n_protected && !l; c--)
        l = largest_of(g, c - 1);
    if (!l) {
        if (!m->no_victim_said)
            say_short(g, say(g, ACT_ALARM, RULE_NO_VICTIM, RES_MEMORY, 0));
        m->no_victim_said = true;
        return;
    }
    if (!may_kill(g) || is_pending(g))
        return;
    struct verdict *v = leaf_kill(g, l, rule, RES_MEMORY);
    say_short(g, v);
    say_fact(v, FACT_MEMORY, l->signal.memory_bytes, l->declared);
}

static bool is_refaulting(const struct governor *g, uint32_t class) {
    uint64_t rate = signal_rate(&g->signals, class, SERIES_REFAULTS, WINDOW_1S);
    return rate != READING_NONE && rate > g->conf.kill_refaults &&
           rate > g->conf.kill_refault_factor * signal_refault_baseline(&g->signals, class);
}

static bool loses_protected(const struct governor *g, uint32_t class) {
    uint64_t rate = signal_rate(&g->signals, class, SERIES_LOW, WINDOW_1S);
    return rate != READING_NONE && rate >= g->conf.kill_low_events;
}

static bool stands_still(const struct governor *g, uint32_t class) {
    uint64_t p10 = signal_pressure(&g->signals, class, RES_MEMORY, true, WINDOW_10S);
    uint64_t p1 = signal_pressure(&g->signals, class, RES_MEMORY, true, WINDOW_1S);
    return p10 != READING_NONE && p1 != READING_NONE && p10 > g->conf.kill_full && p1 > g->conf.kill_full;
}

/* Rule B: is a protected class hurt, which, and how? */
static bool is_hurt(struct governor *g, enum verdict_rule *ret_rule, uint32_t *ret_class) {
    struct memory_state *m = &g->memory;
    uint32_t refaulting = UINT32_MAX;
    for (uint32_t c = 0; c < g->n_protected; c++) {
        *ret_class = c;
        if (loses_protected(g, c)) {
            *ret_rule = RULE_KILL_LOW;
            return true;
        }
        if (stands_still(g, c)) {
            *ret_rule = RULE_KILL_FULL;
            return true;
        }
        if (is_refaulting(g, c) && refaulting == UINT32_MAX)
            refaulting = c;
    }
    if (refaulting == UINT32_MAX)
        m->refault_since = 0;
    else if (m->refault_since == 0)
        m->refault_since = g->now;
    *ret_class = refaulting == UINT32_MAX ? g->heat[RES_IO].class : refaulting;
    *ret_rule = refaulting == UINT32_MAX ? RULE_KILL_SHRUNK : RULE_KILL_REFAULT;
    return has_lasted(g, m->refault_since, g->conf.kill_refault_usec) ||
           has_lasted(g, m->thrash_since, g->conf.kill_refault_usec);
}

static void say_hurt(const struct governor *g, struct verdict *v, uint32_t class) {
    const struct signals *s = &g->signals;
    v->for_class = class;
    if (v->rule == RULE_KILL_LOW) {
        say_fact(v, FACT_LOW_EVENTS, signal_rate(s, class, SERIES_LOW, WINDOW_1S), g->conf.kill_low_events);
    } else if (v->rule == RULE_KILL_FULL) {
        say_fact(v, FACT_FULL, signal_pressure(s, class, RES_MEMORY, true, WINDOW_10S), g->conf.kill_full);
    } else if (v->rule == RULE_KILL_REFAULT) {
        uint64_t usual = g->conf.kill_refault_factor * signal_refault_baseline(s, class);
        say_fact(v, FACT_REFAULTS, signal_rate(s, class, SERIES_REFAULTS, WINDOW_1S),
                 MAX((uint64_t)g->conf.kill_refaults, usual));
    } else {
        say_fact(v, FACT_PRESSURE_1S, g->heat[RES_IO].pressure_1s, READING_NONE);
    }
    say_fact(v, FACT_PROTECTED, g->sample->classes[class].memory_bytes,
             g->sample->classes[class].protected_bytes);
}

static void kill_for_hurt(struct governor *g) {
    enum verdict_rule rule;
    uint32_t class, lowest = g->n_classes - 1;
    if (!is_hurt(g, &rule, &class) || !may_kill(g) || is_pending(g) || !is_to_blame(g, lowest, RES_MEMORY))
        return;
    struct leaf *l = largest_of(g, lowest);
    if (!l)
        return;
    struct verdict *v = leaf_kill(g, l, rule, RES_MEMORY);
    say_hurt(g, v, class);
    say_fact(v, FACT_MEMORY, l->signal.memory_bytes, l->declared);
    g->memory.refault_since = g->memory.thrash_since = 0; /* the effect takes a moment */
}

/* At a limit: its own, or that of its class, when that is the one that is reached. */
static bool is_at_limit(const struct governor *g, const struct leaf *l) {
    uint64_t class_high = g->memory.lanes[l->class].high;
    uint64_t rate = signal_rate(&g->signals, l->class, SERIES_HIGH, WINDOW_1S);
    if (l->signal.high_rate != READING_NONE && l->signal.high_rate > 0)
        return true;
    return class_high != NO_LIMIT && rate != READING_NONE && rate > 0;
}

static bool is_still_above(const struct governor *g, const struct leaf *l) {
    uint64_t class_high = g->memory.lanes[l->class].high,
             class_own = g->sample->classes[l->class].memory_bytes;
    if (class_high != NO_LIMIT && class_own != READING_NONE && class_own >= class_high - class_high / 50)
        return true;
    return l->own_high != READING_NONE && l->signal.memory_bytes != READING_NONE &&
           l->signal.memory_bytes >= l->own_high - l->own_high / 50;
}

/* Rule A, of one instance: at its limit and standing still for a time -> frozen for a moment, so that what
 * can be taken is taken -> still at the limit: killed. */
static void watch_stuck(struct governor *g, struct leaf *l) {
    if (l->state == LEAF_IS_FROZEN && l->stuck && g->now >= l->hold_until) {
        /* When another was killed just now: nobody waits for his turn frozen. */
        if (!is_still_above(g, l) || !may_kill(g)) {
            leaf_thaw(g, l, RULE_HOLD_OVER);
        } else {
            struct verdict *v = leaf_kill(g, l, RULE_KILL_STUCK, RES_MEMORY);
            say_fact(v, FACT_MEMORY, l->signal.memory_bytes,
                     MIN(g->memory.lanes[l->class].high, l->own_high));
        }
        l->stuck_since = 0;
    }
    if (l->state != LEAF_IS_FREE || l->signal.at != g->now)
        return;
    bool stuck = is_at_limit(g, l) && l->signal.full_ppm != READING_NONE &&
                 l->signal.full_ppm > g->conf.kill_stuck_pressure;
    if (!stuck)
        l->stuck_since = 0;
    else if (l->stuck_since == 0)
        l->stuck_since = g->now;
    if (!has_lasted(g, l->stuck_since, g->conf.kill_stuck_usec))
        return;
    uint64_t full = l->signal.full_ppm;
    struct verdict *v = leaf_freeze(g, l, RES_MEMORY, RULE_KILL_STUCK, g->conf.kill_stuck_freeze_usec);
    l->stuck = true;
    say_fact(v, FACT_FULL, full, g->conf.kill_stuck_pressure);
}

void kill_step(struct governor *g) {
    kill_exhausted(g);
    kill_for_hurt(g);
    for (uint32_t i = 0; i < g->leaves_top; i++)
        if (g->leaves[i].used && g->leaves[i].class == g->n_classes - 1)
            watch_stuck(g, &g->leaves[i]);
}
