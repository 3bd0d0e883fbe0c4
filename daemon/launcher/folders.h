/* SPDX-License-Identifier: Apache-2.0 */
/* The folders of the service, made with the owners they must have. */
#ifndef LAUNCHER_FOLDERS_H
#define LAUNCHER_FOLDERS_H

#include "base/paths.h"
#include "base/reason.h"
#include "launcher/users.h"

#include <stdbool.h>

/* Makes what is missing: etc, run and state belong to us; run/notify, registry and log to the daemon's user,
 * when give_away is set. Returns 0 or -errno with words in *reason. */
int folders_make(const struct paths *paths, const struct user *daemon, bool give_away, struct reason *reason);

/* Whether a user may enter every folder on the way to `path` (by mode bits; what is not there yet is fine).
 * ret_obstacle (of that size) gets the first folder that he may not enter. */
bool folders_user_can_enter(const struct user *user, const char *path, char *ret_obstacle, unsigned size);

#endif
