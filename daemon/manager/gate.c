/* SPDX-License-Identifier: Apache-2.0 */
/* The token bucket of gate.h. */
#include "manager/gate.h"
#include "base/attr.h"

void gate_init(struct gate *g, uint32_t burst, uint64_t interval_usec, uint64_t now_usec) {
    *g = (struct gate){.burst = MAX(burst, 1U),
                       .interval_usec = interval_usec,
                       .tokens = MAX(burst, 1U),
                       .filled_usec = now_usec};
}

static void refill(struct gate *g, uint64_t now_usec) {
    if (now_usec <= g->filled_usec)
        return;
    uint64_t due = (now_usec - g->filled_usec) / g->interval_usec;
    if (due >= g->burst - g->tokens) {
        g->tokens = g->burst;
        g->filled_usec = now_usec;
    } else {
        g->tokens += (uint32_t)due;
        g->filled_usec += due * g->interval_usec;
    }
}

bool gate_take(struct gate *g, uint32_t keep, uint64_t now_usec) {
    if (g->interval_usec == 0)
        return true;
    refill(g, now_usec);
    if (g->tokens <= keep)
        return false;
    g->tokens--;
    return true;
}

uint64_t gate_next_usec(const struct gate *g, uint32_t keep, uint64_t now_usec) {
    struct gate copy = *g;
    if (g->interval_usec == 0)
        return 0;
    refill(&copy, now_usec);
    if (copy.tokens > keep)
        return 0;
    return copy.filled_usec + (keep + 1 - copy.tokens) * copy.interval_usec;
}
