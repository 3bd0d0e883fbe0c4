/* SPDX-License-Identifier: Apache-2.0 */
/* A small model of a host, for tests of the governor: three classes, instances with wants, and what they get
 * under the governor's targets. It is deliberately simple: pressure of the critical class grows with what the
 * others use, by a factor that each test sets. */
#ifndef TESTS_PLANT_H
#define TESTS_PLANT_H

#include "isolate/governor.h"
#include "isolate/trace.h"

#define PLANT_LEAVES 1024
#define MIB          (1024ULL * 1024)
#define GIB          (1024 * MIB)
#define SECOND       1000000ULL

enum { CRITICAL, STANDARD, ADHOC };

struct plant_leaf {
    struct leaf_reading reading; /* its counters; key, class and name are set by plant_add */
    char name[40];
    bool alive, frozen, anonymous, ignores_stop, respawns;
    uint32_t cpu_milli;              /* wants */
    uint64_t write_rate, read_rate;  /* wants, bytes a second */
    uint64_t memory_want, grow_rate; /* grows to so much, so fast */
    uint64_t stop_at, starts;
    bool stopping;
};

struct plant {
    struct governor *g;
    struct governor_conf conf;
    struct sample sample;
    uint64_t now, tick_usec;
    uint32_t cpus;
    uint64_t memory, other_memory, swap_total, swap_free, disk_rate;
    struct plant_leaf leaves[PLANT_LEAVES];
    uint32_t n;
    struct leaf_reading readings[PLANT_LEAVES];

    /* The critical class. */
    uint32_t critical_milli;     /* its wants */
    uint64_t critical_writes;    /* bytes a second */
    uint64_t critical_memory;    /* what it has now */
    uint64_t critical_protected; /* and what it was promised */
    uint32_t cpu_harm, io_harm;  /* ppm of pressure per whole host of CPU (disk) that lower classes use */
    uint32_t cpu_base, io_base;  /* ppm of pressure it has anyway */
    uint32_t memory_some, memory_full; /* ppm, set by the test */
    bool no_psi;
    int32_t slack_ppm;
    uint64_t slack_reports;

    const struct governor_answer *answer;
    /* What happened, for assertions. */
    uint64_t acts[VERDICT_ACTS], notable, rules[VERDICT_RULES];
    uint64_t acts_of[RESOURCES][VERDICT_ACTS];
    uint64_t last_kill, hold_until[PLANT_LEAVES];
    uint64_t cut_first;   /* when the first limit came */
    uint64_t quiet_since; /* nothing is limited or frozen since; 0: something is */
    bool talks;
    struct text_buf *record; /* NULL, or where the trace goes; the targets are not obeyed then */
    struct trace_writer *writer;
};

void plant_init(struct plant *p, const struct governor_conf *conf); /* NULL: defaults */
void plant_free(struct plant *p);
/* From now on the samples are written as a trace, and nothing that is decided has an effect. */
void plant_record(struct plant *p, struct text_buf *b);
struct plant_leaf *plant_add(struct plant *p, uint32_t class);
void plant_end(struct plant_leaf *l); /* the process is gone */

/* One tick: usage, counters, governor, targets. Checks what must hold always. */
void plant_tick(struct plant *p);
void plant_run(struct plant *p, uint64_t usec);
bool plant_is_open(const struct plant *p);

#endif
