/* SPDX-License-Identifier: Apache-2.0 */
/* How much a hog got done: counted in its own unit, reported once a second. */
#ifndef TESTS_APPS_METER_H
#define TESTS_APPS_METER_H

#include <stdbool.h>
#include <stdint.h>

/* Shared between the processes and threads of one hog. */
struct meter {
    _Atomic uint64_t done;
    _Atomic uint64_t refused; /* attempts that the kernel turned down */
    const char *unit;
    const char *rate_file; /* NULL: none */
    bool print;            /* report to stdout, too */
    uint64_t start_usec, deadline_usec, report_usec;
    uint64_t reported;
};

/* Makes the meter, in memory that forked children share. deadline_usec: 0 for no end. Never NULL: ends the
 * process with a message if there is no memory. */
struct meter *meter_new(const char *unit, double seconds, const char *rate_file, bool print);

/* Counts work and, in the process that reports, tells the rate when a second is over. Returns false when the
 * time is up. */
bool meter_tick(struct meter *meter, uint64_t done);

/* Waits until the next report is due or the time is up, and reports. Returns false when the time is up. */
bool meter_wait(struct meter *meter);

/* True when the time is up; does not report. */
bool meter_over(const struct meter *meter);

#endif
