/* SPDX-License-Identifier: Apache-2.0 */
/* Kills what belongs to a start where there is no cgroup to kill. */
#ifndef LAUNCHER_KILLALL_H
#define LAUNCHER_KILLALL_H

#include <stdint.h>
#include <sys/types.h>

/* SIGKILL for every process of `uid` that is in the session `session` (0: none), or whose environment carries
 * the start id; again until a pass finds none. Returns the number of signals sent (a process that dies slowly
 * gets several), or -EBUSY when new ones kept appearing. */
int killall_start(uint64_t start_id, uint32_t uid, pid_t session);

#endif
