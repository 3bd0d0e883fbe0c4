/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of one class's I/O, per disk: writes first, as they go through the journal that all share, then
 * reads. */
#include "isolate/govparts.h"

#include "base/clock.h"

#define NEAR 16 /* the floor moves a little with the best rate: nearer than a 16th is there */

/* What a class keeps of a disk whatever its best rate is known to be. */
static const uint64_t least[IO_KINDS] = {
    [IO_RBYTES] = 64 << 10, [IO_WBYTES] = 64 << 10, [IO_ROPS] = 8, [IO_WOPS] = 8};

static bool is_write(unsigned kind) {
    return kind == IO_WBYTES || kind == IO_WOPS;
}

static uint64_t rate_of(const struct governor *g, uint32_t class, unsigned slot, unsigned kind,
                        enum window w) {
    uint64_t rate = signal_rate(&g->signals, class, SERIES_IO + slot * IO_KINDS + kind, w);
    return rate == READING_NONE ? 0 : rate;
}

/* A writer comes in bursts: what it did in the last ten seconds counts too. */
static uint64_t use_at(const struct governor *g, uint32_t class, unsigned slot, unsigned kind) {
    return MAX(rate_of(g, class, slot, kind, WINDOW_1S), rate_of(g, class, slot, kind, WINDOW_10S));
}

static bool uses_slot(const struct governor *g, uint32_t class, unsigned slot) {
    return use_at(g, class, slot, IO_ROPS) + use_at(g, class, slot, IO_WOPS) +
               use_at(g, class, slot, IO_RBYTES) + use_at(g, class, slot, IO_WBYTES) >
           0;
}

static bool is_shared(const struct governor *g, uint32_t class, unsigned slot) {
    bool is_protected = false;
    for (uint32_t c = 0; c < g->n_protected; c++)
        is_protected |= uses_slot(g, c, slot);
    return is_protected && uses_slot(g, class, slot);
}

/* The disks to limit: those the protected class uses too, or all, when none is known to be shared. */
static void choose(const struct governor *g, uint32_t class, bool ret[SAMPLE_DEVICES_MAX]) {
    bool any = false;
    for (unsigned d = 0; d < SAMPLE_DEVICES_MAX; d++)
        any |= ret[d] = is_shared(g, class, d);
    for (unsigned d = 0; d < SAMPLE_DEVICES_MAX && !any; d++)
        ret[d] = uses_slot(g, class, d);
}

static uint64_t floor_of(const struct governor *g, uint32_t class, unsigned slot, unsigned kind) {
    uint32_t ppm = class == g->n_classes - 1 ? g->conf.squeeze_floor[RES_IO] : g->conf.squeeze_floor_middle;
    return MAX(share(g->best[slot][kind], ppm), least[kind]);
}

void io_best_update(struct governor *g) {
    bool fades = has_lasted(g, g->best_at, USEC_PER_SEC);
    if (g->best_at == 0 || fades)
        g->best_at = g->now;
    for (unsigned d = 0; d < SAMPLE_DEVICES_MAX; d++) {
        const struct device_id *id = &g->sample->devices[d];
        if (g->devices[d].major != id->major || g->devices[d].minor != id->minor) {
            g->devices[d] = *id;
            for (unsigned k = 0; k < IO_KINDS; k++) {
                g->best[d][k] = 0;
                for (uint32_t c = 0; c < g->n_classes; c++)
                    g->lanes[c][RES_IO].io[d][k] = NO_LIMIT;
            }
        }
        for (unsigned k = 0; k < IO_KINDS; k++) {
            uint64_t sum = 0;
            for (uint32_t c = 0; c < g->n_classes; c++)
                sum += rate_of(g, c, d, k, WINDOW_1S);
            g->best[d][k] -= fades ? g->best[d][k] / 4096 : 0; /* half of it in 47 minutes */
            g->best[d][k] = MAX(g->best[d][k], sum);
        }
    }
}

bool io_cut(struct governor *g, uint32_t class) {
    struct lane *l = &g->lanes[class][RES_IO];
    bool chosen[SAMPLE_DEVICES_MAX], is_cut = false;
    choose(g, class, chosen);
    for (unsigned d = 0; d < SAMPLE_DEVICES_MAX; d++)
        for (unsigned k = 0; k < IO_KINDS; k++) {
            uint64_t *limit = &l->io[d][k];
            if (*limit == NO_LIMIT && (!chosen[d] || (!is_write(k) && !l->reads)))
                continue;
            uint64_t from = *limit == NO_LIMIT ? use_at(g, class, d, k) : *limit;
            if (*limit == NO_LIMIT && from <= least[k])
                continue;
            uint64_t to = MAX(share(from, PPM - g->conf.squeeze_cut), floor_of(g, class, d, k));
            if (*limit != NO_LIMIT && to >= *limit - *limit / NEAR)
                continue;
            is_cut = true;
            *limit = to;
        }
    /* Nothing is written there: the reads are what disturbs. */
    if (!is_cut && !l->reads && l->state == LADDER_OPEN) {
        l->reads = true;
        l->reads = is_cut = io_cut(g, class);
    }
    return is_cut;
}

bool io_widen(struct governor *g, uint32_t class) {
    struct lane *l = &g->lanes[class][RES_IO];
    if (l->reads)
        return false;
    l->reads = true;
    return true;
}

bool io_at_floor(const struct governor *g, uint32_t class) {
    const struct lane *l = &g->lanes[class][RES_IO];
    for (unsigned d = 0; d < SAMPLE_DEVICES_MAX; d++)
        for (unsigned k = 0; k < IO_KINDS; k++)
            if (l->io[d][k] != NO_LIMIT && l->io[d][k] - l->io[d][k] / NEAR > floor_of(g, class, d, k))
                return false;
    return true;
}

bool io_ease(struct governor *g, uint32_t class, uint32_t times) {
    struct lane *l = &g->lanes[class][RES_IO];
    bool at_ceiling = true;
    for (unsigned d = 0; d < SAMPLE_DEVICES_MAX; d++)
        for (unsigned k = 0; k < IO_KINDS; k++) {
            uint64_t *limit = &l->io[d][k], best = MAX(g->best[d][k], least[k]);
            if (*limit == NO_LIMIT)
                continue;
            uint64_t step = MAX(share(best, g->conf.squeeze_ease[RES_IO]), (uint64_t)1);
            *limit = MIN(*limit + times * step, best + step);
            at_ceiling &= *limit >= best;
        }
    return at_ceiling;
}

bool io_is_felt(const struct governor *g, uint32_t class) {
    const struct lane *l = &g->lanes[class][RES_IO];
    for (unsigned d = 0; d < SAMPLE_DEVICES_MAX; d++)
        for (unsigned k = 0; k < IO_KINDS; k++)
            if (l->io[d][k] != NO_LIMIT && rate_of(g, class, d, k, WINDOW_5S) >= l->io[d][k] / 2)
                return true;
    return false;
}

void io_open(struct lane *l) {
    l->reads = false;
    for (unsigned d = 0; d < SAMPLE_DEVICES_MAX; d++)
        for (unsigned k = 0; k < IO_KINDS; k++)
            l->io[d][k] = NO_LIMIT;
}

uint64_t io_tightest(const struct lane *l) {
    uint64_t tightest = NO_LIMIT;
    for (unsigned d = 0; d < SAMPLE_DEVICES_MAX; d++) {
        tightest = MIN(tightest, l->io[d][IO_RBYTES]);
        tightest = MIN(tightest, l->io[d][IO_WBYTES]);
    }
    return tightest;
}
