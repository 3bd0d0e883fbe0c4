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

/* For spreading delays only: seeded once, then xorshift64 (G. Marsaglia, "Xorshift RNGs", 2003). */
static uint64_t random_number(void *ctx ATTR_UNUSED) {
    static uint64_t state;
    if (state == 0 && getrandom(&state, sizeof(state), GRND_NONBLOCK) != sizeof(state))
        state = clock_monotonic_usec();
    state |= state == 0;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

void clock_adapter_init(struct clock_port *ret) {
    *ret = (struct clock_port){NULL, monotonic, realtime, random_number};
}
