/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper: one process that only waits, in a group of its own below the unit's, so that the service
 * manager does not remove the unit's tree when the last app has gone. */
#ifndef CGSETUP_KEEPER_H
#define CGSETUP_KEEPER_H

#include "base/reason.h"

/* File below the run folder that says which group the apps' unit has (a path below the cgroup mount). */
#define KEEPER_GROUP_FILE "apps-cgroup"

/* Leaves a keeper in <own group>/keeper and notes the own group in <run>/apps-cgroup. Returns 0 in the
 * program, or -errno with words; does not return in the keeper. */
int keeper_start(const char *run_folder, struct reason *reason);

#endif
