/* SPDX-License-Identifier: Apache-2.0 */
/* Spreads automatic starts over time, so that after a boot or an outage not every consumer group of the host
 * rebalances at once: a token bucket. Pure: the time is an argument. */
#ifndef MANAGER_GATE_H
#define MANAGER_GATE_H

#include <stdbool.h>
#include <stdint.h>

struct gate {
    uint32_t burst;         /* tokens at most; 0 with interval 0: no limit */
    uint64_t interval_usec; /* one token each */
    uint32_t tokens;
    uint64_t filled_usec; /* when tokens were last counted */
};

void gate_init(struct gate *g, uint32_t burst, uint64_t interval_usec, uint64_t now_usec);

/* Takes a token if there are more than `keep`. */
bool gate_take(struct gate *g, uint32_t keep, uint64_t now_usec);

/* When there will be more than `keep` tokens (which must be fewer than the burst); 0 if there are now. */
uint64_t gate_next_usec(const struct gate *g, uint32_t keep, uint64_t now_usec);

#endif
