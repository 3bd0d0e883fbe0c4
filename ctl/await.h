/* SPDX-License-Identifier: Apache-2.0 */
/* Waits until apps have reached what was asked for, showing how far they are. */
#ifndef CTL_AWAIT_H
#define CTL_AWAIT_H

#include "ctl/ctl.h"
#include "ctl/wait.h"

/* Returns an exit code; what failed has been printed. Ctrl-C ends the waiting, not the operation. Does
 * nothing with --no-wait. */
int await_targets(struct ctl *c, struct wait_target *targets, size_t n);

/* Pauses; true when Ctrl-C was typed. For everything that looks again and again. `signal_fd` from
 * await_catch. */
bool await_pause(int signal_fd, unsigned msec);

/* From now on Ctrl-C is read from the descriptor (owned by the caller). Returns it, or -errno. */
int await_catch(void);

#endif
