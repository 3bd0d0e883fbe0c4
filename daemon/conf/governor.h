/* SPDX-License-Identifier: Apache-2.0 */
/* governor.conf: when the governor (isolate/governor.h) takes something away from lower classes, how much,
 * and when it gives it back. Every key has a default; the file may be missing.
 *
 * Shares are whole numbers of parts per million (15% is 150000), times are microseconds. What each number
 * does stands in etc/governor.conf and streamkeeper.governor.conf(5); the names here are those of the keys.
 */
#ifndef CONF_GOVERNOR_H
#define CONF_GOVERNOR_H

#include "base/reason.h"
#include "base/text.h"

#include <stddef.h>
#include <stdint.h>

enum governor_mode { GOVERNOR_ON, GOVERNOR_DRY_RUN, GOVERNOR_OFF, GOVERNOR_MODES };
enum governor_profile { GOVERNOR_WORK_CONSERVING, GOVERNOR_LATENCY, GOVERNOR_PROFILES };

/* In the order of enum resource of isolate/reading.h. */
enum { GOVERNOR_CPU, GOVERNOR_IO, GOVERNOR_MEMORY, GOVERNOR_RESOURCES };

struct governor_conf {
    /* [governor] */
    enum governor_mode mode;
    enum governor_profile profile;
    char protect[NAME_LEN_MAX + 1]; /* this class and those above it; "": the class of the highest rank */
    uint64_t interval_usec, leaf_interval_usec;

    /* [hot] pressure over the baseline that is too much, of the last second and of the last ten */
    uint32_t hot_1s[GOVERNOR_RESOURCES], hot_10s[GOVERNOR_RESOURCES];
    uint32_t hot_samples; /* in a row */
    /* [cool] pressure over the baseline below which things are given back */
    uint32_t cool[GOVERNOR_RESOURCES];
    uint64_t cool_usec, cool_max_usec; /* for so long; longer after each relapse, up to */
    uint64_t relapse_usec;             /* trouble again within this time is a relapse */
    /* [baseline] the pressure that a class has anyway (io, memory) */
    uint64_t baseline_usec;
    uint32_t baseline_max;
    /* [lag] slack = (target - lag) / target */
    uint32_t lag_hot, lag_cool;
    uint32_t lag_reports;
    uint64_t lag_stale_usec;
    /* [blame] what a lower class must use to be the cause */
    uint32_t blame_share;
    uint64_t blame_io_bytes; /* per second */
    uint32_t blame_memory;   /* growth in ten seconds, of the host's memory */

    /* [squeeze] */
    uint64_t squeeze_step_usec;
    uint32_t squeeze_cut;
    uint32_t squeeze_ease[GOVERNOR_RESOURCES];  /* per step: of the CPUs; of the device's best rate */
    uint32_t squeeze_floor[GOVERNOR_RESOURCES]; /* of the same; [memory] high-floor for memory */
    uint32_t squeeze_floor_middle;              /* of classes that are not the lowest */
    uint64_t squeeze_middle_usec;
    uint64_t squeeze_open_usec;
    uint32_t squeeze_deadband;
    /* [freeze] */
    uint64_t freeze_after_usec, freeze_step_usec, freeze_hold_usec;
    uint64_t freeze_hold_max_usec, freeze_hold_max_member_usec;
    /* [evict] */
    uint64_t evict_frozen_usec, evict_window_usec, evict_stop_usec, evict_pause_usec;

    /* [memory] shares of the host's memory */
    uint32_t memory_free, memory_give_back, memory_reclaim_max, memory_ease;
    /* [kill] */
    uint64_t kill_interval_usec;
    uint32_t kill_stuck_pressure;
    uint64_t kill_stuck_usec, kill_stuck_freeze_usec;
    uint32_t kill_low_events; /* per second */
    uint32_t kill_refaults;   /* per second */
    uint32_t kill_refault_factor;
    uint64_t kill_refault_usec;
    uint32_t kill_full, kill_shrunk, kill_available, kill_swap, kill_least;

    /* [inversion] */
    uint32_t inversion_pressure, inversion_cpu;
    uint64_t inversion_usec, inversion_lift_usec, inversion_pause_usec;
    uint32_t inversion_weight;
    /* [latency] */
    uint32_t latency_headroom;
};

/* Every key with its default. Aborts only when out of memory. */
void governor_conf_default(struct governor_conf *ret);

/* Reads governor.conf below the etc folder. Returns 0 or -errno with a reason; ret untouched on failure. */
int governor_conf_load(const char *etc, struct governor_conf *ret, struct reason *why);
int governor_conf_parse(const char *file, const char *text, size_t len, struct governor_conf *ret,
                        struct reason *why);
/* Canonical text (owned by the caller). Returns 0 or -ENOMEM. */
int governor_conf_print(const struct governor_conf *c, char **ret_text);

#endif
