/* SPDX-License-Identifier: Apache-2.0 */
/* The governor: closes the loop that the static settings (knobs.h) leave open. They protect by themselves
 * against whatever competes for CPU, page cache and, with iocost, for the disk; they do not against growth of
 * anonymous memory, against a journal or a lock that is shared, against caches and memory bandwidth, and not
 * in the first second of a protected app that wakes up beside a busy host. So the governor looks every half
 * second how much the protected class waits, and if lower classes are the cause, takes from them step by
 * step, the lowest class first, and gives back as soon as it can.
 *
 * Which class is what. The rank order alone decides. The class of the highest rank (or the one `protect`
 * names, with all above it) is protected: it is only ever watched. The lowest class goes first and may be
 * limited, frozen and, one instance at a time, stopped. Classes between are only limited, and only when all
 * below them are at their floor.
 *
 * A ladder per resource and class. CPU and I/O:
 *
 *   OPEN     no limit. Hot and to blame -> SQUEEZE at half of what the class uses.
 *   SQUEEZE  each second: hot and to blame, half again, down to a floor that is never 0 (for I/O writes
 *            first, then reads); cool for a while, a step more, until the limit has no effect -> OPEN. The
 *            class does not want the resource any more -> OPEN at once. At the floor and hot for a while
 *            -> FROZEN.
 *   FROZEN   instances of the lowest class are frozen, the biggest user first, twice as many each second
 *            while it stays hot (all when the lag objective is missed), each for a limited hold: 10 s,
 *            doubled in a relapse, never over 20 s for a member of a consumer group. All thawed -> SQUEEZE
 *            at the floor. All frozen and still hot: they are not the cause; thaw, alarm, and no freezing
 *            for a while.
 *   EVICT    an instance that freezing helped against but that was frozen for more than a minute of five
 *            is stopped, and killed when it does not stop.
 *
 * Memory cannot be taken back slowly: below a target of free memory (or when the protected class waits for
 * memory, or loses page cache it should keep) memory is reclaimed from the lowest class that holds more than
 * its floor, and memory.high of the lowest class lowered; three rules kill: an instance stuck at its limit,
 * the protected class hurt, the host almost out of memory. At most one kill in 4 s, never of a protected
 * class, and another's only when the last one is gone or had 8 s to go.
 *
 * Hot is pressure above the class's baseline, less what its apps bring on themselves by their own limits, in
 * two samples or over ten seconds (and still), or a lag objective about to be missed; cool is less than that
 * by a distance, for a time that grows with each relapse. To blame is who used more than 3 % of the resource
 * in the same window: pressure that the protected class makes for itself is an alarm and never an action.
 * Unknown pressure is neither hot nor cool; when it stays unknown, everything is given back step by step. All
 * numbers are in conf/governor.h.
 *
 * How it is used. governor_new once per set of classes; governor_tick with a sample every `interval`, or
 * earlier when a pressure trigger fires. The answer has the complete state that the kernel's files should be
 * in (targets: write what differs from what is there, and reconcile now and then), and what happened in this
 * tick (verdicts: orders to leaves, and everything worth an event). A new governor's targets leave everything
 * open: applying them at the start of a daemon undoes what an earlier one left behind, and a leaf it does not
 * know is to be thawed. Whoever starts a process in a leaf writes cgroup.freeze = 0 first. A verdict that
 * could not be carried out needs no report: the next sample shows it.
 *
 * The same samples, settings and classes give the same answers: no clock, no chance, no allocation after
 * governor_new, no pointers out of it. The simulator runs this code over a recorded trace (trace.h). */
#ifndef ISOLATE_GOVERNOR_H
#define ISOLATE_GOVERNOR_H

#include "conf/governor.h"
#include "isolate/reading.h"
#include "isolate/signal.h"
#include "isolate/verdict.h"

struct governor;

struct governor_class {
    char name[NAME_LEN_MAX + 1];
    bool cpu_idle; /* its group has cpu.idle = 1, or the weight 1: a candidate for the inversion guard */
};

/* What does not change while a governor lives. */
struct governor_setup {
    struct governor_class classes[CLASS_MAX]; /* highest rank first */
    uint32_t n_classes;
    uint32_t
        leaves_max; /* instances it has room for, 1..GOVERNOR_LEAVES_MAX; more are alarmed and left alone */
    /* The class groups have the controller. Without one the ladder has no squeeze and goes on to the freeze,
     * as freezing needs none. */
    bool can_limit[RESOURCES];
};

#define GOVERNOR_LEAVES_MAX 65536

void governor_setup_from(const struct class_table *t,
                         struct governor_setup *ret); /* leaves_max 1024, all limits */

/* Returns 0 and a governor (free with governor_free); -ENOMEM; -ENOENT: conf->protect names no class;
 * -EINVAL: no classes, or leaves_max out of range. */
int governor_new(const struct governor_conf *conf, const struct governor_setup *setup, struct governor **ret);
void governor_free(struct governor *g);

static inline void cleanup_governor(struct governor **g) {
    governor_free(*g);
}

/* New thresholds for a running governor; its state stays. `protect` is not looked at: that needs a new one.
 */
void governor_configure(struct governor *g, const struct governor_conf *conf);

/* What should stand in the class group's files now. */
struct class_target {
    uint64_t cpu_milli; /* cpu.max in thousandths of a CPU, or NO_LIMIT */
    /* io.max by slot of the sample's devices: bytes or operations a second, or NO_LIMIT */
    uint64_t io[SAMPLE_DEVICES_MAX][IO_KINDS];
    uint64_t memory_high; /* bytes, or NO_LIMIT */
    uint32_t lift_weight; /* not 0: cpu.idle = 0 and this weight in place of the class's own */
    bool hold_starts; /* no new instance of this class now (memory is short, or it is frozen or evicted) */
    bool read_leaves; /* read its instances' numbers for every sample, not only each leaf-interval */
    enum ladder_state state[RESOURCES];
};

enum leaf_target { LEAF_RUN, LEAF_FROZEN, LEAF_STOPPING, LEAF_KILLED };

struct governor_answer {
    struct class_target classes[CLASS_MAX]; /* as many as the setup has; protected ones are always open */
    const struct verdict *verdicts;         /* borrowed until the next call */
    uint32_t n_verdicts;
    bool ignored; /* the sample came too soon after the last: nothing was decided, the targets stand */
};

/* Decides. The answer is the governor's, valid until the next call. A sample whose n_classes is not the
 * setup's is ignored. */
const struct governor_answer *governor_tick(struct governor *g, const struct sample *s);

/* Undoes everything (RULE_RELEASE), for an orderly end or when it is switched off. */
const struct governor_answer *governor_release(struct governor *g, uint64_t now_usec);

/* LEAF_RUN for one that is not known: a leaf is to be frozen only if this says so. */
enum leaf_target governor_leaf(const struct governor *g, uint64_t key);

/* What it sees, for `top`, `explain` and the metrics. */
struct governor_view {
    uint64_t pressure_1s, pressure_10s, baseline; /* ppm of the most pressed protected class; READING_NONE */
    int32_t slack_ppm;                            /* SLACK_NONE */
    uint32_t class;                               /* that class */
    bool hot, cool, blind, self;
};
void governor_view(const struct governor *g, enum resource r, struct governor_view *ret);

/* Who stalled the protected classes: each tick's stall (above the baseline) is divided among the instances of
 * lower classes by what they used. Microseconds since the governor or the instance began. */
struct leaf_blame {
    uint64_t stalled_usec[RESOURCES];
    uint64_t frozen_usec; /* how long it was frozen in all */
    uint32_t freezes;
};
bool governor_blame(const struct governor *g, uint64_t key, struct leaf_blame *ret); /* false: not known */

#endif
