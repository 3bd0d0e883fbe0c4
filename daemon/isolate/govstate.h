/* SPDX-License-Identifier: Apache-2.0 */
/* The governor's state, which its parts share (govparts.h). Inside isolate only.
 *
 * All times are those of the samples; 0 stands for never (a sample at 0 is counted as 1). */
#ifndef ISOLATE_GOVSTATE_H
#define ISOLATE_GOVSTATE_H

#include "conf/governor.h"
#include "isolate/leafmap.h"
#include "isolate/signal.h"
#include "isolate/verdict.h"

#define BLIND_USEC     5000000  /* pressure unknown for so long: give back */
#define FUTILE_USEC    60000000 /* freezing did not help: not again for so long */
#define SELF_USEC      3000000  /* the protected class disturbs itself for so long: say so */
#define FROZEN_BUCKETS 5        /* of evict-window */

/* How a resource looks from the protected classes. */
struct heat {
    bool hot, cool, known, idle; /* idle: the protected classes use next to nothing of it */
    bool late;                   /* the lag objective is missed already (slack below 0) */
    enum verdict_rule why;       /* of hot */
    uint32_t class;              /* the most pressed one */
    uint64_t pressure_1s, pressure_10s, baseline;
    int32_t slack;
    uint32_t samples; /* over the limit of a second, in a row */
    uint64_t hot_since, cool_since, blind_since, self_since;
    bool blind_said, self_said;
    uint64_t futile_until;
};

/* Limits of one class on one resource (CPU, I/O). */
struct lane {
    enum ladder_state state;
    uint64_t cpu_milli;
    uint64_t io[SAMPLE_DEVICES_MAX][IO_KINDS];
    bool reads; /* io: reads are limited too */
    uint64_t stepped_at, floor_since, ceiling_since;
    uint64_t cut_at, eased_at;
    uint32_t relapses;
    uint64_t frozen_at; /* the last time that leaves were frozen */
    uint32_t freeze_n;  /* how many the next time */
};

enum leaf_state { LEAF_IS_FREE, LEAF_IS_FROZEN, LEAF_IS_STOPPING, LEAF_IS_KILLED };

struct leaf {
    bool used, member;
    uint32_t class;
    uint64_t key, started, declared, own_high;
    uint64_t seen; /* number of the tick */
    struct leaf_signal signal;
    enum leaf_state state;
    enum resource frozen_for;
    bool stuck;          /* frozen by the rule for the stuck */
    bool helped;         /* while it was frozen, the resource was not hot */
    uint64_t since;      /* of the state */
    uint64_t hold_until; /* of the freeze */
    uint32_t relapses;
    uint64_t thawed_at, stuck_since;
    uint64_t frozen_usec[FROZEN_BUCKETS], bucket; /* how long, per bucket; number of the newest bucket */
    uint64_t frozen_total, stalled[RESOURCES];
    uint32_t freezes;
};

struct memory_lane {
    uint64_t high; /* of each lower class, or NO_LIMIT */
    uint64_t roomy_since;
};

struct memory_state {
    struct memory_lane lanes[CLASS_MAX];
    uint64_t stepped_at, short_since, thrash_since, refault_since, back_since;
    uint64_t killed_at;
    uint32_t killed_class;
    uint64_t said_at; /* the last reclaim that was worth an event */
    bool no_victim_said;
};

struct lift {
    uint64_t until, last;
};

struct governor {
    struct governor_conf conf;
    struct signals signals;
    uint32_t n_classes, n_protected;
    bool idle[CLASS_MAX], can_limit[RESOURCES];

    uint64_t now, before, tick;  /* before: the time of the last tick, 0 in the first */
    const struct sample *sample; /* only inside governor_tick */

    struct heat heat[RESOURCES];
    struct lane lanes[CLASS_MAX][RES_MEMORY]; /* CPU and I/O */
    struct memory_state memory;
    struct lift lifts[CLASS_MAX];
    uint64_t headroom_milli, headroom_at;
    uint64_t best[SAMPLE_DEVICES_MAX][IO_KINDS]; /* the most that was seen of a device */
    uint64_t best_at;
    struct device_id devices[SAMPLE_DEVICES_MAX];

    struct leafmap *map;
    struct leaf *leaves;
    uint32_t leaves_max, leaves_top; /* room; the places in use lie below leaves_top */
    uint32_t frozen[RESOURCES];      /* how many leaves are */
    bool too_many_said;
    uint64_t evicted_at;
    uint32_t evicting; /* place of the leaf, or UINT32_MAX */

    struct verdict *verdicts;
    uint32_t n_verdicts, verdicts_max;
};

#endif
