/* SPDX-License-Identifier: Apache-2.0 */
/* Timers of an event loop that follow a clock set by hand. A program that links this with the linker's --wrap
 * for sd_event_add_time, sd_event_source_set_time and sd_event_source_disable_unref has no timer that the
 * kernel's clock can fire: they fire when timers_advance reaches them. Until timers_begin they are real. */
#ifndef FAKE_TIMERS_H
#define FAKE_TIMERS_H

#include <stdint.h>

/* From now on timers belong to the fake clock, which stands at now_usec. */
void timers_begin(uint64_t now_usec);
/* Moves the clock; what is due fires in the loop's next turns. */
void timers_advance(uint64_t now_usec);
/* Real timers again. */
void timers_end(void);

#endif
