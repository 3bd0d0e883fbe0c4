/* SPDX-License-Identifier: Apache-2.0 */
/* The gentle half of the memory ladder: reclaim and memory.high. kill.c has the other. */
#include "isolate/govparts.h"

static uint64_t total_of(const struct governor *g) {
    return g->sample->memory_total == READING_NONE ? 0 : g->sample->memory_total;
}

/* Half of what the protected classes may still claim stays free, besides the share that always does. */
uint64_t memory_target(const struct governor *g) {
    uint64_t target = share(total_of(g), g->conf.memory_free);
    for (uint32_t c = 0; c < g->n_protected; c++) {
        const struct class_reading *r = &g->sample->classes[c];
        if (r->protected_bytes != READING_NONE && r->memory_bytes != READING_NONE &&
            r->protected_bytes > r->memory_bytes)
            target += (r->protected_bytes - r->memory_bytes) / 2;
    }
    return target;
}

bool memory_is_short(const struct governor *g) {
    return g->sample->memory_available != READING_NONE && g->sample->memory_available < memory_target(g);
}

static bool has_shrunk(const struct governor *g, uint32_t class) {
    const struct class_reading *r = &g->sample->classes[class];
    if (r->protected_bytes == READING_NONE || r->memory_bytes == READING_NONE)
        return false;
    uint64_t should = MIN(r->protected_bytes, signal_memory_most(&g->signals, class));
    return r->memory_bytes < should - share(should, g->conf.kill_shrunk);
}

bool memory_thrashes(const struct governor *g) {
    bool shrunk = false;
    for (uint32_t c = 0; c < g->n_protected; c++)
        shrunk |= has_shrunk(g, c);
    return shrunk && g->heat[RES_IO].hot;
}

/* What a class keeps: a share of the host, and what it was promised. */
static uint64_t floor_of(const struct governor *g, uint32_t class) {
    uint64_t floor = share(total_of(g), g->conf.squeeze_floor[RES_MEMORY]);
    uint64_t promised = g->sample->classes[class].protected_bytes;
    return promised == READING_NONE ? floor : MAX(floor, promised);
}

/* The lowest class that holds more than its floor, or UINT32_MAX. */
static uint32_t holder(const struct governor *g) {
    for (uint32_t c = g->n_classes; c > g->n_protected; c--) {
        uint64_t own = g->sample->classes[c - 1].memory_bytes;
        if (own != READING_NONE && own > floor_of(g, c - 1))
            return c - 1;
    }
    return UINT32_MAX;
}

static void say_memory(struct governor *g, struct verdict *v) {
    if (v->rule == RULE_MEMORY_HOT)
        say_heat(g, v, RES_MEMORY);
    else if (v->rule == RULE_MEMORY_THRASH)
        say_heat(g, v, RES_IO);
    say_fact(v, FACT_AVAILABLE, g->sample->memory_available, memory_target(g));
    say_fact(v, FACT_MEMORY, g->sample->classes[v->class].memory_bytes, READING_NONE);
}

/* Lowers memory.high of the lowest class: by `bytes` below what it has now. */
static void lower(struct governor *g, uint32_t class, uint64_t bytes, enum verdict_rule rule) {
    struct memory_lane *l = &g->memory.lanes[class];
    uint64_t own = g->sample->classes[class].memory_bytes, before = l->high;
    uint64_t floor = floor_of(g, class), high = own > bytes ? own - bytes : 0;
    high = MAX(high, floor);
    l->roomy_since = 0;
    if (high >= before)
        return;
    l->high = high;
    struct verdict *v = say(g, ACT_SQUEEZE, rule, RES_MEMORY, class);
    v->amount = high;
    v->notable = before == NO_LIMIT;
    say_memory(g, v);
}

static void take(struct governor *g, enum verdict_rule rule, bool goes_on) {
    uint32_t class = holder(g);
    if (class == UINT32_MAX || !g->can_limit[RES_MEMORY])
        return;
    uint64_t total = total_of(g), own = g->sample->classes[class].memory_bytes;
    uint64_t bytes = share(total, g->conf.squeeze_ease[RES_MEMORY]);
    if (rule == RULE_MEMORY_SHORT)
        bytes = MIN(memory_target(g) - g->sample->memory_available, share(total, g->conf.memory_reclaim_max));
    bytes = MIN(bytes, own - floor_of(g, class));
    struct verdict *v = say(g, ACT_RECLAIM, rule, RES_MEMORY, class);
    v->amount = bytes;
    v->notable =
        !goes_on && (g->memory.said_at == 0 || has_lasted(g, g->memory.said_at, g->conf.relapse_usec));
    if (v->notable)
        g->memory.said_at = g->now;
    say_memory(g, v);
    /* Reclaim disturbs nobody; a limit stops the whole app for as long as it is over it. So the limit comes
     * only when reclaim was not enough, and never for a class that is not the lowest. */
    if (goes_on && class == g->n_classes - 1)
        lower(g, class, bytes, rule);
}

static bool is_back(const struct governor *g) {
    uint64_t available = g->sample->memory_available;
    const struct heat *h = &g->heat[RES_MEMORY];
    if (available != READING_NONE &&
        available < memory_target(g) + share(total_of(g), g->conf.memory_give_back))
        return false;
    return !h->known || h->pressure_10s == READING_NONE ||
           h->pressure_10s < h->baseline + g->conf.cool[RES_MEMORY];
}

static void raise(struct governor *g, uint32_t class) {
    struct memory_lane *l = &g->memory.lanes[class];
    uint64_t own = g->sample->classes[class].memory_bytes, total = total_of(g);
    l->high += share(total, g->conf.squeeze_ease[RES_MEMORY]);
    bool roomy = own == READING_NONE || own + share(total, g->conf.memory_give_back) <= l->high;
    if (!roomy)
        l->roomy_since = 0;
    else if (l->roomy_since == 0)
        l->roomy_since = g->now;
    bool opens = l->high >= total || has_lasted(g, l->roomy_since, g->conf.squeeze_open_usec);
    if (opens)
        l->high = NO_LIMIT;
    struct verdict *v = say(g, opens ? ACT_OPEN : ACT_EASE, RULE_MEMORY_BACK, RES_MEMORY, class);
    v->amount = l->high;
    v->notable = opens;
    say_memory(g, v);
}

static void mark(const struct governor *g, uint64_t *since, bool on) {
    if (!on)
        *since = 0;
    else if (*since == 0)
        *since = g->now;
}

static bool is_hot(const struct governor *g) {
    bool blamed = false;
    for (uint32_t c = g->n_protected; c < g->n_classes; c++)
        blamed |= is_to_blame(g, c, RES_MEMORY);
    return blamed && g->heat[RES_MEMORY].hot;
}

void memory_step(struct governor *g) {
    struct memory_state *m = &g->memory;
    bool is_short = memory_is_short(g), thrashes = memory_thrashes(g), hot = is_hot(g);
    bool trouble = is_short || thrashes || hot, goes_on = m->short_since > 0;
    mark(g, &m->thrash_since, thrashes);
    mark(g, &m->back_since, !trouble && is_back(g));
    if (m->stepped_at > 0 && !has_lasted(g, m->stepped_at, g->conf.squeeze_step_usec))
        return;
    mark(g, &m->short_since, trouble);
    if (trouble) {
        m->stepped_at = g->now;
        take(g, is_short ? RULE_MEMORY_SHORT : thrashes ? RULE_MEMORY_THRASH : RULE_MEMORY_HOT, goes_on);
        return;
    }
    for (uint32_t c = g->n_protected; c < g->n_classes && m->back_since > 0; c++)
        if (m->lanes[c].high != NO_LIMIT) {
            m->stepped_at = g->now;
            raise(g, c);
        }
}
