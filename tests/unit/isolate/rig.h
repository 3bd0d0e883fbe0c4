/* SPDX-License-Identifier: Apache-2.0 */
/* A governor fed by hand: each tick says what was used and lost in it, as rates, so that a test can stand
 * exactly on a limit. Ticks are half a second. */
#ifndef TESTS_RIG_H
#define TESTS_RIG_H

#include "isolate/governor.h"

#define RIG_LEAVES 16
#define SECOND     1000000ULL
#define MIB        (1024ULL * 1024)
#define GIB        (1024 * MIB)
#define PERCENT    10000

enum { CRITICAL, STANDARD, ADHOC };

/* What happens in a tick, per second (pressure: ppm). */
struct rig_class {
    uint64_t some[RESOURCES], full[RESOURCES], cpu_milli;
    uint64_t io[IO_KINDS]; /* of the one disk */
    uint64_t refaults, low, high;
};

struct rig_leaf {
    uint64_t cpu_milli, full, high;
};

struct rig {
    struct governor *g;
    struct governor_conf conf;
    struct governor_setup setup;
    struct sample sample;
    struct rig_class classes[3];
    struct leaf_reading leaves[RIG_LEAVES];
    struct rig_leaf leaf_rates[RIG_LEAVES];
    const struct governor_answer *a;
};

/* Four CPUs, 10000 MiB of which 5000 are free; nothing happens. */
void rig_init(struct rig *r);
void rig_start(struct rig *r); /* makes the governor (again), by conf and setup */
void rig_free(struct rig *r);
struct leaf_reading *rig_leaf(struct rig *r, uint32_t class);
void rig_tick(struct rig *r);
void rig_ticks(struct rig *r, unsigned n);
/* The verdict of the last tick with this act (and rule), or NULL. */
const struct verdict *rig_verdict(const struct rig *r, enum verdict_act act);
const struct verdict *rig_rule(const struct rig *r, enum verdict_act act, enum verdict_rule rule);
/* Ticks, at most `most`, until one says it; NULL when none did. */
const struct verdict *rig_until(struct rig *r, enum verdict_act act, unsigned most);
const struct class_target *rig_target(const struct rig *r, uint32_t class);

#endif
