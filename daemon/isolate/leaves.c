/* SPDX-License-Identifier: Apache-2.0 */
/* The instances: who is there, what state each is in, and the few things that change it. Decides nothing. */
#include "isolate/govparts.h"

#include <string.h>

#define OPS_BYTES 4096

static uint64_t bucket_usec(const struct governor *g) {
    return MAX(g->conf.evict_window_usec / FROZEN_BUCKETS, (uint64_t)1);
}

static void begin(struct leaf *l, const struct leaf_reading *r) {
    *l = (struct leaf){.used = true, .key = r->key, .class = r->class, .started = r->started_usec};
    leaf_signal_reset(&l->signal);
}

static void leave_state(struct governor *g, struct leaf *l) {
    if (l->state == LEAF_IS_FROZEN)
        g->frozen[l->frozen_for]--;
    if (g->evicting < g->leaves_max && &g->leaves[g->evicting] == l)
        g->evicting = UINT32_MAX;
    l->state = LEAF_IS_FREE;
    l->stuck = false;
}

static void enter_state(struct governor *g, struct leaf *l, enum leaf_state state) {
    leave_state(g, l);
    l->state = state;
    l->since = g->now;
}

static struct verdict *say_leaf(struct governor *g, const struct leaf *l, enum verdict_act act,
                                enum verdict_rule rule, enum resource r) {
    struct verdict *v = say(g, act, rule, r, l->class);
    v->leaf = l->key;
    return v;
}

struct verdict *leaf_freeze(struct governor *g, struct leaf *l, enum resource r, enum verdict_rule rule,
                            uint64_t hold) {
    enter_state(g, l, LEAF_IS_FROZEN);
    g->frozen[r]++;
    l->frozen_for = r;
    l->helped = false;
    l->hold_until = g->now + hold;
    l->freezes++;
    struct verdict *v = say_leaf(g, l, ACT_FREEZE, rule, r);
    v->amount = hold;
    if (r != RES_MEMORY)
        say_heat(g, v, r);
    return v;
}

void leaf_thaw(struct governor *g, struct leaf *l, enum verdict_rule rule) {
    struct verdict *v = say_leaf(g, l, ACT_THAW, rule, l->frozen_for);
    say_fact(v, FACT_HELD, g->now - l->since, l->hold_until - l->since);
    enter_state(g, l, LEAF_IS_FREE);
    l->thawed_at = g->now;
}

void leaf_stop(struct governor *g, struct leaf *l, enum resource r) {
    enter_state(g, l, LEAF_IS_STOPPING);
    g->evicting = (uint32_t)(l - g->leaves);
    g->evicted_at = g->now;
    struct verdict *v = say_leaf(g, l, ACT_STOP, RULE_FROZEN_LONG, r);
    v->amount = g->conf.evict_stop_usec;
    say_fact(v, FACT_HELD, leaf_frozen_lately(g, l), g->conf.evict_frozen_usec);
    say_heat(g, v, r);
}

bool may_kill(const struct governor *g) {
    return g->memory.killed_at == 0 || has_lasted(g, g->memory.killed_at, g->conf.kill_interval_usec);
}

struct verdict *leaf_kill(struct governor *g, struct leaf *l, enum verdict_rule rule, enum resource r) {
    uint64_t waited = g->now - l->since;
    enter_state(g, l, LEAF_IS_KILLED);
    g->memory.killed_at = g->now;
    g->memory.killed_class = l->class;
    struct verdict *v = say_leaf(g, l, ACT_KILL, rule, r);
    if (rule == RULE_STOP_TIMEOUT || rule == RULE_KILL_AGAIN)
        say_fact(v, FACT_HELD, waited, rule == RULE_STOP_TIMEOUT ? g->conf.evict_stop_usec : READING_NONE);
    return v;
}

uint64_t leaf_use(const struct leaf *l, enum resource r) {
    switch (r) {
    case RES_CPU:
        return l->signal.cpu_ppm;
    case RES_IO:
        if (l->signal.io_bytes_rate == READING_NONE || l->signal.io_ops_rate == READING_NONE)
            return l->signal.io_bytes_rate;
        return l->signal.io_bytes_rate + OPS_BYTES * l->signal.io_ops_rate;
    case RES_MEMORY:
    case RESOURCES:
        break;
    }
    return l->signal.memory_bytes;
}

uint64_t leaf_frozen_lately(const struct governor *g, const struct leaf *l) {
    uint64_t now = g->now / bucket_usec(g), sum = 0;
    for (uint64_t i = 0; i < FROZEN_BUCKETS; i++)
        if (l->bucket >= i && now < FROZEN_BUCKETS + l->bucket - i)
            sum += l->frozen_usec[(l->bucket - i) % FROZEN_BUCKETS];
    return sum;
}

/* Counts the time since the last tick for one that is frozen. */
static void account(struct governor *g, struct leaf *l) {
    uint64_t now = g->now / bucket_usec(g), step = g->now - MAX(g->before, l->since);
    step = MIN(step, (uint64_t)SIGNAL_GAP_USEC); /* a suspend is nobody's punishment */
    for (uint64_t b = MAX(l->bucket + 1, now < FROZEN_BUCKETS ? 0 : now - FROZEN_BUCKETS + 1); b <= now; b++)
        l->frozen_usec[b % FROZEN_BUCKETS] = 0;
    l->bucket = now;
    l->frozen_usec[now % FROZEN_BUCKETS] += step;
    l->frozen_total += step;
    l->helped |= !g->heat[l->frozen_for].hot;
}

/* Another process under the same name, or the app changed its class. The group may still be frozen. */
static void renew(struct governor *g, struct leaf *l, const struct leaf_reading *r) {
    if (l->state == LEAF_IS_FROZEN)
        leaf_thaw(g, l, RULE_NEW_PROCESS);
    leave_state(g, l);
    begin(l, r);
}

static struct leaf *find_or_add(struct governor *g, const struct leaf_reading *r, uint32_t *left_out) {
    uint32_t i = leafmap_get(g->map, r->key);
    if (i != LEAFMAP_NONE)
        return &g->leaves[i];
    i = leafmap_add(g->map, r->key);
    if (i == LEAFMAP_NONE) {
        (*left_out)++;
        return NULL;
    }
    g->leaves_top = MAX(g->leaves_top, i + 1);
    begin(&g->leaves[i], r);
    return &g->leaves[i];
}

static void take_reading(struct governor *g, const struct leaf_reading *r, uint32_t *left_out) {
    if (r->class >= g->n_classes || r->key == VERDICT_NO_LEAF)
        return;
    struct leaf *l = find_or_add(g, r, left_out);
    if (!l)
        return;
    if (l->started != r->started_usec || l->class != r->class)
        renew(g, l, r);
    l->seen = g->tick;
    l->member = r->member;
    l->declared = r->declared_bytes;
    if (!r->fresh)
        return;
    l->own_high = r->memory_high_bytes;
    leaf_signal_add(&l->signal, r, g->now);
}

void leaves_update(struct governor *g) {
    uint32_t left_out = 0;
    for (uint32_t i = 0; i < g->sample->n_leaves; i++)
        take_reading(g, &g->sample->leaves[i], &left_out);
    for (uint32_t i = 0; i < g->leaves_top; i++) {
        struct leaf *l = &g->leaves[i];
        if (!l->used)
            continue;
        if (l->seen != g->tick) {
            leave_state(g, l);
            leafmap_remove(g->map, l->key);
            l->used = false;
        } else if (l->state == LEAF_IS_FROZEN) {
            account(g, l);
        }
    }
    while (g->leaves_top > 0 && !g->leaves[g->leaves_top - 1].used)
        g->leaves_top--;
    if (left_out > 0 && !g->too_many_said) {
        struct verdict *v = say(g, ACT_ALARM, RULE_TOO_MANY, RES_CPU, 0);
        say_fact(v, FACT_INSTANCES, g->sample->n_leaves, g->leaves_max);
    }
    g->too_many_said = left_out > 0;
}

void leaves_undo(struct governor *g, enum verdict_rule rule) {
    for (uint32_t i = 0; i < g->leaves_top; i++) {
        struct leaf *l = &g->leaves[i];
        if (l->used && l->state == LEAF_IS_FROZEN)
            leaf_thaw(g, l, rule);
        l->thawed_at = l->stuck_since = 0;
    }
}

static void blame_for(struct governor *g, enum resource r) {
    const struct heat *h = &g->heat[r];
    if (!h->known || h->pressure_1s <= h->baseline + g->conf.cool[r] || g->before == 0)
        return;
    uint64_t stall = share(g->now - g->before, h->pressure_1s - h->baseline), all = 0;
    for (uint32_t i = 0; i < g->leaves_top; i++) {
        const struct leaf *l = &g->leaves[i];
        uint64_t use = l->used && l->class >= g->n_protected ? leaf_use(l, r) : 0;
        all += use == READING_NONE ? 0 : use;
    }
    for (uint32_t i = 0; i < g->leaves_top && all > 0; i++) {
        struct leaf *l = &g->leaves[i];
        uint64_t use = l->used && l->class >= g->n_protected ? leaf_use(l, r) : 0;
        if (use != READING_NONE && use > 0)
            l->stalled[r] += (uint64_t)((unsigned __int128)stall * use / all);
    }
}

void leaves_blame(struct governor *g) {
    for (unsigned r = 0; r < RESOURCES; r++)
        blame_for(g, r);
}
