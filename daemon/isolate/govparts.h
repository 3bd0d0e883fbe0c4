/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the governor, for each other. Inside isolate only: governor.c drives, heat.c judges the
 * signals, squeeze.c and squeeze_io.c hold the limits of CPU and I/O, leaves.c and freeze.c the instances,
 * memory.c and kill.c the memory, lift.c the inversion guard and the headroom. */
#ifndef ISOLATE_GOVPARTS_H
#define ISOLATE_GOVPARTS_H

#include "isolate/govstate.h"

/* governor.c: a verdict to fill in. Never NULL: when there is no room it is one that is thrown away. */
struct verdict *say(struct governor *g, enum verdict_act act, enum verdict_rule rule, enum resource r,
                    uint32_t class);
void say_fact(struct verdict *v, enum fact_kind kind, uint64_t value, uint64_t limit);

/* now - since >= span; false when since is 0. */
static inline bool has_lasted(const struct governor *g, uint64_t since, uint64_t span) {
    return since > 0 && g->now >= since && g->now - since >= span;
}

/* a * ppm / PPM without overflow. */
static inline uint64_t share(uint64_t a, uint64_t ppm) {
    return (uint64_t)((unsigned __int128)a * ppm / PPM);
}

/* heat.c */
void heat_update(struct governor *g);
void heat_alarms(struct governor *g);
void heat_reset(struct governor *g);
bool is_to_blame(const struct governor *g, uint32_t class,
                 enum resource r); /* in the window of what is hot */
uint64_t use_of(const struct governor *g, uint32_t class, enum resource r, enum window w); /* ppm */
bool uses_nothing(const struct governor *g, uint32_t class, enum resource r);
void say_heat(const struct governor *g, struct verdict *v, enum resource r); /* the facts of hot */

/* squeeze.c */
void squeeze_step(struct governor *g);
bool lane_at_floor(const struct governor *g, uint32_t class, enum resource r);
uint64_t cpu_floor(const struct governor *g, uint32_t class);

/* squeeze_io.c */
void io_best_update(struct governor *g);
bool io_cut(struct governor *g, uint32_t class); /* false: nothing to cut */
bool io_ease(struct governor *g, uint32_t class,
             uint32_t times); /* true: the limits have no effect any more */
void io_open(struct lane *l);
bool io_is_felt(const struct governor *g, uint32_t class); /* a limit is used to a half or more */
bool io_at_floor(const struct governor *g, uint32_t class);
bool io_widen(struct governor *g, uint32_t class); /* reads too; false: they are already */
uint64_t io_tightest(const struct lane *l);        /* bytes a second, or NO_LIMIT */

/* leaves.c: who there is, and the four things that can be done to one */
void leaves_update(struct governor *g);
void leaves_undo(struct governor *g, enum verdict_rule rule);
void leaves_blame(struct governor *g); /* divides the stall of this tick */
struct verdict *leaf_freeze(struct governor *g, struct leaf *l, enum resource r, enum verdict_rule rule,
                            uint64_t hold);
void leaf_thaw(struct governor *g, struct leaf *l, enum verdict_rule rule);
void leaf_stop(struct governor *g, struct leaf *l, enum resource r);
struct verdict *leaf_kill(struct governor *g, struct leaf *l, enum verdict_rule rule, enum resource r);
bool may_kill(const struct governor *g);
uint64_t leaf_use(const struct leaf *l, enum resource r); /* READING_NONE: unknown */
uint64_t leaf_frozen_lately(const struct governor *g, const struct leaf *l);

/* freeze.c */
void freeze_step(struct governor *g); /* ends holds, stops and evictions */
void freeze_more(struct governor *g, enum resource r);

/* memory.c, kill.c */
void memory_step(struct governor *g);
uint64_t memory_target(const struct governor *g); /* free memory to keep, bytes */
bool memory_is_short(const struct governor *g);
bool memory_thrashes(const struct governor *g);
void kill_step(struct governor *g);

/* lift.c */
void lift_step(struct governor *g);
void headroom_step(struct governor *g);

#endif
