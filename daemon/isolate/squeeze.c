/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of CPU and I/O: halved while it is hot, raised step by step when it is cool. The lanes of a
 * class are independent of each other, but classes wait for each other: down from the lowest, up from the
 * highest. */
#include "isolate/govparts.h"

static uint64_t cpus_milli(const struct governor *g) {
    return 1000ULL * MAX(g->sample->cpus, 1U);
}

static bool is_lowest(const struct governor *g, uint32_t class) {
    return class == g->n_classes - 1;
}

uint64_t cpu_floor(const struct governor *g, uint32_t class) {
    uint32_t floor = is_lowest(g, class) ? g->conf.squeeze_floor[RES_CPU] : g->conf.squeeze_floor_middle;
    return MAX(share(cpus_milli(g), floor), (uint64_t)10);
}

bool lane_at_floor(const struct governor *g, uint32_t class, enum resource r) {
    const struct lane *l = &g->lanes[class][r];
    if (l->state == LADDER_OPEN)
        return false;
    if (l->state != LADDER_SQUEEZE || !g->can_limit[r])
        return true;
    return r == RES_CPU ? l->cpu_milli <= cpu_floor(g, class) : l->reads && io_at_floor(g, class);
}

static uint64_t limit_of(const struct lane *l, enum resource r) {
    return r == RES_CPU ? l->cpu_milli : io_tightest(l);
}

/* A change of the limit: `notable` where the ladder's state changed with it. */
static void say_limit(struct governor *g, uint32_t class, enum resource r, enum verdict_act act,
                      enum verdict_rule rule, uint64_t before, bool notable) {
    struct verdict *v = say(g, act, rule, r, class);
    v->amount = limit_of(&g->lanes[class][r], r);
    v->notable = notable;
    if (act == ACT_SQUEEZE)
        say_heat(g, v, r);
    if (before != NO_LIMIT)
        say_fact(v, FACT_LIMIT_BEFORE, before, READING_NONE);
}

static uint64_t cpu_use(const struct governor *g, uint32_t class) {
    uint64_t milli = signal_cpu(&g->signals, class, WINDOW_1S);
    return milli == READING_NONE ? cpus_milli(g) : milli;
}

/* Lowers the limit once. False: it is at its floor, or there is nothing to limit. */
static bool cut(struct governor *g, uint32_t class, enum resource r) {
    struct lane *l = &g->lanes[class][r];
    if (!g->can_limit[r])
        return false;
    if (r == RES_IO)
        return io_cut(g, class);
    uint64_t from = l->cpu_milli == NO_LIMIT ? MIN(cpu_use(g, class), cpus_milli(g)) : l->cpu_milli;
    uint64_t to = MAX(share(from, PPM - g->conf.squeeze_cut), cpu_floor(g, class));
    if (to >= l->cpu_milli)
        return false;
    l->cpu_milli = to;
    return true;
}

/* Raises the limit; true when it has no effect any more. */
static bool ease(struct governor *g, uint32_t class, enum resource r) {
    struct lane *l = &g->lanes[class][r];
    uint32_t times = g->heat[r].idle ? 2 : 1; /* nobody to protect: twice as fast */
    if (!g->can_limit[r])
        return true;
    if (r == RES_IO)
        return io_ease(g, class, times);
    uint64_t step = share(cpus_milli(g), g->conf.squeeze_ease[RES_CPU]), above = 0;
    for (uint32_t c = 0; c < class; c++) {
        uint64_t use = signal_cpu(&g->signals, c, WINDOW_1S);
        above += use == READING_NONE ? 0 : use;
    }
    uint64_t left = cpus_milli(g) - MIN(above, cpus_milli(g));
    l->cpu_milli = MIN(l->cpu_milli + times * step, cpus_milli(g) + step);
    return l->cpu_milli >= MIN(left + step, cpus_milli(g));
}

static void open_lane(struct governor *g, uint32_t class, enum resource r, enum verdict_rule rule) {
    struct lane *l = &g->lanes[class][r];
    uint64_t before = limit_of(l, r);
    l->state = LADDER_OPEN;
    l->cpu_milli = NO_LIMIT;
    io_open(l);
    l->floor_since = l->ceiling_since = 0;
    l->eased_at = g->now;
    say_limit(g, class, r, ACT_OPEN, rule, before, true);
}

/* The classes below had their turn: they are at their floor, or do not use the resource. */
static bool lower_are_done(const struct governor *g, uint32_t class, enum resource r) {
    for (uint32_t c = class + 1; c < g->n_classes; c++)
        if (!lane_at_floor(g, c, r) && is_to_blame(g, c, r))
            return false;
    return true;
}

static bool higher_are_open(const struct governor *g, uint32_t class, enum resource r) {
    for (uint32_t c = g->n_protected; c < class; c++)
        if (g->lanes[c][r].state != LADDER_OPEN)
            return false;
    return true;
}

static bool has_turn(const struct governor *g, uint32_t class, enum resource r) {
    return is_lowest(g, class) ||
           (lower_are_done(g, class, r) && has_lasted(g, g->heat[r].hot_since, g->conf.squeeze_middle_usec));
}

/* How long it has to be cool: longer when the last giving back was followed by trouble. */
static uint64_t cool_span(const struct governor *g, const struct lane *l) {
    uint64_t span = g->conf.cool_usec << l->relapses;
    return MIN(span, g->conf.cool_max_usec);
}

static void note_cut(struct governor *g, struct lane *l) {
    if (!l->cut_at || has_lasted(g, MAX(l->cut_at, l->eased_at), g->conf.relapse_usec))
        l->relapses = 0;
    else if (l->eased_at > l->cut_at)
        l->relapses = MIN(l->relapses + 1, 8U); /* far below a shift of 64 */
    l->cut_at = l->stepped_at = g->now;
    l->ceiling_since = 0;
}

static void step_open(struct governor *g, uint32_t class, enum resource r) {
    struct lane *l = &g->lanes[class][r];
    if (!g->heat[r].hot || !is_to_blame(g, class, r) || !has_turn(g, class, r))
        return;
    bool is_cut = cut(g, class, r);
    if (!is_cut && g->can_limit[r])
        return;
    note_cut(g, l);
    l->state = LADDER_SQUEEZE;
    l->floor_since = 0;
    say_limit(g, class, r, ACT_SQUEEZE, g->heat[r].why, NO_LIMIT, true);
}

/* At the floor and still hot for a while: reads too, then the freezer. */
static void at_floor(struct governor *g, uint32_t class, enum resource r) {
    struct lane *l = &g->lanes[class][r];
    if (l->floor_since == 0)
        l->floor_since = g->now;
    if (!has_lasted(g, l->floor_since, g->conf.freeze_after_usec))
        return;
    if (r == RES_IO && g->can_limit[r] && io_widen(g, class)) {
        l->floor_since = 0;
        return;
    }
    if (is_lowest(g, class) && g->now >= g->heat[r].futile_until)
        freeze_more(g, r);
}

static void go_down(struct governor *g, uint32_t class, enum resource r) {
    struct lane *l = &g->lanes[class][r];
    if (!has_turn(g, class, r))
        return;
    uint64_t before = limit_of(l, r);
    if (cut(g, class, r)) {
        note_cut(g, l);
        say_limit(g, class, r, ACT_SQUEEZE, g->heat[r].why, before, false);
        return;
    }
    at_floor(g, class, r);
}

/* It uses next to nothing, and not because of the limit. */
static bool is_gone(const struct governor *g, uint32_t class, enum resource r) {
    if (!g->heat[r].known || !uses_nothing(g, class, r))
        return false;
    if (r == RES_IO)
        return !io_is_felt(g, class);
    uint64_t milli = signal_cpu(&g->signals, class, WINDOW_5S), limit = g->lanes[class][r].cpu_milli;
    return limit == NO_LIMIT || milli < limit / 2;
}

static void go_up(struct governor *g, uint32_t class, enum resource r) {
    struct lane *l = &g->lanes[class][r];
    if (is_gone(g, class, r)) {
        open_lane(g, class, r, RULE_HOG_GONE);
        return;
    }
    if (!higher_are_open(g, class, r))
        return;
    uint64_t before = limit_of(l, r);
    l->stepped_at = l->eased_at = g->now;
    bool at_ceiling = ease(g, class, r);
    if (!at_ceiling)
        l->ceiling_since = 0;
    else if (l->ceiling_since == 0)
        l->ceiling_since = g->now;
    if (has_lasted(g, l->ceiling_since, g->conf.squeeze_open_usec))
        open_lane(g, class, r, RULE_CEILING);
    else if (limit_of(l, r) != before)
        say_limit(g, class, r, ACT_EASE, g->heat[r].known ? RULE_COOL : RULE_BLIND, before, false);
}

static void step_squeezed(struct governor *g, uint32_t class, enum resource r) {
    struct lane *l = &g->lanes[class][r];
    const struct heat *h = &g->heat[r];
    if (!has_lasted(g, l->stepped_at, g->conf.squeeze_step_usec))
        return;
    if (!h->hot)
        l->floor_since = 0;
    if (h->hot && is_to_blame(g, class, r))
        go_down(g, class, r);
    else if (has_lasted(g, h->cool_since, cool_span(g, l)))
        go_up(g, class, r);
}

/* Frozen instances come back one by one when their hold ends (freeze.c); the lane is squeezed again with the
 * last of them, at the limit it had. */
static void step_frozen(struct governor *g, uint32_t class, enum resource r) {
    struct lane *l = &g->lanes[class][r];
    if (g->heat[r].hot && has_lasted(g, l->frozen_at, g->conf.freeze_step_usec))
        freeze_more(g, r);
    if (g->frozen[r] > 0 || g->evicting != UINT32_MAX)
        return;
    l->state = LADDER_SQUEEZE;
    l->stepped_at = g->now;
    l->floor_since = 0;
    (void)class;
}

void squeeze_step(struct governor *g) {
    for (unsigned r = 0; r < RES_MEMORY; r++)
        for (uint32_t i = g->n_classes; i > g->n_protected; i--) {
            uint32_t class = i - 1;
            switch (g->lanes[class][r].state) {
            case LADDER_OPEN:
                step_open(g, class, r);
                break;
            case LADDER_SQUEEZE:
                step_squeezed(g, class, r);
                break;
            case LADDER_FROZEN:
            case LADDER_EVICT:
                step_frozen(g, class, r);
                break;
            case LADDER_STATES:
                break;
            }
        }
}
