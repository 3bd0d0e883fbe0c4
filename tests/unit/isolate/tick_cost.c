/* SPDX-License-Identifier: Apache-2.0 */
/* What a tick of the governor costs: quiet, and in the middle of trouble, for numbers of instances. Prints
 * lines of JSON. Not a test: it fails on nothing.
 *
 * usage: tick_cost [TICKS] */
#include "base/clock.h"
#include "plant.h"

#include <stdio.h>
#include <string.h>

struct world {
    struct governor *g;
    struct sample s;
    struct leaf_reading *leaves;
    uint32_t n;
};

static struct world world_new(uint32_t n) {
    struct governor_setup setup = {.classes = {{"critical", false}, {"standard", false}, {"adhoc", true}},
                                   .n_classes = 3,
                                   .leaves_max = n,
                                   .can_limit = {true, true, true}};
    struct governor_conf conf;
    struct world w = {.n = n, .leaves = calloc(n, sizeof(*w.leaves))};
    governor_conf_default(&conf);
    if (!w.leaves || governor_new(&conf, &setup, &w.g) < 0)
        abort();
    sample_clear(&w.s);
    w.s.now_usec = 10 * SECOND;
    w.s.cpus = 16;
    w.s.n_classes = 3;
    w.s.memory_total = 64 * GIB;
    w.s.memory_available = 32 * GIB;
    w.s.leaves = w.leaves;
    w.s.n_leaves = n;
    for (uint32_t c = 0; c < 3; c++)
        memset(&w.s.classes[c], 0, offsetof(struct class_reading, slack_ppm));
    for (uint32_t i = 0; i < n; i++) {
        leaf_reading_clear(&w.leaves[i]);
        w.leaves[i].key = i * 7919;
        w.leaves[i].class = i % 3;
        w.leaves[i].cpu_usec = w.leaves[i].io_bytes = w.leaves[i].io_ops = w.leaves[i].memory_bytes = 0;
        w.leaves[i].memory_full_usec = w.leaves[i].high_events = 0;
    }
    return w;
}

static void advance(struct world *w, bool trouble, bool fresh) {
    w->s.now_usec += SECOND / 2;
    w->s.classes[0].some_usec[RES_CPU] += trouble ? SECOND / 4 : 0;
    for (uint32_t c = 0; c < 3; c++)
        w->s.classes[c].cpu_usec += 4 * SECOND / 2;
    for (uint32_t i = 0; i < w->n; i++) {
        w->leaves[i].fresh = fresh;
        w->leaves[i].cpu_usec += 1000 + i;
        w->leaves[i].memory_bytes = i * MIB / 4;
    }
}

static void measure(uint32_t n, bool trouble, bool fresh, unsigned ticks) {
    struct world w = world_new(n);
    uint64_t sum = 0, most = 0, verdicts = 0;
    for (unsigned i = 0; i < ticks; i++) {
        advance(&w, trouble, fresh);
        uint64_t begin = clock_monotonic_usec();
        const struct governor_answer *a = governor_tick(w.g, &w.s);
        uint64_t usec = clock_monotonic_usec() - begin;
        sum += usec;
        most = MAX(most, usec);
        verdicts += a->n_verdicts;
    }
    printf("{\"instances\":%u,\"trouble\":%s,\"fresh\":%s,\"ticks\":%u,\"mean_usec\":%.1f,\"max_usec\":%u,"
           "\"verdicts\":%u}\n",
           (unsigned)n, trouble ? "true" : "false", fresh ? "true" : "false", ticks, (double)sum / ticks,
           (unsigned)most, (unsigned)verdicts);
    governor_free(w.g);
    free(w.leaves);
}

int main(int argc, char **argv) {
    static const uint32_t sizes[] = {20, 100, 1000, 10000};
    unsigned ticks = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 2000;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        measure(sizes[i], false, false, ticks);
        measure(sizes[i], false, true, ticks);
        measure(sizes[i], true, true, ticks);
    }
    return 0;
}
