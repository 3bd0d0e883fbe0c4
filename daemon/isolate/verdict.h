/* SPDX-License-Identifier: Apache-2.0 */
/* What the governor says: a verdict is one thing to do or to know, with the rule that led to it, the readings
 * that rule looked at, whom it is about, and what would have avoided it. Verdicts become events, lines of
 * `explain` and of the simulator; what has to stand in the kernel's files is in the targets of governor.h.
 *
 * A verdict is a plain value: no pointers, safe to keep, copy and record. */
#ifndef ISOLATE_VERDICT_H
#define ISOLATE_VERDICT_H

#include "base/text.h"
#include "isolate/reading.h"

/* How far a resource's ladder is climbed for one class. */
enum ladder_state { LADDER_OPEN, LADDER_SQUEEZE, LADDER_FROZEN, LADDER_EVICT, LADDER_STATES };

enum verdict_act {
    ACT_SQUEEZE, /* a limit was set or lowered: cpu.max, io.max or memory.high of a class */
    ACT_EASE,    /* a limit was raised */
    ACT_OPEN,    /* a limit was taken away */
    ACT_RECLAIM, /* amount: bytes to take from the class through memory.reclaim, now */
    ACT_FREEZE,  /* a leaf: cgroup.freeze = 1 */
    ACT_THAW,    /* a leaf: cgroup.freeze = 0 */
    ACT_STOP,    /* a leaf: the supervisor's orderly stop; it is thawed already */
    ACT_KILL,    /* a leaf: cgroup.kill */
    ACT_LIFT,    /* a class: cpu.idle = 0 and the weight given as amount, for a moment */
    ACT_UNLIFT,  /* a class: its own cpu.idle and weight again */
    ACT_ALARM,   /* nothing is done; somebody should know */
    ACT_CALM,    /* an alarm is over */
    VERDICT_ACTS
};

/* Names are stable: they stand in events and in --json. */
enum verdict_rule {
    RULE_HOT_1S,         /* hot-1s: too much pressure in the last second, in several samples in a row */
    RULE_HOT_10S,        /* hot-10s: too much on average of ten seconds, and still now */
    RULE_LAG,            /* lag: an app is about to miss its lag objective */
    RULE_COOL,           /* cool: no pressure for a while */
    RULE_HOG_GONE,       /* hog-gone: and the class does not want the resource any more */
    RULE_CEILING,        /* ceiling: the limit has no effect any more */
    RULE_HOLD_OVER,      /* hold-over: nobody stays frozen for longer */
    RULE_PROTECTED_IDLE, /* protected-idle: the protected class wants nothing: no reason to wait */
    RULE_NOT_THE_CAUSE,  /* not-the-cause: all are frozen and the pressure stays */
    RULE_SELF,         /* self: the protected class is under pressure, and no lower class uses the resource */
    RULE_BLIND,        /* blind: pressure cannot be read */
    RULE_FROZEN_LONG,  /* frozen-long: frozen again and again */
    RULE_STOP_TIMEOUT, /* stop-timeout: asked to stop, and did not */
    RULE_KILL_AGAIN,   /* kill-again: killed, and still there */
    RULE_NEW_PROCESS,  /* new-process: another process under the name of a frozen one */
    RULE_MEMORY_SHORT, /* memory-short: less free memory than the target */
    RULE_MEMORY_HOT,   /* memory-hot: the protected class waits for memory */
    RULE_MEMORY_THRASH,  /* memory-thrash: it waits for I/O, and lost page cache below its protection */
    RULE_MEMORY_BACK,    /* memory-back: enough is free again */
    RULE_KILL_STUCK,     /* kill-stuck: hangs at its memory limit and makes no progress */
    RULE_KILL_LOW,       /* kill-low: protected memory is being taken */
    RULE_KILL_REFAULT,   /* kill-refault: the protected class reads again what was taken from it */
    RULE_KILL_FULL,      /* kill-full: all of the protected class's tasks wait for memory */
    RULE_KILL_SHRUNK,    /* kill-shrunk: like memory-thrash, and squeezing did not help */
    RULE_KILL_AVAILABLE, /* kill-available: the host is almost out of memory */
    RULE_KILL_SWAP,      /* kill-swap: and of swap */
    RULE_NO_VICTIM,      /* no-victim: memory is short, and no lower class holds any worth taking */
    RULE_INVERSION,      /* inversion: a starved lower class may hold what the protected one waits for */
    RULE_INVERSION_OVER, /* inversion-over */
    RULE_HEADROOM,       /* headroom: the latency profile keeps CPUs free */
    RULE_CLOCK,          /* clock: the clock went backwards, all is undone */
    RULE_RELEASE,        /* release: the governor ends or is switched off, all is undone */
    RULE_TOO_MANY,       /* too-many: more instances than the governor has room for */
    VERDICT_RULES
};

/* A reading with the limit it was held against; READING_NONE: there was none. */
enum fact_kind {
    FACT_PRESSURE_1S,  /* ppm of the protected class's time */
    FACT_PRESSURE_10S, /* ppm */
    FACT_BASELINE,     /* ppm */
    FACT_SLACK,        /* ppm, as int64_t */
    FACT_USE,          /* ppm of the resource, by the subject's class */
    FACT_LIMIT_BEFORE, /* what the limit was: CPU thousandths, bytes or bytes a second */
    FACT_AVAILABLE,    /* bytes */
    FACT_SWAP_FREE,    /* bytes */
    FACT_MEMORY,       /* bytes of the subject */
    FACT_PROTECTED,    /* bytes of the protected class, and what it should have */
    FACT_REFAULTS,     /* per second */
    FACT_LOW_EVENTS,   /* per second */
    FACT_FULL,         /* ppm */
    FACT_STARVED,      /* ppm: cpu.pressure full of the class */
    FACT_HELD,         /* microseconds frozen, or waited */
    FACT_INSTANCES,    /* a number */
    FACT_KINDS
};

struct verdict_fact {
    enum fact_kind kind;
    uint64_t value, limit;
};

#define VERDICT_FACTS   4
#define VERDICT_NO_LEAF READING_NONE
#define NO_LIMIT        READING_NONE

struct verdict {
    uint64_t at_usec;
    enum verdict_act act;
    enum verdict_rule rule;
    enum resource resource;
    /* Belongs in the events. False for the small steps between two that do, which only change targets. */
    bool notable;
    uint32_t class;     /* whose limit, or the class of the leaf; of an alarm: the protected class */
    uint32_t for_class; /* the protected class it is done for */
    uint64_t leaf;      /* key, or VERDICT_NO_LEAF */
    uint64_t amount;    /* the new limit (CPU thousandths; bytes a second of the tightest device; bytes), the
                           bytes to reclaim, the weight, or the microseconds of a hold; NO_LIMIT: none */
    uint32_t n_facts;
    struct verdict_fact facts[VERDICT_FACTS];
};

const char *resource_name(enum resource r);         /* cpu, io, memory */
const char *ladder_state_name(enum ladder_state s); /* open, squeezed, frozen, evicting */
const char *verdict_act_name(enum verdict_act act); /* squeeze, … */
const char *verdict_rule_name(enum verdict_rule rule);
const char *fact_name(enum fact_kind kind); /* pressure_1s, …: field names of --json */

/* What the operator or the tenant could do so that it does not happen again; a sentence. */
const char *verdict_avoidance(enum verdict_rule rule);

/* Why a rule acts, as a half sentence. Appends to b. */
void verdict_reason(enum verdict_rule rule, const char *for_class, struct text_buf *b);

/* One sentence: what was done to whom, and why, with the readings. `leaf` is the instance's name (NULL where
 * the verdict has none), the others are those of the verdict's classes. Appends to b. */
void verdict_text(const struct verdict *v, const char *class, const char *for_class, const char *leaf,
                  struct text_buf *b);

/* A value of a fact as a person reads it: "34.2%", "1.5G", "12s". Returns buf. */
const char *fact_text(enum fact_kind kind, enum resource r, uint64_t value, char *buf, size_t size);

#endif
