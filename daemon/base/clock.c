/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the kernel's clocks; nothing else in the tree does. */
#include "base/clock.h"

#include <time.h>

static uint64_t read_clock(clockid_t id) {
    struct timespec ts;
    clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t clock_monotonic_usec(void) {
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t clock_boottime_usec(void) {
    return read_clock(CLOCK_BOOTTIME);
}

uint64_t clock_realtime_usec(void) {
    return read_clock(CLOCK_REALTIME);
}

uint64_t usec_add(uint64_t a, uint64_t b) {
    return a > USEC_NEVER - b ? USEC_NEVER : a + b;
}

uint64_t usec_sub(uint64_t a, uint64_t b) {
    return a > b ? a - b : 0;
}
