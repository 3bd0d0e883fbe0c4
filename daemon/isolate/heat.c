/* SPDX-License-Identifier: Apache-2.0 */
/* Hot, cool, and who is to blame: what the signals mean, before anything is done about it. */
#include "isolate/govparts.h"

#define OPS_BYTES       4096 /* an operation weighs like so many bytes where a rate in bytes is the limit */
#define TURNOVER_FACTOR 16   /* times the I/O rate of blame: a page cache that is read anew */
#define IDLE_PPM        10000

/* `part` of `whole` in ppm; a share of nothing is nothing. */
static uint64_t part_of(uint64_t part, uint64_t whole) {
    return whole == 0 ? 0 : (uint64_t)((unsigned __int128)part * PPM / whole);
}

static uint64_t io_share(const struct governor *g, uint32_t class, bool bytes, enum window w,
                         uint64_t *ret_rate) {
    uint64_t own = signal_io(&g->signals, class, bytes, w), all = 0;
    *ret_rate = own;
    if (own == READING_NONE)
        return own;
    for (uint32_t c = 0; c < g->n_classes; c++) {
        uint64_t rate = signal_io(&g->signals, c, bytes, w);
        all += rate == READING_NONE ? 0 : rate;
    }
    return part_of(own, all);
}

static uint64_t use_of_io(const struct governor *g, uint32_t class, enum window w) {
    uint64_t bytes_rate, ops_rate, least = g->conf.blame_io_bytes;
    uint64_t bytes = io_share(g, class, true, w, &bytes_rate);
    uint64_t ops = io_share(g, class, false, w, &ops_rate);
    if (bytes == READING_NONE && ops == READING_NONE)
        return READING_NONE;
    uint64_t use = 0;
    if (bytes != READING_NONE && bytes_rate >= least)
        use = bytes;
    if (ops != READING_NONE && ops_rate >= least / OPS_BYTES)
        use = MAX(use, ops);
    return use;
}

uint64_t use_of(const struct governor *g, uint32_t class, enum resource r, enum window w) {
    uint64_t own;
    switch (r) {
    case RES_CPU:
        own = signal_cpu(&g->signals, class, w);
        return own == READING_NONE ? own : part_of(own, 1000ULL * MAX(g->sample->cpus, 1U));
    case RES_IO:
        return use_of_io(g, class, w);
    case RES_MEMORY:
    case RESOURCES:
        break;
    }
    own = g->sample->classes[class].memory_bytes;
    return own == READING_NONE || g->sample->memory_total == READING_NONE
               ? READING_NONE
               : part_of(own, g->sample->memory_total);
}

/* Memory is to blame not for being held but for being taken: growth, refaults, or a page cache that is turned
 * over. */
static bool takes_memory(const struct governor *g, uint32_t class) {
    uint64_t total = g->sample->memory_total, own = g->sample->classes[class].memory_bytes;
    if (total == READING_NONE || own == READING_NONE || own < share(total, g->conf.kill_least))
        return false;
    uint64_t growth = signal_growth(&g->signals, class);
    if (growth != READING_NONE && growth >= share(total, g->conf.blame_memory))
        return true;
    uint64_t refaults = signal_rate(&g->signals, class, SERIES_REFAULTS, WINDOW_10S);
    if (refaults != READING_NONE && refaults >= g->conf.kill_refaults)
        return true;
    uint64_t bytes = signal_io(&g->signals, class, true, WINDOW_10S);
    return bytes != READING_NONE && bytes >= TURNOVER_FACTOR * MAX(g->conf.blame_io_bytes, (uint64_t)1);
}

static bool is_over(uint64_t use, uint32_t limit) {
    return use != READING_NONE && use > limit;
}

bool is_to_blame(const struct governor *g, uint32_t class, enum resource r) {
    if (r == RES_MEMORY)
        return takes_memory(g, class);
    enum window w = g->heat[r].why == RULE_HOT_10S ? WINDOW_10S : WINDOW_1S;
    return is_over(use_of(g, class, r, w), g->conf.blame_share);
}

bool uses_nothing(const struct governor *g, uint32_t class, enum resource r) {
    uint64_t use = use_of(g, class, r, WINDOW_5S);
    return use != READING_NONE && use <= g->conf.blame_share;
}

static uint64_t over(uint64_t pressure, uint64_t baseline) {
    return pressure == READING_NONE || pressure <= baseline ? 0 : pressure - baseline;
}

/* The most pressed of the protected classes, by what is over its baseline. */
static void take_pressure(struct governor *g, struct heat *h, enum resource r) {
    h->pressure_1s = h->pressure_10s = READING_NONE;
    h->known = false;
    uint64_t most = 0;
    for (uint32_t c = 0; c < g->n_protected; c++) {
        uint64_t p1 = signal_contention(&g->signals, c, r, WINDOW_1S);
        uint64_t p10 = signal_contention(&g->signals, c, r, WINDOW_10S);
        uint64_t base = signal_baseline(&g->signals, c, r);
        if (p1 == READING_NONE || (h->known && over(p1, base) <= most))
            continue;
        most = over(p1, base);
        h->known = true;
        h->class = c;
        h->pressure_1s = p1;
        h->pressure_10s = p10;
        h->baseline = base;
    }
}

static void take_idle(struct governor *g, struct heat *h, enum resource r) {
    h->idle = r != RES_MEMORY;
    for (uint32_t c = 0; c < g->n_protected && h->idle; c++) {
        uint64_t use = use_of(g, c, r, WINDOW_5S);
        h->idle = use != READING_NONE && use < IDLE_PPM;
    }
    h->idle &= over(h->pressure_1s, h->baseline) < g->conf.cool[r] && h->known;
}

/* A late app is no single resource's pressure: it counts for the one that is pressed most. */
static enum resource most_pressed(const struct governor *g) {
    enum resource best = RES_CPU;
    uint64_t most = 0;
    for (unsigned r = 0; r < RESOURCES; r++) {
        uint64_t ratio = over(g->heat[r].pressure_1s, g->heat[r].baseline) * PPM / MAX(g->conf.hot_1s[r], 1U);
        if (ratio > most) {
            most = ratio;
            best = r;
        }
    }
    return best;
}

static void take_lag(struct governor *g, int32_t *ret_slack, uint32_t *ret_class, bool *ret_late) {
    *ret_slack = SLACK_NONE;
    *ret_late = false;
    for (uint32_t c = 0; c < g->n_protected; c++) {
        uint32_t in_a_row = signal_late_reports(&g->signals, g->sample, c, (int32_t)g->conf.lag_hot);
        int32_t slack = signal_slack(&g->signals, g->sample, c, g->conf.lag_stale_usec);
        if (slack == SLACK_NONE)
            continue;
        *ret_late |= in_a_row >= g->conf.lag_reports;
        if (*ret_slack == SLACK_NONE || slack < *ret_slack) {
            *ret_slack = slack;
            *ret_class = c;
        }
    }
}

static bool is_hot(struct governor *g, struct heat *h, enum resource r) {
    bool now = h->known && over(h->pressure_1s, h->baseline) > g->conf.hot_1s[r];
    h->samples = now ? MIN(h->samples, 1000U) + 1 : 0;
    if (h->samples >= g->conf.hot_samples) {
        h->why = RULE_HOT_1S;
        return true;
    }
    /* Ten seconds remember what was; what is less by now is no reason to go on. */
    if (h->known && over(h->pressure_10s, h->baseline) > g->conf.hot_10s[r] &&
        over(h->pressure_1s, h->baseline) > g->conf.hot_10s[r]) {
        h->why = RULE_HOT_10S;
        return true;
    }
    return false;
}

static void mark(const struct governor *g, uint64_t *since, bool on) {
    if (!on)
        *since = 0;
    else if (*since == 0)
        *since = g->now;
}

/* A baseline follows only while nothing is done about its resource and no lower class uses it. */
static void learn(struct governor *g, enum resource r) {
    for (uint32_t c = g->n_protected; c < g->n_classes; c++) {
        bool quiet = r == RES_MEMORY ? g->memory.lanes[c].high == NO_LIMIT && !takes_memory(g, c)
                                     : g->lanes[c][r].state == LADDER_OPEN && uses_nothing(g, c, r);
        if (!quiet)
            return;
    }
    for (uint32_t c = 0; c < g->n_protected; c++)
        signal_learn(&g->signals, c, r, g->conf.baseline_usec, g->conf.baseline_max);
}

void heat_update(struct governor *g) {
    int32_t slack;
    bool late;
    uint32_t late_class = 0;
    for (unsigned r = 0; r < RESOURCES; r++)
        take_pressure(g, &g->heat[r], r);
    take_lag(g, &slack, &late_class, &late);
    enum resource late_resource = most_pressed(g);
    for (unsigned r = 0; r < RESOURCES; r++) {
        struct heat *h = &g->heat[r];
        h->slack = slack;
        h->hot = is_hot(g, h, r);
        if (!h->hot && late && late_resource == r) {
            h->hot = true;
            h->why = RULE_LAG;
            h->class = late_class;
        }
        h->late = late && slack < 0;
        mark(g, &h->blind_since, !h->known);
        bool in_time = slack == SLACK_NONE || slack > (int32_t)g->conf.lag_cool;
        h->cool = !h->hot && in_time &&
                  (h->known ? over(h->pressure_1s, h->baseline) < g->conf.cool[r]
                            : has_lasted(g, h->blind_since, BLIND_USEC));
        mark(g, &h->hot_since, h->hot);
        mark(g, &h->cool_since, h->cool);
        take_idle(g, h, r);
        learn(g, r);
    }
}

void heat_reset(struct governor *g) {
    for (unsigned r = 0; r < RESOURCES; r++) {
        g->heat[r].samples = 0;
        g->heat[r].hot_since = g->heat[r].cool_since = g->heat[r].blind_since = g->heat[r].self_since = 0;
        g->heat[r].futile_until = 0;
    }
}

void say_heat(const struct governor *g, struct verdict *v, enum resource r) {
    const struct heat *h = &g->heat[r];
    v->for_class = h->class;
    if (h->why == RULE_LAG)
        say_fact(v, FACT_SLACK, (uint64_t)(int64_t)h->slack, g->conf.lag_hot);
    if (h->why == RULE_HOT_10S)
        say_fact(v, FACT_PRESSURE_10S, h->pressure_10s, h->baseline + g->conf.hot_10s[r]);
    else
        say_fact(v, FACT_PRESSURE_1S, h->pressure_1s, h->baseline + g->conf.hot_1s[r]);
    if (v->class >= g->n_protected)
        say_fact(v, FACT_USE, use_of(g, v->class, r, h->why == RULE_HOT_10S ? WINDOW_10S : WINDOW_1S),
                 r == RES_MEMORY ? READING_NONE : g->conf.blame_share);
}

static void say_alarm(struct governor *g, enum resource r, enum verdict_act act, enum verdict_rule rule) {
    struct verdict *v = say(g, act, rule, r, g->heat[r].class);
    if (rule == RULE_SELF && act == ACT_ALARM)
        say_heat(g, v, r);
}

void heat_alarms(struct governor *g) {
    for (unsigned r = 0; r < RESOURCES; r++) {
        struct heat *h = &g->heat[r];
        bool blamed = false;
        for (uint32_t c = g->n_protected; c < g->n_classes && !blamed; c++)
            blamed = is_to_blame(g, c, r);
        mark(g, &h->self_since, h->hot && !blamed && g->frozen[r] == 0);
        if (!h->self_said && has_lasted(g, h->self_since, SELF_USEC)) {
            h->self_said = true;
            say_alarm(g, r, ACT_ALARM, RULE_SELF);
        } else if (h->self_said && has_lasted(g, h->cool_since, g->conf.cool_usec)) {
            h->self_said = false;
            say_alarm(g, r, ACT_CALM, RULE_SELF);
        }
        if (!h->blind_said && has_lasted(g, h->blind_since, BLIND_USEC)) {
            h->blind_said = true;
            say_alarm(g, r, ACT_ALARM, RULE_BLIND);
        } else if (h->blind_said && h->known) {
            h->blind_said = false;
            say_alarm(g, r, ACT_CALM, RULE_BLIND);
        }
    }
}
