/* SPDX-License-Identifier: Apache-2.0 */
/* The service manager watches us, and we pass it on: it is fed only when the daemon has answered. */
#ifndef LAUNCHER_WATCHDOG_H
#define LAUNCHER_WATCHDOG_H

#include <stdint.h>
#include <sys/types.h>

struct launcher;

/* Pure: the interval to ping at, from the texts of WATCHDOG_USEC and WATCHDOG_PID (NULL when unset); 0 means
 * off. */
uint64_t watchdog_interval(const char *usec, const char *pid, pid_t self);

void watchdog_start(struct launcher *l);
void watchdog_pong(struct launcher *l);
void watchdog_tick(struct launcher *l);

#endif
