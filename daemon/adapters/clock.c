/* SPDX-License-Identifier: Apache-2.0 */
/* The clock port on the kernel's clocks. */
#include "base/clock.h"
#include "adapters/adapters.h"
#include "base/attr.h"

#include <sys/random.h>

static uint64_t monotonic(void *ctx ATTR_UNUSED) {
    return clock_monotonic_usec();
}

static uint64_t realtime(void *ctx ATTR_UNUSED) {
    return clock_realtime_usec();
}

static uint64_t random_number(void *ctx ATTR_UNUSED) {
    uint64_t v;
    return getrandom(&v, sizeof(v), GRND_NONBLOCK) == sizeof(v)
               ? v
               : clock_monotonic_usec() * UINT64_C(0x9E3779B97F4A7C15);
}

void clock_adapter_init(struct clock_port *ret) {
    *ret = (struct clock_port){NULL, monotonic, realtime, random_number};
}
