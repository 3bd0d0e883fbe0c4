/* SPDX-License-Identifier: Apache-2.0 */
/* From counters to signals: how much of the last second, of the last ten, was lost or used.
 *
 * The averages that the kernel computes (avg10) come every two seconds and lag behind, so differences of the
 * totals are taken here, over windows of our own. A signal is either right or READING_NONE:
 *  - a counter that is missing at one end of the window makes that window's signal unknown, not 0;
 *  - a counter that goes backwards (a group made anew, an I/O scheduler switched, a disk replaced) is another
 *    counter: windows that reach behind that moment are unknown until they have half their length again;
 *  - a clock that goes backwards, or stands still for longer than SIGNAL_GAP_USEC (a suspend, a daemon that
 *    was stopped), makes the whole past worthless: everything is unknown for a moment;
 *  - ticks need not be regular: a signal is a rate over the time that really passed, and a window is the
 *    nearest there is to its nominal length, from a half of it upwards.
 *
 * The baseline is the pressure a class has even when nobody disturbs it (a program that waits for its own
 * fsyncs): a slow average. Only the governor knows when nobody disturbs, so it says so. */
#ifndef ISOLATE_SIGNAL_H
#define ISOLATE_SIGNAL_H

#include "isolate/reading.h"

#define SIGNAL_SLOTS      64
#define SIGNAL_SPACE_USEC 200000   /* samples nearer to the last one than this are not taken */
#define SIGNAL_GAP_USEC   10000000 /* and after a longer silence the past does not count */
#define PPM               1000000  /* the whole of a share */

/* What has a history, per class. */
enum series {
    SERIES_SOME, /* + enum resource */
    SERIES_FULL = SERIES_SOME + RESOURCES,
    SERIES_OWN = SERIES_FULL + RESOURCES,
    SERIES_CPU = SERIES_OWN + RESOURCES,
    SERIES_REFAULTS,
    SERIES_LOW,
    SERIES_HIGH,
    SERIES_MEMORY, /* a gauge: only its difference is used */
    SERIES_IO,     /* + slot * IO_KINDS + enum io_kind */
    SERIES = SERIES_IO + SAMPLE_DEVICES_MAX * IO_KINDS
};

enum window { WINDOW_1S, WINDOW_5S, WINDOW_10S, WINDOWS };

struct class_history {
    uint64_t value[SERIES][SIGNAL_SLOTS];
    uint64_t last[SERIES];  /* the last known value */
    uint64_t valid[SERIES]; /* number of the first sample of this counter */
    uint64_t most[7];       /* memory: maxima of ten seconds each, the newest not over yet */
    uint64_t baseline[RESOURCES], refault_baseline; /* parts per billion; refaults a second, times 1000 */
    uint64_t slack_at, slack_reports;
    uint32_t slack_in_a_row; /* reports below the hot share */
};

/* Its size is fixed; no allocation, no pointers. Zero-initialise (static or calloc), then signals_reset. */
struct signals {
    uint64_t at[SIGNAL_SLOTS]; /* times of the samples, a ring */
    uint64_t first, n;         /* numbers of the oldest sample that counts and of the next one */
    uint64_t most_at;          /* when the newest ten seconds of `most` began */
    uint32_t n_classes;
    struct device_id devices[SAMPLE_DEVICES_MAX];
    struct class_history classes[CLASS_MAX];
};

void signals_reset(struct signals *s);

enum signals_took { SIGNALS_TAKEN, SIGNALS_TOO_SOON, SIGNALS_STARTED_ANEW };

/* Takes a sample. SIGNALS_TOO_SOON: it came less than SIGNAL_SPACE_USEC after the last and was left out.
 * SIGNALS_STARTED_ANEW: the first, or the clock jumped. */
enum signals_took signals_add(struct signals *s, const struct sample *sample);

/* Time from the sample before to the newest, microseconds; 0 after a new start. */
uint64_t signals_step(const struct signals *s);

/* Difference per second over a window; READING_NONE when unknown. */
uint64_t signal_rate(const struct signals *s, uint32_t class, unsigned series, enum window w);
/* Share of the time that was lost: parts per million, at most PPM. */
uint64_t signal_pressure(const struct signals *s, uint32_t class, enum resource r, bool full, enum window w);
/* The same of `some`, without what the class's apps brought on themselves by their own limits. */
uint64_t signal_contention(const struct signals *s, uint32_t class, enum resource r, enum window w);
/* Thousandths of one CPU. */
uint64_t signal_cpu(const struct signals *s, uint32_t class, enum window w);
/* Of all devices, per second; slots that are unknown are left out, READING_NONE when all are. */
uint64_t signal_io(const struct signals *s, uint32_t class, bool bytes, enum window w);
/* Bytes gained in ten seconds; 0 when it shrank, READING_NONE when unknown. */
uint64_t signal_growth(const struct signals *s, uint32_t class);
/* The most memory in the last minute, bytes; 0 when never known. */
uint64_t signal_memory_most(const struct signals *s, uint32_t class);

/* Lets a baseline of a class follow what it shows now, with the time constant and up to the most given; with
 * RES_MEMORY the refaults' too. */
void signal_learn(struct signals *s, uint32_t class, enum resource r, uint64_t time_usec, uint32_t most_ppm);
uint64_t signal_baseline(const struct signals *s, uint32_t class, enum resource r); /* parts per million */
uint64_t signal_refault_baseline(const struct signals *s, uint32_t class);          /* per second */

/* The class's lag slack: SLACK_NONE when there is none, or none newer than stale_usec. */
int32_t signal_slack(const struct signals *s, const struct sample *sample, uint32_t class,
                     uint64_t stale_usec);
/* Counts reports in a row below hot_ppm; once per sample. */
uint32_t signal_late_reports(struct signals *s, const struct sample *sample, uint32_t class, int32_t hot_ppm);

/* One instance: the rates between its last two readings that were fresh. */
struct leaf_signal {
    uint64_t at, cpu_usec, io_bytes, io_ops, full_usec, high_events; /* the last reading */
    uint64_t cpu_ppm;                                                /* of one CPU */
    uint64_t io_bytes_rate, io_ops_rate;                             /* per second */
    uint64_t full_ppm;
    uint64_t high_rate; /* per second, rounded up: 0 means none */
    uint64_t memory_bytes;
};

void leaf_signal_reset(struct leaf_signal *l); /* everything unknown */
void leaf_signal_add(struct leaf_signal *l, const struct leaf_reading *r, uint64_t now_usec);

#endif
