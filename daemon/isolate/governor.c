/* SPDX-License-Identifier: Apache-2.0 */
/* The governor's turn: readings in, the parts one after another, targets and verdicts out. */
#include "isolate/governor.h"

#include "isolate/govparts.h"

#include <errno.h>
#include <string.h>

#define VERDICTS_MORE 64 /* besides two for each instance */

/* The state that the parts share, and the answer that only this file makes. */
struct whole {
    struct governor g;
    struct governor_answer answer;
};

static struct whole *whole_of(struct governor *g) {
    return CONTAINER_OF(g, struct whole, g);
}

struct verdict *say(struct governor *g, enum verdict_act act, enum verdict_rule rule, enum resource r,
                    uint32_t class) {
    /* The last place is for what there is no room for. */
    struct verdict *v = &g->verdicts[g->n_verdicts];
    if (g->n_verdicts + 1 < g->verdicts_max)
        g->n_verdicts++;
    *v = (struct verdict){.at_usec = g->now,
                          .act = act,
                          .rule = rule,
                          .resource = r,
                          .notable = true,
                          .class = class,
                          .for_class = g->heat[r].class,
                          .leaf = VERDICT_NO_LEAF,
                          .amount = NO_LIMIT};
    return v;
}

void say_fact(struct verdict *v, enum fact_kind kind, uint64_t value, uint64_t limit) {
    if (v->n_facts < VERDICT_FACTS)
        v->facts[v->n_facts++] = (struct verdict_fact){kind, value, limit};
}

void governor_setup_from(const struct class_table *t, struct governor_setup *ret) {
    *ret = (struct governor_setup){.n_classes = t->n, .leaves_max = 1024, .can_limit = {true, true, true}};
    for (uint32_t i = 0; i < t->n; i++) {
        memcpy(ret->classes[i].name, t->classes[i].name, sizeof(ret->classes[i].name));
        ret->classes[i].cpu_idle = t->classes[i].cpu_idle || t->classes[i].cpu_weight == 1;
    }
}

/* Nothing is limited, frozen or known. */
static void clear(struct governor *g) {
    memset(g->heat, 0, sizeof(g->heat));
    memset(g->lanes, 0, sizeof(g->lanes));
    memset(g->lifts, 0, sizeof(g->lifts));
    memset(&g->memory, 0, sizeof(g->memory));
    for (uint32_t c = 0; c < CLASS_MAX; c++) {
        g->memory.lanes[c].high = NO_LIMIT;
        for (unsigned r = 0; r < RES_MEMORY; r++) {
            g->lanes[c][r].cpu_milli = NO_LIMIT;
            io_open(&g->lanes[c][r]);
        }
    }
    for (unsigned r = 0; r < RESOURCES; r++)
        g->heat[r].pressure_1s = g->heat[r].pressure_10s = READING_NONE;
    g->headroom_milli = NO_LIMIT;
    g->headroom_at = g->evicted_at = 0;
    g->before = 0;
}

static uint64_t cpu_target(const struct governor *g, uint32_t class) {
    uint64_t milli = g->lanes[class][RES_CPU].cpu_milli;
    if (class == g->n_classes - 1)
        milli = MIN(milli, g->headroom_milli);
    if (milli != NO_LIMIT && g->lifts[class].until > 0)
        milli = MAX(milli, 2 * cpu_floor(g, class));
    return milli;
}

static enum ladder_state memory_state_of(const struct governor *g, uint32_t class) {
    const struct memory_state *m = &g->memory;
    if (m->killed_at > 0 && m->killed_class == class &&
        !has_lasted(g, m->killed_at, g->conf.kill_interval_usec))
        return LADDER_EVICT;
    if (class == g->n_classes - 1 && g->frozen[RES_MEMORY] > 0)
        return LADDER_FROZEN;
    return m->lanes[class].high != NO_LIMIT ? LADDER_SQUEEZE : LADDER_OPEN;
}

/* New instances would only make it worse: memory is short, one was killed or evicted just now, or the class
 * is frozen. */
static bool holds_starts(const struct governor *g, uint32_t class) {
    const struct memory_state *m = &g->memory;
    for (unsigned r = 0; r < RES_MEMORY; r++)
        if (g->lanes[class][r].state >= LADDER_FROZEN)
            return true;
    if (m->killed_at > 0 && m->killed_class == class &&
        !has_lasted(g, m->killed_at, g->conf.evict_pause_usec))
        return true;
    return class == g->n_classes - 1 &&
           (m->short_since > 0 ||
            (g->evicted_at > 0 && !has_lasted(g, g->evicted_at, g->conf.evict_pause_usec)));
}

static bool wants_leaves(const struct governor *g, uint32_t class) {
    for (unsigned r = 0; r < RESOURCES; r++)
        if (g->heat[r].hot || (r < RES_MEMORY && g->lanes[class][r].state != LADDER_OPEN))
            return true;
    return g->memory.short_since > 0 || g->memory.lanes[class].high != NO_LIMIT ||
           (class == g->n_classes - 1 && g->memory.back_since == 0);
}

static void fill_target(const struct governor *g, uint32_t class, struct class_target *t) {
    t->cpu_milli = cpu_target(g, class);
    memcpy(t->io, g->lanes[class][RES_IO].io, sizeof(t->io));
    t->memory_high = g->memory.lanes[class].high;
    if (class < g->n_protected || !g->sample)
        return;
    t->lift_weight = g->lifts[class].until > 0 ? g->conf.inversion_weight : 0;
    t->hold_starts = holds_starts(g, class);
    t->read_leaves = wants_leaves(g, class);
    for (unsigned r = 0; r < RES_MEMORY; r++)
        t->state[r] = g->lanes[class][r].state;
    t->state[RES_MEMORY] = memory_state_of(g, class);
}

static const struct governor_answer *answer(struct governor *g, bool ignored) {
    struct governor_answer *a = &whole_of(g)->answer;
    a->verdicts = g->verdicts;
    a->n_verdicts = g->n_verdicts;
    a->ignored = ignored;
    if (!ignored) {
        memset(a->classes, 0, sizeof(a->classes));
        for (uint32_t c = 0; c < g->n_classes; c++)
            fill_target(g, c, &a->classes[c]);
    }
    return a;
}

static int find_protected(const struct governor_conf *conf, const struct governor_setup *setup,
                          uint32_t *ret) {
    if (conf->protect[0] == '\0') {
        *ret = 1;
        return 0;
    }
    for (uint32_t i = 0; i < setup->n_classes; i++)
        if (strcmp(setup->classes[i].name, conf->protect) == 0) {
            *ret = i + 1;
            return 0;
        }
    return -ENOENT;
}

int governor_new(const struct governor_conf *conf, const struct governor_setup *setup,
                 struct governor **ret) {
    uint32_t n_protected = 1;
    if (setup->n_classes == 0 || setup->n_classes > CLASS_MAX || setup->leaves_max == 0 ||
        setup->leaves_max > GOVERNOR_LEAVES_MAX)
        return -EINVAL;
    int r = find_protected(conf, setup, &n_protected);
    if (r < 0)
        return r;
    struct whole *w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    struct governor *g = &w->g;
    g->conf = *conf;
    g->n_classes = setup->n_classes;
    g->n_protected = n_protected;
    g->leaves_max = setup->leaves_max;
    g->evicting = UINT32_MAX;
    memcpy(g->can_limit, setup->can_limit, sizeof(g->can_limit));
    for (uint32_t i = 0; i < setup->n_classes; i++)
        g->idle[i] = setup->classes[i].cpu_idle;
    g->verdicts_max = 2 * setup->leaves_max + VERDICTS_MORE;
    g->verdicts = calloc(g->verdicts_max, sizeof(*g->verdicts));
    g->leaves = calloc(setup->leaves_max, sizeof(*g->leaves));
    g->map = leafmap_new(setup->leaves_max);
    if (!g->verdicts || !g->leaves || !g->map) {
        governor_free(g);
        return -ENOMEM;
    }
    signals_reset(&g->signals);
    clear(g);
    answer(g, false); /* targets that hold until the first sample */
    *ret = g;
    return 0;
}

void governor_free(struct governor *g) {
    if (!g)
        return;
    free(g->verdicts);
    free(g->leaves);
    leafmap_free(g->map);
    free(whole_of(g));
}

void governor_configure(struct governor *g, const struct governor_conf *conf) {
    g->conf = *conf;
}

/* Everything as at the beginning, told. */
static void undo(struct governor *g, enum verdict_rule rule) {
    for (uint32_t c = g->n_protected; c < g->n_classes; c++) {
        for (unsigned r = 0; r < RES_MEMORY; r++)
            if (g->lanes[c][r].state != LADDER_OPEN ||
                (r == RES_CPU && c == g->n_classes - 1 && g->headroom_milli != NO_LIMIT))
                say(g, ACT_OPEN, rule, r, c);
        if (g->memory.lanes[c].high != NO_LIMIT)
            say(g, ACT_OPEN, rule, RES_MEMORY, c);
        if (g->lifts[c].until > 0)
            say(g, ACT_UNLIFT, rule, RES_CPU, c);
    }
    leaves_undo(g, rule);
    clear(g);
}

const struct governor_answer *governor_release(struct governor *g, uint64_t now_usec) {
    g->n_verdicts = 0;
    g->now = MAX(now_usec, g->now);
    undo(g, RULE_RELEASE);
    return answer(g, false);
}

static void decide(struct governor *g) {
    leaves_update(g);
    io_best_update(g);
    heat_update(g);
    if (g->n_classes > g->n_protected) {
        leaves_blame(g);
        memory_step(g);
        kill_step(g);
        freeze_step(g);
        squeeze_step(g);
        lift_step(g);
        headroom_step(g);
    }
    heat_alarms(g);
}

const struct governor_answer *governor_tick(struct governor *g, const struct sample *s) {
    g->n_verdicts = 0;
    if (s->n_classes != g->n_classes)
        return answer(g, true);
    enum signals_took took = signals_add(&g->signals, s);
    if (took == SIGNALS_TOO_SOON)
        return answer(g, true);
    uint64_t now = MAX(s->now_usec, (uint64_t)1);
    if (now < g->now) { /* no time that was noted means anything now */
        undo(g, RULE_CLOCK);
        for (uint32_t i = 0; i < g->leaves_top; i++)
            leaf_signal_reset(&g->leaves[i].signal);
    }
    g->now = now;
    g->tick++;
    g->sample = s;
    decide(g);
    const struct governor_answer *a = answer(g, false);
    g->sample = NULL;
    g->before = g->now;
    return a;
}

enum leaf_target governor_leaf(const struct governor *g, uint64_t key) {
    uint32_t i = leafmap_get(g->map, key);
    if (i == LEAFMAP_NONE)
        return LEAF_RUN;
    switch (g->leaves[i].state) {
    case LEAF_IS_FROZEN:
        return LEAF_FROZEN;
    case LEAF_IS_STOPPING:
        return LEAF_STOPPING;
    case LEAF_IS_KILLED:
        return LEAF_KILLED;
    case LEAF_IS_FREE:
        break;
    }
    return LEAF_RUN;
}

void governor_view(const struct governor *g, enum resource r, struct governor_view *ret) {
    const struct heat *h = &g->heat[r];
    *ret = (struct governor_view){.pressure_1s = h->pressure_1s,
                                  .pressure_10s = h->pressure_10s,
                                  .baseline = h->baseline,
                                  .slack_ppm = g->tick > 0 ? h->slack : SLACK_NONE,
                                  .class = h->class,
                                  .hot = h->hot,
                                  .cool = h->cool,
                                  .blind = h->blind_said,
                                  .self = h->self_said};
}

bool governor_blame(const struct governor *g, uint64_t key, struct leaf_blame *ret) {
    uint32_t i = leafmap_get(g->map, key);
    if (i == LEAFMAP_NONE)
        return false;
    const struct leaf *l = &g->leaves[i];
    *ret = (struct leaf_blame){.frozen_usec = l->frozen_total, .freezes = l->freezes};
    memcpy(ret->stalled_usec, l->stalled, sizeof(ret->stalled_usec));
    return true;
}
