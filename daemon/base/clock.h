/* SPDX-License-Identifier: Apache-2.0 */
/* Time in microseconds. Decisions never read a clock: the time is one of their arguments. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC  UINT64_C(1000000)
#define USEC_PER_MIN  (60 * USEC_PER_SEC)
#define USEC_NEVER    UINT64_MAX

/* CLOCK_MONOTONIC: for intervals and timers. */
uint64_t clock_monotonic_usec(void);

/* CLOCK_BOOTTIME: like monotonic, counts suspend; the base of /proc/PID/stat start times. */
uint64_t clock_boottime_usec(void);

/* CLOCK_REALTIME: for what people read. */
uint64_t clock_realtime_usec(void);

/* a + b without wrapping; USEC_NEVER absorbs. */
uint64_t usec_add(uint64_t a, uint64_t b);

/* a - b, 0 if b is later. */
uint64_t usec_sub(uint64_t a, uint64_t b);

#endif
