/* SPDX-License-Identifier: Apache-2.0 */
/* Two small matters of the CPU: the guard against inversion, and the headroom of the latency profile. */
#include "isolate/govparts.h"

#include "base/clock.h"

static uint64_t cpus_milli(const struct governor *g) {
    return 1000ULL * MAX(g->sample->cpus, 1U);
}

/* A protected class waits for the disk or for memory, the CPUs are taken by it, and the lower class gets
 * none: then what it waits for may be in the hands of a task that does not run. */
static bool is_inverted(const struct governor *g, uint32_t class) {
    uint64_t used = 0;
    for (uint32_t c = 0; c < g->n_protected; c++) {
        uint64_t milli = signal_cpu(&g->signals, c, WINDOW_5S);
        used += milli == READING_NONE ? 0 : milli;
    }
    uint64_t starved = signal_pressure(&g->signals, class, RES_CPU, true, WINDOW_5S);
    return (g->heat[RES_IO].hot || g->heat[RES_MEMORY].hot) && starved != READING_NONE &&
           starved > g->conf.inversion_pressure && used > share(cpus_milli(g), g->conf.inversion_cpu);
}

static void step_class(struct governor *g, uint32_t class) {
    struct lift *l = &g->lifts[class];
    if (l->until > 0 && g->now >= l->until) {
        l->until = 0;
        l->last = g->now;
        say(g, ACT_UNLIFT, RULE_INVERSION_OVER, RES_CPU, class);
    }
    if (!g->idle[class] || l->until > 0 ||
        (l->last > 0 && !has_lasted(g, l->last, g->conf.inversion_pause_usec)) || !is_inverted(g, class))
        return;
    l->until = g->now + g->conf.inversion_lift_usec;
    struct verdict *v = say(g, ACT_LIFT, RULE_INVERSION, RES_CPU, class);
    v->amount = g->conf.inversion_weight;
    say_heat(g, v, g->heat[RES_IO].hot ? RES_IO : RES_MEMORY);
    say_fact(v, FACT_STARVED, signal_pressure(&g->signals, class, RES_CPU, true, WINDOW_5S),
             g->conf.inversion_pressure);
}

void lift_step(struct governor *g) {
    for (uint32_t c = g->n_protected; c < g->n_classes; c++)
        step_class(g, c);
}

/* What the classes above the lowest use, at the busier of two windows; READING_NONE when one is unknown. */
static uint64_t used_above(const struct governor *g) {
    uint64_t sum = 0;
    for (uint32_t c = 0; c + 1 < g->n_classes; c++) {
        uint64_t now = signal_cpu(&g->signals, c, WINDOW_1S), lately = signal_cpu(&g->signals, c, WINDOW_5S);
        if (now == READING_NONE)
            return READING_NONE;
        sum += lately == READING_NONE ? now : MAX(now, lately);
    }
    return sum;
}

void headroom_step(struct governor *g) {
    if (g->conf.profile != GOVERNOR_LATENCY || !g->can_limit[RES_CPU]) {
        g->headroom_milli = NO_LIMIT;
        return;
    }
    if (g->headroom_at > 0 && !has_lasted(g, g->headroom_at, USEC_PER_SEC))
        return;
    uint64_t used = used_above(g), all = cpus_milli(g), floor = cpu_floor(g, g->n_classes - 1);
    if (used == READING_NONE)
        return; /* what holds, holds */
    uint64_t may = share(all, PPM - g->conf.latency_headroom);
    uint64_t limit = MAX(may > used ? may - used : 0, floor), before = g->headroom_milli;
    g->headroom_at = g->now;
    uint64_t change = before > limit ? before - limit : limit - before;
    if (before != NO_LIMIT && change < share(all, g->conf.squeeze_deadband))
        return;
    g->headroom_milli = limit;
    bool eases = before != NO_LIMIT && limit > before;
    struct verdict *v = say(g, eases ? ACT_EASE : ACT_SQUEEZE, RULE_HEADROOM, RES_CPU, g->n_classes - 1);
    v->amount = limit;
    v->notable = before == NO_LIMIT;
    if (before != NO_LIMIT)
        say_fact(v, FACT_LIMIT_BEFORE, before, READING_NONE);
}
